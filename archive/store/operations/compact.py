"""Give back the bytes of deleted messages: live entries move into new packs, one record switches, old files go.

After an erasure it goes further (`erasing`): every pack with a deleted byte, and all that was compressed with a
dictionary which is made of what was erased.

Relies on I3 (the catalogue and the index have forgotten a message before its bytes go) and I4 (new, fsync, switch,
delete old). Stopped or killed at any moment, the store is as before or as after; leftovers are swept by the next run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field

from ..codec import FRAME_BYTES, renewed
from ..errors import Damaged, NotFound, StoreError
from ..indexer import Indexer
from ..journal import Event
from ..packs import (
    HEADER,
    PackReader,
    PackWriter,
    Place,
    ReadAhead,
    dictionaries_in,
    named,
    pack_name,
    pack_numbers,
    table_bytes,
)
from ..parts import PART
from ..rows import IN_COMPACTION, OPEN, Pack
from ..store import Store
from .erasing import clean_projections, is_pending, sweep_dictionaries, tainted, train_anew
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

# The header, table and footer of a pack are not waste; below this share a pack is left alone.
LEAST_WASTE = 0.02
MOST_ROUNDS = 20
# So much is kept twice for a while.
PACKS_AT_ONCE = 16


def plan(store: Store) -> Plan:
    """Which packs hold bytes of deleted messages, and how many; after an erasure, whatever keeps anything of it."""
    live = store.catalogue.live_bytes()
    erasing = is_pending(store)
    packs = [pack for pack in store.catalogue.packs() if pack.state != IN_COMPACTION]
    waste = {pack.number: _waste(store, pack, live, erasing) for pack in packs}
    every = erasing and bool(tainted(store))
    wasteful = [number for number, found in waste.items() if found > 0 or every]
    total = sum(live.get(number, 0) for number in wasteful)
    freed = sum(found for found in waste.values() if found > 0)
    numbers = {"packs": len(wasteful), "bytes_freed": freed, "bytes_moved": total}
    if erasing:
        numbers["erasures_pending"] = 1
    return Plan("compact", total, numbers)


def _waste(store: Store, pack: Pack, live: dict[int, int], erasing: bool) -> int:
    """What a pack would give back, in bytes; after an erasure to the byte, else only where it is worth it."""
    if pack.state == IN_COMPACTION or not pack.bytes:
        return 0
    if not erasing:
        table = 24 * 64 if pack.sealed else 0
        waste = pack.bytes - live.get(pack.number, 0) - 128 - table
        return waste if waste > LEAST_WASTE * pack.bytes else 0
    table = 0
    if pack.sealed:
        with contextlib.suppress(NotFound):
            table = table_bytes(store.backend, pack.number)
    return pack.bytes - live.get(pack.number, 0) - HEADER.size - table


@dataclass(slots=True)
class Written:
    """New packs of one run."""

    numbers: list[int] = field(default_factory=list)
    seals: list[Event] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped, StoreFull; what was done until then stays done."""
    with store.backend.lock("upkeep.lock"):
        return _run(store, plan, progress, stop)


def _run(store: Store, plan: Plan, progress: Progress, stop: Stop) -> Report:
    report = Report("compact", {"packs": 0, "bytes_freed": 0, "messages_moved": 0})
    before = store.facts().stored_bytes
    _sweep(store, stop)
    meter = Meter(plan.total, progress, stop)
    if is_pending(store):
        _erase(store, meter, report)
    else:
        with store.writer_lease():
            live = store.catalogue.live_bytes()
            old = [pack for pack in store.catalogue.packs() if _waste(store, pack, live, False) > 0]
            _seal_open(store, old)
        _move_whole(store, old, meter, report)
    _sweep(store, stop)
    if clean_projections(store, progress, stop):
        report.notes.append("index and catalogue were cleaned of what was erased")
    report.numbers["bytes_freed"] = max(before - store.facts().stored_bytes, 0)
    return report


def _erase(store: Store, meter: Meter, report: Report) -> None:
    """Write anew whatever keeps anything of what was erased until now, then say so in the journal.

    Writers go on meanwhile: what they had compressed with a dictionary that is to go is looked for again, until a look
    under the lease finds none, and then the dictionary goes.
    """
    until, retired = store.catalogue.counter("erased"), tainted(store)
    if store.current_dictionary() in retired and not train_anew(store):
        report.notes.append("what is kept is too little to make a dictionary of")
    left, seen = set[int](), dict[int, bool]()
    _using(store, retired, seen)  # sealed packs are read before the lease is taken
    with store.writer_lease():
        live = store.catalogue.live_bytes()
        old = [pack for pack in store.catalogue.packs() if _waste(store, pack, live, True) > 0]
        old += [pack for pack in _using(store, retired, seen) if pack not in old]
        _seal_open(store, old)
    for _ in range(MOST_ROUNDS):
        left |= _move_whole(store, old, meter, report, retired)
        with store.writer_lease():
            old = [pack for pack in _using(store, retired, seen) if pack.number not in left]
            if not old:
                _note_clean(store, until, retired, left, report)
                return
            _seal_open(store, old)
    report.notes.append("messages come in too fast to retire a dictionary; compact again")


def _note_clean(store: Store, until: int, retired: set[int], left: set[int], report: Report) -> None:
    if left:
        report.notes.append("something erased may be left in packs that are not whole: recover first")
        return
    store.commit([*(["und", number] for number in sorted(retired)), ["era", until]])
    report.numbers["dictionaries_retired"] = len(retired)


def _using(store: Store, retired: set[int], seen: dict[int, bool]) -> list[Pack]:
    """The packs with entries that are compressed with a dictionary to be retired; sealed ones are looked at once."""
    found = []
    for pack in store.catalogue.packs() if retired else []:
        if pack.state == IN_COMPACTION or not pack.bytes:
            continue
        with contextlib.suppress(NotFound):
            uses = seen.get(pack.number)
            if uses is None:
                uses = bool(retired & dictionaries_in(store.backend, pack.number, pack.bytes))
            if pack.sealed:
                seen[pack.number] = uses
            if uses:
                found.append(pack)
    return found


def _seal_open(store: Store, packs: list[Pack]) -> None:
    """The open pack takes part too, if it is among these. Only under the writer lease."""
    for pack in packs:
        if pack.state == OPEN:
            store.commit([store.seal_pack(pack.number, pack.bytes)])


def _move_whole(
    store: Store, packs: list[Pack], meter: Meter, report: Report, retired: Collection[int] = ()
) -> set[int]:
    """Move the entries of packs, some packs at a time, but of those that are not whole; which those were."""
    sealed = {pack.number for pack in store.catalogue.packs() if pack.sealed}
    left: set[int] = set()
    for at in range(0, len(packs), PACKS_AT_ONCE):
        some = [pack.number for pack in packs[at : at + PACKS_AT_ONCE]]
        old = [number for number in some if number in sealed and _whole(store, number, report)]
        if old:
            _move(store, old, meter, report, retired)
            _sweep(store, never)
        report.count("packs", len(old))
        left.update(set(some) - set(old))
    return left


def _whole(store: Store, pack: int, report: Report) -> bool:
    """A pack with a damaged live message stays as it is: what may still be rescued from it must not be thrown away."""
    reader: PackReader | None = None
    for number, size, place in store.catalogue.entries(pack):
        try:
            reader = reader or _reader(store, pack)
            for _ in reader.frames(place, number, size):
                pass
        except (Damaged, NotFound) as error:
            what = f"left as it is: {named(number)}: {error}"
            report.problems.append(Problem.of("packs", f"pack {pack}", what, store.catalogue.concerned([number])))
            return False
    return True


def _move(store: Store, old: list[int], meter: Meter, report: Report, retired: Collection[int]) -> None:
    written = Written()
    try:
        _write(store, old, written, meter, retired)
        with store.writer_lease():
            events: list[Event] = [*written.seals, ["rep", old, written.numbers]]
            store.commit(events, locate=written.places.get)
    except BaseException:
        _drop(store, written)
        raise
    report.count("messages_moved", sum(not number & PART for number in written.places))


def _write(store: Store, old: list[int], written: Written, meter: Meter, retired: Collection[int]) -> None:
    newest = store.current_dictionary()
    dictionary = 0 if newest in retired else newest
    writer: PackWriter | None = None
    rows: list[tuple[int, int, int]] = []
    for pack in old:
        reader = _reader(store, pack)
        for number, size, place in store.catalogue.entries(pack):
            if writer is None or writer.end >= store.pack_bytes:
                _finish(writer, rows, written)
                writer, rows = _begin(store, written), []
            start = writer.end
            frames = (
                renewed(frame, store.dictionaries, dictionary) if frame.dictionary in retired else frame
                for frame in reader.frames(place, number, size)
            )
            pieces = writer.seal_entry(number, size, frames)
            for piece in [b"".join(pieces)] if place.length <= FRAME_BYTES else pieces:
                writer.write(piece)
            rows.append((number, start, writer.end - start))
            written.places[number] = Place(writer.number, start, writer.end - start)
            meter.step(place.length, "moving messages")
    _finish(writer, rows, written)


def _reader(store: Store, pack: int) -> PackReader:
    """A reader that goes through a pack in its order. Raises: Damaged, NotFound."""
    return PackReader(ReadAhead(store.backend), store.key, bytes.fromhex(store.identity), pack)


def _begin(store: Store, written: Written) -> PackWriter:
    with store.writer_lease():
        number = store.catalogue.counter("next_pack")
        store.commit([["pak", number, "compact"]])
    written.numbers.append(number)
    return PackWriter(store.backend, store.key, bytes.fromhex(store.identity), number, 0)


def _finish(writer: PackWriter | None, rows: list[tuple[int, int, int]], written: Written) -> None:
    if writer is None:
        return
    size, digest = writer.seal(rows)
    writer.close()
    written.seals.append(["sea", writer.number, size, digest])


def _drop(store: Store, written: Written) -> None:
    """Unless the switch was journalled after all, take the new packs back.

    The lease brings the catalogue to the journal's end first: a switch can stand although it was not acknowledged, and
    then the new packs hold the only copy. What can't be decided now is left for the next run.
    """
    with contextlib.suppress(StoreError), store.writer_lease():
        packs = {pack.number: pack for pack in store.catalogue.packs()}
        if all(number in packs and packs[number].state == IN_COMPACTION for number in written.numbers):
            for number in written.numbers:
                store.backend.delete(pack_name(number))


def _sweep(store: Store, stop: Stop) -> None:
    """Delete files of packs that were replaced, and forget packs of a compaction that was killed."""
    # I3: what was deleted is out of the index before its bytes go, also what was deleted while messages moved.
    with Indexer(store) as indexer:
        indexer.advance(stop=stop)
    with store.writer_lease():
        packs = {pack.number: pack for pack in store.catalogue.packs()}
        dead = [number for number, pack in packs.items() if pack.state == IN_COMPACTION]
        if dead:
            store.commit([["rep", dead, []]])
        known = set(packs).difference(dead)
        last = store.catalogue.counter("next_pack")
        for number in pack_numbers(store.backend):
            if number < last and number not in known:
                store.backend.delete(pack_name(number))
                store.forget_reader(number)
        sweep_dictionaries(store)
