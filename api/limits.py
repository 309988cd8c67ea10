"""How often a program may ask, counted in Valkey: requests per token and minute, and different wrong tokens per
network.

A broken program that repeats one wrong token isn't guessing; somebody who tries many is, and is then refused unseen
until the minute ends. When Valkey doesn't answer nobody is held up: the service goes on, and the health page says so.
Not for guessing at passwords (`accounts.throttle`, which must forget nothing).
"""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from dataclasses import dataclass
from typing import cast

import redis
from django.conf import settings
from redis.commands.core import Script

from accounts import throttle
from config.kit.heartbeat import broker

log = logging.getLogger("postkeep.api")

WINDOW_S = 60
GUESSES = 30  # different wrong tokens from one network in a minute

# One round trip: is the network guessing? else count the request. Answers -1, or the requests of this window so far.
_COUNT = """
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[1]) then return -1 end
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What is known before a token is looked up. `wait_s` is until the window ends."""

    requests: int
    is_guessing: bool
    wait_s: int

    @property
    def is_over(self) -> bool:
        return self.requests > settings.API_REQUESTS_PER_MINUTE


def count_request(token: str, address: str) -> Count:
    """Count one request that shows this token, unless its network is guessing."""
    window, wait_s = _window()
    keys = [f"postkeep:api:rate:{_short(token)}:{window}", f"postkeep:api:wrong:{_network(address)}:{window}"]
    try:
        counted = cast(int, _counting()(keys, [GUESSES, 2 * WINDOW_S], broker()))
    except redis.RedisError as error:
        log.warning("Requests aren't counted: %s", error)
        counted = 0
    return Count(max(counted, 0), counted < 0, wait_s)


def note_wrong(token: str, address: str) -> None:
    """Remember a token that opened nothing, for this network and minute."""
    window, _wait_s = _window()
    key = f"postkeep:api:wrong:{_network(address)}:{window}"
    try:
        pipeline = broker().pipeline(transaction=False)
        pipeline.sadd(key, _short(token))
        pipeline.expire(key, 2 * WINDOW_S)
        pipeline.execute()
    except redis.RedisError as error:
        log.warning("A wrong token isn't counted: %s", error)


@functools.cache
def _counting() -> Script:
    """The script, sent by its hash; whole where the server doesn't know it yet."""
    return broker().register_script(_COUNT)


def _window() -> tuple[int, int]:
    now = time.time()
    return int(now // WINDOW_S), WINDOW_S - int(now % WINDOW_S)


def _short(token: str) -> str:
    """Enough to tell tokens apart, and no use to whoever reads the broker."""
    return hashlib.sha256(token.encode()).hexdigest()[:20]


def _network(address: str) -> str:
    """As guesses at passwords count: an IPv4 address, or the /64 that one IPv6 customer has at least."""
    return throttle.network_of(address)
