"""Networks that are shut out at every door, and those that never are. Reading, for the doors; cheap enough for each
request.

Each process keeps what is blocked and reads it anew when a mark in the broker says that somebody changed it, or once a
minute. This machine itself and the networks of the option SAFE_NETWORKS are never blocked, so that nobody locks
themselves out for good. A database that doesn't answer shuts nobody out. Not for the IP lists of incoming mail
(`gateway`).
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import cast

import redis
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import options
from accounts.errors import NetworkBlocked
from accounts.models import SignInBlock
from config.kit.heartbeat import broker

KEPT_S = 60.0
ASKED_EVERY_S = 1.0
_MARK = "postkeep:sign-in-blocks"
SAFE = "SAFE_NETWORKS"
AUTOMATIC = "system"  # who made a block, where guesses alone did
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Block:
    """until: seconds since 1970, 0 for ever. is_automatic: made by guesses alone, so anybody in the network brings it
    about for all; it lets browsers through that have signed in before.
    """

    until: float
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """The blocks by the length of their prefixes, so that a look-up costs a few lookups however many there are."""

    read_at: float
    mark: bytes | None
    blocks: dict[tuple[int, int], dict[int, Block]]  # (version, prefix) → {network's number: …}
    safe: tuple[Network, ...]


_tables: list[_Table] = []
_asked = [0.0]  # when the mark was looked at last


def require_open(address: str, *, is_known: bool = False) -> None:
    """is_known: the attempt comes from a browser that has signed in to the same account before.

    Raises: NetworkBlocked.
    """
    block = block_of(address)
    if block is not None and not (is_known and block.is_automatic):
        raise NetworkBlocked(3600 if block.until == 0 else max(1, min(3600, int(block.until - time.time()) + 1)))


def blocked_until(address: str) -> float | None:
    """Until when an address is blocked (seconds since 1970; 0 for ever); None where it isn't."""
    block = block_of(address)
    return None if block is None else block.until


def block_of(address: str) -> Block | None:
    """The block that holds for an address now."""
    parsed = parse(address)
    if parsed is None or parsed.is_loopback:
        return None
    table = _table()
    if table is None or not table.blocks:
        return None
    number, width, now = int(parsed), parsed.max_prefixlen, time.time()
    for (version, prefix), found in table.blocks.items():
        if version != parsed.version:
            continue
        block = found.get(number >> (width - prefix))
        if block is not None and (block.until == 0 or block.until > now):
            return None if any(parsed in each for each in table.safe if each.version == version) else block
    return None


def is_safe(network: Network) -> bool:
    """Whether any part of a network is one that is never blocked."""
    loopback = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    return any(network.version == each.version and network.overlaps(each) for each in (*loopback, *_safe()))


def parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as it counts: an IPv4 one that was written as IPv6 is that IPv4 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def changed() -> None:
    """Somebody changed it, in the present transaction: every process reads anew as soon as it is committed."""
    _tables.clear()
    transaction.on_commit(_tell)


def _tell() -> None:
    _tables.clear()
    try:
        broker().incr(_MARK)
    except redis.RedisError:
        return  # the others see it within a minute


def _mark() -> bytes | None:
    try:
        return cast("bytes | None", broker().get(_MARK))
    except redis.RedisError:
        return None


def _table() -> _Table | None:
    now = time.monotonic()
    if _tables and now - _asked[0] < ASKED_EVERY_S:
        return _tables[0]
    mark = _mark()
    _asked[0] = now  # also where the broker doesn't answer: it holds up one request in a while
    if _tables and now - _tables[0].read_at < KEPT_S and _tables[0].mark == mark:
        return _tables[0]
    try:
        table = _read(now, mark)
    except DatabaseError:
        return _tables[0] if _tables else None
    _tables[:] = [table]
    return table


def _read(now: float, mark: bytes | None) -> _Table:
    blocks: dict[tuple[int, int], dict[int, Block]] = {}
    rows = SignInBlock.objects.exclude(expires_at__lte=timezone.now())
    for text, expires_at, by in rows.values_list("network", "expires_at", "created_by"):
        network = ipaddress.ip_network(text)
        number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        until = 0.0 if expires_at is None else expires_at.timestamp()
        blocks.setdefault((network.version, network.prefixlen), {})[number] = Block(until, by == AUTOMATIC)
    return _Table(now, mark, blocks, _safe() if blocks else ())


def _safe() -> tuple[Network, ...]:
    found = []
    for text in options.value(SAFE) or []:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            continue  # a word that is no network protects nothing
    return tuple(found)
