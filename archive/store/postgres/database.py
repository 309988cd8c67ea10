"""Connections to the database a store lies in, and the one transaction a thread may be in.

A statement of a thread that holds the writer lease belongs to the lease's transaction; any other is a transaction of
its own, on a connection that is borrowed for it. Not for what is stored (`backend`, `catalogue`).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import IntLoader

from ..errors import NotFound, StorageFailed, StoreError, StoreFull

Connection = psycopg.Connection[tuple[Any, ...]]

# A process has one engine for a store; its threads seldom ask at once, and a database serves many processes.
MOST_CONNECTIONS = 8
WAIT_S = 30.0
CONNECT_S = 10
IDLE_S = 60.0

# Whatever the server is set to: durable when committed, no time-out while a lease is held, and a lease that is freed
# soon after its holder's machine is gone.
SETTINGS = {
    "idle_in_transaction_session_timeout": "0", "statement_timeout": "0", "lock_timeout": "0",
    "default_transaction_isolation": "read committed", "client_min_messages": "warning",
    "tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3",
}  # fmt: skip


def translate(error: psycopg.Error) -> StoreError:
    """The engine's error for one of the database's."""
    said = str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
    if isinstance(error, errors.DiskFull | errors.OutOfMemory | errors.TooManyConnections):
        return StoreFull(f"the database has no room: {said}")
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        return NotFound(f"the database holds no such thing: {said}")
    return StorageFailed(f"the database: {said}")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the database's errors into the engine's at this boundary."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error


_MARKS = re.compile(r"\?(\d*)|(?<![\"\w])offset(?![\"\w])|%")


@functools.lru_cache(512)
def placed(statement: str) -> tuple[bytes, tuple[int, ...]]:
    """A statement of the catalogue as psycopg wants it, and which value goes where: `?` in order, `?1` by number.

    The column `offset` has a name that is a word of the language here.
    """
    order: list[int] = []

    def put(found: re.Match[str]) -> str:
        if found[0] == "%":
            return "%%"
        if found[0] == "offset":
            return '"offset"'
        order.append(int(found[1]) - 1 if found[1] else len(order))
        return "%s"

    return _MARKS.sub(put, statement).encode(), tuple(order)


class Answer:
    """What a statement gave back, all of it."""

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self.rowcount = cursor.rowcount
        self._rows = cursor.fetchall() if cursor.description else []
        self._at = 0

    def fetchone(self) -> Any:
        row = self._rows[self._at] if self._at < len(self._rows) else None
        self._at += 1
        return row

    def fetchall(self) -> list[Any]:
        rows, self._at = self._rows[self._at :], len(self._rows)
        return rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


class Session:
    """Takes statements as the catalogue writes them, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Answer:
        query, order = placed(statement)
        with translated():
            return Answer(self.connection.execute(query, [parameters[at] for at in order]))

    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]], /) -> None:
        query, order = placed(statement)
        with translated(), self.connection.cursor() as cursor:
            cursor.executemany(query, [[values[at] for at in order] for values in parameters])


class Database:
    """One schema of one database. Safe for threads.

    conninfo: asked for each new connection where it is a function, which may raise a `StoreError`.
    """

    def __init__(self, conninfo: str | Callable[[], str], schema: str) -> None:
        self._conninfo = conninfo
        self.schema = schema
        self._idle: list[tuple[float, Connection]] = []
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._guard = threading.Lock()
        self._local = threading.local()
        self._closed = False

    # Connections

    def connect(self) -> Connection:
        """A new connection that looks into the schema. Raises: StorageFailed."""
        with translated():
            said = self._conninfo if isinstance(self._conninfo, str) else self._conninfo()
            known = {"connect_timeout": CONNECT_S, **conninfo_to_dict(said)}
            connection: Connection = psycopg.connect(make_conninfo("", **known), autocommit=True)
            names = sql.SQL(", ").join(
                sql.SQL("set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
                for name, value in {**SETTINGS, "search_path": f'"{self.schema}"'}.items()
            )
            connection.execute(sql.SQL("SELECT {}").format(names))
            asks = "current_setting('synchronous_commit') = 'off'"
            connection.execute(f"SELECT set_config('synchronous_commit', 'on', false) WHERE {asks}".encode())
            connection.adapters.register_loader("numeric", IntLoader)  # sums of whole numbers
        return connection

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection nobody else uses, out of any transaction. Raises: StorageFailed."""
        if not self._room.acquire(timeout=WAIT_S):
            raise StorageFailed("all connections to the store's database are in use")
        try:
            connection = self._take() or self.connect()
            try:
                yield connection
            finally:
                self._give(connection)
        finally:
            self._room.release()

    def _take(self) -> Connection | None:
        while True:
            with self._guard:
                if not self._idle:
                    return None
                _, connection = self._idle.pop()
            # A server that ended says so, so there is something to read on a connection that should be still.
            if not connection.closed and not select.select([connection.fileno()], [], [], 0)[0]:
                return connection
            connection.close()

    def _give(self, connection: Connection) -> None:
        now = time.monotonic()
        still = not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._guard:
            old = [each for each in self._idle if now - each[0] > IDLE_S or self._closed]
            self._idle = [each for each in self._idle if each not in old]
            if still and not self._closed:
                self._idle.append((now, connection))
            else:
                old.append((now, connection))
        for _, each in old:
            each.close()

    def connections(self) -> int:
        """How many are kept open."""
        return len(self._idle)

    def close(self) -> None:
        """Close what is idle; who still works closes theirs when they are done."""
        with self._guard:
            self._closed, idle = True, self._idle
            self._idle = []
        for _, connection in idle:
            connection.close()

    # Transactions

    @property
    def mine(self) -> Connection | None:
        """The connection of the transaction this thread is in."""
        found: Connection | None = getattr(self._local, "connection", None)
        return found

    @contextlib.contextmanager
    def session(self) -> Iterator[Connection]:
        """This thread's transaction, or a connection on which each statement is one. Raises: StoreError."""
        with translated():
            if (mine := self.mine) is not None:
                yield mine
                return
            with self.borrowed() as connection:
                yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """This thread's transaction, or one of its own for what is in the block. Raises: StoreError."""
        with self.session() as connection:
            if self.mine is not None:
                yield connection
                return
            with connection.transaction():
                yield connection

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool, binding: bool) -> Iterator[bool]:
        """In a transaction that holds an advisory lock; gives whether it could be had (always, with `wait`).

        `binding`: what this thread asks meanwhile belongs to that transaction, and is taken back with it.
        """
        digest = hashlib.sha256(f"{self.schema}\0{name}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        with translated(), self.borrowed() as connection, connection.transaction():
            if wait:
                connection.execute("SELECT pg_advisory_xact_lock(%s::bigint)", (key,))
            else:
                row = connection.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", (key,)).fetchone()
                if row is None or not row[0]:
                    yield False
                    return
            if not binding:
                yield True
                return
            before, self._local.connection = self.mine, connection
            try:
                yield True
            finally:
                self._local.connection = before

    @contextlib.contextmanager
    def still(self) -> Iterator[Connection]:
        """One state of everything, for as long as the block: this thread's transaction, or a snapshot. StoreError."""
        with self.session() as connection:
            if self.mine is not None:
                yield connection
                return
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Answer:
        """One statement of the catalogue. Raises: StoreError."""
        with self.session() as connection:
            return Session(connection).execute(statement, parameters)

    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]], /) -> None:
        """One statement for many rows. Raises: StoreError."""
        with self.transaction() as connection:
            Session(connection).executemany(statement, parameters)
