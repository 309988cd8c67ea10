"""The catalogue: folders, what is known of each message, and placements, as a SQLite projection of the journal.

It can be thrown away and built again (I5). A row only names a message that is durably in a pack and in the journal,
because commits are applied here after both were made durable (I1). Not for writing events (`store`) nor for text
(`index`).

Many readers (one connection per thread) and one writer, who holds the store's writer lease.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import Damaged, NotFound, StorageFailed, StoreFull, WrongFormat
from .journal import Position, Record
from .packs import Place

VERSION = 1
NUMBER_BITS = 30
NUMBER_MASK = (1 << NUMBER_BITS) - 1
# Ranks sort by date, then number, and fit a signed 64-bit integer: dates from 1800 to 2072 keep their order.
RANK_SHIFT = 5_364_662_400
RANK_DATES = 1 << 33

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

ATTACHED, PARTIAL, UNREADABLE = 1, 2, 4
# States of a pack: open, sealed, being written by a compaction that has not switched to it.
# A pack in which the replay misses a message is closed: appending to it would overwrite what may still be rescued.
OPEN, SEALED, IN_COMPACTION, CLOSED = 0, 1, 2, 3
COUNTERS = ("messages", "raw_bytes", "next_number", "next_folder", "next_pack", "next_dictionary")


def rank_of(date: int, number: int) -> int:
    """The sort key of a message: newest first by date, then by number; also the paging cursor."""
    return min(max(date + RANK_SHIFT, 0), RANK_DATES - 1) << NUMBER_BITS | number


@dataclass(slots=True)
class Description:
    """What a message says of itself, as lists show it; made from its text, so it is no part of the journal."""

    subject: str = ""
    sender: str = ""
    recipients: str = ""
    message_id: str = ""
    flags: int = UNREADABLE


@dataclass(slots=True)
class Row:
    """One message as lists and pages need it."""

    number: int
    sha256: str
    size: int
    date: int
    archived_ms: int
    place: Place
    subject: str
    sender: str
    recipients: str
    message_id: str
    flags: int
    sequence: int = 0
    placements: list[tuple[int, int]] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return rank_of(self.date, self.number)

    @property
    def attached(self) -> bool:
        return bool(self.flags & ATTACHED)

    @property
    def partial(self) -> bool:
        return bool(self.flags & PARTIAL)


@dataclass(slots=True)
class Folder:
    """A folder of a mailbox; `path` has `/` between names, `messages` counts its own only."""

    number: int
    mailbox: int
    parent: int
    name: str
    path: str
    messages: int


@dataclass(slots=True)
class Pack:
    number: int
    state: int
    bytes: int
    sha256: str

    @property
    def sealed(self) -> bool:
        return self.state == SEALED


Describe = Callable[[int], Description]
Locate = Callable[[int], Place | None]


class Catalogue:
    """One SQLite file. Reads from any thread; `apply` only under the writer lease."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._readers: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._connect()
        self._prepare()

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            # A projection: after a power cut the last commits may be missing, and are replayed.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-8192")
        except sqlite3.DatabaseError as error:
            raise WrongFormat(f"the catalogue can't be opened: {error}") from error
        return connection

    def _prepare(self) -> None:
        try:
            version = self._writer.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                with self.transaction():
                    # Another process may have made it between the look and the lock.
                    if self._writer.execute("PRAGMA user_version").fetchone()[0] == 0:
                        for statement in SCHEMA.split(";"):
                            self._writer.execute(statement)
                        for counter in COUNTERS:
                            self._writer.execute("INSERT INTO meta VALUES(?, ?)", (counter, int("next" in counter)))
                        self._save_position(Position())
                        self._writer.execute(f"PRAGMA user_version={VERSION}")
            elif version != VERSION:
                raise WrongFormat(f"the catalogue is of version {version}, {VERSION} is read here")
        except sqlite3.DatabaseError as error:
            raise WrongFormat(f"the catalogue can't be read: {error}") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; disk-full becomes StoreFull, and nothing of it stays."""
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self._rollback()
                if "full" in str(error):
                    raise StoreFull("no room left for the catalogue") from error
                raise StorageFailed(f"catalogue: {error}") from error
            except BaseException:
                self._rollback()
                raise

    def _rollback(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            with self._guard:
                # Imports come with threads of their own: what those leave behind is closed here.
                for thread, left in self._readers:
                    if not thread.is_alive():
                        left.close()
                self._readers = [(thread, kept) for thread, kept in self._readers if thread.is_alive()]
                self._readers.append((threading.current_thread(), connection))
        return connection

    def tidy(self) -> None:
        """Fold the write-ahead log back into the file, if no reader is in the way."""
        with self._writing, contextlib.suppress(sqlite3.OperationalError):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._guard:
            for _, connection in self._readers:
                connection.close()
            self._readers.clear()
            self._writer.close()

    # What it knows of the journal

    def position(self) -> Position:
        """The journal position this catalogue has applied. Raises: Damaged."""
        row = self.reader.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()
        try:
            segment, offset, sequence, chain = str(row[0]).split(",")
            return Position(int(segment), int(offset), int(sequence), bytes.fromhex(chain))
        except (TypeError, ValueError):
            raise Damaged("the catalogue's position can't be read", "catalogue.sqlite") from None

    def _save_position(self, at: Position) -> None:
        value = f"{at.segment},{at.offset},{at.sequence},{at.chain.hex()}"
        self._writer.execute("INSERT OR REPLACE INTO meta VALUES('position', ?)", (value,))

    def counter(self, name: str) -> int:
        """Raises: Damaged."""
        row = self.reader.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
        try:
            return int(row[0])
        except (TypeError, ValueError):
            raise Damaged(f"the catalogue's counter {name} can't be read", "catalogue.sqlite") from None

    def apply(self, record: Record, *, describe: Describe, locate: Locate) -> None:
        """Apply one record. `describe` and `locate` tell of messages what the journal doesn't say."""
        with self.transaction() as db:
            # Somebody who reads the journal without the writer lease (a read-only opener) may have been faster.
            known = db.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()[0]
            if record.sequence <= int(str(known).split(",")[2]):
                return
            Applier(db, record, describe, locate).run()
            self._save_position(record.after)

    # Reading

    def find_sha256(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Which of these contents are kept: SHA-256 → number."""
        found: dict[bytes, int] = {}
        for at in range(0, len(digests), 500):
            some = digests[at : at + 500]
            marks = ",".join("?" * len(some))
            found.update(self.reader.execute(f"SELECT sha256, number FROM message WHERE sha256 IN ({marks})", some))  # noqa: S608
        return found

    def placed(self, folder: int, numbers: Iterable[int]) -> set[int]:
        """Which of these messages are placed in the folder."""
        numbers = list(numbers)
        found: set[int] = set()
        for at in range(0, len(numbers), 500):
            some = numbers[at : at + 500]
            marks = ",".join("?" * len(some))
            sql = f"SELECT number FROM placement WHERE number IN ({marks}) AND folder = ?"  # noqa: S608
            found.update(row[0] for row in self.reader.execute(sql, [*some, folder]))
        return found

    def row(self, number: int) -> Row | None:
        rows = self.rows([number])
        return rows[0] if rows else None

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        """Messages with their placements, in the order asked for; those that aren't there are left out."""
        found: dict[int, Row] = {}
        for at in range(0, len(numbers), 500):
            some = list(numbers[at : at + 500])
            marks = ",".join("?" * len(some))
            for values in self.reader.execute(f"SELECT * FROM message WHERE number IN ({marks})", some):  # noqa: S608
                found[values[0]] = row_of(values)
            sql = f"""SELECT p.number, p.folder, f.mailbox FROM placement p JOIN folder f ON f.number = p.folder
                      WHERE p.number IN ({marks}) ORDER BY p.folder"""  # noqa: S608
            for number, folder, mailbox in self.reader.execute(sql, some):
                if number in found:
                    found[number].placements.append((folder, mailbox))
        return [found[number] for number in numbers if number in found]

    def list_folder(self, folder: int, *, before: int | None, after: int | None, limit: int) -> list[int]:
        """Numbers in a folder, newest first; `before`/`after` are ranks (keyset paging)."""
        if after is not None:
            sql = "SELECT number FROM placement WHERE folder = ? AND rank > ? ORDER BY rank LIMIT ?"
            return [row[0] for row in self.reader.execute(sql, (folder, after, limit))][::-1]
        sql = "SELECT number FROM placement WHERE folder = ? AND rank < ? ORDER BY rank DESC LIMIT ?"
        top = (1 << 63) - 1 if before is None else before
        return [row[0] for row in self.reader.execute(sql, (folder, top, limit))]

    def mailbox_label(self, mailbox: int) -> str | None:
        row = self.reader.execute("SELECT label FROM mailbox WHERE number = ?", (mailbox,)).fetchone()
        return row[0] if row else None

    def mailboxes(self) -> dict[int, str]:
        return dict(self.reader.execute("SELECT number, label FROM mailbox"))

    def only_mailbox(self) -> int | None:
        """The mailbox, if there has ever been just one with folders in this store."""
        lowest, highest = self.reader.execute(
            "SELECT (SELECT min(mailbox) FROM folder), (SELECT max(mailbox) FROM folder)"
        ).fetchone()
        return lowest if lowest == highest else None

    def folders(self, mailbox: int | None = None) -> list[Folder]:
        """All folders (of a mailbox), sorted by path."""
        sql = "SELECT number, mailbox, parent, name, messages FROM folder"
        arguments: tuple[int, ...] = ()
        if mailbox is not None:
            sql, arguments = sql + " WHERE mailbox = ?", (mailbox,)
        raw = {row[0]: row for row in self.reader.execute(sql, arguments)}
        paths: dict[int, str] = {0: ""}

        def path(number: int) -> str:
            if number not in paths:
                _, _, parent, name, _ = raw[number]
                above = path(parent) if parent in raw else ""
                paths[number] = f"{above}/{name}" if above else name
            return paths[number]

        rows = [Folder(n, box, parent, name, path(n), count) for n, box, parent, name, count in raw.values()]
        return sorted(rows, key=lambda folder: (folder.mailbox, folder.path.casefold(), folder.number))

    def folder(self, number: int) -> Folder:
        """Raises: NotFound."""
        names, current = [], number
        first: tuple[int, int, int, str, int] | None = None
        while current:
            sql = "SELECT number, mailbox, parent, name, messages FROM folder WHERE number = ?"
            row = self.reader.execute(sql, (current,)).fetchone()
            if row is None:
                raise NotFound(f"there is no folder {number}")
            first = first or row
            names.append(row[3])
            current = row[2]
        if first is None:
            raise NotFound(f"there is no folder {number}")
        return Folder(first[0], first[1], first[2], first[3], "/".join(reversed(names)), first[4])

    def child(self, mailbox: int, parent: int, name: str) -> int | None:
        sql = "SELECT number FROM folder WHERE mailbox = ? AND parent = ? AND name = ?"
        row = self.reader.execute(sql, (mailbox, parent, name)).fetchone()
        return row[0] if row else None

    def packs(self) -> list[Pack]:
        rows = self.reader.execute("SELECT number, state, bytes, sha256 FROM pack ORDER BY number")
        return [Pack(*row) for row in rows]

    def live_bytes(self) -> dict[int, int]:
        """Pack → bytes of its entries that are still wanted; reads the whole table (0.1 s per million rows)."""
        return dict(self.reader.execute("SELECT pack, sum(length) FROM message GROUP BY pack"))

    def pack_end(self, number: int) -> int:
        """Where the last entry of an open pack ends, in bytes (0 = nothing yet)."""
        row = self.reader.execute("SELECT bytes FROM pack WHERE number = ?", (number,)).fetchone()
        return int(row[0]) if row else 0

    def pack_rows(self, number: int) -> list[tuple[int, int, int]]:
        """(message number, offset, length) of the live entries of a pack, by offset."""
        sql = "SELECT number, offset, length FROM message WHERE pack = ? ORDER BY offset"
        return self.reader.execute(sql, (number,)).fetchall()

    def dictionaries(self) -> dict[int, str]:
        return dict(self.reader.execute("SELECT number, sha256 FROM dictionary"))

    def numbers(self) -> Iterator[int]:
        return (row[0] for row in self.reader.execute("SELECT number FROM message ORDER BY number"))

    def arrivals(self, since_day: int) -> dict[int, tuple[int, int]]:
        """Day (since 1970, UTC) → (messages, bytes) archived."""
        sql = "SELECT day, messages, bytes FROM arrival WHERE day >= ?"
        return {day: (messages, size) for day, messages, size in self.reader.execute(sql, (since_day,))}


def row_of(values: Sequence[object]) -> Row:
    """A Row from the columns of `message`."""
    number, sha256, size, date, archived, pack, offset, length, subject, sender, to, message_id, flags, sequence = (
        values
    )
    place = Place(pack, offset, length)  # type: ignore[arg-type]
    return Row(number, sha256.hex(), size, date, archived, place, subject, sender, to, message_id, flags, sequence)  # type: ignore[arg-type,attr-defined]


class Applier:
    """Applies the events of one record inside one transaction."""

    def __init__(self, db: sqlite3.Connection, record: Record, describe: Describe, locate: Locate) -> None:
        self.db = db
        self.record = record
        self.describe = describe
        self.locate = locate
        self._counts: dict[str, int] = {}
        self._folders: dict[int, int] = {}
        self._days: dict[int, list[int]] = {}
        # Written once per record, not once per message: a fifth of an import's time in here.
        self._least: dict[str, int] = {}
        self._ends: dict[int, int] = {}
        self._dates: dict[int, int] = {}

    def run(self) -> None:
        kinds: dict[str, Callable[..., None]] = {
            "box": self.box,
            "dir": self.dir,
            "mvd": self.mvd,
            "msg": self.msg,
            "put": self.put,
            "del": self.delete,
            "dic": self.dictionary,
            "pak": self.pack,
            "sea": self.seal,
            "rep": self.replace,
        }
        for kind, *values in self.record.events:
            if kind not in kinds:
                raise WrongFormat(f"record {self.record.sequence} has an event {kind!r} this version does not know")
            kinds[kind](*values)
        self._write_counts()

    def _write_counts(self) -> None:
        for key, value in self._least.items():
            self.db.execute("UPDATE meta SET value = max(value, ?) WHERE key = ?", (value, key))
        for pack, end in self._ends.items():
            self.db.execute("UPDATE pack SET bytes = max(bytes, ?) WHERE number = ? AND state = 0", (end, pack))
        for key, change in self._counts.items():
            self.db.execute("UPDATE meta SET value = value + ? WHERE key = ?", (change, key))
        for folder, change in self._folders.items():
            self.db.execute("UPDATE folder SET messages = messages + ? WHERE number = ?", (change, folder))
        for day, (messages, size) in self._days.items():
            sql = (
                "INSERT INTO arrival VALUES(?, ?, ?) ON CONFLICT(day) DO UPDATE "
                "SET messages = messages + excluded.messages, bytes = bytes + excluded.bytes"
            )
            self.db.execute(sql, (day, messages, size))

    def _count(self, key: str, change: int) -> None:
        self._counts[key] = self._counts.get(key, 0) + change

    def _at_least(self, key: str, value: int) -> None:
        self._least[key] = max(value, self._least.get(key, 0))

    def box(self, number: int, label: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO mailbox VALUES(?, ?)", (number, label))

    def dir(self, number: int, mailbox: int, parent: int, name: str) -> None:
        sql = "INSERT INTO folder(number, mailbox, parent, name) VALUES(?, ?, ?, ?)"
        self.db.execute(sql, (number, mailbox, parent, name))
        self._at_least("next_folder", number + 1)

    def mvd(self, number: int, parent: int, name: str) -> None:
        self.db.execute("UPDATE folder SET parent = ?, name = ? WHERE number = ?", (parent, name, number))

    def msg(self, number: int, sha256: str, size: int, date: int) -> None:
        said = self.describe(number)
        place = self.locate(number)
        # A place that isn't found (a damaged or missing pack) keeps the row: the journal says the message is ours.
        where = place or Place(0, 0, 0)
        if place is None:
            self.db.execute("UPDATE pack SET state = ? WHERE state = ?", (CLOSED, OPEN))
        sql = "INSERT INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        kept = (number, bytes.fromhex(sha256), size, date, self.record.at_ms, where.pack, where.offset, where.length)
        shown = (said.subject, said.sender, said.recipients, said.message_id, said.flags)
        try:
            self.db.execute(sql, (*kept, *shown, self.record.sequence))
        except sqlite3.IntegrityError:
            # A content comes again only after it was deleted: the record of that deletion is lost (recover).
            same = self.db.execute("SELECT number FROM message WHERE sha256 = ?", (bytes.fromhex(sha256),)).fetchall()
            self.delete([old for (old,) in same], 0, "", "")
            self.db.execute(sql, (*kept, *shown, self.record.sequence))
        self._ends[where.pack] = max(where.offset + where.length, self._ends.get(where.pack, 0))
        self._dates[number] = date
        self._count("messages", 1)
        self._count("raw_bytes", size)
        self._at_least("next_number", number + 1)
        day = self._days.setdefault(self.record.at_ms // 86_400_000, [0, 0])
        day[0] += 1
        day[1] += size

    def put(self, folder: int, number: int) -> None:
        date = self._date(number)
        if date is None:
            return  # only where a damaged journal is read: the record that added the message is lost
        sql = "INSERT INTO placement VALUES(?, ?, ?) ON CONFLICT DO NOTHING"
        if self.db.execute(sql, (folder, rank_of(date, number), number)).rowcount:
            self._folders[folder] = self._folders.get(folder, 0) + 1

    def _date(self, number: int) -> int | None:
        if number not in self._dates:
            row = self.db.execute("SELECT date FROM message WHERE number = ?", (number,)).fetchone()
            if row is None:
                return None
            self._dates[number] = row[0]
        return self._dates[number]

    def delete(self, numbers: list[int], folder: int, reason: str, by: str) -> None:
        for number in numbers:
            where, arguments = ("number = ? AND folder = ?", (number, folder)) if folder else ("number = ?", (number,))
            for (gone,) in self.db.execute(f"SELECT folder FROM placement WHERE {where}", arguments).fetchall():  # noqa: S608
                self._folders[gone] = self._folders.get(gone, 0) - 1
            self.db.execute(f"DELETE FROM placement WHERE {where}", arguments)  # noqa: S608
            if self.db.execute("SELECT 1 FROM placement WHERE number = ?", (number,)).fetchone() is None:
                self._forget(number)

    def _forget(self, number: int) -> None:
        row = self.db.execute("DELETE FROM message WHERE number = ? RETURNING size", (number,)).fetchone()
        if row:
            self._count("messages", -1)
            self._count("raw_bytes", -row[0])

    def dictionary(self, number: int, sha256: str) -> None:
        self.db.execute("INSERT INTO dictionary VALUES(?, ?)", (number, sha256))
        self._at_least("next_dictionary", number + 1)

    def pack(self, number: int, purpose: str) -> None:
        state = IN_COMPACTION if purpose == "compact" else 0
        self.db.execute("INSERT INTO pack VALUES(?, ?, 0, '')", (number, state))
        self._at_least("next_pack", number + 1)

    def seal(self, number: int, size: int, sha256: str) -> None:
        self.db.execute("UPDATE pack SET state = 1, bytes = ?, sha256 = ? WHERE number = ?", (size, sha256, number))

    def replace(self, old: list[int], new: list[int]) -> None:
        """Compaction: live messages of the old packs now lie where `locate` says."""
        marks = ",".join("?" * len(old))
        for (number,) in self.db.execute(f"SELECT number FROM message WHERE pack IN ({marks})", old).fetchall():  # noqa: S608
            place = self.locate(number)
            if place is not None:
                sql = "UPDATE message SET pack = ?, offset = ?, length = ? WHERE number = ?"
                self.db.execute(sql, (place.pack, place.offset, place.length, number))
        self.db.execute(f"DELETE FROM pack WHERE number IN ({marks})", old)  # noqa: S608
