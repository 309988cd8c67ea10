"""The backends the conformance suite runs on, each with one store."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from archive.store.backend import Backend, FileBackend, MemoryBackend
from archive.store.errors import WrongFormat
from archive.store.faulty import FaultyBackend
from archive.store.keys import Keys, unwrap
from archive.store.layout import make_store, read_identity, read_whole
from archive.store.operations import seal
from archive.store.postgres import Database, FileObjects, Objects, PostgresBackend, S3Objects, S3Place
from archive.store.postgres.tables import TABLES
from archive.store.store import Store
from config.kit import paths
from tests.s3 import S3

RECOVERY = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"recovery").digest())
KEYS = Keys(master=hashlib.sha256(b"master").digest(), recovery_public=RECOVERY.public_key().public_bytes_raw())


class StoreGround:
    """A ground whose handles `backend` gives."""

    store = Store

    def __init__(self, place: Path) -> None:
        self.place = place

    def backend(self) -> Backend:
        raise NotImplementedError

    def open(self, work: str = "work", *, read_only: bool = False, pack_bytes: int = 1 << 20) -> Store:
        backend = self.backend()
        try:
            identity = read_identity(backend)
        except WrongFormat:
            identity, _ = make_store(backend, KEYS)
        key = unwrap(read_whole(backend, "keys.json"), identity, KEYS.master)
        store = self.store(backend, self.place / work, key, identity, read_only=read_only, pack_bytes=pack_bytes)
        store.refresh()
        return store

    def lose_projections(self) -> None:
        shutil.rmtree(self.place / "work", ignore_errors=True)

    def end(self) -> None:
        """The test is over."""


class FileGround(StoreGround):
    def backend(self) -> Backend:
        root = self.place / "store"
        root.mkdir(exist_ok=True)
        return FileBackend(root)


class MemoryGround(StoreGround):
    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.memory = MemoryBackend()

    def backend(self) -> Backend:
        return self.memory


class FaultyGround(StoreGround):
    """Nothing planned: the double itself must change nothing."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.faulty = FaultyBackend(MemoryBackend())

    def backend(self) -> Backend:
        return self.faulty


class PostgresGround(StoreGround):
    """A schema of its own in the session's database."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.schema = f"store_{secrets.token_hex(6)}"
        self.outside: Objects | None = None
        self._opened: list[PostgresBackend] = []
        PostgresBackend.create(self.database()).close()

    def database(self) -> Database:
        return Database(f"host={paths.run_dir()} user=postkeep dbname=postkeep", self.schema)

    def backend(self) -> Backend:
        self._opened.append(PostgresBackend(self.database(), self.objects()))
        return self._opened[-1]

    def objects(self) -> Objects | None:
        return self.outside

    def lose_projections(self) -> None:
        super().lose_projections()
        database = self.database()
        for table in ("position", *TABLES):
            database.execute(f"DROP TABLE {table}")
        database.close()

    def end(self) -> None:
        for backend in self._opened:
            backend.close()
        backend = PostgresBackend(self.database(), self.objects())
        backend.drop()
        backend.close()


class SealingStore(Store):
    """Moves every pack out as soon as it is sealed."""

    @contextlib.contextmanager
    def writer_lease(self) -> Iterator[None]:
        with super().writer_lease():
            yield
        assert isinstance(self.backend, PostgresBackend)
        if self.backend.database.mine is None:
            assert seal.run(self, seal.plan(self)).ok


class SealingGround(PostgresGround):
    """Sealed packs lie in a folder, from the moment on that they are."""

    store = SealingStore

    def objects(self) -> Objects | None:
        return FileObjects(self.place / "objects")


def place_in(s3: S3, bucket: str, prefix: str = "") -> S3Place:
    """A bucket of a test's server, as the engine is told of it."""
    return S3Place(bucket, s3.key, s3.secret, s3.endpoint, s3.region, prefix)


class S3Ground(SealingGround):
    """They lie in a bucket."""

    def __init__(self, place: Path, s3: S3Place) -> None:
        self.s3 = s3
        super().__init__(place)

    def objects(self) -> Objects | None:
        return S3Objects(self.s3)


GROUNDS: dict[str, Callable[[Path], StoreGround]] = {
    "file": FileGround, "memory": MemoryGround, "faulty": FaultyGround, "postgres": PostgresGround,
    "postgres and files": SealingGround,
}  # fmt: skip
