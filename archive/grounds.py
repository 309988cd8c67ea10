"""Where a store lies, made ready for the engine: a folder, or a schema of a database with a place for its packs.

A database elsewhere and an S3 server are aimed by a person, so the gate (`config.kit.net`) is asked each time a store
is opened, and of the server before the first object. Not for choosing places (`services.store_places`), nor for keeping
engines open (`engines`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from archive.models import ObjectsKind, Store
from archive.store.backend import FileBackend
from archive.store.errors import StorageFailed
from archive.store.postgres import Database, FileObjects, Objects, PostgresBackend, S3Objects, S3Place
from config.kit import net
from config.kit.secrets import SecretsError

DATABASE_PORTS, OBJECT_PORTS = frozenset({5432}), frozenset({80, 443})
TIMEOUT_S = 10.0


@contextlib.contextmanager
def files_of(store: Store) -> Iterator[FileBackend | PostgresBackend]:
    """A store's files without its engine, for looking at its small ones. Raises: StoreError, SecretsError."""
    backend = backend_of(store)
    try:
        yield backend
    finally:
        backend.close()


def backend_of(store: Store) -> FileBackend | PostgresBackend:
    """Whoever takes it closes it. Nothing is connected yet. Raises: StorageFailed (the gate), SecretsError."""
    return FileBackend(store.root) if store.is_folder else database_backend(store)


def database_backend(store: Store) -> PostgresBackend:
    """The same of a store in a database. Raises: StorageFailed, SecretsError."""
    return PostgresBackend(Database(conninfo_of(store), store.schema), objects_of(store))


def conninfo_of(store: Store) -> str:
    """How the store's database is reached, with its password. Raises: StorageFailed, SecretsError."""
    if not store.dsn:
        return house_conninfo()
    admit_database(store.dsn)
    password = store.dsn_password.reveal()
    return make_conninfo(store.dsn, password=password) if password else store.dsn


def house_conninfo() -> str:
    """Postkeep's own database as libpq is told of it."""
    known = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    values = {key: known.get(name) for key, name in names.items()}
    values |= {key: value for key, value in known.get("OPTIONS", {}).items() if key.startswith("ssl")}
    return make_conninfo("", **{key: str(value) for key, value in values.items() if value})


def admit_database(dsn: str) -> None:
    """Whether a database server may be reached from here: over the net, or by the socket of our own server.

    Raises: StorageFailed.
    """
    try:
        known = conninfo_to_dict(dsn)
    except ProgrammingError as error:
        raise StorageFailed("the database's address can't be read") from error
    host = str(known.get("host") or "")
    if host.startswith("/"):
        own = str(connection.settings_dict.get("HOST") or "")
        if not own.startswith("/") or Path(host).resolve() != Path(own).resolve():
            raise StorageFailed("a socket of this server leads to Postkeep's own database server only")
        return
    _admit(host, int(known.get("port") or 5432), DATABASE_PORTS)


def admit_endpoint(endpoint: str) -> None:
    """Whether an S3 server may be reached from here. Raises: StorageFailed."""
    parts = urlsplit(endpoint)
    _admit(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), OBJECT_PORTS)


def _admit(host: str, port: int, ports: frozenset[int]) -> None:
    gate = net.Gate(settings.ALLOWED_RELAYS, ports | settings.ALLOWED_PORTS)
    try:
        net.admit(host, port, timeout_s=TIMEOUT_S, gate=gate, who="a store")
    except net.NetError as error:
        raise StorageFailed(str(error.category.words)) from error


class Gated:
    """A bucket that is asked for at the gate before its first object: a store opens also while it is out of reach."""

    def __init__(self, make: Callable[[], Objects]) -> None:
        self._make = make
        self._made: Objects | None = None
        self._guard = threading.Lock()

    def _inside(self) -> Objects:
        with self._guard:
            if self._made is None:
                self._made = self._make()
            return self._made

    def put(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        self._inside().put(key, pieces)

    def read(self, key: str, offset: int, length: int) -> bytes:
        return self._inside().read(key, offset, length)

    def stream(self, key: str) -> Iterator[bytes]:
        return self._inside().stream(key)

    def delete(self, key: str) -> None:
        self._inside().delete(key)

    def check(self) -> None:
        self._inside().check()


def objects_of(store: Store) -> Objects | None:
    """Where the store's sealed packs go; None where they stay. A secret is opened with the first object."""
    if store.objects_kind == ObjectsKind.FOLDER:
        return FileObjects(Path(store.objects_path))
    if store.objects_kind != ObjectsKind.S3:
        return None

    def make() -> Objects:
        admit_endpoint(store.endpoint)
        place = S3Place(
            bucket=store.bucket,
            access_key=store.access_key,
            secret_key=store.secret_key.reveal(),
            endpoint=store.endpoint,
            region=store.region,
            prefix=store.prefix,
        )
        return S3Objects(place)

    return Gated(_translated(make))


def _translated(make: Callable[[], Objects]) -> Callable[[], Objects]:
    """The engine knows nothing of sealed secrets: one that can't be opened is a place that can't be reached."""

    def made() -> Objects:
        try:
            return make()
        except SecretsError as error:
            raise StorageFailed(f"the secret key of the bucket: {error}") from error

    return made
