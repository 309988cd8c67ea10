"""Deleted messages whose bytes still lie in the packs, brought back to the folders they were deleted from.

They come back as new messages with new numbers: their deletion stays in the journal, as does that they came back. What
compaction has dropped is gone. Relies on I1, I2 and I7; done again it finds them kept already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from archive.mail.extract import extract

from ..adding import Incoming
from ..describe import describe
from ..errors import Damaged, NotFound
from ..journal import Position
from ..packs import Place, pack_numbers, scan
from ..replay import TEXT_BYTES
from ..store import Store
from .lying import LyingParts
from .report import Meter, Report

BATCH = 256


@dataclass(slots=True)
class Gone:
    """A message that was deleted: what the journal says of it, and the folders it was last taken from."""

    sha256: bytes
    size: int
    date: int
    archived_ms: int
    placed: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)


def count(store: Store) -> int:
    """How many messages were deleted so far; how many of them still lie there only a run says."""
    return max(store.catalogue.counter("next_number") - 1 - store.catalogue.counter("messages"), 0)


def restore(store: Store, meter: Meter, report: Report) -> None:
    """Bring back what can be; counts `restored` and `restored_placements`. Raises: Stopped, StoreFull."""
    gone, parts = _gone(store)
    packs = {pack.number: pack.bytes for pack in store.catalogue.packs()}
    lying = LyingParts(store, parts, packs) if gone and parts else None
    folders = _Folders(store)
    batch: list[Incoming] = []
    report.numbers.setdefault("restored", 0)
    for number, size, place in _entries(store, set(gone)):
        one = gone.get(number)
        if one is None or one.size != size:
            continue
        batch += _incoming(store, number, one, place, folders, lying)
        if len(batch) >= BATCH:
            _keep(store, batch, report)
        meter.step(place.length, "looking for deleted messages")
    _keep(store, batch, report)


def _gone(store: Store) -> tuple[dict[int, Gone], dict[int, str]]:
    """What the journal says of messages that are not there any more; and of all parts: number → SHA-256 hex."""
    live = set(store.catalogue.numbers())
    gone: dict[int, Gone] = {}
    parts: dict[int, str] = {}
    for record in store.journal.read(Position()):
        for kind, *said in record.events:
            if kind == "msg" and said[0] not in live:
                number, sha256, size, date, *since = said
                gone[number] = Gone(bytes.fromhex(sha256), size, date, since[0] if since else record.at_ms)
            elif kind == "put" and said[1] in gone:
                gone[said[1]].placed.add(said[0])
            elif kind == "att":
                parts[said[0]] = said[1]
            elif kind == "del":
                for number in said[0]:
                    if number in gone:
                        _forget(gone[number], said[1])
    return {number: one for number, one in gone.items() if one.last}, parts


def _forget(one: Gone, folder: int) -> None:
    taken = {folder} & one.placed if folder else set(one.placed)
    one.last = taken or one.last
    one.placed -= taken


def _entries(store: Store, wanted: set[int]) -> Iterator[tuple[int, int, Place]]:
    for pack in pack_numbers(store.backend) if wanted else []:
        for number, size, place in scan(store.backend, pack, skip_damage=True):
            if number in wanted:
                yield number, size, place


def _incoming(
    store: Store, number: int, one: Gone, place: Place, into: _Folders, lying: LyingParts | None
) -> list[Incoming]:
    """The message as new, once per folder; nothing where its bytes are damaged."""
    try:
        reader = store.pack_reader(place.pack)
        held, size = [], 0
        find = lying.pieces if lying else store.part_pieces
        references = reader.references(place, number, one.size, store.dictionaries)
        for piece in reader.message(place, number, one.size, store.dictionaries, find):
            held.append(piece)
            size += len(piece)
            if size >= TEXT_BYTES:
                break
    except (Damaged, NotFound):
        return []
    frames = partial(reader.frames, place, number, one.size)
    said = describe(extract(b"".join(held), size=one.size) if one.size > TEXT_BYTES else extract(b"".join(held)))
    parts = [lying.incoming(*part) for part in references] if lying else []
    folders = sorted({found for folder in one.last if (found := into.find(folder)) is not None})
    return [
        Incoming(one.sha256, one.size, one.date, folder, frames, said, archived_ms=_since(store, one), parts=parts)
        for folder in folders
    ]


def _since(store: Store, one: Gone) -> int | None:
    return one.archived_ms if store.format > 1 else None


class _Folders:
    """Where a folder is now; one that was removed, having become empty, is made again as it was called last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[int, tuple[int, int, str]] = {}

    def find(self, folder: int) -> int | None:
        if self._store.catalogue.known_folders([folder]):
            return folder
        if not self._made:
            self._hear()
        path, at = list[str](), folder
        while at in self._made:
            path.insert(0, self._made[at][2])
            at = self._made[at][1]
        return self._store.ensure_folder(self._made[folder][0], "/".join(path)) if path else None

    def _hear(self) -> None:
        for record in self._store.journal.read(Position()):
            for kind, *said in record.events:
                if kind == "dir":
                    self._made[said[0]] = (said[1], said[2], said[3])
                elif kind == "mvd" and said[0] in self._made:
                    self._made[said[0]] = (self._made[said[0]][0], said[1], said[2])
                elif kind == "own":
                    others = dict(said[0])
                    self._made = {n: (others.get(box, box), *more) for n, (box, *more) in self._made.items()}


def _keep(store: Store, batch: list[Incoming], report: Report) -> None:
    if batch:
        known = store.catalogue.find_sha256([one.sha256 for one in batch])
        added = store.add(batch)
        report.count("restored", len({one.sha256 for one in batch} - known.keys()))
        report.count("restored_placements", sum(not one.duplicate for one in added))
        batch.clear()
