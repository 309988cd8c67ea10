"""One destination as delivery sees it: what waits for it, its connections, and whether it can be reached at all."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from gateway.delivery.client import Client
from gateway.delivery.routing import Hop
from gateway.delivery.trying import Work

IDLE_S = 4.0
MOST_PER_CONNECTION = 200
HOPS_KEPT_S = 60.0
REMEMBERED_S = 60.0
FIRST_CONNECTIONS = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 600.0


@dataclass(slots=True)
class Lane:
    """Times are of the monotonic clock. `key` changes when the relay does: then old connections aren't used again."""

    destination: str
    waiting: deque[Work] = field(default_factory=deque)
    active: int = 0
    items: int = 0  # in our hand for this destination
    idle: list[Client] = field(default_factory=list)
    key: object = None
    hops: list[Hop] = field(default_factory=list)
    hops_at: float = 0.0
    is_known: bool = False  # somebody was spoken to there since it was last out of reach
    failures: int = 0
    down_until: float = 0.0

    @property
    def is_down(self) -> bool:
        return self.down_until > time.monotonic()

    @property
    def is_unused(self) -> bool:
        was_down = self.down_until > time.monotonic() - REMEMBERED_S
        return not (self.waiting or self.active or self.items or self.idle or was_down)

    def limit(self, most: int) -> int:
        """How many connections at once: few until it is known that somebody is there, so that many places which
        answer nobody don't take all there are."""
        return most if self.is_known else min(most, FIRST_CONNECTIONS)

    def turn_to(self, key: object) -> None:
        """Work for this version of the relay comes: forget what belongs to another."""
        if key != self.key:
            self.key, self.hops = key, []
            self.close_idle()

    def known_hops(self) -> list[Hop]:
        return self.hops if time.monotonic() - self.hops_at < HOPS_KEPT_S else []

    def keep_hops(self, hops: list[Hop]) -> None:
        self.hops, self.hops_at = hops, time.monotonic()

    def take_idle(self) -> Client | None:
        """A connection that can be used again."""
        while self.idle:
            client = self.idle.pop()
            if client.is_alive:
                return client
            client.abort()
        return None

    def put_idle(self, client: Client, key: object) -> bool:
        """Keep it for the next message; False where it is better closed."""
        if not client.is_alive or client.taken >= MOST_PER_CONNECTION or key != self.key:
            return False
        client.idle_since = time.monotonic()
        self.idle.append(client)
        return True

    def too_long_idle(self) -> list[Client]:
        """Connections to be closed now, taken out."""
        late = time.monotonic() - IDLE_S
        found = [client for client in self.idle if client.idle_since < late or not client.is_alive]
        self.idle = [client for client in self.idle if client not in found]
        return found

    def close_idle(self) -> None:
        for client in self.idle:
            client.abort()
        self.idle = []

    def note_reached(self) -> None:
        self.is_known, self.failures, self.down_until = True, 0, 0.0

    def note_unreached(self) -> None:
        """Nobody there: leave it alone for a while, longer each time."""
        self.is_known = False
        self.failures += 1
        self.down_until = time.monotonic() + min(FIRST_PAUSE_S * 2.0 ** min(self.failures - 1, 20), LONGEST_PAUSE_S)
