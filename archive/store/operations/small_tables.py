"""Folders, mailboxes, packs, dictionaries, merges: are these tables what the journal's events make of empty ones?

They are small, so the events are applied to an empty catalogue and the rows compared. Messages, placements and parts
are compared with the journal's own words (`comparing`).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ..journal import Event, Position, Record
from ..rows import Description
from ..sqlite_catalogue import SqliteCatalogue

# How long an open pack is, the packs' own check says.
OTHERS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master",
    "SELECT number, mailbox, parent, name FROM folder",
    "SELECT number, label FROM mailbox",
    "SELECT number, state, CASE state WHEN 0 THEN 0 ELSE bytes END, sha256 FROM pack",
    "SELECT number, sha256 FROM dictionary",
    "SELECT source, number, sequence, chain, done FROM merged",
    "SELECT key, value FROM meta WHERE key IN ('next_folder', 'next_pack', 'next_dictionary', 'cleaned')",
)


class Scratch(SqliteCatalogue):
    """A catalogue in memory, by one connection: for a few rows."""

    def _connect(self) -> sqlite3.Connection:
        if not hasattr(self, "_only"):
            self._only = sqlite3.connect(":memory:", isolation_level=None)
        return self._only


def others_agree(db: sqlite3.Connection, events: list[Event]) -> bool:
    """Whether the small tables are what these events make of empty ones."""
    fresh = Scratch(Path())
    try:
        record = Record(1, 0, events, Position(sequence=1))
        fresh.apply(record, describe=lambda number: Description(), locate=lambda number: None)
        fresh.reader.text_factory = bytes
        return all(_same(db.execute(sql).fetchall(), fresh.reader.execute(sql).fetchall()) for sql in OTHERS)
    finally:
        fresh.close()


def _same(rows: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> bool:
    """The same rows in any order; mostly it is the same one, since both are read by their key."""
    return rows == others or sorted(rows, key=repr) == sorted(others, key=repr)
