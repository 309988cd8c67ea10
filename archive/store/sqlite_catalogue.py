"""The catalogue as one SQLite file: for stores in a folder, and for every replay that is compared or put in place.

Many readers (one connection per thread) and one writer, who holds the store's writer lease. Not for what is asked of it
(`catalogue`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .applying import INSERT_MESSAGE, INSERT_PLACEMENT, Applier
from .catalogue import Catalogue
from .errors import StorageFailed, StoreFull, WrongFormat
from .journal import Position
from .schema import COUNTERS, VERSION, statements, upgrade

ROWS = 64


class ManyRows(Applier):
    """Applies a record with few statements: its messages by one, its placements by another."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._messages: list[tuple[Any, ...]] = []
        self._placements: list[tuple[int, int, int]] = []

    def _insert(self, row: tuple[Any, ...]) -> None:
        if self._placements:
            self.flush()  # a message that is named twice is seen twice
        self._messages.append(row)

    def _place(self, folder: int, rank: int, number: int) -> None:
        self._placements.append((folder, rank, number))

    def flush(self) -> None:
        messages, self._messages = self._messages, []
        placements, self._placements = self._placements, []
        at_once = not messages or self._all_at_once(INSERT_MESSAGE, messages)
        if not at_once:
            for row in messages:
                super()._insert(row)
        if not placements:
            return
        if at_once and self._all_at_once(INSERT_PLACEMENT, placements):
            for folder, count in Counter(folder for folder, _, _ in placements).items():
                self._placed(folder, count)
        else:
            for placement in placements:
                self._place_if_there(*placement)

    def _all_at_once(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Whether every row was new; else none of them is there."""
        if len(rows) == 1 or not isinstance(self.db, sqlite3.Connection):
            return False
        self.db.execute("SAVEPOINT many")
        try:
            if sum(self._add(statement, some) for some in _blocks(rows)) == len(rows):
                return True
            self.db.execute("ROLLBACK TO many")
        except sqlite3.IntegrityError:
            self.db.execute("ROLLBACK TO many")
        finally:
            self.db.execute("RELEASE many")
        return False

    def _add(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """One step for all of them: after each step Python's lock goes to another thread."""
        head, values, tail = statement.partition(statement[statement.index("(") : statement.index(")") + 1])
        return self.db.execute(f"{head}{','.join([values] * len(rows))}{tail}", list(itertools.chain(*rows))).rowcount


def _blocks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """At most ROWS at a time, always a power of two: so there are few statements, which stay prepared."""
    at = 0
    while at < len(rows):
        size = min(ROWS, 1 << ((len(rows) - at).bit_length() - 1))
        yield rows[at : at + size]
        at += size


class SqliteCatalogue(Catalogue):
    """One SQLite file. Reads from any thread; `apply` only under the writer lease."""

    applier = ManyRows

    def __init__(self, path: Path) -> None:
        super().__init__()
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
            if version > VERSION:
                raise WrongFormat(f"the catalogue is of version {version}, {VERSION} is read here")
            if version < VERSION:
                with self.transaction():
                    # Another process may have done it between the look and the lock.
                    version = self._writer.execute("PRAGMA user_version").fetchone()[0]
                    if version == 0:
                        self._make()
                    elif version < VERSION:
                        upgrade(self._writer, version)
        except sqlite3.DatabaseError as error:
            raise WrongFormat(f"the catalogue can't be read: {error}") from error

    def _make(self) -> None:
        for statement in statements():
            self._writer.execute(statement)
        for counter in COUNTERS:
            self._writer.execute("INSERT INTO meta VALUES(?, ?)", (counter, int("next" in counter)))
        self._save_position(self._writer, Position())
        self._writer.execute(f"PRAGMA user_version={VERSION}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; disk-full becomes StoreFull, and nothing of it stays."""
        with self._writing, self._undone_where_it_fails():
            self._writer.execute("BEGIN IMMEDIATE")
            yield self._writer
            self._writer.execute("COMMIT")

    @contextlib.contextmanager
    def _undone_where_it_fails(self) -> Iterator[None]:
        """Raises: StoreFull, StorageFailed for what SQLite says; nothing of the transaction stays."""
        try:
            yield
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

    def connections(self) -> int:
        return len(self._readers)

    def close(self) -> None:
        with self._guard:
            for _, connection in self._readers:
                connection.close()
            self._readers.clear()
            self._writer.close()

    # Its place

    def mark(self) -> int:
        return self.path.stat().st_ino if self.path.exists() else 0

    def replaced_by(self, path: Path) -> SqliteCatalogue:
        self.close()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)
        path.replace(self.path)
        return SqliteCatalogue(self.path)

    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.path.parent.glob(f"{self.path.name}*"))

    @contextlib.contextmanager
    def frozen(self, folder: Path) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, isolation_level=None)
        db.text_factory = bytes
        try:
            db.execute(f"PRAGMA mmap_size={1 << 40}")
            db.execute("BEGIN")
            yield db
        finally:
            db.close()

    def copy_to(self, path: Path) -> list[str]:
        target = sqlite3.connect(path)
        try:
            self.reader.backup(target)
            found = [str(row[0]) for row in target.execute("PRAGMA integrity_check(20)")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
        finally:
            target.close()
        return [] if found == ["ok"] else found

    # Upkeep

    def is_sound(self) -> bool:
        try:
            return bool(self.reader.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)])
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return False

    def missing_indexes(self) -> list[str]:
        try:
            there = {sql for (sql,) in self.reader.execute("SELECT sql FROM sqlite_master")}
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return []
        return [each for each in statements("INDEX", "UNIQUE INDEX") if each not in there]

    def figures(self) -> tuple[int, int, int]:
        db = self.reader
        page = int(db.execute("PRAGMA page_size").fetchone()[0])
        pages, free = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count"))
        log = self.path.with_name(f"{self.path.name}-wal")
        return page * pages, page * free, log.stat().st_size if log.exists() else 0

    def give_back(self) -> None:
        self._alone("VACUUM")

    def wipe(self) -> None:
        self._alone("VACUUM")

    def optimise(self) -> None:
        self._alone("PRAGMA analysis_limit=1000", "PRAGMA optimize")

    def _alone(self, *tasks: str) -> None:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            for statement in tasks:
                db.execute(statement)
        except sqlite3.OperationalError as error:
            raise StorageFailed(f"the catalogue can't be tidied now: {error}") from error
        finally:
            db.close()


class FreshCatalogue(SqliteCatalogue):
    """A new one that a replay fills before anybody else sees it, and that is thrown away where that is broken off.

    So it is written without care for a crash, many records in one transaction, until `finish`. For one thread.
    """

    RECORDS = 16

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("PRAGMA journal_mode=MEMORY")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-32768")
        return connection

    def __init__(self, path: Path) -> None:
        self._pending = 0
        super().__init__(path)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._undone_where_it_fails():
            if not self._writer.in_transaction:
                self._writer.execute("BEGIN IMMEDIATE")
            yield self._writer
            self._pending += 1
            if self._pending >= self.RECORDS:
                self._settle()

    def _settle(self) -> None:
        if self._writer.in_transaction:
            self._writer.execute("COMMIT")
        self._pending = 0

    def finish(self) -> None:
        """All that was applied is in the file now, durably. Raises: StoreFull, StorageFailed."""
        with self._undone_where_it_fails():
            self._settle()
        try:
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageFailed(f"catalogue: {error}") from error
