"""Journal, packs and small files as rows of PostgreSQL; sealed packs may lie outside of it, as objects.

What a thread writes while it holds the writer lease is one transaction, which ends with the lease: pack, journal and
catalogue together or not at all (I1, I2). Anything else is durable when `sync`, `put` or `delete` come back. Leases are
advisory locks of a transaction, so the server frees them when their holder dies.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator

from psycopg import sql

from ..errors import Busy, NotFound, StorageFailed, StoreError, WrongFormat
from .catalogue import PostgresCatalogue
from .database import Connection, Database
from .objects import Objects, compare
from .tables import FILES, TABLES

WRITER_LEASE = "writer.lock"
ROW_BYTES = 256 << 10
FLUSH_BYTES = 1 << 20
BLOCK_BYTES = 4 << 20
# What a store in PostgreSQL seals packs at: an object of a size that S3 likes, and not too much in rows.
PACK_BYTES = 16 << 20
FORGET_WAIT_S = 10
# What a beginning that was killed left behind; the catalogue's come after the store is one.
OWN_TABLES = ("file", "journal", "content", "loose")

GROW = """
WITH grown AS (UPDATE file SET size = %s WHERE id = %s AND size = %s RETURNING id)
INSERT INTO {} SELECT grown.id, piece.at, piece.data FROM grown, unnest(%b::bigint[], %b::bytea[]) AS piece(at, data)"""
READ = """
SELECT f.object, f.size,
       substring(p.data FROM (greatest(%(start)s - p.at, 0) + 1)::int
                 FOR (least(p.at + length(p.data), %(end)s) - greatest(p.at, %(start)s))::int)
FROM file f LEFT JOIN {0} p ON p.file = f.id AND p.at < %(end)s AND p.at + length(p.data) > %(start)s
     AND p.at >= coalesce((SELECT max(q.at) FROM {0} q WHERE q.file = f.id AND q.at <= %(start)s), 0)
WHERE f.name = %(name)s ORDER BY p.at"""


def table_of(name: str) -> sql.Identifier:
    """Where a file's bytes are: all kinds of journals in one table, all else in another."""
    return sql.Identifier("journal" if name.startswith("journal") else "content")


class RowWriter:
    """Appends rows to one file. What another wrote there meanwhile is never overwritten: the flush fails."""

    def __init__(self, database: Database, name: str, file: int, at: int) -> None:
        self._database = database
        self._name = name
        self._file = file
        self._kept = at
        self._position = at
        self._pending: list[bytes] = []

    @property
    def position(self) -> int:
        return self._position

    def write(self, data: bytes) -> None:
        if data:
            self._pending.append(bytes(data))
            self._position += len(data)
        if self._position - self._kept >= FLUSH_BYTES:
            self.sync()

    def sync(self) -> None:
        pending, self._pending = self._pending, []
        start, self._kept = self._kept, self._position
        if not pending:
            return
        rows = list(self._rows(pending))
        starts, at = list[int](), start
        for row in rows:
            starts.append(at)
            at += len(row)
        with self._database.session() as connection:
            grow = sql.SQL(GROW).format(table_of(self._name))
            done = connection.execute(grow, (at, self._file, start, starts, rows))
            if done.rowcount != len(rows):
                raise StorageFailed(f"{self._name} has not the {start} bytes that were expected")

    def _rows(self, pending: list[bytes]) -> Iterator[bytes]:
        """A row for each record of a journal; of a pack as few as will do."""
        whole = pending if self._name.startswith("journal") else [b"".join(pending)]
        for data in whole:
            yield from (data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES))

    def close(self) -> None:
        """What was not synced need not be kept."""
        with contextlib.suppress(StoreError):
            self.sync()


class Lease:
    """One advisory lock; threads of this process queue here first, so that they need one connection for it."""

    def __init__(self, backend: PostgresBackend, name: str) -> None:
        self._backend = backend
        self._name = name
        self._threads = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def hold(self, *, wait: bool) -> Iterator[None]:
        """Hold the lease; waits its turn unless `wait` is false. Raises: Busy, StorageFailed."""
        if not self._threads.acquire(blocking=wait):
            raise Busy(f"{self._name} is held by another thread")
        try:
            self._depth += 1
            if self._depth > 1:
                yield
            else:
                with self._taken(wait=wait):
                    yield
        finally:
            self._depth -= 1
            self._threads.release()

    @contextlib.contextmanager
    def _taken(self, *, wait: bool) -> Iterator[None]:
        binding = self._name == WRITER_LEASE
        with self._backend.database.lock(self._name, wait=wait, binding=binding) as held:
            if not held:
                raise Busy(f"{self._name} is held by another process")
            yield
        self._backend.after_commit()


class PostgresBackend:
    """The files of one store in one schema. Safe for threads; processes meet at `lock`.

    `objects` is where sealed packs go, and where those that went are read; without it they stay in rows.
    """

    def __init__(self, database: Database, objects: Objects | None = None) -> None:
        self.database = database
        self.objects = objects
        self._leases: dict[str, Lease] = {}
        self._guard = threading.Lock()
        self._loosened = False

    @classmethod
    def create(cls, database: Database, objects: Objects | None = None) -> PostgresBackend:
        """Make the schema and its tables. Raises: WrongFormat (a store lies there), StorageFailed."""
        backend = cls(database, objects)
        with database.transaction() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(database.schema)))
            for statement in FILES:
                connection.execute(statement.encode())
            row = connection.execute("SELECT 1 FROM file WHERE name <> 'keys.json'").fetchone()
            if row is not None:
                raise WrongFormat(f"there is a store in the schema {database.schema} already")
            others = """SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relname = ANY(%s)"""
            if connection.execute(others, (database.schema, list(OWN_TABLES))).fetchone() is not None:
                raise WrongFormat(f"the schema {database.schema} holds tables of something else")
        return backend

    def open_catalogue(self) -> PostgresCatalogue:
        return PostgresCatalogue(self.database)

    # Looking

    def names(self, folder: str) -> list[str]:
        with self.database.session() as connection:
            rows = connection.execute(
                "SELECT name FROM file WHERE starts_with(name, %s) ORDER BY name", (f"{folder}/",)
            )
            return [row[0] for row in rows]

    def size(self, name: str) -> int:
        with self.database.session() as connection:
            row = connection.execute("SELECT size FROM file WHERE name = %s", (name,)).fetchone()
        if row is None:
            raise NotFound(f"{name} is not there")
        return int(row[0])

    def total(self, folder: str) -> int:
        with self.database.session() as connection:
            statement = "SELECT coalesce(sum(size), 0)::bigint FROM file WHERE starts_with(name, %s)"
            row = connection.execute(statement, (f"{folder}/",)).fetchone()
        return int(row[0]) if row else 0

    def read(self, name: str, offset: int, length: int) -> bytes:
        end = offset + max(length, 0)
        statement = sql.SQL(READ).format(table_of(name))
        with self.database.session() as connection, connection.cursor(binary=True) as cursor:
            rows = cursor.execute(statement, {"start": offset, "end": end, "name": name}).fetchall()
        if not rows:
            raise NotFound(f"{name} is not there")
        key, size, _ = rows[0]
        if key is None:
            return b"".join(row[2] for row in rows if row[2] is not None)
        if offset >= size or end <= offset:
            return b""
        return self._outside().read(key, offset, min(end, size) - offset)

    def _outside(self) -> Objects:
        if self.objects is None:
            raise StorageFailed("a pack lies outside of the database, and nothing says where")
        return self.objects

    # Changing

    def append(self, name: str, at: int) -> RowWriter:
        with self.database.transaction() as connection:
            found = connection.execute(
                "SELECT id, size, object FROM file WHERE name = %s FOR UPDATE", (name,)
            ).fetchone()
            if found is None:
                if at:
                    raise NotFound(f"{name} is not there")
                made = connection.execute("INSERT INTO file(name) VALUES(%s) RETURNING id", (name,)).fetchone()
                return RowWriter(self.database, name, made[0] if made else 0, 0)
            file, size, key = found
            if size < at:
                raise StorageFailed(f"{name} has {size} bytes, {at} were expected")
            if key is not None:
                self._bring_back(connection, name, file, key, min(at, size))
            if size > at:
                self._cut(connection, name, file, at)
        self._swept_outside()
        return RowWriter(self.database, name, file, at)

    def _cut(self, connection: Connection, name: str, file: int, at: int) -> None:
        table = table_of(name)
        connection.execute(sql.SQL("DELETE FROM {} WHERE file = %s AND at >= %s").format(table), (file, at))
        shorten = sql.SQL(
            "UPDATE {} SET data = substring(data FROM 1 FOR (%(at)s - at)::int) "
            "WHERE file = %(file)s AND at < %(at)s AND at + length(data) > %(at)s"
        ).format(table)
        connection.execute(shorten, {"file": file, "at": at})
        connection.execute("UPDATE file SET size = %s WHERE id = %s", (at, file))

    def _bring_back(self, connection: Connection, name: str, file: int, key: str, size: int) -> None:
        """The first bytes of a file as rows again, and its object loose: only where a damaged store is mended."""
        insert = sql.SQL("INSERT INTO {} VALUES(%s, %s, %b)").format(table_of(name))
        for at in range(0, size, ROW_BYTES):
            data = self._outside().read(key, at, min(ROW_BYTES, size - at))
            connection.execute(insert, (file, at, data))
        connection.execute("UPDATE file SET object = NULL, size = %s WHERE id = %s", (size, file))
        self._loosen(connection, key)

    def put(self, name: str, data: bytes) -> None:
        with self.database.transaction() as connection:
            statement = """INSERT INTO file(name, size) VALUES(%s, %s)
                           ON CONFLICT(name) DO UPDATE SET size = excluded.size RETURNING id, object"""
            row = connection.execute(statement, (name, len(data))).fetchone()
            file, key = row or (0, None)
            if key is not None:
                self._loosen(connection, key)
                connection.execute("UPDATE file SET object = NULL WHERE id = %s", (file,))
            table = table_of(name)
            connection.execute(sql.SQL("DELETE FROM {} WHERE file = %s").format(table), (file,))
            insert = sql.SQL("INSERT INTO {} VALUES(%s, %s, %b)").format(table)
            for at in range(0, len(data), ROW_BYTES):
                connection.execute(insert, (file, at, data[at : at + ROW_BYTES]))
        self._swept_outside()

    def delete(self, name: str) -> None:
        with self.database.transaction() as connection:
            row = connection.execute("DELETE FROM file WHERE name = %s RETURNING id, object", (name,)).fetchone()
            if row is None:
                return
            connection.execute(sql.SQL("DELETE FROM {} WHERE file = %s").format(table_of(name)), (row[0],))
            if row[1] is not None:
                self._loosen(connection, row[1])
        self._swept_outside()

    def move_folder(self, folder: str, to: str) -> None:
        """Give a folder of files another name."""
        with self.database.transaction() as connection:
            statement = "UPDATE file SET name = %s || substr(name, %s) WHERE starts_with(name, %s)"
            if not connection.execute(statement, (to, len(folder) + 1, f"{folder}/")).rowcount:
                raise NotFound(f"{folder} is not there")

    def lock(self, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[None]:
        with self._guard:
            lease = self._leases.setdefault(name, Lease(self, name))
        return lease.hold(wait=wait)

    def close(self) -> None:
        self.database.close()

    def drop(self) -> None:
        """The store is gone: its objects, where their place is known, then its schema. Raises: StoreError."""
        with self.database.session() as connection:
            keys = [row[0] for row in connection.execute("SELECT object FROM file WHERE object IS NOT NULL")]
            keys += [row[0] for row in connection.execute("SELECT key FROM loose")]
            for key in keys if self.objects is not None else []:
                self._outside().delete(key)
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(self.database.schema)))

    def forget_catalogue(self) -> None:
        """Remove the tables that are made of the journal, which are plain text. Raises: StoreError."""
        with self.database.transaction() as connection:
            connection.execute(f"SET LOCAL lock_timeout = '{FORGET_WAIT_S}s'".encode())
            for table in ("position", *TABLES):
                connection.execute(
                    sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(self.database.schema, table))
                )

    def size_bytes(self) -> int:
        """What the store's tables take in the database."""
        with self.database.session() as connection:
            statement = """SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
                           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'"""
            row = connection.execute(statement, (self.database.schema,)).fetchone()
        return int(row[0]) if row else 0

    # Objects

    def some_object(self) -> tuple[str, int] | None:
        """The key and size of one object that is needed, if there is any."""
        with self.database.session() as connection:
            row = connection.execute("SELECT object, size FROM file WHERE object IS NOT NULL LIMIT 1").fetchone()
        return None if row is None else (str(row[0]), int(row[1]))

    def _loosen(self, connection: Connection, key: str) -> None:
        connection.execute("INSERT INTO loose(key) VALUES(%s) ON CONFLICT DO NOTHING", (key,))
        self._loosened = True

    def _swept_outside(self) -> None:
        if self.database.mine is None:
            self.after_commit()

    def after_commit(self) -> None:
        """Objects of files that were deleted go now, if they can; else with the next sealing."""
        if self._loosened and self.objects is not None:
            self._loosened = False
            with contextlib.suppress(StoreError):
                self.sweep()

    def sweep(self) -> int:
        """Delete loose objects that no running upload can be at; how many. Raises: StorageFailed."""
        done = 0
        with contextlib.suppress(Busy), self.lock("sealer.lock", wait=False):
            with self.database.session() as connection:
                keys = [row[0] for row in connection.execute("SELECT key FROM loose ORDER BY since")]
            for key in keys:
                self._outside().delete(key)
                with self.database.session() as connection:
                    connection.execute("DELETE FROM loose WHERE key = %s", (key,))
                done += 1
        return done

    def inside(self) -> dict[str, int]:
        """The packs whose bytes are rows, with their sizes."""
        with self.database.session() as connection:
            statement = "SELECT name, size FROM file WHERE object IS NULL AND starts_with(name, 'packs/') ORDER BY name"
            return {name: int(size) for name, size in connection.execute(statement)}

    def move_out(self, name: str, size: int, sha256: str, folder: str) -> bool:
        """Make a sealed pack an object: upload, read back, compare, point at it and drop the rows in one transaction.

        Only under the lease `sealer.lock`. Killed at any moment, the rows stand, or the object does and was compared;
        an upload that led to nothing is loose. False where the pack went meanwhile.
        Raises: StorageFailed (nothing has changed), Damaged (what lies there isn't what was uploaded).
        """
        stem = name.rsplit("/", 1)[1].removesuffix(".pack")
        key = f"{folder}/{stem}-{secrets.token_hex(4)}.pack"
        with self.database.session() as connection:
            connection.execute("INSERT INTO loose(key) VALUES(%s)", (key,))
        self._outside().put(key, lambda: self._blocks(name, size))
        compare(self._outside(), key, size, sha256)
        with self.database.transaction() as connection:
            point = "UPDATE file SET object = %s WHERE name = %s AND size = %s AND object IS NULL RETURNING id"
            row = connection.execute(point, (key, name, size)).fetchone()
            if row is not None:
                connection.execute("DELETE FROM content WHERE file = %s", (row[0],))
                connection.execute("DELETE FROM loose WHERE key = %s", (key,))
        return row is not None

    def _blocks(self, name: str, size: int) -> Iterator[bytes]:
        for at in range(0, size, BLOCK_BYTES):
            yield self.read(name, at, min(BLOCK_BYTES, size - at))
