"""An open store at its ground: folder, key, leases, and the catalogue brought up to the journal.

What every layer above relies on. Not for what a message is (`reading`) nor for keeping any (`store`).
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.texts.reader import Reader

from .backend import Backend, FileBackend, FileLease
from .catalogue import Catalogue, KeepsCatalogue
from .codec import Dictionaries
from .errors import Damaged, NeedsUpgrade, NotFound, ReadOnly
from .index import Index
from .journal import Event, Journal, Record, format_of
from .keys import derive
from .layout import FORMAT, read_head, read_whole
from .packs import PACK_BYTES, PackReader, PackWriter, Place
from .parts import PART
from .replay import Places
from .rows import Description
from .sqlite_catalogue import SqliteCatalogue

WRITER_LEASE = "writer.lock"
PROTECTED = "protected"
DICTIONARY_FOLDER = "dictionaries"


class OpenStore:
    """One open store. Safe for threads; several processes may have it open at once."""

    def __init__(
        self, backend: Backend, work: Path, store_key: bytes, identity: str, *, read_only: bool = False,
        pack_bytes: int = PACK_BYTES, index: Path | None = None, catalogue: Catalogue | None = None,
    ) -> None:  # fmt: skip
        """`catalogue`: another one than the backend's or that of the work folder, for looking at a replay."""
        self.backend = backend
        self.work = work
        self.index_path = index or work / "index"
        self.identity = identity
        self.read_only = read_only
        self.key = store_key
        self.pack_bytes = pack_bytes
        self._format = 0
        self._identity = bytes.fromhex(identity)
        self.journal = Journal(backend, store_key, self._identity)
        self._claim_work()
        self.catalogue = catalogue or self._open_catalogue()
        self._opened = self.catalogue.mark()
        self._index: Index | None = None
        self.dictionaries = Dictionaries(self.load_dictionary)
        self._dictionary_cipher = AESGCM(derive(store_key, b"dictionary"))
        self._pack: PackWriter | None = None
        self._readers: dict[int, PackReader] = {}
        self._work_leases: dict[str, FileLease] = {}
        self._guard = threading.Lock()
        # Who reads attached files for the index. None: their names are indexed, their texts are not.
        self.reader: Reader | None = None

    def close(self) -> None:
        self.journal.forget()
        if self._pack is not None:
            self._pack.close()
            self._pack = None
        self.catalogue.close()
        self.backend.close()

    def _open_catalogue(self) -> Catalogue:
        if isinstance(self.backend, KeepsCatalogue):
            return self.backend.open_catalogue()
        return SqliteCatalogue(self.work / "catalogue.sqlite")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _claim_work(self) -> None:
        """The work folder belongs to one store; what another left there is thrown away (it is only a projection)."""
        self.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        note = self.work / "store"
        # Several processes may open a store for the first time at once.
        with FileLease(self.work / "claim.lock").hold():
            if note.exists() and note.read_text() == self.identity:
                return
            for name in ("catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"):
                (self.work / name).unlink(missing_ok=True)
            shutil.rmtree(self.index_path, ignore_errors=True)
            note.write_text(self.identity)

    @contextlib.contextmanager
    def work_lease(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """A lease among the processes of this node, such as the index lease. Raises: Busy."""
        with self._guard:
            lease = self._work_leases.setdefault(name, FileLease(self.work / name))
        with lease.hold(wait=wait):
            yield

    @property
    def index(self) -> Index:
        """Opened when first needed: a damaged index must not keep anyone from the mail. Raises: WrongFormat."""
        if self._index is None:
            self._index = Index(self.index_path)
        return self._index

    def reopen_index(self) -> None:
        """Another index was put in place."""
        self._index = None

    def stale(self) -> bool:
        """Did another process put another catalogue in place? Then close this and open the store again."""
        return self._opened != self.catalogue.mark()

    @property
    def format(self) -> int:
        """The format of the store; another process may have upgraded it since, so an old one is read again."""
        if self._format < FORMAT:
            self._format = read_head(self.backend).format
        return self._format

    # The journal

    @property
    def is_protected(self) -> bool:
        """Whether nothing may be written: opened for reading, or the store is write-protected on this machine.

        A mark in the work folder says the latter, so that every process hears of it at its next write.
        """
        return self.read_only or (self.work / PROTECTED).exists()

    def protect(self, on: bool) -> None:
        """Let nothing be written from now on, by no process; or let it again."""
        if on:
            (self.work / PROTECTED).touch()
        else:
            (self.work / PROTECTED).unlink(missing_ok=True)

    @contextlib.contextmanager
    def writer_lease(self) -> Iterator[None]:
        """Hold the writer lease with the catalogue at the journal's end. Raises: ReadOnly, Damaged."""
        if self.read_only:
            raise ReadOnly("this store is open for reading only")
        if self.is_protected:
            raise ReadOnly("this store is write-protected")
        try:
            with self.backend.lock(WRITER_LEASE):
                self._catch_up()
                yield
        except BaseException:
            # What was written under the lease may have been taken back with it: ends are looked up again.
            self.journal.forget()
            self.drop_pack()
            raise

    def refresh(self) -> None:
        """Bring the catalogue up to the journal (after a crash, or for a folder opened the first time).

        Raises: Damaged, also where the journal is not the one the catalogue has read.
        """
        at = self.catalogue.position()
        if not self.journal.holds(at):
            raise Damaged("the journal does not end as when it was read before", f"record {at.sequence}")
        if self.journal.tail(at) != 0:
            if self.is_protected:
                with self.work_lease("catch-up.lock"):
                    self._catch_up()
            else:
                with self.writer_lease():
                    pass

    def _catch_up(self) -> None:
        at = self.catalogue.position()
        tail = self.journal.tail(at)
        if tail == 0:
            return
        if tail < 0:
            raise Damaged("the journal is shorter than what was read of it before", f"after record {at.sequence}")
        if not self.is_protected:
            self.journal.settle(at)
        places: Places | None = None
        for record in self.journal.read(at):
            places = places or Places(self, at)
            self.apply_replayed(self.catalogue, record, places)
        self._readers.clear()

    def apply_replayed(self, catalogue: Catalogue, record: Record, places: Places) -> None:
        """Apply a record whose messages must be read back to describe them."""
        said = places.describe(record)
        catalogue.apply(record, describe=lambda number: said.get(number, Description()), locate=places.find)

    def commit(
        self, events: list[Event], *, describe: Callable[[int], Description] | None = None,
        locate: Callable[[int], Place | None] | None = None,
    ) -> Record | None:  # fmt: skip
        """Journal events and apply them; only under the writer lease (I1, I2)."""
        if not events:
            return None
        if (needed := format_of(events)) > self.format:
            raise NeedsUpgrade(f"the store is of format {self.format}; what is to be written needs format {needed}")
        record = self.journal.append(events, self.catalogue.position())
        self.catalogue.apply(
            record,
            describe=describe or (lambda number: Description()),
            locate=locate or (lambda number: None),
        )
        return record

    # Packs and dictionaries

    def pack_reader(self, number: int) -> PackReader:
        """Raises: NotFound, Damaged."""
        reader = self._readers.get(number)
        if reader is None:
            reader = self._readers[number] = PackReader(self.backend, self.key, self._identity, number)
        return reader

    def part_pieces(self, sha256: bytes, size: int) -> Iterator[bytes]:
        """What is kept of a part, in pieces of at most 4 MiB. Raises: Damaged."""
        where: Place | None = None
        while True:
            part = self.catalogue.part_of(sha256)
            if part is None or not part.place.pack or part.size != size:
                raise Damaged("an attachment that it shares is in no pack", f"attachment {sha256.hex()}")
            try:
                reader = self.pack_reader(part.place.pack)
                pieces = reader.pieces(part.place, part.number | PART, size, self.dictionaries)
                first = next(pieces)
                break
            except NotFound:
                # As with messages: compaction may have moved it since the look.
                self._readers.pop(part.place.pack, None)
                if part.place == where:
                    what = "a file that holds an attachment is missing"
                    raise Damaged(what, f"attachment {part.number}, pack {part.place.pack}") from None
                where = part.place
        yield first
        yield from pieces

    def forget_reader(self, number: int) -> None:
        self._readers.pop(number, None)

    def forget_readers(self) -> None:
        """Read pack headers anew from now on."""
        self._readers.clear()

    def drop_pack(self) -> None:
        """Close the pack that is appended to; the next batch opens it again."""
        if self._pack is not None:
            self._pack.close()
            self._pack = None

    def load_dictionary(self, number: int) -> bytes:
        """The plain bytes of a dictionary. Raises: Damaged, NotFound."""
        name = f"{DICTIONARY_FOLDER}/{number:08d}.dict"
        sealed = read_whole(self.backend, name)
        try:
            bound = self._identity + number.to_bytes(4, "little")
            return self._dictionary_cipher.decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError):
            raise Damaged("a dictionary does not match its seal", name) from None

    def current_dictionary(self) -> int:
        """The dictionary new messages are compressed with (0 = none yet)."""
        return self.catalogue.newest_dictionary()

    def replace_catalogue(self, path: Path) -> None:
        """Put a freshly built catalogue in place of the present one; only under the writer lease."""
        self.catalogue = self.catalogue.replaced_by(path)
        self._opened = self.catalogue.mark()

    @property
    def root(self) -> Path:
        """The store's folder. Raises: ReadOnly for a store that has none."""
        if not isinstance(self.backend, FileBackend):
            raise ReadOnly("this store does not lie in a folder")
        return self.backend.root
