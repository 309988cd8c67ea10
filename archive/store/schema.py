"""The tables of the catalogue, and the version of them. Not for what goes into them (`applying`, `catalogue`)."""

from __future__ import annotations

import sqlite3

from .rows import check_of

VERSION = 3

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mailbox(number INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE folder(number INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, parent INTEGER NOT NULL, name TEXT NOT NULL,
                    messages INTEGER NOT NULL DEFAULT 0, UNIQUE(mailbox, parent, name));
CREATE TABLE message(number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL, date INTEGER NOT NULL,
                     archived_ms INTEGER NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL,
                     length INTEGER NOT NULL, subject TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
                     message_id TEXT NOT NULL, flags INTEGER NOT NULL, sequence INTEGER NOT NULL, crc INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX message_sha256 ON message(sha256);
CREATE INDEX message_pack ON message(pack, offset);
CREATE TABLE placement(folder INTEGER NOT NULL, rank INTEGER NOT NULL, number INTEGER NOT NULL,
                       PRIMARY KEY(folder, rank)) WITHOUT ROWID;
CREATE INDEX placement_number ON placement(number);
CREATE TABLE pack(number INTEGER PRIMARY KEY, state INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE dictionary(number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE TABLE trained(dictionary INTEGER NOT NULL, sample BLOB NOT NULL, PRIMARY KEY(dictionary, sample)) WITHOUT ROWID;
CREATE TABLE arrival(day INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE part(number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL, pack INTEGER NOT NULL,
                  offset INTEGER NOT NULL, length INTEGER NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX part_sha256 ON part(sha256);
CREATE INDEX part_pack ON part(pack, offset);
CREATE TABLE uses(message INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY(message, part)) WITHOUT ROWID;
CREATE INDEX uses_part ON uses(part);
CREATE TABLE merged(source TEXT PRIMARY KEY, number INTEGER NOT NULL, sequence INTEGER NOT NULL, chain TEXT NOT NULL,
                    done INTEGER NOT NULL);
"""  # noqa: E501  # an older catalogue that was upgraded has exactly these words

COUNTERS = (
    "messages", "raw_bytes", "next_number", "next_folder", "next_pack", "next_dictionary", "next_part", "erased",
    "cleaned",
)  # fmt: skip
# `erased` and `cleaned` are journal sequences: of the last erasure, and up to which of them nothing is left

# What reads a row for its check, in the order `check_of` takes.
CHECKED = "pack, offset, length, flags, subject, sender, recipients, message_id"


def upgrade(db: sqlite3.Connection, version: int) -> None:
    """Bring a catalogue of an older version up to this one, inside a transaction; quicker than replaying it."""
    if version < 2:
        db.execute("ALTER TABLE message ADD COLUMN crc INTEGER NOT NULL DEFAULT 0")
        rows = db.execute(f"SELECT number, {CHECKED} FROM message")  # noqa: S608
        checks = [(check_of(*row[1:]), row[0]) for row in rows]
        db.executemany("UPDATE message SET crc = ? WHERE number = ?", checks)
        for statement in statements("INDEX message_pack", "TABLE merged"):
            db.execute(statement)
    if version < 3:
        for statement in statements("TABLE part", "INDEX part_", "TABLE uses", "INDEX uses_", "TABLE trained"):
            db.execute(statement)
        db.execute("INSERT INTO meta VALUES('next_part', 1), ('erased', 0), ('cleaned', 0)")
    db.execute(f"PRAGMA user_version={VERSION}")


def statements(*wanted: str) -> list[str]:
    """The statements that make the tables and indexes named; without a name all of them."""
    all_of_them = [each.strip() for each in SCHEMA.split(";") if each.strip()]
    starts = tuple(f"CREATE {name}" for name in wanted)
    return [each for each in all_of_them if not wanted or each.startswith(starts)]
