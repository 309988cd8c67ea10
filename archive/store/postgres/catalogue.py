"""The catalogue as tables of the store's schema: seen by every node at once, and written in the journal's transaction.

It is checked and built anew by way of SQLite: `frozen` and `copy_to` give one state of it as such a file, `replaced_by`
takes one in. Not for what is asked of it (`..catalogue`).
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from psycopg import errors, sql

from ..applying import Applier, Db
from ..catalogue import Catalogue
from ..errors import Damaged, NotFound, StoreError
from ..journal import Position
from ..schema import COUNTERS
from ..sqlite_catalogue import SqliteCatalogue
from .database import Connection, Database, Session
from .tables import CATALOGUE, INDEXES, TABLES

BLOCK = 2000
_names = itertools.count()
COLUMNS = {
    "meta": 2, "mailbox": 2, "folder": 5, "message": 15, "placement": 3, "pack": 4, "dictionary": 2, "trained": 2,
    "arrival": 3, "part": 7, "uses": 2, "merged": 5,
}  # fmt: skip


class RowsApplier(Applier):
    """Applies a record with few statements: messages by COPY, placements as one array."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._waiting: list[tuple[Any, ...]] = []

    def _insert(self, row: tuple[Any, ...]) -> None:
        self._waiting.append(row)

    def _place(self, folder: int, rank: int, number: int) -> None:
        self._waiting.append((folder, rank, number))

    def flush(self) -> None:
        """Write what is waiting, before anything else is done or counted."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        connection = self._connection()
        messages = [row for row in waiting if len(row) > 3]
        try:
            with connection.transaction():
                copy_rows(connection, "message", messages)
        except errors.UniqueViolation:
            for row in waiting:
                if len(row) > 3:
                    self._insert_carefully(connection, row)
                else:
                    self._place_if_there(*row)
            return
        placements = [row for row in waiting if len(row) == 3]
        if placements:
            folders, ranks, numbers = (list(values) for values in zip(*placements, strict=True))
            statement = """INSERT INTO placement SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[])
                           ON CONFLICT DO NOTHING RETURNING folder"""
            for (folder,) in connection.execute(statement, (folders, ranks, numbers)):
                self._placed(folder)

    def _insert_carefully(self, connection: Connection, row: tuple[Any, ...]) -> None:
        try:
            with connection.transaction():
                copy_rows(connection, "message", [row])
        except errors.UniqueViolation:
            self._insert_again(row)

    def _connection(self) -> Connection:
        assert isinstance(self.db, Session)
        return self.db.connection


def copy_rows(connection: Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add rows in the order of the table's columns."""
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


class PostgresCatalogue(Catalogue):
    """Tables of one schema. `apply` belongs to the transaction of the writer lease where this thread holds it."""

    applier = RowsApplier

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        if not self._is_made():
            self._make()

    def _is_made(self) -> bool:
        try:
            return self.reader.execute("SELECT 1 FROM position").fetchone() is not None
        except NotFound:
            return False

    def _make(self) -> None:
        """Empty tables, where some are missing or hold nothing; whoever opens the store next replays the journal."""
        with self._database.lock("catalogue", wait=True, binding=True):
            if not self._is_made_here():
                with self._database.transaction() as connection:
                    for statement in (*CATALOGUE, *INDEXES.values()):
                        connection.execute(statement.encode())
                    self._empty(connection)
                    session = Session(connection)
                    for counter in COUNTERS:
                        session.execute("INSERT INTO meta VALUES(?, ?)", (counter, int("next" in counter)))
                    self._save_position(session, Position())

    def _is_made_here(self) -> bool:
        row = self.reader.execute("SELECT to_regclass('position') IS NOT NULL").fetchone()
        return bool(row[0]) and self._is_made()

    @staticmethod
    def _empty(connection: Connection) -> None:
        for table in (*TABLES, "position"):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    # Statements

    @property
    def reader(self) -> Database:
        return self._database

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        # Within the lease's transaction a savepoint, so that what fails here alone is taken back here alone.
        with self._database.session() as connection, connection.transaction():
            yield Session(connection)

    def _stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        with self._database.still() as connection, connection.cursor(name=f"stream {next(_names)}") as cursor:
            cursor.itersize = BLOCK
            yield from cursor.execute(statement.encode())

    def numbers(self) -> Iterator[int]:
        return (row[0] for row in self._stream("SELECT number FROM message ORDER BY number"))

    def keeping_facts(self) -> Iterator[tuple[int, int, int, str]]:
        facts = """SELECT m.number, m.archived_ms, m.date, string_agg(DISTINCT f.mailbox::text, ',') FROM message m
                   JOIN placement p ON p.number = m.number JOIN folder f ON f.number = p.folder
                   GROUP BY m.number ORDER BY m.number"""
        return ((number, archived, date, boxes) for number, archived, date, boxes in self._stream(facts))

    # Its place

    @staticmethod
    def _position(db: Db) -> Position:
        row = db.execute("SELECT segment, at, sequence, chain FROM position").fetchone()
        if row is None:
            raise Damaged("the catalogue has no position", "table position")
        return Position(*row)

    @staticmethod
    def _save_position(db: Db, at: Position) -> None:
        values = (at.segment, at.offset, at.sequence, at.chain)
        if not db.execute("UPDATE position SET segment = ?, at = ?, sequence = ?, chain = ?", values).rowcount:
            db.execute("INSERT INTO position VALUES(?, ?, ?, ?)", values)

    def close(self) -> None:
        """The connections are the backend's."""

    def mark(self) -> int:
        return 0

    def replaced_by(self, path: Path) -> PostgresCatalogue:
        with contextlib.closing(sqlite3.connect(path)) as db, self._database.transaction() as connection:
            for statement in (*CATALOGUE, *INDEXES.values()):
                connection.execute(statement.encode())
            self._empty(connection)
            for table in TABLES:
                rows = db.execute(f"SELECT * FROM {table}")  # noqa: S608
                if table == "meta":
                    known = dict(rows.fetchall())
                    segment, offset, sequence, chain = str(known.pop("position")).split(",")
                    at = Position(int(segment), int(offset), int(sequence), bytes.fromhex(chain))
                    self._save_position(Session(connection), at)
                    copy_rows(connection, table, known.items())
                else:
                    copy_rows(connection, table, rows)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        self._folders = {}
        return self

    def size_bytes(self) -> int:
        sizes = sql.SQL(" + ").join(
            sql.SQL("pg_total_relation_size({})").format(sql.Literal(table)) for table in TABLES
        )
        with self._database.session() as connection:
            row = connection.execute(sql.SQL("SELECT {}").format(sizes)).fetchone()
        return int(row[0]) if row else 0

    @contextlib.contextmanager
    def frozen(self, folder: Path) -> Iterator[sqlite3.Connection]:
        path = folder / "frozen.sqlite"
        self.copy_to(path)
        db = sqlite3.connect(path, isolation_level=None)
        db.text_factory = bytes
        try:
            yield db
        finally:
            db.close()

    def copy_to(self, path: Path) -> list[str]:
        made = SqliteCatalogue(path)
        missing = self._missing()
        with made.transaction() as db, self._database.still() as connection:
            db.execute("DELETE FROM meta")
            for table in TABLES:
                marks = ",".join("?" * COLUMNS[table])
                with connection.cursor(name=f"copy {next(_names)}") as cursor:
                    cursor.itersize = BLOCK
                    rows = iter(cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))))
                    while block := list(itertools.islice(rows, BLOCK)):
                        for row in block:
                            db.execute(f"INSERT INTO {table} VALUES({marks})", row)
            SqliteCatalogue._save_position(db, self._position(Session(connection)))
            for name in missing:
                db.execute(f"DROP INDEX {name}")
        made.tidy()
        made.close()
        return []

    # Upkeep

    def tidy(self) -> None:
        """The server does it by itself."""

    def _missing(self) -> list[str]:
        rows = self.reader.execute("SELECT indexname FROM pg_indexes WHERE schemaname = ?", (self._database.schema,))
        there = {name for (name,) in rows}
        return [name for name in INDEXES if name not in there]

    def is_sound(self) -> bool:
        try:
            for table in TABLES:
                self.reader.execute("SELECT " + f"* FROM {table} LIMIT 1")  # noqa: S608
            self.position()
        except StoreError:
            return False
        return True

    def missing_indexes(self) -> list[str]:
        return [INDEXES[name] for name in self._missing()]

    def figures(self) -> tuple[int, int, int]:
        statement = """SELECT coalesce(sum(n_dead_tup), 0), coalesce(sum(n_live_tup), 0) FROM pg_stat_user_tables
                       WHERE schemaname = ?"""
        dead, live = self.reader.execute(statement, (self._database.schema,)).fetchone()
        size = self.size_bytes()
        return size, int(size * dead / (dead + live)) if dead else 0, 0

    def give_back(self) -> None:
        with self._database.session() as connection:
            for table in (*TABLES, "file", "content", "journal"):
                connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))

    def wipe(self) -> None:
        """Rewrites the tables that hold words of mail; waits for readers. The server's log and backups are not ours."""
        with self._database.session() as connection:
            for table in ("message", "folder", "mailbox", "trained", "part"):
                connection.execute(sql.SQL("VACUUM FULL {}").format(sql.Identifier(table)))

    def optimise(self) -> None:
        with self._database.session() as connection:
            for table in TABLES:
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))

    def connections(self) -> int:
        return self._database.connections()
