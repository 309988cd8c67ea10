"""Proof of life of the processes that answer no request: worker, beat, indexer, delivery, gateway.

Each writes the time into the broker from the very loop that does its work, so a loop that hangs is seen. On the same
machine a process that ended is seen at once, elsewhere after `ALIVE_S`. Not for tasks: their heartbeat is in their row.
"""

from __future__ import annotations

import functools
import os
import socket
import time
from pathlib import Path
from typing import cast

import redis
from django.conf import settings

from config.kit import logbook

EVERY_S = 2.0
ALIVE_S = 9.0


@functools.cache
def broker() -> redis.Redis:
    """The broker as a plain client; safe for threads and after a fork."""
    url = settings.CACHES["default"]["LOCATION"]
    return redis.Redis.from_url(url, socket_timeout=3.0, socket_connect_timeout=3.0)


def beat(part: str) -> None:
    """Say that this process's part ("worker", "beat", "indexer", …) is at work now. Never raises: silence is a sign."""
    logbook.follow()
    try:
        pipeline = broker().pipeline(transaction=False)
        pipeline.zadd(_key(part), {f"{here()}|{os.getpid()}": time.time()})
        pipeline.zremrangebyscore(_key(part), 0, time.time() - 10 * ALIVE_S)
        pipeline.execute()
    except redis.RedisError:
        return


def last_seen(part: str) -> float | None:
    """Seconds since a process of this part that still exists was at work; None when none was lately.

    Raises: redis.RedisError when the broker doesn't answer.
    """
    now = time.time()
    found = broker().zrevrangebyscore(_key(part), "+inf", now - ALIVE_S, withscores=True)
    seen = cast("list[tuple[bytes, float]]", found)
    ages = [max(0.0, now - score) for member, score in seen if _may_live(member.decode())]
    return min(ages, default=None)


def _key(part: str) -> str:
    return f"postkeep:alive:{part}"


@functools.cache
def here() -> str:
    """Where process numbers mean the same: this host, this boot, this process namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    return ":".join(
        [socket.gethostname(), boot.read_text().strip() if boot.exists() else "", str(namespace.stat().st_ino)]
    )


def _may_live(member: str) -> bool:
    place, _, pid = member.rpartition("|")
    return place != here() or Path(f"/proc/{pid}").exists()
