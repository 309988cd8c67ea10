"""Give back the bytes of deleted messages: live entries move into new packs, one record switches, old files go.

Relies on I3 (the catalogue and the index have forgotten a message before its bytes go) and I4 (new, fsync, switch,
delete old). Stopped or killed at any moment, the store is as before or as after; leftovers are swept by the next run.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from ..errors import Damaged, NotFound, StoreError
from ..indexer import Indexer
from ..journal import Event
from ..packs import PackWriter, Place, named, pack_name, pack_numbers
from ..parts import PART
from ..rows import IN_COMPACTION, OPEN, Pack
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

# The header, table and footer of a pack are not waste; below this share a pack is left alone.
LEAST_WASTE = 0.02


def plan(store: Store) -> Plan:
    """Which packs hold bytes of deleted messages, and how many."""
    live = store.catalogue.live_bytes()
    wasteful = [pack for pack in store.catalogue.packs() if _waste(pack, live) > 0]
    waste = sum(_waste(pack, live) for pack in wasteful)
    total = sum(live.get(pack.number, 0) for pack in wasteful)
    return Plan("compact", total, {"packs": len(wasteful), "bytes_freed": waste, "bytes_moved": total})


def _waste(pack: Pack, live: dict[int, int]) -> int:
    if pack.state == IN_COMPACTION:
        return 0
    table = 24 * 64 if pack.sealed else 0
    waste = pack.bytes - live.get(pack.number, 0) - 128 - table
    return waste if waste > LEAST_WASTE * pack.bytes else 0


@dataclass(slots=True)
class Written:
    """New packs of one run."""

    numbers: list[int] = field(default_factory=list)
    seals: list[Event] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped, StoreFull; both leave the store as it was."""
    with store.backend.lock("upkeep.lock"):
        return _run(store, plan, progress, stop)


def _run(store: Store, plan: Plan, progress: Progress, stop: Stop) -> Report:
    report = Report("compact", {"packs": 0, "bytes_freed": 0, "messages_moved": 0})
    before = store.facts().stored_bytes
    _sweep(store, stop)
    _seal_open(store)
    live = store.catalogue.live_bytes()
    old = [pack.number for pack in store.catalogue.packs() if pack.sealed and _waste(pack, live) > 0]
    old = [number for number in old if _whole(store, number, report)]
    if old:
        _move(store, old, Meter(plan.total, progress, stop), report)
    _sweep(store, stop)
    report.numbers["packs"] = len(old)
    report.numbers["bytes_freed"] = max(before - store.facts().stored_bytes, 0)
    return report


def _seal_open(store: Store) -> None:
    """The open pack takes part too, if it has something to give back."""
    with store.writer_lease():
        live = store.catalogue.live_bytes()
        for pack in store.catalogue.packs():
            if pack.state == OPEN and _waste(pack, live) > 0:
                store.commit([store.seal_pack(pack.number, pack.bytes)])


def _whole(store: Store, pack: int, report: Report) -> bool:
    """A pack with a damaged live message stays as it is: what may still be rescued from it must not be thrown away."""
    for number, size, place in store.catalogue.entries(pack):
        try:
            for _ in store.pack_reader(pack).frames(place, number, size):
                pass
        except (Damaged, NotFound) as error:
            what = f"left as it is: {named(number)}: {error}"
            report.problems.append(Problem.of("packs", f"pack {pack}", what, store.catalogue.concerned([number])))
            return False
    return True


def _move(store: Store, old: list[int], meter: Meter, report: Report) -> None:
    written = Written()
    try:
        _write(store, old, written, meter)
        with store.writer_lease():
            events: list[Event] = [*written.seals, ["rep", old, written.numbers]]
            store.commit(events, locate=written.places.get)
    except BaseException:
        _drop(store, written)
        raise
    report.numbers["messages_moved"] = sum(not number & PART for number in written.places)


def _write(store: Store, old: list[int], written: Written, meter: Meter) -> None:
    writer: PackWriter | None = None
    rows: list[tuple[int, int, int]] = []
    for pack in old:
        for number, size, place in store.catalogue.entries(pack):
            if writer is None or writer.end >= store.pack_bytes:
                _finish(writer, rows, written)
                writer, rows = _begin(store, written), []
            start = writer.end
            frames = store.pack_reader(pack).frames(place, number, size)
            for piece in writer.seal_entry(number, size, frames):
                writer.write(piece)
            rows.append((number, start, writer.end - start))
            written.places[number] = Place(writer.number, start, writer.end - start)
            meter.step(place.length, "moving messages")
    _finish(writer, rows, written)


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
