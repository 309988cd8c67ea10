"""How many connections an address has at once, counted over all processes and nodes.

Each process counts its own exactly, and tells the broker with its sign of life about the addresses that have several;
so what others count is a second or two old, and a connection costs no question. A broker that doesn't answer, or has
been emptied, leaves each process with its own count. Not for throttles, which count messages.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import redis

from config.kit import heartbeat

SEVERAL = 5  # connections from which on others hear of an address
MOST_TOLD = 1_000
_BUSY = "postkeep:gateway:busy"  # names of the processes that tell of some, by when they did last


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
        pipeline, now = heartbeat.broker().pipeline(), time.time()
        pipeline.delete(self._name)
        told: dict[Any, Any] = dict(busy)
        if told:
            pipeline.hset(self._name, mapping=told)
            pipeline.expire(self._name, int(heartbeat.ALIVE_S) + 1)
            pipeline.zadd(_BUSY, {self._name: now})
        else:
            pipeline.zrem(_BUSY, self._name)
        # long after what they told has expired: clocks differ
        pipeline.zremrangebyscore(_BUSY, 0, now - 10 * heartbeat.ALIVE_S)
        pipeline.zrange(_BUSY, 0, -1)
        names = cast("list[bytes]", pipeline.execute()[-1])
        return self._heard([name for name in names if name.decode() != self._name])

    def _heard(self, names: Sequence[bytes]) -> Mapping[str, int]:
        """What these processes told."""
        found: Counter[str] = Counter()
        pipeline = heartbeat.broker().pipeline(transaction=False)
        for name in names:
            pipeline.hgetall(name)
        for heard in cast("list[dict[bytes, bytes]]", pipeline.execute()):
            found.update({address.decode(): int(count) for address, count in heard.items()})
        return found
