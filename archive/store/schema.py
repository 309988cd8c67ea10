"""The tables of the catalogue, and the version of them. Not for what goes into them (`applying`, `catalogue`)."""

from __future__ import annotations

VERSION = 1

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mailbox(number INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE folder(number INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, parent INTEGER NOT NULL, name TEXT NOT NULL,
                    messages INTEGER NOT NULL DEFAULT 0, UNIQUE(mailbox, parent, name));
CREATE TABLE message(number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL, size INTEGER NOT NULL, date INTEGER NOT NULL,
                     archived_ms INTEGER NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL,
                     length INTEGER NOT NULL, subject TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
                     message_id TEXT NOT NULL, flags INTEGER NOT NULL, sequence INTEGER NOT NULL);
CREATE UNIQUE INDEX message_sha256 ON message(sha256);
CREATE TABLE placement(folder INTEGER NOT NULL, rank INTEGER NOT NULL, number INTEGER NOT NULL,
                       PRIMARY KEY(folder, rank)) WITHOUT ROWID;
CREATE INDEX placement_number ON placement(number);
CREATE TABLE pack(number INTEGER PRIMARY KEY, state INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE dictionary(number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE TABLE arrival(day INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL);
"""

COUNTERS = ("messages", "raw_bytes", "next_number", "next_folder", "next_pack", "next_dictionary")
