"""A store: journal, packs and keys in one folder, with its catalogue and index beside it in another.

This is the engine's face: opening, keeping, reading, listing, searching, deleting. Bulk import is `ingest`, upkeep is
`operations`. Not for persons and their rights: callers say which mailboxes may be seen.

Invariants I1-I7: archive/store/README.md §2.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.mail.extract import Extract, extract, extract_many
from archive.query.nodes import Node

from . import keys as wrapping
from .adding import Added, Adding, Incoming
from .backend import Backend, FileBackend, FileLease
from .catalogue import OPEN, Catalogue, Description, Folder, Row
from .codec import Dictionaries, dictionary_bytes, train
from .describe import clean
from .errors import Damaged, NotFound, ReadOnly, StoreError, WrongFormat
from .index import Index
from .journal import Event, Journal, Record
from .keys import Keys, derive
from .layout import make_store, move_aside, read_identity, read_whole
from .packs import PACK_BYTES, PackReader, PackWriter, Place, pack_name
from .paths import folder_names
from .proving import Proof, prove
from .replay import TEXT_BYTES, Places
from .searching import Hits, Page, Scope, iterate, search

WRITER_LEASE = "writer.lock"
DICTIONARY_FOLDER = "dictionaries"


@dataclass(slots=True)
class StoreFacts:
    messages: int
    raw_bytes: int
    stored_bytes: int
    work_bytes: int
    journal_end: int
    index_position: int

    @property
    def lag(self) -> int:
        """Journal records the index has not seen."""
        return max(self.journal_end - self.index_position, 0)


class Store:
    """One open store. Safe for threads; several processes may have it open at once."""

    def __init__(
        self, backend: Backend, work: Path, store_key: bytes, identity: str, *, read_only: bool = False,
        pack_bytes: int = PACK_BYTES,
    ) -> None:  # fmt: skip
        self.backend = backend
        self.work = work
        self.identity = identity
        self.read_only = read_only
        self.key = store_key
        self.pack_bytes = pack_bytes
        self._identity = bytes.fromhex(identity)
        self.journal = Journal(backend, store_key, self._identity)
        self._claim_work()
        self.catalogue = Catalogue(work / "catalogue.sqlite")
        self._opened = inode_of(self.catalogue.path)
        self._index: Index | None = None
        self.dictionaries = Dictionaries(self.load_dictionary)
        self._dictionary_cipher = AESGCM(derive(store_key, b"dictionary"))
        self._pack: PackWriter | None = None
        self._readers: dict[int, PackReader] = {}
        self._work_leases: dict[str, FileLease] = {}
        self._guard = threading.Lock()

    # Making, opening, closing

    @classmethod
    def create(cls, root: Path, work: Path, keys: Keys, *, pack_bytes: int = PACK_BYTES) -> Store:
        """Make a store in a folder that is new or empty. Raises: WrongFormat (something lies there).

        `store.json` is written last and makes it a store: keys alone are what a killed beginning left behind.
        """
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(path.name != "keys.json" for path in root.iterdir()):
            raise WrongFormat(f"{root} is not empty")
        backend = FileBackend(root)
        identity, key = make_store(backend, keys)
        return cls(backend, work, key, identity, pack_bytes=pack_bytes)

    @classmethod
    def open(
        cls, root: Path, work: Path, keys: Keys, *, read_only: bool = False, pack_bytes: int = PACK_BYTES,
        repair: bool = False,
    ) -> Store:  # fmt: skip
        """Open a store and bring its catalogue up to its journal. Raises: WrongFormat, KeyRefused, Damaged.

        With `repair` (for recover only) a catalogue that can't be read is moved aside, and damage is left to recover.
        """
        backend = FileBackend(root)
        identity = read_identity(backend)
        key = wrapping.unwrap(read_whole(backend, "keys.json"), identity, keys.master)
        try:
            store = cls(backend, work, key, identity, read_only=read_only, pack_bytes=pack_bytes)
        except WrongFormat:
            if not repair:
                raise
            move_aside(work)
            store = cls(backend, work, key, identity, read_only=read_only, pack_bytes=pack_bytes)
        try:
            store.refresh()
        except Damaged:
            if not repair:
                store.close()
                raise
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        self.journal.forget()
        if self._pack is not None:
            self._pack.close()
            self._pack = None
        self.catalogue.close()
        if isinstance(self.backend, FileBackend):
            self.backend.close()

    def __enter__(self) -> Store:
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
            shutil.rmtree(self.work / "index", ignore_errors=True)
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
            self._index = Index(self.work / "index")
        return self._index

    def reopen_index(self) -> None:
        """Another index was put in place."""
        self._index = None

    def stale(self) -> bool:
        """Did another process put another catalogue in place? Then close this and open the store again."""
        return self._opened != inode_of(self.catalogue.path)

    # Writing

    @contextlib.contextmanager
    def writer_lease(self) -> Iterator[None]:
        """Hold the writer lease with the catalogue at the journal's end. Raises: ReadOnly, Damaged."""
        if self.read_only:
            raise ReadOnly("this store is open for reading only")
        with self.backend.lock(WRITER_LEASE):
            self._catch_up()
            yield

    def refresh(self) -> None:
        """Bring the catalogue up to the journal (after a crash, or for a folder opened the first time).

        Raises: Damaged, also where the journal is not the one the catalogue has read.
        """
        at = self.catalogue.position()
        if not self.journal.holds(at):
            raise Damaged("the journal does not end as when it was read before", f"record {at.sequence}")
        if self.journal.tail(at) != 0:
            if self.read_only:
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
        if not self.read_only:
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
        record = self.journal.append(events, self.catalogue.position())
        self.catalogue.apply(
            record,
            describe=describe or (lambda number: Description()),
            locate=locate or (lambda number: None),
        )
        return record

    def add(self, batch: Sequence[Incoming]) -> list[Added]:
        """Keep a batch: packs, then journal, both durable, then the catalogue (I1, I2).

        A content the store has is only placed; a content placed in that folder already is a duplicate. All or nothing.
        Raises: StoreFull, StorageFailed, ReadOnly, Damaged.
        """
        with self.writer_lease():
            return Adding(self, batch).run()

    def open_pack(self, events: list[Event]) -> PackWriter:
        """The pack to append to, with what journal events that took; only under the writer lease."""
        current = next((pack for pack in self.catalogue.packs() if pack.state == OPEN), None)
        if current is not None and current.bytes < self.pack_bytes:
            same = self._pack is not None and (self._pack.number, self._pack.end) == (current.number, current.bytes)
            # A file that is longer has the rest of a batch in it that another process did not finish.
            if not same or self._pack is None or self.backend.size(pack_name(current.number)) != current.bytes:
                self.drop_pack()
                self._pack = PackWriter(self.backend, self.key, self._identity, current.number, current.bytes)
            return self._pack
        if current is not None:
            events.append(self.seal_pack(current.number, current.bytes))
        number = self.catalogue.counter("next_pack")
        events.append(["pak", number, ""])
        self.drop_pack()
        self._pack = PackWriter(self.backend, self.key, self._identity, number, 0)
        return self._pack

    def seal_pack(self, number: int, end: int) -> Event:
        """Seal an open pack; the event that says so is still to be journalled. Only under the writer lease."""
        writer = PackWriter(self.backend, self.key, self._identity, number, end)
        try:
            size, digest = writer.seal(self.catalogue.pack_rows(number))
        finally:
            writer.close()
        return ["sea", number, size, digest]

    def forget_pack(self) -> None:
        """After a batch that failed before it was journalled: cut off what was written of it, if that is possible.

        Never once journalling began: the record may stand although that failed, and then its bytes are wanted.
        """
        pack, self._pack = self._pack, None
        if pack is None:
            return
        with contextlib.suppress(StoreError):
            pack.rewind(self.catalogue.pack_end(pack.number))
        pack.close()

    def mailbox(self, number: int, label: str) -> None:
        """Journal a mailbox's present address, when it is new or another."""
        label = clean(label, 320)
        if self.catalogue.mailbox_label(number) == label:
            return
        with self.writer_lease():
            if self.catalogue.mailbox_label(number) != label:
                self.commit([["box", number, label]])

    def ensure_folder(self, mailbox: int, path: str) -> int:
        """The number of a mailbox's folder, made with its parents when missing."""
        found = self.find_folder(mailbox, path)
        if found is not None:
            return found
        with self.writer_lease():
            parent, events = 0, list[Event]()
            number = self.catalogue.counter("next_folder")
            for name in folder_names(path):
                child = self.catalogue.child(mailbox, parent, name) if not events else None
                if child is None:
                    child, number = number, number + 1
                    events.append(["dir", child, mailbox, parent, name])
                parent = child
            self.commit(events)
            return parent

    def find_folder(self, mailbox: int, path: str) -> int | None:
        """The number of a folder, or None. Raises: ValueError for an empty path."""
        parent = 0
        for name in folder_names(path):
            child = self.catalogue.child(mailbox, parent, name)
            if child is None:
                return None
            parent = child
        return parent

    def delete(self, numbers: Sequence[int], *, folder: int = 0, reason: str, by: str) -> int:
        """Remove placements (in one folder, or everywhere); how many messages were touched.

        The bytes go with compaction (I3). Raises: ValueError without a reason.
        """
        if not reason.strip():
            raise ValueError("a deletion needs a reason")
        done = 0
        for at in range(0, len(numbers), 1000):
            with self.writer_lease():
                some = [row.number for row in self.catalogue.rows(numbers[at : at + 1000])]
                if folder:
                    some = sorted(self.catalogue.placed(folder, some))
                if some:
                    self.commit([["del", some, folder, reason, by]])
                    done += len(some)
        return done

    def train_dictionary(self, samples: list[bytes]) -> int:
        """Make a dictionary from messages of this store and use it from now on; its number."""
        plain = train(samples, dictionary_bytes(self.catalogue.counter("raw_bytes")))
        with self.writer_lease():
            number = self.catalogue.counter("next_dictionary")
            nonce = os.urandom(12)
            bound = self._identity + number.to_bytes(4, "little")
            sealed = nonce + self._dictionary_cipher.encrypt(nonce, plain, bound)
            self.backend.put(f"{DICTIONARY_FOLDER}/{number:08d}.dict", sealed)
            self.commit([["dic", number, hashlib.sha256(plain).hexdigest()]])
        return number

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
        return self.catalogue.counter("next_dictionary") - 1

    # Reading

    def row(self, number: int) -> Row | None:
        return self.catalogue.row(number)

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        return self.catalogue.rows(numbers)

    def pack_reader(self, number: int) -> PackReader:
        """Raises: NotFound, Damaged."""
        reader = self._readers.get(number)
        if reader is None:
            reader = self._readers[number] = PackReader(self.backend, self.key, self._identity, number)
        return reader

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

    def replace_catalogue(self, path: Path) -> None:
        """Put a freshly built catalogue in place of the present one; only under the writer lease."""
        self.catalogue.close()
        for suffix in ("-wal", "-shm"):
            (self.work / f"catalogue.sqlite{suffix}").unlink(missing_ok=True)
        path.replace(self.work / "catalogue.sqlite")
        self.catalogue = Catalogue(self.work / "catalogue.sqlite")
        self._opened = inode_of(self.catalogue.path)

    @property
    def root(self) -> Path:
        """The store's folder. Raises: ReadOnly for a store that has none."""
        if not isinstance(self.backend, FileBackend):
            raise ReadOnly("this store does not lie in a folder")
        return self.backend.root

    def pieces(self, row: Row) -> Iterator[bytes]:
        """The plain bytes of a message in pieces of at most 4 MiB, each proven by its seal; the whole is not hashed."""
        if not row.place.pack:
            raise Damaged("no pack holds this message", f"message {row.number}")
        return self.pack_reader(row.place.pack).pieces(row.place, row.number, row.size, self.dictionaries)

    def stream(self, number: int) -> Iterator[bytes]:
        """The message as it came in (I7), in pieces. Raises: NotFound, Damaged; the latter at the end at the latest."""
        row = self.known_row(number)
        digest = hashlib.sha256()
        for piece in self.pieces_after_check(row):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != row.sha256:
            raise Damaged("a message does not match its SHA-256", f"message {number}")

    def pieces_after_check(self, row: Row) -> Iterator[bytes]:
        """Compaction may move a message and drop its old pack between a look and a read: look again, once."""
        try:
            pieces = self.pieces(row)
            first = next(pieces)
        except NotFound:
            self._readers.pop(row.place.pack, None)
            again = self.known_row(row.number)
            if again.place == row.place:
                raise Damaged("a file that holds the message is missing", f"message {row.number}") from None
            pieces = self.pieces(again)
            first = next(pieces)
        yield first
        yield from pieces

    def read(self, number: int) -> bytes:
        """A whole message, checked against its SHA-256. Raises: NotFound, Damaged."""
        return b"".join(self.stream(number))

    def head(self, row: Row, limit: int = TEXT_BYTES) -> bytes:
        """The first bytes of a message, at least `limit` of them if it has so many. Raises: NotFound, Damaged."""
        pieces, size = [], 0
        for piece in self.pieces_after_check(row):
            pieces.append(piece)
            size += len(piece)
            if size >= limit:
                break
        return b"".join(pieces)

    def known_row(self, number: int) -> Row:
        """Raises: NotFound."""
        row = self.catalogue.row(number)
        if row is None:
            raise NotFound(f"there is no message {number}")
        return row

    def texts(self, rows: Sequence[Row]) -> list[Extract]:
        """What messages say, read back from their packs; a damaged one says nothing (verify names it)."""
        raws: list[bytes] = []
        result: list[Extract | None] = []
        for row in rows:
            try:
                raw = self.head(row)
            except (Damaged, NotFound):
                result.append(Extract(partial=True))
                continue
            if row.size > TEXT_BYTES:
                result.append(extract(raw, size=row.size))
            else:
                raws.append(raw)
                result.append(None)
        read = iter(extract_many(raws))
        return [next(read) if text is None else text for text in result]

    def proof(self, number: int) -> Proof:
        """Check now that the journal's chain is whole up to a message's record and that its bytes match. NotFound."""
        return prove(self, number)

    def folders(self, mailbox: int | None = None) -> list[Folder]:
        return self.catalogue.folders(mailbox)

    def list_folder(
        self, folder: int, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Row]:
        """A page of a folder, newest first; `before` and `after` are ranks of rows already seen."""
        return self.rows(self.catalogue.list_folder(folder, before=before, after=after, limit=limit))

    def facts(self) -> StoreFacts:
        stored = sum(self.backend.size(name) for where in ("journal", "packs") for name in self.backend.names(where))
        catalogue = sum(path.stat().st_size for path in self.work.glob("catalogue.sqlite*"))
        return StoreFacts(
            messages=self.catalogue.counter("messages"),
            raw_bytes=self.catalogue.counter("raw_bytes"),
            stored_bytes=stored,
            work_bytes=catalogue + self.index.size_bytes(),
            journal_end=self.catalogue.position().sequence,
            index_position=self.index.position().sequence,
        )

    def lag(self) -> int:
        """Journal records the index has not seen: while there are some, a search may miss the newest mail."""
        return max(self.catalogue.position().sequence - self.index.position().sequence, 0)

    def arrivals(self, days: int) -> dict[datetime.date, tuple[int, int]]:
        """(messages, bytes) archived per day (UTC), for the last `days` days; days without any are left out."""
        today = int(time.time() // 86400)
        epoch = datetime.date(1970, 1, 1)
        found = self.catalogue.arrivals(today - days + 1)
        return {epoch + datetime.timedelta(days=day): counts for day, counts in sorted(found.items())}

    # Searching

    def search(
        self, query: str | Node, *, mailboxes: set[int] | None, folders: set[int] | None = None, limit: int = 50,
        before: int | None = None, after: int | None = None, offset: int = 0, order: str = "date",
        zone: datetime.tzinfo = datetime.UTC,
    ) -> Hits:  # fmt: skip
        """A page of what matches among what may be seen: `mailboxes` None = everything. The total is exact.

        By date: newest first, the page below the rank `before`, or the one just above `after`. By relevance: the page
        after `offset` hits.
        Raises: QueryError.
        """
        page = Page(limit, before, after, offset, order)
        return search(self, query, Scope(mailboxes, folders), page, zone)

    def iterate(
        self, query: str | Node | None, *, mailboxes: set[int] | None, folder: int | None = None
    ) -> Iterator[Row]:
        """All that matches (or all of a folder), as a stream: by date, oldest first for a folder, else newest first."""
        return iterate(self, query, Scope(mailboxes, None if folder is None else {folder}))


def inode_of(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0
