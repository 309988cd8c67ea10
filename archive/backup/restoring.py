"""Reading a set again: a store's files into a folder, the database's dump into a file, a store looked into as it lies.

Each file is checked against the manifest as it is written. `store.json` comes last and makes the folder a store, so a
restore that was killed leaves none, and the next one goes on with the files that are whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from archive.store.backend import Writer, make_folder, sync_folder
from archive.store.catalogue import Catalogue
from archive.store.errors import NotFound, ReadOnly, StorageFailed, StoreError
from archive.store.journal import Record
from archive.store.keys import unwrap, unwrap_with_recovery
from archive.store.operations.report import Meter, Progress, Stop, never, quiet
from archive.store.replay import Places
from archive.store.rows import Description
from archive.store.store import Store

from .destination import Destination, hash_of, pieces_of
from .errors import BackupError, InTheWay, KeyRefused, ObjectMissing, SetDamaged
from .manifest import Item, Manifest, StorePart
from .sealing import unseal
from .snapshot import local_pieces

MARK = "restoring"
LAST = "store.json"


def content(destination: Destination, item: Item, key: bytes) -> Iterator[bytes]:
    """The bytes of one file of a set, opened where it is sealed. Raises: SetDamaged, ObjectMissing."""
    stored = pieces_of(destination, item.object, item.bytes)
    return unseal(key, stored, item.object) if item.sealed else stored


def restore_store(
    destination: Destination, part: StorePart, root: Path, *, key: bytes, set_id: str, work: Path | None = None,
    progress: Progress = quiet, stop: Stop = never,
) -> int:  # fmt: skip
    """Write a store's files into a new folder; how many bytes. work: where its search index goes, if the set has one.

    Raises: InTheWay (the folder holds something else), SetDamaged, BackupError, Stopped, OSError.
    """
    _begin(root, f"{set_id} {part.identity}")
    meter = Meter(sum(item.size for item in (*part.items, *part.index)), progress, stop)
    done = 0
    for item in sorted(part.items, key=lambda each: each.name == LAST):
        if item.name == LAST:
            _sync_all(root)
        done += _write(destination, item, root / item.name, key)
        meter.step(item.size, f"{part.name}: {item.name}")
    if work is not None and part.index:
        for item in part.index:
            done += _write(destination, item, work / item.name, key)
            meter.step(item.size, f"{part.name}: {item.name}")
        (work / "store").write_text(part.identity)  # whose index it is: else it is thrown away when the store is opened
    (root / MARK).unlink()
    sync_folder(root)
    return done


def _begin(root: Path, what: str) -> None:
    mark = root / MARK
    if root.exists() and any(root.iterdir()) and not (mark.exists() and mark.read_text() == what):
        raise InTheWay(f"{root} is not empty")
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.write_text(what)


def _write(destination: Destination, item: Item, path: Path, key: bytes) -> int:
    """One file, unless it is there and whole already."""
    if path.exists() and path.stat().st_size == item.size and hash_of(local_pieces(path))[0] == item.digest:
        return 0
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
    try:
        digest = hashlib.sha256()
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            for piece in content(destination, item, key):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != item.digest:
            raise SetDamaged(f"{item.object} is not what was written")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return item.size


def _sync_all(root: Path) -> None:
    for path in [root, *(each for each in root.iterdir() if each.is_dir())]:
        sync_folder(path)


def restore_database(destination: Destination, manifest: Manifest, path: Path, key: bytes) -> int:
    """The database's dump as a file of this machine. Raises: SetDamaged, BackupError."""
    if manifest.database is None:
        raise SetDamaged(f"the backup {manifest.set} holds no database")
    return _write(destination, manifest.database, path, key)


# --- a store as it lies in a backup ------------------------------------------------------------------------------


class BackupBackend:
    """The files of one store of a set, for reading only; each piece is fetched when it is wanted."""

    def __init__(self, destination: Destination, part: StorePart) -> None:
        self._destination = destination
        self._items = {item.name: item for item in part.items}

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self._items if name.startswith(f"{folder}/"))

    def size(self, name: str) -> int:
        return self._item(name).bytes

    def total(self, folder: str) -> int:
        return sum(map(self.size, self.names(folder)))

    def read(self, name: str, offset: int, length: int) -> bytes:
        item = self._item(name)
        try:
            return self._destination.read(item.object, offset, max(min(length, item.bytes - offset), 0))
        except ObjectMissing as error:
            raise NotFound(f"{name} is missing in the backup") from error
        except BackupError as error:
            raise StorageFailed(f"{name}: {error}") from error

    def _item(self, name: str) -> Item:
        try:
            return self._items[name]
        except KeyError:
            raise NotFound(f"{name} is not in the backup") from None

    def append(self, name: str, at: int) -> Writer:
        raise ReadOnly("a backup is not written to")

    def put(self, name: str, data: bytes) -> None:
        raise ReadOnly("a backup is not written to")

    def delete(self, name: str) -> None:
        raise ReadOnly("a backup is not written to")

    def move_folder(self, folder: str, to: str) -> None:
        raise ReadOnly("a backup is not written to")

    @contextlib.contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        yield

    def close(self) -> None:
        """The destination is its owner's."""


class StoreInBackup(Store):
    """A store that is read where its backup lies. Its catalogue knows folders and places but not what messages say of
    themselves, which would mean reading them all."""

    def apply_replayed(self, catalogue: Catalogue, record: Record, places: Places) -> None:
        catalogue.apply(record, describe=lambda number: Description(), locate=places.find)


def look_into(
    destination: Destination, part: StorePart, work: Path, *, master: bytes | None = None, recovery: bytes | None = None
) -> StoreInBackup:
    """Open a store of a set for reading; `work` is a folder to throw away. Raises: KeyRefused, Damaged, BackupError."""
    backend = BackupBackend(destination, part)
    document = backend.read("keys.json", 0, backend.size("keys.json"))
    store = StoreInBackup(
        backend, work, _store_key(document, part.identity, master, recovery), part.identity, read_only=True
    )
    try:
        store.refresh()
    except BaseException:
        store.close()
        raise
    return store


def _store_key(document: bytes, identity: str, master: bytes | None, recovery: bytes | None) -> bytes:
    if recovery is not None:
        with contextlib.suppress(StoreError):
            return unwrap_with_recovery(document, identity, recovery)
    try:
        return unwrap(document, identity, master or bytes(32))
    except StoreError as error:
        raise KeyRefused("neither key opens this store of the backup") from error
