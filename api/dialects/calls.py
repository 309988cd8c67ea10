"""The last calls of each dialect, for its page: who, which operation, what came of it, when and from where.

Kept in the broker, the newest `KEPT` of each: a call costs one short round trip and no row. What a call changed is in
the audit trail; this is for whoever sets up a script and wants to see what it does. Never holds arguments or bodies.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import redis

from config.kit.heartbeat import broker

log = logging.getLogger("postkeep.dialects")

KEPT = 300
SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class LastCall:
    """`at` is epoch seconds; took_ms without the way over the network."""

    at: float
    actor: str
    operation: str
    result: str
    is_good: bool
    client: str
    took_ms: int


def note(name: str, *, actor: str, operation: str, result: str, is_good: bool, client: str, began: float) -> None:
    """Keep one call; `began` is of the monotonic clock. Never raises: without a broker nothing is kept."""
    keep(name, [made(actor=actor, operation=operation, result=result, is_good=is_good, client=client, began=began)])


def made(*, actor: str, operation: str, result: str, is_good: bool, client: str, began: float) -> LastCall:
    """One call that ended now, for doors that keep many at once."""
    took_ms = round((time.monotonic() - began) * 1000)
    return LastCall(time.time(), _short(actor), _short(operation), _short(result), is_good, client[:45], took_ms)


def keep(name: str, calls: Sequence[LastCall]) -> None:
    """Keep calls, the oldest first, in one round trip. Never raises."""
    try:
        pipeline = broker().pipeline(transaction=False)
        pipeline.lpush(_key(name), *(json.dumps(asdict(each)) for each in calls[-KEPT:]))
        pipeline.ltrim(_key(name), 0, KEPT - 1)
        pipeline.execute()
    except redis.RedisError as error:
        log.warning("A call isn't kept: %s", error)


def last(name: str, most: int = KEPT) -> list[LastCall]:
    """The newest first; nothing where the broker doesn't answer."""
    try:
        found = cast("list[bytes]", broker().lrange(_key(name), 0, most - 1))
    except redis.RedisError:
        return []
    return [LastCall(**json.loads(each)) for each in found]


def _key(name: str) -> str:
    return f"postkeep:dialect:calls:{name}"


def _short(text: str) -> str:
    """One line for people: what strangers sent is in it."""
    plain = "".join(sign if sign.isprintable() else "·" for sign in text[: SHOWN_CHARACTERS + 1])
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[: SHOWN_CHARACTERS - 1]}…"
