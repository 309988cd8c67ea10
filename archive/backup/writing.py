"""Writing a backup set: each file once, under a name that says what is in it, read back; the manifest last.

An object is named after the SHA-256 of its bytes, so what an earlier set sent is there already: sealed packs are sent
once, and a run that was killed is gone on with by the next one, which finds what is there. Until the manifest stands,
there is no set.
"""

from __future__ import annotations

import datetime
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from archive.store.errors import Stopped
from archive.store.operations.report import Progress, Stop, never, quiet
from archive.store.store import Store

from .destination import Destination, Pieces, hash_of, pieces_of
from .errors import ObjectMissing, SetDamaged
from .manifest import Item, Manifest, StorePart, dump, load, new_set_id, set_name
from .sealing import seal, sealed_size
from .snapshot import Snapshot, Source, digest_of, index_taken, local_pieces, planned, taken


@dataclass(frozen=True, slots=True)
class Subject:
    """A store to back up: the open engine, and what the house calls it."""

    store: Store
    name: str
    folder: str
    state: str = "normal"


@dataclass(frozen=True, slots=True)
class DatabaseDump:
    """The house's database, as a file of this machine, and in whose shape it is."""

    path: Path
    migrations: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Preview:
    """What a backup would write, before it does."""

    stores: int = 0
    messages: int = 0
    bytes: int = 0
    new_bytes: int = 0
    files: int = 0
    new_files: int = 0


def preview(destination: Destination, subjects: Sequence[Subject]) -> Preview:
    """Without the database and the indexes, whose sizes only show when they are read.

    A pack that is not sealed counts as new; so does all of a journal's last segment.
    """
    found = Preview(stores=len(subjects))
    for subject in subjects:
        snapshot = planned(subject.store)
        found.messages += snapshot.messages
        there = destination.sizes(f"stores/{snapshot.identity}")
        for file in snapshot.files:
            found.files += 1
            found.bytes += file.size
            if not (file.sha256 and object_name(snapshot.identity, file.name, file.sha256) in there):
                found.new_files += 1
                found.new_bytes += file.size
    return found


def object_name(identity: str, name: str, digest: str) -> str:
    """Where a file of a store lies: its own name, and what is in it."""
    return f"stores/{identity}/{name}.{digest}"


class Writer:
    """One backup run."""

    def __init__(
        self,
        destination: Destination,
        key_id: str,
        key: bytes,
        *,
        version: str = "",
        progress: Progress = quiet,
        stop: Stop = never,
        now: datetime.datetime | None = None,
    ) -> None:
        self._destination = destination
        self._key_id = key_id
        self._key = key
        self._version = version
        self._progress = progress
        self._stop = stop
        self._started = now or datetime.datetime.now(datetime.UTC)
        self._done = self._total = 0
        self._there: dict[str, int] = {}
        self.problems: list[str] = []
        self.bytes_written = 0
        self.objects_written = 0

    def run(self, subjects: Sequence[Subject], database: DatabaseDump | None, *, indexes: bool = False) -> Manifest:
        """The set, whole and read back. The database must have been read before the stores are: then whatever it
        names is in them. Raises: BackupError, StoreError, Stopped."""
        self._there = self._destination.sizes("stores") | self._destination.sizes("database")
        item = None if database is None else self._keep_database(database)
        stores = [self._keep_store(subject, indexes=indexes) for subject in subjects]
        manifest = Manifest(
            set=new_set_id(self._started),
            started=self._started.isoformat(),
            finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            version=self._version,
            host=socket.gethostname(),
            key=self._key_id,
            database=item,
            migrations={} if database is None else database.migrations,
            stores=stores,
            problems=list(self.problems),
            bytes_written=self.bytes_written,
        )
        self._check_stop()
        content, name = dump(manifest, self._key), set_name(manifest.set)
        self._destination.put(name, lambda: iter([content]), len(content))
        load(b"".join(pieces_of(self._destination, name, len(content))), name, self._key)
        return manifest

    def _keep_database(self, database: DatabaseDump) -> Item:
        path = database.path
        source = Source("database.dump", path.stat().st_size, lambda: local_pieces(path))
        self._expect(source.size)
        return self._keep_sealed(source, "database/dump")

    def _keep_store(self, subject: Subject, *, indexes: bool) -> StorePart:
        with ExitStack() as stack:
            index = stack.enter_context(index_taken(subject.store)) if indexes else []
            snapshot = stack.enter_context(taken(subject.store, stop=self._stop))
            self._expect(snapshot.bytes + sum(file.size for file in index))
            self.problems += [f"{subject.name}: {what}" for what in snapshot.missing]
            items = [self._keep(file, snapshot, subject.name) for file in snapshot.files]
            sealed = [self._keep_sealed(file, f"stores/{snapshot.identity}/{file.name}") for file in index]
        at = snapshot.position
        return StorePart(
            identity=snapshot.identity,
            name=subject.name,
            folder=subject.folder,
            state=subject.state,
            segment=at.segment,
            offset=at.offset,
            record=at.sequence,
            chain=at.chain.hex(),
            messages=snapshot.messages,
            raw_bytes=snapshot.raw_bytes,
            highest_mailbox=snapshot.highest_mailbox,
            items=items,
            index=sealed,
        )

    def _keep(self, file: Source, snapshot: Snapshot, store: str) -> Item:
        """One file of a store. What the journal says of a sealed pack saves reading one that was sent already."""
        self._note = f"{store}: {file.name}"
        digest = file.sha256
        if not digest or object_name(snapshot.identity, file.name, digest) not in self._there:
            digest = digest_of(file)
        if file.sha256 and digest != file.sha256:
            self.problems.append(f"{store}: {file.name} is not what it was when it was sealed; verify this store")
        item = Item(file.name, object_name(snapshot.identity, file.name, digest), file.size, digest)
        self._send(item, file.pieces)
        self._step(file.size)
        return item

    def _keep_sealed(self, file: Source, under: str) -> Item:
        """One file that is sealed; sealed again it gives the same bytes, so it can be sent again and compared."""
        self._note = file.name
        plain = digest_of(file)

        def sealed() -> Iterator[bytes]:
            return seal(self._key, plain, file.pieces())

        digest, size = hash_of(sealed())
        assert size == sealed_size(file.size)
        item = Item(file.name, f"{under}.{digest}", size, digest, True, file.size, plain)
        self._send(item, sealed)
        self._step(file.size)
        return item

    def _send(self, item: Item, pieces: Pieces) -> None:
        """Put what isn't there, and read it back. Raises: SetDamaged where it comes back otherwise, twice."""
        if self._there.get(item.object) == item.bytes:
            return
        for last in (False, True):
            self._check_stop()
            self._destination.put(item.object, lambda: self._watched(pieces()), item.bytes)
            if self._reads_back(item):
                break
            self._destination.delete(item.object)
            if last:
                raise SetDamaged(f"{item.object} was written twice and came back otherwise")
        self._there[item.object] = item.bytes
        self.bytes_written += item.bytes
        self.objects_written += 1

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._check_stop()
            yield piece

    def _reads_back(self, item: Item) -> bool:
        try:
            return hash_of(self._watched(pieces_of(self._destination, item.object, item.bytes)))[0] == item.sha256
        except ObjectMissing:
            return False

    # progress

    _note = ""

    def _expect(self, amount: int) -> None:
        self._total += amount
        self._progress(self._done, self._total, self._note)

    def _step(self, amount: int) -> None:
        self._done += amount
        self._progress(self._done, self._total, self._note)

    def _check_stop(self) -> None:
        if self._stop():
            raise Stopped("the backup was stopped; what was sent is used by the next one")
