"""Counting what happens to accounts and domains, cheaply: in the broker first, written down by the clock.

    counters.count(user=5, domain=2, messages_received=1, bytes_received=4_321)

Counting is one round trip and never raises: a message or a sign-in doesn't fail because a figure can't be kept. What
is counted waits in one hash; `take` moves it aside as a numbered batch, and whoever writes batches down remembers their
ids, so that a crash between writing and `done` counts nothing twice. With the broker lost, at most what was counted
since the last batch is lost with it.

Not for what must be exact to the last unit under every failure (quotas, the audit trail).
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import redis

from config.kit import heartbeat

logger = logging.getLogger("postkeep.counters")

NAMES = ("messages_received", "bytes_received", "messages_sent", "bytes_sent", "logins")
_WAITING, _BATCH = "postkeep:counted", "postkeep:counted:batch:"
Key = tuple[str, int]  # level and id of a scope
Counts = dict[Key, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was counted up to a moment, to be written down once."""

    id: str
    counts: Counts


def count(*, user: int | None = None, domain: int | None = None, **amounts: int) -> None:
    """Add to the counters of an account, of its domain, and of the server. Raises: ValueError for no such counter."""
    if unknown := set(amounts) - set(NAMES):
        raise ValueError(f"no counters: {', '.join(sorted(unknown))}")
    scopes = [(level, key) for level, key in (("user", user), ("domain", domain), ("server", 0)) if key is not None]
    try:
        pipeline = heartbeat.broker().pipeline(transaction=False)
        for level, key in scopes:
            for name, amount in amounts.items():
                if amount:
                    pipeline.hincrby(_WAITING, f"{level}:{key}:{name}", amount)
        pipeline.execute()
    except redis.RedisError as error:
        logger.warning("something was not counted: %s", error)


def waiting(level: str, object_id: int) -> dict[str, int]:
    """What was counted for one scope and isn't written down yet; nothing where the broker doesn't answer."""
    fields = [f"{level}:{object_id}:{name}" for name in NAMES]
    totals = dict.fromkeys(NAMES, 0)
    try:
        client = heartbeat.broker()
        for key in (_WAITING, *_batch_keys()):
            for name, value in zip(NAMES, cast("list[bytes | None]", client.hmget(key, fields)), strict=True):
                totals[name] += int(value or 0)
    except redis.RedisError as error:
        logger.warning("what was counted lately isn't known: %s", error)
    return totals


def take() -> list[Batch]:
    """Move what waits aside and give every batch that isn't done, also those of a clock that died over them.

    Raises: redis.RedisError.
    """
    client = heartbeat.broker()
    if client.exists(_WAITING):
        with contextlib.suppress(redis.ResponseError):  # another clock was quicker
            client.rename(_WAITING, f"{_BATCH}{uuid.uuid4().hex}")
    return [Batch(key.removeprefix(_BATCH), _counts_of(client, key)) for key in _batch_keys()]


def done(batch: Batch) -> None:
    """It is written down. Raises: redis.RedisError; then it comes again, and its id tells that it was."""
    heartbeat.broker().delete(f"{_BATCH}{batch.id}")


def _batch_keys() -> list[str]:
    found = heartbeat.broker().scan_iter(match=f"{_BATCH}*", count=1_000)
    return sorted(key.decode() for key in found)


def _counts_of(client: redis.Redis, key: str) -> Counts:
    counts: Counts = {}
    for field, value in cast("Mapping[bytes, bytes]", client.hgetall(key)).items():
        level, object_id, name = field.decode().split(":")
        counts.setdefault((level, int(object_id)), {})[name] = int(value)
    return counts
