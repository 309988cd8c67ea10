"""Where a store lies, made ready for the engine: a folder, or a schema of a database with a place for its packs.

A database elsewhere and an S3 server are aimed by a person, so the gate (`config.kit.net`) is asked for each
connection, which goes to the very addresses that were judged: libpq is told them, S3 is reached through a tunnel. Not
for choosing places (`services.store_places`), nor for keeping engines open (`engines`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from archive.models import ObjectsKind, Store
from archive.store.backend import FileBackend
from archive.store.errors import StorageFailed
from archive.store.postgres import Database, FileObjects, Objects, PostgresBackend, S3Objects, S3Place
from config.kit import net, tunnels
from config.kit.sealed import Sealed
from config.kit.secrets import SecretsError

DATABASE_PORTS, OBJECT_PORTS = frozenset({5432}), frozenset({80, 443})
TIMEOUT_S = 10.0
# Of a server with several addresses so many are tried, each for as long as a connection may take.
MOST_ADDRESSES = 3
NO_FILE = f"{os.devnull}/none"


@contextlib.contextmanager
def files_of(store: Store) -> Iterator[FileBackend | PostgresBackend]:
    """A store's files without its engine, for looking at its small ones. Raises: StoreError, SecretsError."""
    backend = backend_of(store)
    try:
        yield backend
    finally:
        backend.close()


def backend_of(store: Store) -> FileBackend | PostgresBackend:
    """Whoever takes it closes it. Nothing is connected yet, and nobody was asked."""
    return FileBackend(store.root) if store.is_folder else database_backend(store)


def database_backend(store: Store, *, patient: bool = True) -> PostgresBackend:
    """The same of a store in a database. patient: whether a bucket that doesn't answer is asked again and again."""
    conninfo = partial(conninfo_of, store.dsn, store.dsn_password) if store.dsn else house_conninfo()
    return PostgresBackend(Database(conninfo, store.schema), objects_of(store, patient=patient))


def conninfo_of(dsn: str, password: Sealed) -> str:
    """How a database is reached now, with its password and by an address that the gate let through.

    What this server keeps for its own connections (PGPASSWORD, a file of passwords) is sent to none that is aimed.
    Raises: StorageFailed.
    """
    addresses = admit_database(dsn)[:MOST_ADDRESSES]
    with _translated():
        known = {"password": password.reveal(), "passfile": NO_FILE}
    if addresses:
        host = str(conninfo_to_dict(dsn)["host"])
        known |= {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}
    return make_conninfo(dsn, **known)


def house_conninfo() -> str:
    """Postkeep's own database as libpq is told of it."""
    known = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    values = {key: known.get(name) for key, name in names.items()}
    values |= {key: value for key, value in known.get("OPTIONS", {}).items() if key.startswith("ssl")}
    return make_conninfo("", **{key: str(value) for key, value in values.items() if value})


def admit_database(dsn: str) -> list[str]:
    """The addresses a database server may be reached by from here; none for the socket of our own server.

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
        return []
    port, gate = int(known.get("port") or 5432), _gate(DATABASE_PORTS)
    with _translated():
        return net.admit(host, port, timeout_s=TIMEOUT_S, gate=gate, who="a store")


def tunnel_to(endpoint: str) -> tunnels.Tunnel:
    """A way to an S3 server that may be reached from here. Raises: StorageFailed."""
    with _translated():
        return tunnels.lead_to(endpoint, gate=_gate(OBJECT_PORTS), timeout_s=TIMEOUT_S, who="a store")


def _gate(ports: frozenset[int]) -> net.Gate:
    return net.Gate(settings.ALLOWED_RELAYS, ports | settings.ALLOWED_PORTS)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The engine knows nothing of the gate, nor of sealed secrets: either is a place that can't be reached."""
    try:
        yield
    except net.NetError as error:
        raise StorageFailed(str(error.category.words)) from error
    except SecretsError as error:
        raise StorageFailed(f"the secret of a store's place: {error}") from error


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


def objects_of(store: Store, *, patient: bool = True) -> Objects | None:
    """Where the store's sealed packs go; None where they stay. A secret is opened with the first object."""
    if store.objects_kind == ObjectsKind.FOLDER:
        return FileObjects(Path(store.objects_path))
    if store.objects_kind != ObjectsKind.S3:
        return None

    def make() -> Objects:
        tunnel = tunnel_to(store.endpoint)
        with _translated():
            secret = store.secret_key.reveal()
        place = S3Place(
            bucket=store.bucket,
            access_key=store.access_key,
            secret_key=secret,
            endpoint=store.endpoint,
            region=store.region,
            prefix=store.prefix,
            proxy=tunnel.address,
        )
        objects = S3Objects(place) if patient else S3Objects(place, retries=1, tries=1)
        weakref.finalize(objects, tunnel.close)
        return objects

    return Gated(make)
