"""Counting what comes and goes against throttles: in the broker, so that all processes and nodes count together.

A mailbox that has a throttle of its own counts by itself. All others of a domain count together, against the domain's
throttle or the server's, which is what a domain has that sets none. A period begins with the first message in it. Every
recipient counts. When the broker doesn't answer, or has been emptied, nothing is held up.

The first message of a period gets in whatever it counts, and uses the period up: one to more recipients than a throttle
allows could otherwise never get in, however often it is sent again. A throttle of nothing lets nothing in.

Not for how many connections an address may have (`host`), nor for setting throttles (`domains.services.throttles`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis

from config.kit import heartbeat
from domains.models import Throttle
from gateway.directory import Remembered
from gateway.flow import Answer, Sending
from gateway.resolving import Sender, resolve

logger = logging.getLogger("postkeep.gateway")

INBOUND, OUTBOUND = Throttle.Direction.INBOUND.value, Throttle.Direction.OUTBOUND.value
_SCRIPT = """
local add = ARGV[1] == '1'
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 5
  local most, most_bytes = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local had = tonumber(redis.call('HGET', key, 'm') or '0')
  local messages = had + tonumber(ARGV[at + 3])
  local bytes = tonumber(redis.call('HGET', key, 'b') or '0') + tonumber(ARGV[at + 4])
  local over = (most >= 0 and messages > most) or (most_bytes >= 0 and bytes > most_bytes)
  if over and (had > 0 or most == 0 or most_bytes == 0) then return i end
end
if add then
  for i, key in ipairs(KEYS) do
    local at = 2 + (i - 1) * 5
    redis.call('HINCRBY', key, 'm', ARGV[at + 3])
    redis.call('HINCRBY', key, 'b', ARGV[at + 4])
    if redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, ARGV[at]) end
  end
end
return 0
"""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    for j, name in ipairs({'m', 'b'}) do
      local left = tonumber(redis.call('HGET', key, name) or '0') - tonumber(ARGV[(i - 1) * 2 + j])
      redis.call('HSET', key, name, string.format('%.0f', math.max(left, 0)))
    end
  end
end
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """A throttle as it counts."""

    period_s: int
    max_messages: int | None
    max_bytes: int | None
    max_message_bytes: int | None


@dataclass(frozen=True, slots=True)
class Count:
    """One counter, and what would be added to it."""

    key: str
    limit: Limit
    messages: int
    size_bytes: int


_Key = tuple[str, str, int]
_limits: Remembered[str, dict[_Key, Limit]] = Remembered(1)


def limits() -> dict[_Key, Limit]:
    """All throttles: (direction, level, id) -> limit."""
    return _limits.ask("", _read)


def are_none_known() -> bool:
    """Whether it is remembered that there is no throttle at all: then there is nothing to count."""
    return _limits.get("") == {}


def _read() -> dict[_Key, Limit]:
    found: dict[_Key, Limit] = {}
    for row in Throttle.objects.all():
        level, number = ("user", row.mailbox_id) if row.mailbox_id else ("domain", row.domain_id)
        key = (row.direction, level, number) if number else (row.direction, "server", 0)
        found[key] = Limit(row.period_s, row.max_messages, row.max_bytes, row.max_message_bytes)
    return found


def effective(direction: str, mailbox_id: int | None, domain_id: int | None) -> tuple[str, Limit] | None:
    """The throttle that counts (the mailbox's, the domain's, the server's), and the counter it counts with."""
    known = limits()
    own = known.get((direction, "user", mailbox_id or 0))
    if own is not None:
        return f"postkeep:throttle:{direction}:m{mailbox_id}", own
    keys = ((direction, "domain", domain_id or 0), (direction, "server", 0))
    limit = next((known[key] for key in keys if key in known), None)
    return None if limit is None else (f"postkeep:throttle:{direction}:d{domain_id}", limit)


def counts_of(recipients: Iterable[str], sending: Sending, sender: Sender | None, size_bytes: int) -> list[Count]:
    """What a message of this size counts against: its sender (if it is ours) and its recipients."""
    found: dict[str, Count] = {}
    asked = list(recipients)
    if sender is not None:
        counting = effective(OUTBOUND, sender.mailbox_id, sender.domain_id)
        if counting is not None:
            _add(found, *counting, len(asked), size_bytes)
    boxes: set[int | str] = set()
    for address in asked:
        for route in resolve(address, sending.address).routes:
            whose = route.mailbox_id or (route.address if route.unknown else None)
            if whose is None or whose in boxes:
                continue
            boxes.add(whose)  # gets one message, by however many of the addresses
            counting = effective(INBOUND, route.mailbox_id, route.domain_id)
            if counting is not None:
                _add(found, *counting, 1, size_bytes)
    return list(found.values())


def _add(found: dict[str, Count], key: str, limit: Limit, recipients: int, size_bytes: int) -> None:
    before = found.get(key, Count(key, limit, 0, 0))
    found[key] = Count(key, limit, before.messages + recipients, before.size_bytes + size_bytes * recipients)


def ask(counts: Sequence[Count], *, add: bool) -> tuple[Answer | None, list[Count]]:
    """What to answer where a throttle has been reached (None: go on), and what was added to the counters.

    `add` counts it, all or nothing.
    """
    for count in counts:
        most, each = count.limit.max_message_bytes, count.size_bytes // max(1, count.messages)
        if most is not None and each > most:
            return Answer(552, "5.3.4", f"At most {most} bytes in a message here"), []
    counting = [each for each in counts if each.limit.max_messages is not None or each.limit.max_bytes is not None]
    if not counting:
        return None, []
    arguments: list[Any] = [int(add)]
    for count in counting:
        arguments += [count.limit.period_s, _most(count.limit.max_messages), _most(count.limit.max_bytes)]
        arguments += [count.messages, count.size_bytes]
    try:
        reached = int(_script(_SCRIPT)(keys=[count.key for count in counting], args=arguments))
    except redis.RedisError as error:
        logger.warning("throttles don't count: the broker doesn't answer (%s)", error)
        return None, []
    if not reached:
        return None, counting if add else []
    if ":outbound:" in counting[reached - 1].key:
        return Answer(452, "4.7.0", "You have sent as much as you may for now; try again later"), []
    return Answer(452, "4.2.2", "This address has got as much as it may for now; try again later"), []


def give_back(added: Sequence[Count]) -> None:
    """Take back what `ask` added: the message was not taken after all, and will come again.

    Never below nothing: the period in which it was counted may be over, and another one have begun.
    """
    arguments = [number for count in added for number in (count.messages, count.size_bytes)]
    try:
        _script(_GIVE_BACK)(keys=[count.key for count in added], args=arguments)
    except redis.RedisError as error:
        logger.warning("throttles don't count: the broker doesn't answer (%s)", error)


def _most(limit: int | None) -> int:
    return -1 if limit is None else limit


@cache
def _script(text: str) -> Any:
    return heartbeat.broker().register_script(text)
