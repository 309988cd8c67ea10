"""The IP lists in memory: which of them an address is on now. Pure; as quick for many lines as for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

CLIENT, DENIED, BLACKLISTED, BLOCKED, WHITE_HOLE = "client", "denied", "blacklisted", "blocked", "white_hole"
# What an address is, where it is on several lists: the first of these.
ORDER = (WHITE_HOLE, CLIENT, DENIED, BLOCKED, BLACKLISTED)


class BadNetwork(ValueError):
    """Neither an address nor a network nor a range; the text is what was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list. network: canonical, as in "192.0.2.0/24"."""

    number: int
    list: str
    network: str
    expires_at: datetime | None = None


class IpTable:
    """All lists. Never changed after it was made."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_network: dict[tuple[int, int, int], list[Entry]] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for entry in entries:
            network = ip_network(entry.network)
            key = (network.version, network.prefixlen, int(network.network_address))
            self._by_network.setdefault(key, []).append(entry)
            self._lengths[network.version].add(network.prefixlen)

    def find(self, address: str, now: datetime) -> list[Entry]:
        """The lines that hold this address now, by what they mean (`ORDER`), narrow networks first."""
        parsed = parse_address(address)
        if parsed is None:
            return []
        bits, number = parsed.max_prefixlen, int(parsed)
        found: list[Entry] = []
        for length in sorted(self._lengths[parsed.version], reverse=True):
            start = number >> (bits - length) << (bits - length)
            for entry in self._by_network.get((parsed.version, length, start), ()):
                if entry.expires_at is None or entry.expires_at > now:
                    found.append(entry)
        return sorted(found, key=lambda entry: ORDER.index(entry.list))

    def state(self, address: str, now: datetime) -> str:
        """What the address is now; "" for one that is on no list."""
        found = self.find(address, now)
        return found[0].list if found else ""


@lru_cache(4096)  # a client's is asked for with each of its commands
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; IPv4 in IPv6 clothes as IPv4; None for anything else."""
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def canonical(text: str) -> str:
    """As it is kept: "192.0.2.7" -> "192.0.2.7/32". Raises: BadNetwork, also for the network of all addresses."""
    try:
        network = ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        raise BadNetwork(text) from None
    if network.prefixlen == 0:
        raise BadNetwork(text)
    return str(network)
