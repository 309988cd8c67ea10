"""A store as it is at one record of its journal, while mail goes on arriving: which files, and how much of each.

The point is taken under the writer lease, which is held for a moment only. From then on the files are read as far as
the journal vouches for them: what it names is never changed, only added to (I2). The upkeep lease is held as long as
files are read, so that no compaction takes a pack away; one that is asked for meanwhile waits.

Through the store's backend alone, so whatever a store lies in. Not for where the files go (`writing`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from archive.owners import ELSEWHERE, owner_of
from archive.store.backend import Backend
from archive.store.base import DICTIONARY_FOLDER
from archive.store.errors import Busy, NotFound, ReadOnly, Stopped, StorageFailed
from archive.store.indexer import LEASE
from archive.store.journal import Position, segment_name
from archive.store.operations.report import Stop, never
from archive.store.packs import pack_name
from archive.store.rows import IN_COMPACTION, Pack
from archive.store.store import Store

from .destination import BLOCK, Pieces, hash_of

WAIT_S = 0.5
UPKEEP_LEASE = "upkeep.lock"
EVIDENCE_FOLDER = "evidence"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to keep: its name below the store's folder, and its bytes. sha256: where the journal states it."""

    name: str
    size: int
    pieces: Pieces
    sha256: str = ""


@dataclass(slots=True)
class Snapshot:
    """What a store is at one record."""

    identity: str
    position: Position
    messages: int
    raw_bytes: int
    highest_mailbox: int
    files: list[Source]
    missing: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


@contextlib.contextmanager
def taken(store: Store, *, stop: Stop = never) -> Iterator[Snapshot]:
    """The store at this moment; its files can be read as long as the block lasts. Raises: Stopped, Damaged."""
    with _upkeep(store, stop):
        snapshot = _look(store)
        yield snapshot
        if not store.journal.holds(snapshot.position):
            raise StorageFailed("the journal was written anew while the backup ran; run it again")


@contextlib.contextmanager
def _upkeep(store: Store, stop: Stop) -> Iterator[None]:
    while True:
        lease = store.backend.lock(UPKEEP_LEASE, wait=False)
        try:
            lease.__enter__()
            break
        except Busy:
            if stop():
                raise Stopped("stopped while a compaction had the store") from None
            time.sleep(WAIT_S)
    try:
        yield
    finally:
        lease.__exit__(None, None, None)


def _look(store: Store) -> Snapshot:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(store.writer_lease())
        except ReadOnly:  # nobody writes
            store.refresh()
        position = store.catalogue.position()
        packs = [pack for pack in store.catalogue.packs() if pack.state != IN_COMPACTION and pack.bytes]
        dictionaries = store.catalogue.dictionaries()
        counted = store.catalogue.counter("messages"), store.catalogue.counter("raw_bytes")
        numbers = [*store.catalogue.mailboxes(), *(folder.mailbox for folder in store.folders())]
        mailboxes = [number for number in map(owner_of, numbers) if number < ELSEWHERE]
    found = Snapshot(store.identity, position, *counted, max(mailboxes, default=0), [])
    for name in ("store.json", "keys.json"):
        _add(found, store.backend, name)
    for number in range(1, position.segment + 1):
        size = position.offset if number == position.segment else None
        _add(found, store.backend, segment_name(number), size)
    for number in sorted(dictionaries):
        _add(found, store.backend, f"{DICTIONARY_FOLDER}/{number:08d}.dict")
    for pack in packs:
        _add_pack(found, store.backend, pack)
    for name in store.backend.names(EVIDENCE_FOLDER):
        _add(found, store.backend, name)
    return found


def _add(found: Snapshot, backend: Backend, name: str, size: int | None = None, sha256: str = "") -> None:
    """A file, as far as it is to be read. What is missing is told, and the backup goes on without it."""
    try:
        there = backend.size(name)
    except NotFound:
        found.missing.append(f"{name} is missing")
        return
    if size is not None and there < size:
        found.missing.append(f"{name} has {there} bytes, {size} were expected")
    length = there if size is None else min(there, size)
    found.files.append(Source(name, length, partial(read_file, backend, name, length), sha256))


def _add_pack(found: Snapshot, backend: Backend, pack: Pack) -> None:
    _add(found, backend, pack_name(pack.number), pack.bytes, pack.sha256 if pack.sealed else "")


def read_file(backend: Backend, name: str, length: int) -> Iterator[bytes]:
    """The first bytes of a file as a stream."""
    at = 0
    while at < length:
        block = backend.read(name, at, min(BLOCK, length - at))
        if not block:
            raise StorageFailed(f"{name} ends at {at} of {length} bytes")
        yield block
        at += len(block)


def planned(store: Store) -> Snapshot:
    """What a snapshot would hold about now: for a preview; no lease is taken, nothing may be relied on."""
    with contextlib.suppress(ReadOnly):
        store.refresh()
    return _look(store)


# --- the search index --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def index_taken(store: Store) -> Iterator[list[Source]]:
    """The files of the search index as one indexer left them: linked into a folder beside it, under the index lease.

    Index files are written once, and replaced by other files; so a link keeps the bytes of the moment.
    """
    aside = store.index_path.with_name(f"{store.index_path.name}.backup")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with store.work_lease(LEASE):
            _link(store.index_path, aside)
        yield [_local(path, f"index/{path.relative_to(aside).as_posix()}") for path in sorted(aside.rglob("*"))]
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    if not (source / "meta.json").exists():
        return
    named = _named(source)
    for path in source.iterdir():
        if (
            not path.is_file()
            or path.name.endswith(".lock")
            or not (path.suffix == ".json" or path.name.split(".")[0] in named)
        ):
            continue
        if path.suffix == ".json":
            shutil.copy2(path, target / path.name)
        else:
            os.link(path, target / path.name)


def _named(index: Path) -> set[str]:
    """The segments that are part of the index now: the stems of their files."""
    said = json.loads((index / "meta.json").read_bytes())
    return {str(each["segment_id"]).replace("-", "") for each in said["segments"]}


def _local(path: Path, name: str) -> Source:
    size = path.stat().st_size
    return Source(name, size, partial(local_pieces, path))


def local_pieces(path: Path) -> Iterator[bytes]:
    """A file of this machine as a stream."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def digest_of(source: Source) -> str:
    """SHA-256 of what it reads now. Raises: StorageFailed where it has another length."""
    digest, size = hash_of(source.pieces())
    if size != source.size:
        raise StorageFailed(f"{source.name} has {size} bytes, {source.size} were expected")
    return digest
