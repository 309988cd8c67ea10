"""The IP lists and the router table as processes use them: read once, and again when the database says they changed."""

from __future__ import annotations

from django.conf import settings

from gateway.directory import Remembered
from gateway.ip_table import Entry, IpTable
from gateway.models import IpEntry, RouterRule
from gateway.router import Routed, Rule, route

_tables: Remembered[str, IpTable] = Remembered(1)
_rules: Remembered[str, tuple[Rule, ...]] = Remembered(1)


def ip_table() -> IpTable:
    """All IP lists."""
    return _tables.ask("", _read_table)


def _read_table() -> IpTable:
    rows = IpEntry.objects.values_list("pk", "list", "network", "expires_at")
    return IpTable(Entry(*row) for row in rows.iterator())


def rules() -> tuple[Rule, ...]:
    """The lines of the router table that are in use, in their order."""
    return _rules.ask("", _read_rules)


def _read_rules() -> tuple[Rule, ...]:
    rows = RouterRule.objects.filter(is_enabled=True).values_list("pk", "pattern", "kind", "target")
    return tuple(Rule(*row) for row in rows)


def in_memory() -> tuple[IpTable, tuple[Rule, ...]] | None:
    """Lists and lines where they are remembered: then nobody waits for the database. None: ask for them."""
    table, lines = _tables.get(""), _rules.get("")
    return None if table is None or lines is None else (table, lines)


def routed(address: str) -> Routed:
    """Where the router table leads an address."""
    return route(address.lower(), rules())


def transport_of(address: str) -> str:
    """The server that mail for this address leaves through where its domain has no relay, "host:port"; "" by MX.

    A line of the router table; else, with a Postfix in front of us, the way back to it: what it gets there it doesn't
    hand over again, and it alone knows where served domains lie.
    """
    return routed(address).via or settings.GATEWAY.filter_next
