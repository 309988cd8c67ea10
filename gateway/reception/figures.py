"""What the gateway's processes count for programs that watch: open connections, messages by answer, bytes taken.

Each process counts by itself and tells the broker with its sign of life; a broker that was emptied begins at nothing.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import cast

import redis

from config.kit import heartbeat
from gateway.flow import Answer

_COUNTS, _OPEN = "postkeep:gateway:counts", "postkeep:gateway:open"
ANSWERS = ("accepted", "deferred", "refused")


_verdicts: Counter[str] = Counter()  # of this process, not told yet
_guard = threading.Lock()
_VERDICTS = "postkeep:gateway:verdicts"


def note_verdicts(categories: Iterable[str]) -> None:
    """Messages were filed for recipients with these verdicts."""
    with _guard:
        _verdicts.update(categories)


def verdicts() -> Mapping[str, int]:
    """Recipients of messages by verdict, as far as the gateway's processes told."""
    found = cast("dict[bytes, bytes]", heartbeat.broker().hgetall(_VERDICTS))
    return {name.decode(): int(value) for name, value in found.items()}


def tell_verdicts() -> None:
    """Add what was counted since the last time. Never raises."""
    with _guard:
        told = dict(_verdicts)
        _verdicts.clear()
    try:
        pipeline = heartbeat.broker().pipeline(transaction=False)
        for name, count in told.items():
            pipeline.hincrby(_VERDICTS, name, count)
        pipeline.execute()
    except redis.RedisError:
        with _guard:
            _verdicts.update(told)


class Figures:
    """Of one process."""

    def __init__(self) -> None:
        self.connections = 0
        self._waiting = dict.fromkeys((*ANSWERS, "bytes"), 0)
        self._name = f"{_OPEN}:{socket.gethostname()}:{os.getpid()}"

    def taken(self, answer: Answer, size_bytes: int) -> None:
        """A message came to its end with this answer."""
        self._waiting[ANSWERS[0] if answer.is_ok else ANSWERS[1] if answer.code < 500 else ANSWERS[2]] += 1
        if answer.is_ok:
            self._waiting["bytes"] += size_bytes

    def tell(self) -> None:
        """Add what was counted since the last time. Never raises: what can't be told now is told later."""
        tell_verdicts()
        told = {name: count for name, count in self._waiting.items() if count}
        try:
            pipeline = heartbeat.broker().pipeline(transaction=False)
            for name, count in told.items():
                pipeline.hincrby(_COUNTS, name, count)
            pipeline.set(self._name, self.connections, ex=int(heartbeat.ALIVE_S) + 1)
            pipeline.execute()
        except redis.RedisError:
            return
        for name, count in told.items():
            self._waiting[name] -= count


def connections() -> int:
    """Of all processes that were at work lately."""
    broker = heartbeat.broker()
    keys = list(broker.scan_iter(f"{_OPEN}:*", count=1000))
    values = cast("list[bytes | None]", broker.mget(keys)) if keys else []
    return sum(int(value) for value in values if value is not None)


def messages() -> Mapping[str, int]:
    """By answer."""
    found = _counts()
    return {name: found.get(name, 0) for name in ANSWERS}


def received() -> int:
    """Bytes of messages taken."""
    return _counts().get("bytes", 0)


def _counts() -> dict[str, int]:
    found = cast("dict[bytes, bytes]", heartbeat.broker().hgetall(_COUNTS))
    return {name.decode(): int(value) for name, value in found.items()}
