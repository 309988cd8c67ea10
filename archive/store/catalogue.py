"""The catalogue's face: folders, what is known of each message, and placements, as tables; a projection of the journal.

It can be thrown away and built again (I5). A row only names a message that is durably in a pack and in the journal,
because commits are applied here after both were made durable, or together with them (I1). Where the tables are kept
says `sqlite_catalogue`, or `postgres.catalogue`; the statements here are words that both understand, with `?` for
values. Not for writing events (`store`) nor for text (`index`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from .applying import Applier, Db, Describe, Locate
from .errors import Damaged, NotFound
from .journal import Position, Record
from .packs import Place
from .parts import PART
from .rows import Folder, FolderSum, Merged, Pack, Part, Row, row_of
from .statements import in_lists

QUARTER_MS = 900_000
ARRIVAL_SLACK_MS = 2 * 86_400_000
FOLDER_LISTS_KEPT = 16


@runtime_checkable
class KeepsCatalogue(Protocol):
    """A backend that has a place for the catalogue, which is then the same for all who open the store."""

    def open_catalogue(self) -> Catalogue:
        """The catalogue, made where it is missing."""


class Catalogue(ABC):
    """Reads from any thread; `apply` only under the writer lease (or on a catalogue nobody else writes)."""

    applier: type[Applier] = Applier

    def __init__(self) -> None:
        self._folders: dict[int | None, tuple[bytes, list[Folder]]] = {}
        self._owner: tuple[bytes, int | None] | None = None

    @property
    @abstractmethod
    def reader(self) -> Db:
        """For asking, and for tests: each statement is its own transaction, or belongs to this thread's."""

    @abstractmethod
    def transaction(self) -> contextlib.AbstractContextManager[Db]:
        """One write transaction, of which nothing stays when it fails. Raises: StoreFull, StorageFailed."""

    @abstractmethod
    def close(self) -> None: ...

    # Its place

    @abstractmethod
    def mark(self) -> int:
        """Changes when another catalogue was put in this one's place by another process."""

    @abstractmethod
    def replaced_by(self, path: Path) -> Catalogue:
        """The catalogue with what the SQLite file at `path` holds, which is used up. Only under the writer lease."""

    @abstractmethod
    def size_bytes(self) -> int:
        """What it takes, with its indexes."""

    @abstractmethod
    def frozen(self, folder: Path) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """One state of it, read by SQLite with texts as bytes, while writers go on; `folder` is for what that needs."""

    @abstractmethod
    def copy_to(self, path: Path) -> list[str]:
        """One state of it as a new SQLite file; what its own check of its pages says against it."""

    # Upkeep

    @abstractmethod
    def tidy(self) -> None:
        """Fold back what writing left behind, if no reader is in the way."""

    @abstractmethod
    def is_sound(self) -> bool:
        """Whether its own check finds nothing. Tables can be asked then."""

    @abstractmethod
    def missing_indexes(self) -> list[str]:
        """The statements that make the indexes that are not there. A missing table is more than this tells."""

    @abstractmethod
    def figures(self) -> tuple[int, int, int]:
        """(what it takes, what of it is free, what waits to be folded back), in bytes."""

    @abstractmethod
    def give_back(self) -> None:
        """Give free pages back. Raises: StorageFailed."""

    @abstractmethod
    def wipe(self) -> None:
        """Leave nothing of rows that were deleted in its pages. Raises: StorageFailed."""

    @abstractmethod
    def optimise(self) -> None:
        """Refresh what the query planner knows. Raises: StorageFailed."""

    @abstractmethod
    def connections(self) -> int:
        """How many are open for reading."""

    # What it knows of the journal

    def position(self) -> Position:
        """The journal position this catalogue has applied. Raises: Damaged."""
        return self._position(self.reader)

    @staticmethod
    def _position(db: Db) -> Position:
        row = db.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()
        try:
            segment, offset, sequence, chain = str(row[0]).split(",")
            return Position(int(segment), int(offset), int(sequence), bytes.fromhex(chain))
        except (TypeError, ValueError):
            raise Damaged("the catalogue's position can't be read", "catalogue.sqlite") from None

    @staticmethod
    def _save_position(db: Db, at: Position) -> None:
        sql = "INSERT INTO meta VALUES('position', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
        db.execute(sql, (f"{at.segment},{at.offset},{at.sequence},{at.chain.hex()}",))

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
            if record.sequence <= self._position(db).sequence:
                return
            self.applier(db, record, describe, locate).run()
            self._save_position(db, record.after)

    # Reading

    def find_sha256(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Which of these contents are kept: SHA-256 → number."""
        found: dict[bytes, int] = {}
        for marks, some in in_lists(digests):
            found.update(self.reader.execute(f"SELECT sha256, number FROM message WHERE sha256 IN ({marks})", some))  # noqa: S608
        return found

    def placed(self, folder: int, numbers: Iterable[int]) -> set[int]:
        """Which of these messages are placed in the folder."""
        found: set[int] = set()
        for marks, some in in_lists(list(numbers)):
            sql = f"SELECT number FROM placement WHERE number IN ({marks}) AND folder = ?"  # noqa: S608
            found.update(row[0] for row in self.reader.execute(sql, [*some, folder]))
        return found

    def row(self, number: int) -> Row | None:
        rows = self.rows([number])
        return rows[0] if rows else None

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        """Messages with their placements, in the order asked for; those that aren't there are left out."""
        found: dict[int, Row] = {}
        for marks, some in in_lists(numbers):
            # A message that lies in several folders comes several times, which is rare.
            sql = f"""SELECT m.*, p.folder, f.mailbox FROM message m LEFT JOIN placement p ON p.number = m.number
                      LEFT JOIN folder f ON f.number = p.folder WHERE m.number IN ({marks})"""  # noqa: S608
            for *values, folder, mailbox in self.reader.execute(sql, some):
                row = found.get(values[0])
                if row is None:
                    row = found[values[0]] = row_of(values)
                if folder is not None:
                    row.placements.append((folder, mailbox))
        for row in found.values():
            row.placements.sort()
        return [found[number] for number in numbers if number in found]

    def known(self, numbers: Sequence[int]) -> list[int]:
        """Those of some messages that are there, in the order asked for."""
        found: set[int] = set()
        for marks, some in in_lists(numbers):
            sql = f"SELECT number FROM message WHERE number IN ({marks})"  # noqa: S608
            found.update(number for (number,) in self.reader.execute(sql, some))
        return [number for number in numbers if number in found]

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
        """The mailbox, if there has ever been just one with folders in this store.

        Not known any more once a folder was removed: the index may still have what lay in it. Counted anew after a
        commit only.
        """
        at = self.position().chain
        kept = self._owner
        if kept is None or kept[0] != at:
            kept = self._owner = (at, self._only_mailbox())
        return kept[1]

    def _only_mailbox(self) -> int | None:
        lowest, highest, count = self.reader.execute(
            "SELECT (SELECT min(mailbox) FROM folder), (SELECT max(mailbox) FROM folder), (SELECT count(*) FROM folder)"
        ).fetchone()
        return lowest if lowest == highest and count == self.counter("next_folder") - 1 else None

    def folders(self, mailbox: int | None = None) -> list[Folder]:
        """All folders (of a mailbox), sorted by path. Read anew after a commit only: not to be changed by callers."""
        try:
            at = self.position().chain  # not the sequence: one that was rolled back comes again
        except Damaged:  # recover reads what is left
            return self._read_folders(mailbox)
        kept = self._folders.get(mailbox)
        if kept is None or kept[0] != at:
            if len(self._folders) >= FOLDER_LISTS_KEPT:
                self._folders = {}
            kept = self._folders[mailbox] = (at, self._read_folders(mailbox))
        return kept[1]

    def _read_folders(self, mailbox: int | None) -> list[Folder]:
        sql = "SELECT number, mailbox, parent, name, messages FROM folder"
        arguments: tuple[int, ...] = ()
        if mailbox is not None:
            sql, arguments = sql + " WHERE mailbox = ?", (mailbox,)
        raw = self.reader.execute(sql, arguments).fetchall()
        parents = {row[0]: (row[2], row[3]) for row in raw}
        paths: dict[int, str] = {0: ""}

        def path(number: int) -> str:
            found = paths.get(number)
            if found is None:
                parent, name = parents[number]
                above = path(parent) if parent in parents else ""
                found = paths[number] = f"{above}/{name}" if above else name
            return found

        rows = [Folder(number, box, parent, name, path(number), count) for number, box, parent, name, count in raw]
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

    def folder_sums(self, numbers: Iterable[int]) -> dict[int, FolderSum]:
        """What lies in each of these folders itself; reads the rows of all their messages."""
        found: dict[int, FolderSum] = {}
        sql = """SELECT count(*), coalesce(sum(m.size), 0), min(m.date), max(m.date)
                 FROM placement p JOIN message m ON m.number = p.number WHERE p.folder = ?"""
        for number in numbers:
            row = self.reader.execute(sql, (number,)).fetchone()
            if row[0]:
                found[number] = FolderSum(*row)
        return found

    def known_folders(self, numbers: Iterable[int]) -> set[int]:
        """Which of these folders there are."""
        sql = "SELECT number FROM folder WHERE number = ?"
        return {number for number in set(numbers) if self.reader.execute(sql, (number,)).fetchone()}

    def child(self, mailbox: int, parent: int, name: str) -> int | None:
        sql = "SELECT number FROM folder WHERE mailbox = ? AND parent = ? AND name = ?"
        row = self.reader.execute(sql, (mailbox, parent, name)).fetchone()
        return row[0] if row else None

    def packs(self) -> list[Pack]:
        rows = self.reader.execute("SELECT number, state, bytes, sha256 FROM pack ORDER BY number")
        return [Pack(*row) for row in rows]

    def live_bytes(self) -> dict[int, int]:
        """Pack → bytes of its entries that are still wanted; reads the whole table (0.1 s per million rows)."""
        live = dict(self.reader.execute("SELECT pack, sum(length) FROM message GROUP BY pack"))
        for pack, length in self.reader.execute("SELECT pack, sum(length) FROM part GROUP BY pack"):
            live[pack] = live.get(pack, 0) + length
        return live

    def pack_end(self, number: int) -> int:
        """Where the last entry of an open pack ends, in bytes (0 = nothing yet)."""
        row = self.reader.execute("SELECT bytes FROM pack WHERE number = ?", (number,)).fetchone()
        return int(row[0]) if row else 0

    def pack_rows(self, number: int) -> list[tuple[int, int, int]]:
        """(entry's number, offset, length) of the live entries of a pack, by offset: messages, and parts with PART."""
        return [(entry, place.offset, place.length) for entry, _, place in self.entries(number)]

    def entries(self, pack: int) -> list[tuple[int, int, Place]]:
        """(entry's number, size, place) of the live entries of a pack, by offset."""
        sql = f"""SELECT number, size, "offset", length FROM message WHERE pack = ?
                  UNION ALL SELECT number | {PART}, size, "offset", length FROM part WHERE pack = ? ORDER BY 3"""  # noqa: S608
        return [(number, size, Place(pack, *lies)) for number, size, *lies in self.reader.execute(sql, (pack, pack))]

    # Parts that messages share

    def find_parts(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """Which of these parts are kept, in a pack that holds them: SHA-256 → number."""
        found: dict[bytes, int] = {}
        for marks, some in in_lists(digests):
            sql = f"SELECT sha256, number FROM part WHERE pack > 0 AND sha256 IN ({marks}) ORDER BY number"  # noqa: S608
            found.update(self.reader.execute(sql, some))
        return found

    def part_of(self, sha256: bytes) -> Part | None:
        """The part with this content; one that lies somewhere, if there is any."""
        sql = """SELECT number, sha256, size, pack, "offset", length FROM part WHERE sha256 = ?
                 ORDER BY pack = 0, number DESC"""
        row = self.reader.execute(sql, (sha256,)).fetchone()
        return Part(row[0], row[1], row[2], Place(*row[3:])) if row else None

    def parts_of(self, message: int) -> list[Part]:
        """The parts a message is made with."""
        sql = """SELECT p.number, p.sha256, p.size, p.pack, p."offset", p.length FROM uses u
                 JOIN part p ON p.number = u.part WHERE u.message = ? ORDER BY p.number"""
        rows = self.reader.execute(sql, (message,))
        return [Part(number, sha256, size, Place(*lies)) for number, sha256, size, *lies in rows]

    def shared(self) -> tuple[int, int]:
        """How many parts are kept, and the bytes that the further messages with each of them would have taken."""
        sql = """SELECT count(*), coalesce(sum(size * (users - 1)), 0) FROM part
                 JOIN (SELECT part, count(*) AS users FROM uses GROUP BY part) ON part = number"""
        parts, saved = self.reader.execute(sql).fetchone()
        return int(parts), int(saved)

    def concerned(self, entries: Iterable[int]) -> list[int]:
        """The messages that some entries of packs are of; those that share a part are all of them."""
        numbers = list(entries)
        users = self.users_of(number & ~PART for number in numbers if number & PART)
        return sorted({*users, *(number for number in numbers if not number & PART)})

    def users_of(self, parts: Iterable[int]) -> list[int]:
        """The messages that are made with any of these parts."""
        sql = "SELECT message FROM uses WHERE part = ?"
        return sorted({row[0] for part in parts for row in self.reader.execute(sql, (part,))})

    def newest_dictionary(self) -> int:
        """0 = there is none."""
        row = self.reader.execute("SELECT max(number) FROM dictionary").fetchone()
        return int(row[0] or 0)

    def merged(self) -> dict[str, Merged]:
        """How far other stores were merged into this one, by their identity."""
        rows = self.reader.execute("SELECT source, number, sequence, chain, done FROM merged")
        return {source: Merged(number, sequence, chain, bool(done)) for source, number, sequence, chain, done in rows}

    def dictionaries(self) -> dict[int, str]:
        return dict(self.reader.execute("SELECT number, sha256 FROM dictionary"))

    def samples_of(self, dictionary: int) -> list[str]:
        """The messages a dictionary was made of: the first 8 bytes of their SHA-256, as hex. Empty = not known."""
        sql = "SELECT sample FROM trained WHERE dictionary = ?"
        return [bytes(sample).hex() for (sample,) in self.reader.execute(sql, (dictionary,))]

    def parts(self) -> list[tuple[int, str, int]]:
        """(number, SHA-256 hex, bytes) of all parts."""
        rows = self.reader.execute("SELECT number, sha256, size FROM part ORDER BY number")
        return [(number, bytes(sha256).hex(), size) for number, sha256, size in rows]

    def has_beginning(self, digest: str) -> bool:
        """Whether a message is kept whose SHA-256 begins so (hex)."""
        first, last = (bytes.fromhex(digest.ljust(64, fill)) for fill in "0f")
        sql = "SELECT 1 FROM message WHERE sha256 BETWEEN ? AND ?"
        return self.reader.execute(sql, (first, last)).fetchone() is not None

    def numbers(self) -> Iterator[int]:
        return (row[0] for row in self.reader.execute("SELECT number FROM message ORDER BY number"))

    def numbers_in(self, folder: int) -> list[int]:
        """The messages in one folder."""
        return [row[0] for row in self.reader.execute("SELECT number FROM placement WHERE folder = ?", (folder,))]

    def numbers_called(self, message_id: str) -> list[int]:
        """The messages with a Message-ID (without its brackets); looks at every row."""
        sql = "SELECT number FROM message WHERE message_id IN (?, ?) ORDER BY number"
        return [row[0] for row in self.reader.execute(sql, (message_id, f"<{message_id}>"))]

    def numbers_of(self, mailboxes: Iterable[int]) -> list[int]:
        """The messages of some mailboxes."""
        sql = "SELECT DISTINCT p.number FROM placement p JOIN folder f ON f.number = p.folder WHERE f.mailbox = ?"
        found = (self.reader.execute(sql, (mailbox,)) for mailbox in mailboxes)
        return sorted({row[0] for rows in found for row in rows})

    def keeping_days(self) -> Iterator[tuple[int, int, int]]:
        """(number, the day it was archived, the day of its date) of every message, by number; days since 1970, UTC."""
        sql = """SELECT number, archived_ms / 86400000,
                        date / 86400 - CASE WHEN date < 0 AND date % 86400 <> 0 THEN 1 ELSE 0 END
                 FROM message ORDER BY number"""
        return iter(self.reader.execute(sql))

    def holders(self) -> tuple[list[int], list[frozenset[int]]]:
        """Whose each message is: by its number a place in the second list, of sets of mailboxes (0: of nobody)."""
        owner = dict(self.reader.execute("SELECT number, mailbox FROM folder"))
        sets: list[frozenset[int]] = [frozenset()]
        places: dict[frozenset[int], int] = {}
        alone = dict.fromkeys(owner, 0)
        for folder, mailbox in owner.items():
            mine = frozenset((mailbox,))
            if mine not in places:
                places[mine] = len(sets)
                sets.append(mine)
            alone[folder] = places[mine]
        found = [0] * self.counter("next_number")
        for number, folder in self.reader.execute("SELECT number, folder FROM placement ORDER BY number"):
            one, before = alone[folder], found[number]
            if before and before != one:
                both = sets[before] | sets[one]
                if both not in places:
                    places[both] = len(sets)
                    sets.append(both)
                one = places[both]
            found[number] = one
        return found, sets

    def arrivals(self, since_day: int) -> dict[int, tuple[int, int]]:
        """Day (since 1970, UTC) → (messages, bytes) archived."""
        sql = "SELECT day, messages, bytes FROM arrival WHERE day >= ?"
        return {day: (messages, size) for day, messages, size in self.reader.execute(sql, (since_day,))}

    def arrived(self, since_ms: int, before_ms: int) -> dict[int, tuple[int, int]]:
        """Quarter of an hour (since 1970) → (messages, bytes) archived from a moment on and before another, still here.

        Numbers are given in the order of archiving, so only the numbers of that time are read, with some slack for
        clocks that were set; where another store was merged into this one its messages keep their time, and all are.
        """
        slack = 0 if self.merged() else ARRIVAL_SLACK_MS
        first = self._number_at(since_ms - slack) if slack else 0
        last = self._number_at(before_ms + slack) if slack else 1 << 62
        sql = (
            f"SELECT archived_ms / {QUARTER_MS}, count(*), sum(size) FROM message "  # noqa: S608
            "WHERE number >= ? AND number < ? AND archived_ms >= ? AND archived_ms < ? GROUP BY 1"
        )
        rows = self.reader.execute(sql, (first, last, since_ms, before_ms))
        return {quarter: (messages, size) for quarter, messages, size in rows}

    def _number_at(self, moment_ms: int) -> int:
        """The first number that was archived at a moment or later, where numbers and times have the same order."""
        sql = "SELECT number, archived_ms FROM message WHERE number >= ? ORDER BY number LIMIT 1"
        low, high = 0, self.counter("next_number")
        while low < high:
            middle = (low + high) // 2
            found = self.reader.execute(sql, (middle,)).fetchone()
            if found is None or found[1] >= moment_ms:
                high = middle
            else:
                low = found[0] + 1
        return low
