"""One batch on its way into packs, journal and catalogue (I1, I2). Only `Store.add` uses it, under the writer lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.mail.extract import Extract

from .codec import Squeezed, renewed
from .describe import describe
from .errors import FolderGone
from .journal import Event
from .packs import PackWriter, Place
from .parts import PART
from .rows import Description

if TYPE_CHECKING:
    from .store import Store

# The years 1 to 9999, as everybody's calendar can show them.
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799


@dataclass(slots=True)
class IncomingPart:
    """A part the message is made with. `frames` is called under the writer lease, and only if the part is new."""

    sha256: bytes
    size: int
    frames: Callable[[], Iterable[Squeezed]]


@dataclass(slots=True)
class Incoming:
    """A message ready to be kept. `frames` is called under the writer lease, and only if the content is new.

    `description` is None where the content was known when it was looked at; if it was deleted since, `read` says what
    it would have been. `archived_ms`: when another store, from which it comes, had archived it; else now. With `parts`
    the frames hold a recipe of them.
    """

    sha256: bytes
    size: int
    date: int
    folder: int
    frames: Callable[[], Iterable[Squeezed]]
    description: Description | None = field(default_factory=Description)
    read: Callable[[], Extract] = Extract
    archived_ms: int | None = None
    parts: Sequence[IncomingPart] = ()


@dataclass(slots=True)
class Added:
    """What became of an Incoming: its number, and whether it was placed now or had been there already."""

    number: int
    duplicate: bool


class Adding:
    """One batch on its way into packs, journal and catalogue; lives inside the writer lease."""

    def __init__(self, store: Store, batch: Sequence[Incoming], also: Sequence[Event] = ()) -> None:
        self.store = store
        self.batch = batch
        self.also = list(also)
        self.events: list[Event] = []
        self.uses: list[Event] = []
        self.parts: list[Event] = []
        self.messages: list[Event] = []
        self.known_parts: dict[bytes, int] = {}
        self.next_part = 0
        self.dictionaries: set[int] = set()
        self.places: dict[int, Place] = {}
        self.described: dict[int, Description] = {}

    def run(self) -> list[Added]:
        store = self.store
        wanted = {incoming.folder for incoming in self.batch}
        if missing := wanted - store.catalogue.known_folders(wanted):
            raise FolderGone(missing)
        known = store.catalogue.find_sha256([incoming.sha256 for incoming in self.batch])
        placed = self._placed(known)
        next_number = store.catalogue.counter("next_number")
        self.dictionaries = {0, *store.catalogue.dictionaries()}
        self._know_parts()
        added, puts = list[Added](), list[Event]()
        try:
            for incoming in self.batch:
                number = known.get(incoming.sha256)
                if number is None:
                    number, next_number = next_number, next_number + 1
                    self._write(number, incoming)
                    known[incoming.sha256] = number
                duplicate = (incoming.folder, number) in placed
                if not duplicate:
                    puts.append(["put", incoming.folder, number])
                    placed.add((incoming.folder, number))
                added.append(Added(number, duplicate))
            if self.places and store._pack is not None:
                store._pack.sync()
        except BaseException:
            store.forget_pack()
            raise
        try:
            # A part is one only with a message that uses it; messages and their places end the record, as most do.
            events = [*self.events, *self.uses, *self.parts, *self.messages, *puts, *self.also]
            store.commit(events, describe=self.described.__getitem__, locate=self.places.get)
        except BaseException:
            store.drop_pack()
            raise
        return added

    def _placed(self, known: dict[bytes, int]) -> set[tuple[int, int]]:
        placed: set[tuple[int, int]] = set()
        for folder in {incoming.folder for incoming in self.batch}:
            numbers = {known[one.sha256] for one in self.batch if one.folder == folder and one.sha256 in known}
            placed.update((folder, number) for number in self.store.catalogue.placed(folder, numbers))
        return placed

    def _know_parts(self) -> None:
        digests = list({part.sha256 for incoming in self.batch for part in incoming.parts})
        if digests:
            self.known_parts = self.store.catalogue.find_parts(digests)
            self.next_part = self.store.catalogue.counter("next_part")

    def _write(self, number: int, incoming: Incoming) -> None:
        pack = self.store.open_pack(self.events) if not self.places else self.store._pack
        assert pack is not None
        for part in incoming.parts:
            if part.sha256 not in self.known_parts:
                self._append(pack, self.next_part | PART, part.size, part.frames())
                self.parts.append(["att", self.next_part, part.sha256.hex(), part.size])
                self.known_parts[part.sha256] = self.next_part
                self.next_part += 1
        if incoming.parts:
            parts = dict.fromkeys(self.known_parts[part.sha256] for part in incoming.parts)
            self.uses.append(["use", number, list(parts)])
        self._append(pack, number, incoming.size, incoming.frames())
        date, said = incoming.date, incoming.description
        if said is None:
            text = incoming.read()
            date, said = date if text.date is None else text.date, describe(text)
        self.described[number] = said
        date = min(max(date, EARLIEST), LATEST)
        since = [] if incoming.archived_ms is None else [incoming.archived_ms]
        self.messages.append(["msg", number, incoming.sha256.hex(), incoming.size, date, *since])

    def _append(self, pack: PackWriter, number: int, size: int, frames: Iterable[Squeezed]) -> None:
        start = pack.end
        for piece in pack.seal_entry(number, size, map(self._current, frames)):
            pack.write(piece)
        self.places[number] = Place(pack.number, start, pack.end - start)

    def _current(self, frame: Squeezed) -> Squeezed:
        """A frame whose dictionary was retired since (by a compaction after an erasure) is compressed anew."""
        if frame.dictionary in self.dictionaries:
            return frame
        return renewed(frame, self.store.dictionaries, self.store.current_dictionary())
