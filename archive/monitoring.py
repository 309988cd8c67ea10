"""The archive's figures for programs that watch: how much each store holds, and how far its index is behind."""

from __future__ import annotations

from collections.abc import Mapping

from archive import selectors, storefacts
from config.kit import monitoring
from config.kit.monitoring import Element, Read, Value


def register() -> None:
    for name, help, field, unit in (
        ("store.messages", "Messages in a store", "messages", ""),
        ("store.mail_bytes", "Size of the mail in a store", "raw_bytes", "bytes"),
        ("store.stored_bytes", "Size of a store on its disk", "stored_bytes", "bytes"),
        ("store.index_lag", "Journal records that the index has not seen", "lag", ""),
    ):
        monitoring.register(Element(name, help, _figure(field), label="store", unit=unit))


def _figure(field: str) -> Read:
    def read() -> Mapping[str, Value]:
        """Of the stores that open; those that don't are an error of the health's element."""
        lines = (storefacts.store_line(store) for store in selectors.open_stores())
        return {line.name: value for line in lines if (value := getattr(line, field)) is not None}

    return read
