"""One batch on its way into packs, journal and catalogue (I1, I2). Only `Store.add` uses it, under the writer lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.mail.extract import Extract

from .codec import Squeezed
from .describe import describe
from .errors import FolderGone
from .journal import Event
from .packs import Place
from .rows import Description

if TYPE_CHECKING:
    from .store import Store

# The years 1 to 9999, as everybody's calendar can show them.
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799


@dataclass(slots=True)
class Incoming:
    """A message ready to be kept. `frames` is called under the writer lease, and only if the content is new.

    `description` is None where the content was known when it was looked at; if it was deleted since, `read` says what
    it would have been. `archived_ms`: when another store, from which it comes, had archived it; else now.
    """

    sha256: bytes
    size: int
    date: int
    folder: int
    frames: Callable[[], Iterable[Squeezed]]
    description: Description | None = field(default_factory=Description)
    read: Callable[[], Extract] = Extract
    archived_ms: int | None = None


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
            store.commit(self.events + puts + self.also, describe=self.described.__getitem__, locate=self.places.get)
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

    def _write(self, number: int, incoming: Incoming) -> None:
        pack = self.store.open_pack(self.events) if not self.places else self.store._pack
        assert pack is not None
        start = pack.end
        for piece in pack.seal_entry(number, incoming.size, incoming.frames()):
            pack.write(piece)
        self.places[number] = Place(pack.number, start, pack.end - start)
        date, said = incoming.date, incoming.description
        if said is None:
            text = incoming.read()
            date, said = date if text.date is None else text.date, describe(text)
        self.described[number] = said
        date = min(max(date, EARLIEST), LATEST)
        since = [] if incoming.archived_ms is None else [incoming.archived_ms]
        self.events.append(["msg", number, incoming.sha256.hex(), incoming.size, date, *since])
