"""The name of a client in DNS, if it has one: its address names it, and the name leads back to the address.

Source: RFC 8601 §2.7.3 (iprev).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import ip_address

from domains.diagnosis.lookups import Resolver, Status

LOOKUP_S = 2.0
REMEMBERED_S = 600.0
MOST_REMEMBERED = 5_000
MOST_NAMES = 5


class Names:
    """What was found lately. Used by many threads: the worst that a race costs is a second lookup."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or Resolver.configured()
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def known(self, address: str) -> str | None:
        """The name, "" without one; None: not looked up yet, or too long ago."""
        found = self._known.get(address)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def look_up(self, address: str) -> str:
        """The verified name, "" without one. Never raises; takes some seconds at most."""
        name = self._verified(address)
        self._known[address] = (time.monotonic() + REMEMBERED_S, name)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return name

    def _verified(self, address: str) -> str:
        try:
            wanted = ip_address(address)
        except ValueError:
            return ""
        if wanted.is_loopback or wanted.is_link_local:
            return ""
        pointers = self._resolver.ask(wanted.reverse_pointer, "PTR", lifetime_s=LOOKUP_S)
        if pointers.status is not Status.FOUND:
            return ""
        kind = "A" if wanted.version == 4 else "AAAA"
        for record in pointers.records[:MOST_NAMES]:
            name = str(record.target).rstrip(".").lower()
            answer = self._resolver.ask(name, kind, lifetime_s=LOOKUP_S)
            if any(getattr(each, "address", "") == str(wanted) for each in answer.records):
                return name[:255]
        return ""
