"""The backends the conformance suite runs on, each with one store."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from archive.store.backend import Backend, FileBackend, MemoryBackend
from archive.store.errors import WrongFormat
from archive.store.faulty import FaultyBackend
from archive.store.keys import Keys, unwrap
from archive.store.layout import make_store, read_identity, read_whole
from archive.store.store import Store

RECOVERY = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"recovery").digest())
KEYS = Keys(master=hashlib.sha256(b"master").digest(), recovery_public=RECOVERY.public_key().public_bytes_raw())


class StoreGround:
    """A ground whose handles `backend` gives."""

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
        store = Store(backend, self.place / work, key, identity, read_only=read_only, pack_bytes=pack_bytes)
        store.refresh()
        return store


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


GROUNDS = {"file": FileGround, "memory": MemoryGround, "faulty": FaultyGround}
