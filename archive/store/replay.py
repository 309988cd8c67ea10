"""Reading back what the journal doesn't say: where messages lie, and what they say of themselves.

For catching up after a crash, recovering a catalogue, and checking one. Not for writing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archive.mail.extract import Extract, extract, heads

from .describe import describe
from .errors import Damaged, NotFound
from .journal import Position, Record
from .packs import PackReader, Place, ReadAhead, pack_numbers, read_table, scan
from .parts import PART
from .rows import CLOSED, IN_COMPACTION, OPEN, Description

if TYPE_CHECKING:
    from .base import OpenStore

# What is read of one message for its description and its text. One figure for ingest, replay and index: with another
# a replay would describe large messages otherwise than the import did (I5).
TEXT_BYTES = 32 << 20
BATCH_BYTES = 8 << 20
LIES = struct.Struct("<QQQ")
OF_PACKS = (b'["pak",', b'["sea",', b'["att",', b'["rep",')


class Places:
    """Where each message lies, found in the packs themselves.

    After `at`: only packs that can hold messages of later records are looked through.
    """

    def __init__(self, store: OpenStore, at: Position) -> None:
        self._store = store
        self.problems: list[str] = []
        self._catalogue = store.catalogue if at.sequence else None
        # Messages mostly lie as they follow each other.
        self._ahead = ReadAhead(store.backend)
        self._readers: dict[int, PackReader] = {}
        self._places: dict[int, bytes] = {}  # packed: a million of them stay in memory
        # Parts that later records name, by their content; of one content there can be several.
        self._parts: dict[bytes, list[int]] = {}
        wanted, sealed = self._packs(at)
        for number in pack_numbers(store.backend):
            if number in wanted:
                self._look_through(number, sealed=number in sealed)

    def _packs(self, at: Position) -> tuple[set[int], set[int]]:
        """Packs the journal knows of, but those that were replaced or that a compaction never switched to; and which
        of them it knows to be sealed."""
        packs = self._store.catalogue.packs() if at.sequence else []
        wanted = {pack.number for pack in packs if pack.state in (OPEN, CLOSED)}
        unfinished = {pack.number for pack in packs if pack.state == IN_COMPACTION}
        replaced: set[int] = set()
        sealed: set[int] = set()
        try:
            for record in self._store.journal.read(at, events=False):
                # Most records have none of these, and taking one apart costs more than all the rest.
                if not any(kind in record.text for kind in OF_PACKS):
                    continue
                for event in record.opened().events:
                    if event[0] == "pak":
                        (unfinished if event[2] == "compact" else wanted).add(event[1])
                    elif event[0] == "sea":
                        sealed.add(event[1])
                    elif event[0] == "att":
                        self._parts.setdefault(bytes.fromhex(event[2]), []).append(event[1])
                    elif event[0] == "rep":
                        replaced.update(event[1])
                        wanted.update(event[2])
                        unfinished.difference_update(event[2])
        except Damaged:
            # What the journal says from here on is unknown: any pack may be of use.
            wanted.update(pack_numbers(self._store.backend))
        return wanted - unfinished - replaced, sealed

    def _look_through(self, number: int, *, sealed: bool) -> None:
        backend = self._store.backend
        try:
            # The table of a pack that was not sealed after all lacks what had been deleted by then.
            if sealed:
                entries = read_table(backend, number)
                self._places.update((message, LIES.pack(p.pack, p.offset, p.length)) for message, p in entries)
                return
        except NotFound:
            pass
        except Damaged as error:
            self.problems.append(str(error))
        for message, _, place in scan(backend, number, skip_damage=True):
            self._places[message] = LIES.pack(place.pack, place.offset, place.length)

    def find(self, number: int) -> Place | None:
        found = self._places.get(number)
        return Place(*LIES.unpack(found)) if found else None

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
        texts: list[Extract] = heads([raw for _, raw in waiting])
        found.update((number, describe(text)) for (number, _), text in zip(waiting, texts, strict=True))
        waiting.clear()

    def _head(self, number: int, size: int) -> bytes | None:
        place = self.find(number)
        if place is None:
            return None
        pieces, held = [], 0
        try:
            reader = self._reader(place.pack)
            for piece in reader.message(place, number, size, self._store.dictionaries, self.part_pieces):
                pieces.append(piece)
                held += len(piece)
                if held >= TEXT_BYTES:
                    break
        except (Damaged, NotFound) as error:
            self.problems.append(str(error))
            return None
        return b"".join(pieces)

    def _reader(self, pack: int) -> PackReader:
        if pack not in self._readers:
            identity = bytes.fromhex(self._store.identity)
            self._readers[pack] = PackReader(self._ahead, self._store.key, identity, pack)
        return self._readers[pack]

    def part_pieces(self, sha256: bytes, size: int) -> Iterator[bytes]:
        """The pieces of a part by its content: where the packs have it now, else where the catalogue says.

        Raises: Damaged, NotFound.
        """
        numbers = self._parts.get(sha256, [])
        known = self._catalogue.part_of(sha256) if self._catalogue else None
        for number in [*reversed(numbers), *([known.number] if known else [])]:
            place = self.find(number | PART)
            if place is not None:
                reader = self._store.pack_reader(place.pack)
                return reader.pieces(place, number | PART, size, self._store.dictionaries)
        if known is None:
            raise Damaged("an attachment that it shares is in no pack", f"attachment {sha256.hex()}")
        return self._store.part_pieces(sha256, size)
