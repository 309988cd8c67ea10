"""Applying one record of the journal to the catalogue: what each kind of event means to its tables.

Only inside the transaction that `Catalogue.apply` opens, so that a record is there as a whole or not at all. Not for
reading (`catalogue`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from .errors import WrongFormat
from .journal import Record
from .packs import Place
from .parts import PART
from .rows import CLOSED, IN_COMPACTION, OPEN, Description, check_of, rank_of

# How many numbers one statement takes.
CHUNK = 500


class Answer(Protocol):
    """What a statement gives back."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Db(Protocol):
    """Who takes statements, with `?` for values: a connection of SQLite, or one of PostgreSQL behind a translation."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Answer: ...

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> object: ...


Describe = Callable[[int], Description]
Locate = Callable[[int], Place | None]

INSERT_PLACEMENT = "INSERT INTO placement VALUES(?, ?, ?) ON CONFLICT DO NOTHING"
INSERT_MESSAGE = "INSERT INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


class Applier:
    """Applies the events of one record inside one transaction."""

    def __init__(self, db: Db, record: Record, describe: Describe, locate: Locate) -> None:
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
        self._has_parts: bool | None = None

    def run(self) -> None:
        kinds: dict[str, Callable[..., None]] = {
            "box": self.box,
            "dir": self.dir,
            "mvd": self.mvd,
            "rmd": self.rmd,
            "msg": self.msg,
            "put": self.put,
            "del": self.delete,
            "dic": self.dictionary,
            "pak": self.pack,
            "sea": self.seal,
            "rep": self.replace,
            "own": self.own,
            "und": self.undictionary,
            "mrg": self.merge,
            "rec": self.recreated,
            "use": self.use,
            "era": self.cleaned,
            "att": self.attach,
        }
        for kind, *values in self.record.events:
            if kind not in kinds:
                raise WrongFormat(f"record {self.record.sequence} has an event {kind!r} this version does not know")
            if kind not in ("msg", "put"):
                self.flush()
            kinds[kind](*values)
        self.flush()
        self._write_counts()

    def flush(self) -> None:
        """Messages and placements that were held back are written now: what follows relies on them."""

    def _write_counts(self) -> None:
        for key, value in self._least.items():
            self.db.execute("UPDATE meta SET value = ? WHERE key = ? AND value < ?", (value, key, value))
        for pack, end in self._ends.items():
            sql = "UPDATE pack SET bytes = ? WHERE number = ? AND state = 0 AND bytes < ?"
            self.db.execute(sql, (end, pack, end))
        for key, change in self._counts.items():
            self.db.execute("UPDATE meta SET value = value + ? WHERE key = ?", (change, key))
        for folder, change in self._folders.items():
            self.db.execute("UPDATE folder SET messages = messages + ? WHERE number = ?", (change, folder))
        for day, (messages, size) in self._days.items():
            sql = (
                "INSERT INTO arrival VALUES(?, ?, ?) ON CONFLICT(day) DO UPDATE "
                "SET messages = arrival.messages + excluded.messages, bytes = arrival.bytes + excluded.bytes"
            )
            self.db.execute(sql, (day, messages, size))

    def _count(self, key: str, change: int) -> None:
        self._counts[key] = self._counts.get(key, 0) + change

    def _at_least(self, key: str, value: int) -> None:
        self._least[key] = max(value, self._least.get(key, 0))

    def box(self, number: int, label: str) -> None:
        sql = "INSERT INTO mailbox VALUES(?, ?) ON CONFLICT(number) DO UPDATE SET label = excluded.label"
        self.db.execute(sql, (number, label))

    def dir(self, number: int, mailbox: int, parent: int, name: str) -> None:
        sql = "INSERT INTO folder(number, mailbox, parent, name) VALUES(?, ?, ?, ?)"
        self.db.execute(sql, (number, mailbox, parent, name))
        self._at_least("next_folder", number + 1)

    def mvd(self, number: int, parent: int, name: str) -> None:
        self.db.execute("UPDATE folder SET parent = ?, name = ? WHERE number = ?", (parent, name, number))

    def msg(self, number: int, sha256: str, size: int, date: int, archived_ms: int | None = None) -> None:
        said = self.describe(number)
        place = self.locate(number)
        # A place that isn't found (a damaged or missing pack) keeps the row: the journal says the message is ours.
        where = place or Place(0, 0, 0)
        if place is None:
            self.db.execute("UPDATE pack SET state = ? WHERE state = ?", (CLOSED, OPEN))
        since = self.record.at_ms if archived_ms is None else archived_ms
        lies, texts = (
            (where.pack, where.offset, where.length),
            (said.subject, said.sender, said.recipients, said.message_id),
        )
        check = check_of(*lies, said.flags, *texts)
        row = (number, bytes.fromhex(sha256), size, date, since, *lies, *texts, said.flags, self.record.sequence, check)
        self._insert(row)
        self._ends[where.pack] = max(where.offset + where.length, self._ends.get(where.pack, 0))
        self._dates[number] = date
        self._count("messages", 1)
        self._count("raw_bytes", size)
        self._at_least("next_number", number + 1)
        day = self._days.setdefault(since // 86_400_000, [0, 0])
        day[0] += 1
        day[1] += size

    def _insert(self, row: tuple[Any, ...]) -> None:
        try:
            self.db.execute(INSERT_MESSAGE, row)
        except sqlite3.IntegrityError:
            self._insert_again(row)

    def _insert_again(self, row: tuple[Any, ...]) -> None:
        """A content comes again only after it was deleted: the record of that deletion is lost (recover)."""
        same = self.db.execute("SELECT number FROM message WHERE sha256 = ?", (row[1],)).fetchall()
        self.delete([old for (old,) in same], 0, "", "")
        self.db.execute(INSERT_MESSAGE, row)

    def put(self, folder: int, number: int) -> None:
        date = self._date(number)
        if date is not None:  # else a damaged journal is read: the record that added the message is lost
            self._place(folder, rank_of(date, number), number)

    def _place(self, folder: int, rank: int, number: int) -> None:
        if self.db.execute(INSERT_PLACEMENT, (folder, rank, number)).rowcount:
            self._placed(folder)

    def _place_if_there(self, folder: int, rank: int, number: int) -> None:
        """After messages that were added one by one: what made room for one of them has no placements any more."""
        if self.db.execute("SELECT 1 FROM message WHERE number = ?", (number,)).fetchone() is not None:
            Applier._place(self, folder, rank, number)

    def _placed(self, folder: int, change: int = 1) -> None:
        self._folders[folder] = self._folders.get(folder, 0) + change

    def _date(self, number: int) -> int | None:
        if number not in self._dates:
            row = self.db.execute("SELECT date FROM message WHERE number = ?", (number,)).fetchone()
            if row is None:
                return None
            self._dates[number] = row[0]
        return self._dates[number]

    def delete(self, numbers: list[int], folder: int, reason: str, by: str, erased: int = 0) -> None:
        if erased:
            self._at_least("erased", self.record.sequence)
        if not folder:
            for at in range(0, len(numbers), CHUNK):
                self._delete_everywhere(numbers[at : at + CHUNK])
            return
        for number in numbers:
            sql = "DELETE FROM placement WHERE number = ? AND folder = ?"
            gone = self.db.execute(sql, (number, folder)).rowcount
            self._placed(folder, -gone)
            if self.db.execute("SELECT 1 FROM placement WHERE number = ?", (number,)).fetchone() is None:
                self._forget([number])

    def _delete_everywhere(self, numbers: list[int]) -> None:
        marks = ",".join("?" * len(numbers))
        counts = f"SELECT folder, count(*) FROM placement WHERE number IN ({marks}) GROUP BY folder"  # noqa: S608
        for folder, count in self.db.execute(counts, numbers).fetchall():
            self._placed(folder, -count)
        self.db.execute(f"DELETE FROM placement WHERE number IN ({marks})", numbers)  # noqa: S608
        self._forget(numbers)

    def _forget(self, numbers: list[int]) -> None:
        """The messages are in no folder any more: nor are they here, nor are the parts that no other one needs."""
        marks = ",".join("?" * len(numbers))
        sizes = self.db.execute(f"DELETE FROM message WHERE number IN ({marks}) RETURNING size", numbers).fetchall()  # noqa: S608
        self._count("messages", -len(sizes))
        self._count("raw_bytes", -sum(size for (size,) in sizes))
        if self._has_parts is None:
            self._has_parts = self.db.execute("SELECT 1 FROM uses LIMIT 1").fetchone() is not None
        if self._has_parts:
            used = f"DELETE FROM uses WHERE message IN ({marks}) RETURNING part"  # noqa: S608
            released = self.db.execute(used, numbers).fetchall()
            sql = "DELETE FROM part WHERE number = ? AND NOT EXISTS (SELECT 1 FROM uses WHERE part = number)"
            for row in set(released):
                self.db.execute(sql, row)

    def dictionary(self, number: int, sha256: str, samples: Sequence[str] = ()) -> None:
        self.db.execute("INSERT INTO dictionary VALUES(?, ?)", (number, sha256))
        # Thousands of them: one statement for all.
        rows = [(number, bytes.fromhex(sample)) for sample in samples]
        self.db.executemany("INSERT INTO trained VALUES(?, ?) ON CONFLICT DO NOTHING", rows)
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
        shown = "number, flags, subject, sender, recipients, message_id"
        lie = 'SET pack = ?, "offset" = ?, length = ?, crc = ? WHERE number = ?'
        rows = self.db.execute(f"SELECT {shown} FROM message WHERE pack IN ({marks})", old).fetchall()  # noqa: S608
        for number, *said in rows:
            place = self.locate(number)
            if place is not None:
                lies = (place.pack, place.offset, place.length)
                self.db.execute(f"UPDATE message {lie}", (*lies, check_of(*lies, *said), number))
        for (number,) in self.db.execute(f"SELECT number FROM part WHERE pack IN ({marks})", old).fetchall():  # noqa: S608
            place = self.locate(number | PART)
            if place is not None:
                lies = (place.pack, place.offset, place.length)
                self.db.execute(f"UPDATE part {lie}", (*lies, check_of(*lies, 0), number))
        self.db.execute(f"DELETE FROM pack WHERE number IN ({marks})", old)  # noqa: S608

    # Since format 2

    def own(self, numbers: list[list[int]]) -> None:
        """All at once: by way of numbers that no mailbox has, so that two can be exchanged."""
        for sign in (-1, 1):
            for old, new in numbers:
                before, after = (old, -new) if sign < 0 else (-new, new)
                self.db.execute("UPDATE folder SET mailbox = ? WHERE mailbox = ?", (after, before))
                self.db.execute("UPDATE mailbox SET number = ? WHERE number = ?", (after, before))

    def undictionary(self, number: int) -> None:
        self.db.execute("DELETE FROM dictionary WHERE number = ?", (number,))
        self.db.execute("DELETE FROM trained WHERE dictionary = ?", (number,))

    def merge(self, source: str, number: int, sequence: int, chain: str, done: int) -> None:
        sql = """INSERT INTO merged VALUES(?, ?, ?, ?, ?) ON CONFLICT(source) DO UPDATE SET number = excluded.number,
                 sequence = excluded.sequence, chain = excluded.chain, done = excluded.done"""
        self.db.execute(sql, (source, number, sequence, chain, done))

    def recreated(self, folder: str, records: int, sequence: int, chain: str) -> None:
        """For people and for evidence; the catalogue has nothing to do with it."""

    # Since format 3

    def rmd(self, number: int) -> None:
        """Without effect where the folder isn't empty, as it can be where a damaged journal is read."""
        self.db.execute(
            """DELETE FROM folder WHERE number = ? AND NOT EXISTS (SELECT 1 FROM placement WHERE folder = ?)
               AND NOT EXISTS (SELECT 1 FROM folder it WHERE it.mailbox = folder.mailbox AND it.parent = ?)""",
            (number, number, number),
        )

    def use(self, message: int, parts: list[int]) -> None:
        for part in parts:
            self.db.execute("INSERT INTO uses VALUES(?, ?) ON CONFLICT DO NOTHING", (message, part))
        self._has_parts = True

    def attach(self, number: int, sha256: str, size: int) -> None:
        """A part that nobody uses is none: where a damaged journal is read, its message may be gone already."""
        self._at_least("next_part", number + 1)
        if self.db.execute("SELECT 1 FROM uses WHERE part = ?", (number,)).fetchone() is None:
            return
        place = self.locate(number | PART) or Place(0, 0, 0)
        if not place.pack:
            self.db.execute("UPDATE pack SET state = ? WHERE state = ?", (CLOSED, OPEN))
        lies = (place.pack, place.offset, place.length)
        row = (number, bytes.fromhex(sha256), size, *lies, check_of(*lies, 0))
        self.db.execute("INSERT INTO part VALUES(?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", row)
        self._ends[place.pack] = max(place.offset + place.length, self._ends.get(place.pack, 0))

    def cleaned(self, sequence: int) -> None:
        self._at_least("cleaned", sequence)
