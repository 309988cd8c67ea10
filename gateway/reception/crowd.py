"""How many connections an address has at once, counted over all processes and nodes.

Each process counts its own exactly, and tells the broker with its sign of life about the addresses that have several;
so what others count is a second or two old, and a connection costs no question. A broker that doesn't answer, or has
been emptied, leaves each process with its own count. Not for throttles, which count messages.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import redis

from config.kit import heartbeat

SEVERAL = 5  # connections from which on others hear of an address
MOST_TOLD = 1_000
_BUSY = "postkeep:gateway:busy"


class Crowd:
    """Of one process. All but `exchange` runs in its event loop."""

    def __init__(self, name: str = "") -> None:
        self._here: Counter[str] = Counter()
        self._elsewhere: Mapping[str, int] = {}
        self._name = f"{_BUSY}:{name or f'{socket.gethostname()}:{os.getpid()}'}"

    def count(self, address: str) -> int:
        """Its connections that are open now."""
        return self._here[address] + self._elsewhere.get(address, 0)

    def come(self, address: str) -> None:
        self._here[address] += 1

    def gone(self, address: str) -> None:
        self._here[address] -= 1
        if self._here[address] <= 0:
            del self._here[address]

    def busy(self) -> dict[str, int]:
        """What others are to hear of."""
        return {address: count for address, count in self._here.most_common(MOST_TOLD) if count >= SEVERAL}

    def exchange(self, busy: Mapping[str, int]) -> None:
        """Tell the others and hear from them. Blocks; never raises: then each counts by itself."""
        try:
            self._elsewhere = self._exchanged(busy)
        except redis.RedisError:
            self._elsewhere = {}

    def _exchanged(self, busy: Mapping[str, int]) -> Mapping[str, int]:
        broker = heartbeat.broker()
        pipeline = broker.pipeline()
        pipeline.delete(self._name)
        told: dict[Any, Any] = dict(busy)
        if told:
            pipeline.hset(self._name, mapping=told)
            pipeline.expire(self._name, int(heartbeat.ALIVE_S) + 1)
        pipeline.execute()
        found: Counter[str] = Counter()
        for key in broker.scan_iter(f"{_BUSY}:*", count=1000):
            if key.decode() != self._name:
                heard = cast("dict[bytes, bytes]", broker.hgetall(key))
                found.update({address.decode(): int(count) for address, count in heard.items()})
        return found
