"""Bring a store back to what its journal and packs still prove: "recover = replay".

- an unfinished record at the journal's end is cut off;
- the catalogue is built anew from journal and packs and put in place of the old one;
- where the journal is damaged in its middle, it is written anew from every record that still proves itself; what the
  lost records had added is taken from the old catalogue as far as that can be read, and else from the packs, into a
  folder "Recovered"; the damaged journal is kept beside it as `journal.damaged-…`, and the new one begins with its end;
- an open pack that lost bytes is left as it is and never appended to again;
- the index is built anew where it is damaged or does not match.

Relies on I5, I7. Nothing readable is ever thrown away.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..catalogue import OPEN, Catalogue
from ..errors import Damaged, NotFound, StoreError
from ..journal import FOLDER, Event, Position, Record, segment_name
from ..packs import FOLDER as PACKS
from ..packs import Place, pack_name, pack_numbers, scan
from ..replay import Places
from ..salvage import Gap, salvage
from ..store import Store
from . import rebuild_index, verify
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

RECOVERED = "Recovered"
CATALOGUE_FILES = ("catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm")


def plan(store: Store) -> Plan:
    """What will be read; and what is damaged in the journal, which decides whether it must be written anew."""
    backend = store.backend
    packs = sum(backend.size(name) for name in backend.names(PACKS))
    gaps = sum(isinstance(item, Gap) for item in salvage(store.journal, backend, bytes.fromhex(store.identity)))
    return Plan("recover", packs * 2, {"packs_bytes": packs, "journal_gaps": gaps})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Problems left in the report are messages that no byte is left of. Raises: Stopped, StoreFull."""
    report = Report("recover", {"records": 0, "messages": 0})
    meter = Meter(plan.total, progress, stop)
    with store.backend.lock("writer.lock"):
        store.journal.forget()
        store.drop_pack()
        store.forget_readers()
        gaps = [
            item
            for item in salvage(store.journal, store.backend, bytes.fromhex(store.identity))
            if isinstance(item, Gap)
        ]
        known = _known_sequence(store)
        torn = [gap for gap in gaps if gap.last and gap.start.sequence >= known]
        for gap in torn:
            report.notes.append(f"{gap.where}: an unfinished record was cut off")
            _cut(store, gap)
        broken = [gap for gap in gaps if gap not in torn]
        if broken or _shorter(store, known):
            _rewrite_journal(store, broken, report)
        _rebuild_catalogue(store, meter, report)
        _retire_short_packs(store, report)
    found = verify.run(store, verify.plan(store, ["index"]))
    if not found.ok:
        report.notes.append("the index was built anew")
        rebuild_index.run(store, rebuild_index.plan(store), progress, stop)
    report.numbers["messages"] = store.catalogue.counter("messages")
    return report


def _known_sequence(store: Store) -> int:
    try:
        return store.catalogue.position().sequence
    except (sqlite3.DatabaseError, TypeError, ValueError):
        return 0


def _shorter(store: Store, known: int) -> bool:
    last = 0
    for item in salvage(store.journal, store.backend, bytes.fromhex(store.identity)):
        if isinstance(item, Record):
            last = item.sequence
    return last < known


def _cut(store: Store, gap: Gap) -> None:
    store.backend.append(segment_name(gap.start.segment or 1), gap.start.offset).close()


@dataclass(slots=True)
class Lost:
    """What the old catalogue still knows of the messages whose record is lost."""

    folders: list[Event] = field(default_factory=list)
    messages: list[Event] = field(default_factory=list)
    placements: list[Event] = field(default_factory=list)


def _rewrite_journal(store: Store, gaps: list[Gap], report: Report) -> None:
    """A new journal of all that is proven, then what the catalogue or the packs know beyond it; the old one is kept."""
    records = [
        item
        for item in salvage(store.journal, store.backend, bytes.fromhex(store.identity))
        if isinstance(item, Record)
    ]
    rescued = _rescue(store, records, report)
    aside = f"journal.damaged-{int(time.time())}"
    store.backend.move_folder(FOLDER, aside)
    at = Position()
    try:
        for record in records:
            at = store.journal.append(record.events, at, at_ms=record.at_ms).after
        for start in range(0, len(rescued), 500):
            at = store.journal.append(rescued[start : start + 500], at).after
    except BaseException:
        store.journal.forget()
        if store.journal.segments():
            store.backend.move_folder(FOLDER, f"{FOLDER}.unfinished-{int(time.time())}")
        store.backend.move_folder(aside, FOLDER)
        raise
    store.journal.forget()
    for gap in gaps:
        report.notes.append(f"{gap.where}: {gap.what}")
    report.notes.append(f"the journal was written anew; the damaged one is kept as {aside}")


def _rescue(store: Store, records: list[Record], report: Report) -> list[Event]:
    """Events for what the proven records don't know but the packs hold."""
    said: set[int] = set()
    folders: set[int] = set()
    packs: set[int] = set()
    replaced: set[int] = set()
    for record in records:
        for event in record.events:
            if event[0] == "msg":
                said.add(event[1])
            elif event[0] == "dir":
                folders.add(event[1])
            elif event[0] == "pak":
                packs.add(event[1])
            elif event[0] == "rep":
                replaced.update(event[1])
    events: list[Event] = _from_catalogue(store, said, folders, report)
    said.update(event[1] for event in events if event[0] == "msg")
    events += [["pak", number, ""] for number in _pack_files(store) if number not in packs | replaced]
    events += _from_packs(store, said, replaced, records, events, report)
    return events


def _pack_files(store: Store) -> list[int]:
    return pack_numbers(store.backend)


def _from_catalogue(store: Store, said: set[int], folders: set[int], report: Report) -> list[Event]:
    """What the old catalogue remembers of lost records. A catalogue that can't be read remembers nothing."""
    try:
        events: list[Event] = [["box", number, label] for number, label in store.catalogue.mailboxes().items()]
        made = [one for one in store.catalogue.folders() if one.number not in folders]
        events += [
            ["dir", one.number, one.mailbox, one.parent, one.name] for one in sorted(made, key=lambda f: f.number)
        ]
        lost = [number for number in store.catalogue.numbers() if number not in said]
        for row in (row for at in range(0, len(lost), 500) for row in store.rows(lost[at : at + 500])):
            events.append(["msg", row.number, row.sha256, row.size, row.date])
            events += [["put", folder, row.number] for folder, _ in row.placements]
            report.count("taken_from_catalogue")
    except sqlite3.DatabaseError:
        return []
    return events


def _from_packs(
    store: Store, said: set[int], replaced: set[int], records: list[Record], events: list[Event], report: Report
) -> list[Event]:
    """Messages nobody remembers, found in the packs: into the folder "Recovered" of the first mailbox."""
    found: list[Event] = []
    highest = max([event[1] for one in (r.events for r in records) for event in one if event[0] == "dir"], default=0)
    highest = max([highest, *(event[1] for event in events if event[0] == "dir")])
    boxes = [event[1] for one in (r.events for r in records) for event in one if event[0] == "box"]
    boxes += [event[1] for event in events if event[0] == "box"]
    mailbox, folder = (boxes or [0])[0], highest + 1
    dead = {n for r in records for event in r.events if event[0] == "del" for n in event[1]}
    for pack in _pack_files(store):
        if pack in replaced:
            continue
        for number, size, place in scan(store.backend, pack, skip_damage=True):
            if number in said or number in dead:
                continue
            digest = _digest(store, number, size, place)
            if digest is not None:
                found += [["msg", number, digest, size, int(time.time())], ["put", folder, number]]
                said.add(number)
                report.count("taken_from_packs")
    return [["dir", folder, mailbox, 0, f"{RECOVERED} {int(time.time())}"], *found] if found else []


def _digest(store: Store, number: int, size: int, place: Place) -> str | None:
    digest = hashlib.sha256()
    try:
        for piece in store.pack_reader(place.pack).pieces(place, number, size, store.dictionaries):
            digest.update(piece)
    except (Damaged, NotFound):
        return None
    return digest.hexdigest()


def _rebuild_catalogue(store: Store, meter: Meter, report: Report) -> None:
    fresh_path = store.work / "catalogue.new.sqlite"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{fresh_path}{suffix}").unlink(missing_ok=True)
    fresh = Catalogue(fresh_path)
    places = Places(store, Position())
    try:
        for record in store.journal.read(Position()):
            store.apply_replayed(fresh, record, places)
            report.count("records")
            meter.step(sum(place.length for place in _places_of(record, places)), "catalogue")
        fresh.tidy()
    finally:
        fresh.close()
    store.replace_catalogue(fresh_path)
    unreadable = [row[0] for row in store.catalogue.reader.execute("SELECT number FROM message WHERE flags & 4")]
    if unreadable:
        report.problems.append(Problem.of("packs", "packs", "messages whose bytes can't be read any more", unreadable))


def _places_of(record: Record, places: Places) -> list[Place]:
    found = (places.find(event[1]) for event in record.events if event[0] == "msg")
    return [place for place in found if place is not None]


def _retire_short_packs(store: Store, report: Report) -> None:
    """An open pack whose file is shorter than its messages need can't be appended to: seal it as it is."""
    for pack in store.catalogue.packs():
        if pack.state != OPEN or not pack.bytes:
            continue
        try:
            size = store.backend.size(pack_name(pack.number))
        except StoreError:
            size = 0
        if size < pack.bytes:
            store.commit([["sea", pack.number, pack.bytes, ""]])
            report.notes.append(f"pack {pack.number} lost its end and takes no more messages")
