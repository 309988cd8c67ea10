"""The tables of a store's schema. Not for what goes into them (`backend`, `catalogue`).

Numbers are what they are in SQLite (archive/store/README.md §8); `meta` has counters only, the position a table of its
own.
"""

from __future__ import annotations

FILES = (
    """CREATE TABLE IF NOT EXISTS file(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
        size bigint NOT NULL DEFAULT 0, object text)""",
    """CREATE TABLE IF NOT EXISTS journal(
        file bigint NOT NULL, at bigint NOT NULL, data bytea NOT NULL, PRIMARY KEY(file, at))""",
    """CREATE TABLE IF NOT EXISTS content(
        file bigint NOT NULL, at bigint NOT NULL, data bytea NOT NULL, PRIMARY KEY(file, at))""",
    # Sealed bytes can't be compressed; and so a part of them is read without the rest.
    "ALTER TABLE journal ALTER data SET STORAGE EXTERNAL",
    "ALTER TABLE content ALTER data SET STORAGE EXTERNAL",
    # Objects that no file is in (any more): begun by an upload, or of a file that was deleted.
    "CREATE TABLE IF NOT EXISTS loose(key text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())",
    # For people: one line a record. The README says what `data` is.
    """CREATE OR REPLACE VIEW journal_record AS
        SELECT file.name AS segment, journal.at AS at,
               (SELECT sum(get_byte(journal.data, 4 + n)::numeric * 256 ^ n)
                FROM generate_series(0, 7) n)::bigint AS sequence,
               encode(substring(journal.data FROM length(journal.data) - 31), 'hex') AS chain,
               length(journal.data) AS bytes
        FROM journal JOIN file ON file.id = journal.file
        WHERE journal.at > 0 AND length(journal.data) >= 72 AND file.name LIKE 'journal/%'""",
)

CATALOGUE = (
    "CREATE TABLE IF NOT EXISTS meta(key text PRIMARY KEY, value bigint NOT NULL)",
    """CREATE TABLE IF NOT EXISTS position(
        segment bigint NOT NULL, at bigint NOT NULL, sequence bigint NOT NULL, chain bytea NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS mailbox(number bigint PRIMARY KEY, label text NOT NULL)",
    """CREATE TABLE IF NOT EXISTS folder(
        number bigint PRIMARY KEY, mailbox bigint NOT NULL, parent bigint NOT NULL, name text COLLATE "C" NOT NULL,
        messages bigint NOT NULL DEFAULT 0, UNIQUE(mailbox, parent, name))""",
    """CREATE TABLE IF NOT EXISTS message(
        number bigint PRIMARY KEY, sha256 bytea NOT NULL, size bigint NOT NULL, date bigint NOT NULL,
        archived_ms bigint NOT NULL, pack bigint NOT NULL, "offset" bigint NOT NULL, length bigint NOT NULL,
        subject text NOT NULL, sender text NOT NULL, recipients text NOT NULL, message_id text NOT NULL,
        flags bigint NOT NULL, sequence bigint NOT NULL, crc bigint NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS placement(
        folder bigint NOT NULL, rank bigint NOT NULL, number bigint NOT NULL, PRIMARY KEY(folder, rank))""",
    """CREATE TABLE IF NOT EXISTS pack(
        number bigint PRIMARY KEY, state bigint NOT NULL, bytes bigint NOT NULL, sha256 text NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS dictionary(number bigint PRIMARY KEY, sha256 text NOT NULL)",
    """CREATE TABLE IF NOT EXISTS trained(
        dictionary bigint NOT NULL, sample bytea NOT NULL, PRIMARY KEY(dictionary, sample))""",
    """CREATE TABLE IF NOT EXISTS part(
        number bigint PRIMARY KEY, sha256 bytea NOT NULL, size bigint NOT NULL, pack bigint NOT NULL,
        "offset" bigint NOT NULL, length bigint NOT NULL, crc bigint NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS uses(message bigint NOT NULL, part bigint NOT NULL, PRIMARY KEY(message, part))",
    "CREATE TABLE IF NOT EXISTS arrival(day bigint PRIMARY KEY, messages bigint NOT NULL, bytes bigint NOT NULL)",
    """CREATE TABLE IF NOT EXISTS merged(
        source text PRIMARY KEY, number bigint NOT NULL, sequence bigint NOT NULL, chain text NOT NULL,
        done bigint NOT NULL)""",
)

INDEXES = {
    "message_sha256": "CREATE UNIQUE INDEX IF NOT EXISTS message_sha256 ON message(sha256)",
    "message_pack": 'CREATE INDEX IF NOT EXISTS message_pack ON message(pack, "offset")',
    "placement_number": "CREATE INDEX IF NOT EXISTS placement_number ON placement(number)",
    "part_sha256": "CREATE INDEX IF NOT EXISTS part_sha256 ON part(sha256)",
    "part_pack": 'CREATE INDEX IF NOT EXISTS part_pack ON part(pack, "offset")',
    "uses_part": "CREATE INDEX IF NOT EXISTS uses_part ON uses(part)",
}

# In an order in which they can be filled.
TABLES = (
    "meta", "mailbox", "folder", "message", "placement", "pack", "dictionary", "trained", "arrival", "part", "uses",
    "merged",
)  # fmt: skip
