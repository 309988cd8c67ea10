"""Reading back what the journal doesn't say: where messages lie, and what they say of themselves.

For catching up after a crash, recovering a catalogue, and checking one. Not for writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.mail.extract import Extract, extract, extract_many

from .catalogue import Description
from .describe import describe
from .errors import Damaged, NotFound
from .journal import Position, Record
from .packs import FOLDER, Place, pack_number, read_table, scan

if TYPE_CHECKING:
    from .store import Store

TEXT_BYTES = 32 << 20
BATCH_BYTES = 8 << 20


class Places:
    """Where each message lies, found in the packs themselves.

    After `at`: only packs that can hold messages of later records are looked through.
    """

    def __init__(self, store: Store, at: Position) -> None:
        self._store = store
        self.problems: list[str] = []
        self._places: dict[int, tuple[int, int, int]] = {}
        replaced, unfinished = self._compactions(at)
        sealed = {pack.number for pack in store.catalogue.packs() if pack.sealed} if at.sequence else set()
        for name in store.backend.names(FOLDER):
            number = pack_number(name)
            if number not in replaced and number not in unfinished and number not in sealed:
                self._look_through(number)

    def _compactions(self, at: Position) -> tuple[set[int], set[int]]:
        """Packs replaced by others, and packs a compaction began and never switched to."""
        replaced: set[int] = set()
        unfinished: set[int] = set()
        for record in self._store.journal.read(at):
            for event in record.events:
                if event[0] == "pak" and event[2] == "compact":
                    unfinished.add(event[1])
                elif event[0] == "rep":
                    replaced.update(event[1])
                    unfinished.difference_update(event[2])
        return replaced, unfinished

    def _look_through(self, number: int) -> None:
        backend = self._store.backend
        try:
            entries = read_table(backend, number)
            self._places.update((message, (p.pack, p.offset, p.length)) for message, p in entries)
            return
        except NotFound:
            pass
        except Damaged as error:
            self.problems.append(str(error))
        for message, _, place in scan(backend, number):
            self._places[message] = (place.pack, place.offset, place.length)

    def find(self, number: int) -> Place | None:
        found = self._places.get(number)
        return Place(*found) if found else None

    def describe(self, record: Record) -> dict[int, Description]:
        """The descriptions of the messages a record adds, read from their packs; unreadable ones are left out."""
        found: dict[int, Description] = {}
        waiting: list[tuple[int, bytes]] = []
        held = 0
        for event in record.events:
            if event[0] != "msg":
                continue
            number, size = event[1], event[3]
            raw = self._head(number, size)
            if raw is None:
                continue
            if size > TEXT_BYTES:
                found[number] = describe(extract(raw, size=size))
                continue
            waiting.append((number, raw))
            held += len(raw)
            if held >= BATCH_BYTES:
                self._take(waiting, found)
                held = 0
        self._take(waiting, found)
        return found

    @staticmethod
    def _take(waiting: list[tuple[int, bytes]], found: dict[int, Description]) -> None:
        texts: list[Extract] = extract_many([raw for _, raw in waiting])
        found.update((number, describe(text)) for (number, _), text in zip(waiting, texts, strict=True))
        waiting.clear()

    def _head(self, number: int, size: int) -> bytes | None:
        place = self.find(number)
        if place is None:
            return None
        pieces, held = [], 0
        try:
            for piece in self._store.pack_reader(place.pack).pieces(place, number, size, self._store.dictionaries):
                pieces.append(piece)
                held += len(piece)
                if held >= TEXT_BYTES:
                    break
        except (Damaged, NotFound) as error:
            self.problems.append(str(error))
            return None
        return b"".join(pieces)
