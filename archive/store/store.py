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
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from archive.query.nodes import Node

from . import folders
from . import keys as wrapping
from .adding import Added, Adding, Incoming
from .backend import Backend, FileBackend
from .base import DICTIONARY_FOLDER
from .codec import dictionary_bytes, train
from .describe import clean
from .errors import Damaged, FolderGone, StoreError, WrongFormat
from .journal import Event
from .keys import Keys
from .layout import make_store, move_aside, read_identity, read_whole
from .packs import PACK_BYTES, PackWriter, pack_name
from .paths import folder_names
from .reading import ReadableStore
from .rows import OPEN, Row
from .searching import Hits, Page, Question, Scope, iterate, numbers_matching, search

ERASURES_SINCE_FORMAT = 3
# How much of its SHA-256 names a message that a dictionary was made of.
SAMPLE_DIGITS = 16


class Store(ReadableStore):
    """One open store. Safe for threads; several processes may have it open at once."""

    # Making, opening, closing

    @classmethod
    def create(
        cls, root: Path, work: Path, keys: Keys, *, pack_bytes: int = PACK_BYTES, index: Path | None = None
    ) -> Store:
        """Make a store in a folder that is new or empty. Raises: WrongFormat (something lies there).

        `store.json` is written last and makes it a store: keys alone are what a killed beginning left behind.
        """
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(path.name != "keys.json" for path in root.iterdir()):
            raise WrongFormat(f"{root} is not empty")
        return cls.create_in(FileBackend(root), work, keys, pack_bytes=pack_bytes, index=index)

    @classmethod
    def create_in(
        cls, backend: Backend, work: Path, keys: Keys, *, pack_bytes: int = PACK_BYTES, index: Path | None = None
    ) -> Store:
        """Make a store where there is none yet."""
        identity, key = make_store(backend, keys)
        return cls(backend, work, key, identity, pack_bytes=pack_bytes, index=index)

    @classmethod
    def open(
        cls, root: Path, work: Path, keys: Keys, *, read_only: bool = False, pack_bytes: int = PACK_BYTES,
        repair: bool = False, index: Path | None = None, key: bytes | None = None,
    ) -> Store:  # fmt: skip
        """Open a store and bring its catalogue up to its journal. Raises: WrongFormat, KeyRefused, Damaged.

        With `repair` (for recover only) a catalogue that can't be read is moved aside, and damage is left to recover.
        key: the store's own, of one that `keys` don't open yet.
        """
        return cls.open_in(
            FileBackend(root), work, keys, read_only=read_only, pack_bytes=pack_bytes, repair=repair, index=index,
            key=key,
        )  # fmt: skip

    @classmethod
    def open_in(
        cls, backend: Backend, work: Path, keys: Keys, *, read_only: bool = False, pack_bytes: int = PACK_BYTES,
        repair: bool = False, index: Path | None = None, key: bytes | None = None,
    ) -> Store:  # fmt: skip
        """The same of a store that lies anywhere."""
        identity = read_identity(backend)
        if key is None:
            key = wrapping.unwrap(read_whole(backend, "keys.json"), identity, keys.master)
        make = partial(cls, backend, work, key, identity, read_only=read_only, pack_bytes=pack_bytes, index=index)
        try:
            store = make()
        except WrongFormat:
            if not repair:
                raise
            move_aside(work)
            store = make()
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

    # Writing

    def add(self, batch: Sequence[Incoming], *, also: Sequence[Event] = ()) -> list[Added]:
        """Keep a batch: packs, then journal, both durable, then the catalogue (I1, I2).

        A content the store has is only placed; a content placed in that folder already is a duplicate. All or nothing,
        with the events in `also`, which end the same record.
        Raises: StoreFull, StorageFailed, ReadOnly, Damaged, FolderGone.
        """
        with self.writer_lease():
            return Adding(self, batch, also).run()

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
        self.forget_reader(number)  # of what a batch that failed had left under this number
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
            events = list[Event]()
            number = folders.make(self, mailbox, folder_names(path), events)
            self.commit(events)
            return number

    def find_folder(self, mailbox: int, path: str) -> int | None:
        """The number of a folder, or None. Raises: ValueError for an empty path."""
        parent = 0
        for name in folder_names(path):
            child = self.catalogue.child(mailbox, parent, name)
            if child is None:
                return None
            parent = child
        return parent

    def move_folder(self, mailbox: int, path: str, to: str) -> int:
        """Give a folder, with all that lies below it, another name or place; its number. One record of the journal.

        Parents that are missing are made. Nothing is indexed anew: folders keep their numbers.
        Raises: NotFound, FolderTaken, BadFolder, ReadOnly.
        """
        return folders.move(self, mailbox, path, to)

    def merge_folder(self, mailbox: int, path: str, into: str, *, by: str) -> int:
        """Bring what lies in a folder and below it into another one, and remove it; how many messages were moved.

        Folders of the same name below become one. Stopped or killed at any moment, the rest can be merged again.
        Raises: NotFound, BadFolder, ReadOnly, NeedsUpgrade.
        """
        return folders.merge(self, mailbox, path, into, by=by)

    def move_messages(self, numbers: Sequence[int], source: int, target: int, *, by: str) -> int:
        """Place messages of one folder in another of the same mailbox instead; how many. Raises: NotFound, ReadOnly."""
        return folders.move_messages(self, numbers, source, target, by=by)

    def give_messages(self, numbers: Sequence[int], source: int, targets: Sequence[int], *, by: str) -> int:
        """Place messages of one folder in folders of other mailboxes instead; how many. Raises: NotFound, ReadOnly."""
        return folders.give(self, numbers, source, targets, by=by)

    def remove_folders(self, numbers: Sequence[int]) -> list[int]:
        """Remove those of these folders that are empty and have nothing below them but what goes too; which did.

        Raises: ReadOnly, NeedsUpgrade.
        """
        return folders.remove(self, numbers)

    def delete(self, numbers: Sequence[int], *, folder: int = 0, reason: str, by: str, erase: bool = False) -> int:
        """Remove placements (in one folder, or everywhere); how many messages were touched.

        The bytes go with compaction (I3); with `erase` nothing of them stays then, in dictionaries neither (I6).
        Raises: ValueError without a reason.
        """
        if not reason.strip():
            raise ValueError("a deletion needs a reason")
        done = 0
        erased = [1] if erase and self.format >= ERASURES_SINCE_FORMAT else []
        for at in range(0, len(numbers), 1000):
            with self.writer_lease():
                some = self.catalogue.known(numbers[at : at + 1000])
                if folder:
                    some = sorted(self.catalogue.placed(folder, some))
                if some:
                    self.commit([["del", some, folder, reason, by, *erased]])
                    done += len(some)
        return done

    def remove_placements(self, places: Sequence[tuple[int, int]], *, reason: str, by: str) -> int:
        """Remove messages from single folders, (folder, number) each, in one record; how many lay there.

        Those that lie nowhere else go. Raises: ValueError without a reason, ReadOnly.
        """
        if not reason.strip():
            raise ValueError("a deletion needs a reason")
        by_folder: dict[int, set[int]] = {}
        for folder, number in places:
            by_folder.setdefault(folder, set()).add(number)
        with self.writer_lease():
            there = {folder: sorted(self.catalogue.placed(folder, some)) for folder, some in by_folder.items()}
            self.commit([["del", some, folder, reason, by] for folder, some in there.items() if some])
        return sum(map(len, there.values()))

    def place_known(self, places: Sequence[tuple[int, bytes]]) -> list[int | None]:
        """Place contents the store has, (folder, SHA-256) each, in one record; their numbers, None for unknown ones.

        What lies there already stays as it is. Raises: ReadOnly, FolderGone.
        """
        with self.writer_lease():
            known = self.catalogue.find_sha256([digest for _folder, digest in places])
            there = [(folder, known[digest]) for folder, digest in places if digest in known]
            if missing := {folder for folder, _number in there} - self.catalogue.known_folders(
                {folder for folder, _number in there}
            ):
                raise FolderGone(missing)
            placed: set[tuple[int, int]] = set()
            for folder in {folder for folder, _number in there}:
                numbers = {number for each, number in there if each == folder}
                placed.update((folder, number) for number in self.catalogue.placed(folder, numbers))
            self.commit([["put", *place] for place in dict.fromkeys(there) if place not in placed])
        return [known.get(digest) for _folder, digest in places]

    def train_dictionary(self, samples: list[bytes]) -> int:
        """Make a dictionary from messages of this store and use it from now on; its number."""
        plain = train(samples, dictionary_bytes(self.catalogue.counter("raw_bytes")))
        return self.add_dictionary(plain, [hashlib.sha256(sample).hexdigest()[:SAMPLE_DIGITS] for sample in samples])

    def add_dictionary(self, plain: bytes, samples: Sequence[str]) -> int:
        """Use a dictionary from now on, made of these messages (the beginnings of their SHA-256); its number."""
        with self.writer_lease():
            number = self.catalogue.counter("next_dictionary")
            nonce = os.urandom(12)
            bound = self._identity + number.to_bytes(4, "little")
            sealed = nonce + self._dictionary_cipher.encrypt(nonce, plain, bound)
            self.backend.put(f"{DICTIONARY_FOLDER}/{number:08d}.dict", sealed)
            said = [list(samples)] if samples and self.format >= ERASURES_SINCE_FORMAT else []
            self.commit([["dic", number, hashlib.sha256(plain).hexdigest(), *said]])
        return number

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
        return search(self, Question(query, zone), Scope(mailboxes, folders), page)

    def numbers_matching(self, query: str | Node, *, mailboxes: set[int] | None = None) -> set[int]:
        """The numbers of all messages that match, as the index has them. Raises: QueryError, WrongFormat."""
        return numbers_matching(self, query, Scope(mailboxes))

    def iterate(
        self, query: str | Node | None, *, mailboxes: set[int] | None, folder: int | None = None
    ) -> Iterator[Row]:
        """All that matches (or all of a folder), as a stream: by date, oldest first for a folder, else newest first."""
        return iterate(self, query, Scope(mailboxes, None if folder is None else {folder}))
