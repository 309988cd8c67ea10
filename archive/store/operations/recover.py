"""Bring a store back to what its journal and packs still prove: "recover = replay".

- an unfinished record at the journal's end is cut off;
- the catalogue is built anew from journal and packs and put in place of the old one;
- where the journal is damaged in its middle, it is written anew from every record that still proves itself; what the
  lost records had added is taken from the old catalogue as far as that can be read, and else from the packs, into a
  folder "Recovered" that is nobody's; the damaged journal is kept beside it as `journal.damaged-…`; open packs are
  sealed as they are;
- an open pack that lost bytes is left as it is and never appended to again;
- the index is built anew where it is damaged or does not match.

Relies on I5, I7. Nothing readable is ever thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from ..backend import Backend, Writer
from ..base import DICTIONARY_FOLDER
from ..errors import Damaged, NotFound, StoreError
from ..journal import FOLDER, Event, Journal, Position, Record, segment_name
from ..packs import FOLDER as PACKS
from ..packs import Place, file_hash, pack_name, pack_numbers, read_table, scan
from ..parts import PART
from ..replay import Places
from ..rows import OPEN
from ..salvage import Gap, salvage
from ..sqlite_catalogue import FreshCatalogue
from ..store import Store
from . import leftovers, rebuild_index, verify
from .lying import LyingParts
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

RECOVERED = "Recovered"
# Whose mail is of nobody known: a number beyond those of an installation's mailboxes, so that no person finds in their
# archive what may be another's. Who sees the whole store finds it.
NOBODY = 1 << 40
NEW = f"{FOLDER}.new"
# What reading a damaged catalogue can end in.
UNREADABLE = (sqlite3.DatabaseError, ValueError, TypeError, AttributeError, KeyError)


def plan(store: Store, *, deleted: bool = False) -> Plan:
    """What will be read; and what is damaged in the journal, which decides whether it must be written anew.

    `deleted`: also bring back what was deleted and still lies in the packs (`leftovers`).
    """
    backend = store.backend
    packs = backend.total(PACKS)
    gaps = sum(isinstance(item, Gap) for item in salvage(store.journal, backend, events=False))
    numbers = {"packs_bytes": packs, "journal_gaps": gaps}
    if deleted:
        with contextlib.suppress(Damaged, sqlite3.DatabaseError):
            numbers["deleted_so_far"] = leftovers.count(store)
    return Plan("recover", packs * (3 if deleted else 2), numbers, {"deleted": deleted})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Problems left in the report are messages that no byte is left of. Raises: Stopped, StoreFull."""
    report = Report("recover", {"records": 0, "messages": 0})
    meter = Meter(plan.total, progress, stop)
    with store.backend.lock("writer.lock"):
        mend_journal(store, report)
        rebuild_catalogue(store, meter, report)
        retire_short_packs(store, report)
    found = verify.run(store, verify.plan(store, ["index"], resume=False))
    if not found.ok:
        report.notes.append("the index was built anew")
        rebuild_index.run(store, rebuild_index.plan(store), progress, stop)
    if plan.options.get("deleted"):
        leftovers.restore(store, meter, report)
    report.numbers["messages"] = store.catalogue.counter("messages")
    return report


def mend_journal(store: Store, report: Report) -> bool:
    """Cut off an unfinished record; write a journal that is damaged or too short anew. Whether it was; under the lease.

    The catalogue must be built anew afterwards.
    """
    store.journal.forget()
    _finish_swap(store)
    store.drop_pack()
    store.forget_readers()
    gaps = [item for item in salvage(store.journal, store.backend, events=False) if isinstance(item, Gap)]
    known = _known_sequence(store)
    torn = [gap for gap in gaps if gap.last and gap.start.sequence >= known]
    for gap in torn:
        report.notes.append(f"{gap.where}: an unfinished record was cut off")
        _cut(store, gap)
    broken = [gap for gap in gaps if gap not in torn]
    if not (broken or _shorter(store, known)):
        return False
    _rewrite_journal(store, broken, report)
    return True


def _known_sequence(store: Store) -> int:
    try:
        return store.catalogue.position().sequence
    except (Damaged, sqlite3.DatabaseError):
        return 0


def _known_end(store: Store) -> tuple[int, str]:
    """The end of the journal as the catalogue has read it: (sequence, chain)."""
    try:
        at = store.catalogue.position()
    except (Damaged, sqlite3.DatabaseError):
        return 0, ""
    return at.sequence, at.chain.hex()


def _shorter(store: Store, known: int) -> bool:
    last = 0
    for item in salvage(store.journal, store.backend, events=False):
        if isinstance(item, Record):
            last = item.sequence
    return last < known


def _cut(store: Store, gap: Gap) -> None:
    store.backend.append(segment_name(gap.start.segment or 1), gap.start.offset).close()


class Beside:
    """A backend in which the journal's folder has another name: the new journal is written beside the old one."""

    def __init__(self, inner: Backend) -> None:
        self._inner = inner

    @staticmethod
    def _there(name: str) -> str:
        return NEW + name.removeprefix(FOLDER)

    def names(self, folder: str) -> list[str]:
        return [FOLDER + name.removeprefix(NEW) for name in self._inner.names(self._there(folder))]

    def size(self, name: str) -> int:
        return self._inner.size(self._there(name))

    def total(self, folder: str) -> int:
        return self._inner.total(self._there(folder))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._inner.read(self._there(name), offset, length)

    def append(self, name: str, at: int) -> Writer:
        return self._inner.append(self._there(name), at)

    def put(self, name: str, data: bytes) -> None:
        self._inner.put(self._there(name), data)

    def delete(self, name: str) -> None:
        self._inner.delete(self._there(name))

    def move_folder(self, folder: str, to: str) -> None:
        self._inner.move_folder(self._there(folder), to)

    def lock(self, name: str, *, wait: bool = True) -> contextlib.AbstractContextManager[None]:
        return self._inner.lock(name, wait=wait)

    def close(self) -> None:
        """The inner one is its owner's."""


def _finish_swap(store: Store) -> None:
    """A new journal that was complete when its writer was killed between putting the old one aside and this one in."""
    if not store.journal.segments() and store.backend.names(NEW):
        store.backend.move_folder(NEW, FOLDER)


def _rewrite_journal(store: Store, gaps: list[Gap], report: Report) -> None:
    """A new journal of all that is proven, then what the catalogue or the packs know beyond it; the old one is kept.

    Killed at any moment, the old one stands, or the new one is whole (I4).
    """
    records = [item for item in salvage(store.journal, store.backend) if isinstance(item, Record)]
    before, rescued = rescue(store, records, report)
    seconds = int(time.time())
    while store.backend.names(aside := f"{FOLDER}.damaged-{seconds}"):
        seconds += 1
    if store.format > 1:
        rescued.append(["rec", aside, len(records), *_known_end(store)])
    report.numbers["records_kept"] = len(records)
    for name in store.backend.names(NEW):
        store.backend.delete(name)
    fresh = Journal(Beside(store.backend), store.key, bytes.fromhex(store.identity))
    at = Position()
    if before:
        at = fresh.append(before, at, at_ms=records[0].at_ms if records else None).after
    for record in records:
        # `era` names a record by its old number: rather clean again than believe that all is clean.
        events = [event for event in record.events if event[0] != "era"]
        at = fresh.append(events, at, at_ms=record.at_ms).after
    for start in range(0, len(rescued), 500):
        at = fresh.append(rescued[start : start + 500], at).after
    fresh.forget()
    for gap in gaps:
        report.notes.append(f"{gap.where}: {gap.what}")
    if store.journal.segments():
        store.backend.move_folder(FOLDER, aside)
        report.notes.append(f"the journal was written anew; the damaged one is kept as {aside}")
    if at.sequence:
        store.backend.move_folder(NEW, FOLDER)


class Proven:
    """What the records that prove themselves know."""

    def __init__(self, records: list[Record]) -> None:
        self.messages: set[int] = set()
        self.digests: set[str] = set()
        self.dead: set[int] = set()
        self.placed: set[tuple[int, int]] = set()
        self.folders: set[int] = set()
        self.made: dict[int, tuple[int, int, str]] = {}
        self.merged: dict[str, int] = {}
        self.mailboxes: dict[int, str] = {}
        self.held: dict[int, set[int]] = {}
        self.packs: set[int] = set()
        self.compacting: set[int] = set()
        self.replaced: set[int] = set()
        self.sealed: set[int] = set()
        self.dictionaries: set[int] = set()
        self.retired: set[int] = set()
        self.uses: dict[int, list[int]] = {}
        self.parts: dict[int, str] = {}
        for record in records:
            for kind, *said in record.events:
                self._hear(kind, *said)

    def _hear(self, kind: str, *said: Any) -> None:
        match kind:
            case "box":
                self.mailboxes[said[0]] = said[1]
            case "dir":
                self.folders.add(said[0])
                self.made[said[0]] = (said[1], said[2], said[3])
            case "mvd" if said[0] in self.made:
                self.made[said[0]] = (self.made[said[0]][0], said[1], said[2])
            case "rmd":
                self.made.pop(said[0], None)
            case "own":
                others = dict(said[0])
                self.made = {n: (others.get(box, box), *more) for n, (box, *more) in self.made.items()}
                self.mailboxes = {others.get(box, box): label for box, label in self.mailboxes.items()}
            case "mrg":
                self.merged[said[0]] = said[1]
            case "use":
                self.uses[said[0]] = said[1]
            case "att":
                self.parts[said[0]] = said[1]
            case "und":
                self.retired.add(said[0])
            case "msg":
                self.messages.add(said[0])
                self.digests.add(said[1])
            case "put":
                self.placed.add((said[0], said[1]))
                self.held.setdefault(said[1], set()).add(said[0])
                self.dead.discard(said[1])
            case "del":
                self._forget(said[0], said[1])
                # Placements removed here are not missed later; that they were made is still known.
            case "dic":
                self.dictionaries.add(said[0])
            case "pak":
                (self.compacting if said[1] == "compact" else self.packs).add(said[0])
            case "sea":
                self.sealed.add(said[0])
            case "rep":
                self.replaced.update(said[0])
                self.compacting.difference_update(said[1])
                self.packs.update(said[1])

    def _forget(self, numbers: list[int], folder: int) -> None:
        """Dead is what was taken from everywhere, not what was moved from one folder to another."""
        for number in numbers:
            left = self.held.get(number, set()) - {folder} if folder else set[int]()
            if left:
                self.held[number] = left
            else:
                self.held.pop(number, None)
                self.dead.add(number)


def rescue(store: Store, records: list[Record], report: Report) -> tuple[list[Event], list[Event]]:
    """Events for what the proven records don't know but catalogue, packs and dictionaries do.

    Those that must come before the records (what these speak of), and those that follow them.
    """
    proven = Proven(records)
    files = [number for number in pack_numbers(store.backend) if number not in proven.replaced]
    before: list[Event] = [["pak", number, ""] for number in files if number not in proven.packs | proven.compacting]
    before += _dictionaries(store, proven) + _folders(store, proven)
    proven.folders.update(event[1] for event in before if event[0] == "dir")
    events: list[Event] = []
    # The switch to a compaction's packs may be what was lost; then they hold the only copy. Else both are good.
    events += [["rep", [], [number]] for number in files if number in proven.compacting and _is_sealed(store, number)]
    events += _moved(store, proven) + _from_catalogue(store, proven, report)
    proven.messages.update(event[1] for event in events if event[0] == "msg")
    proven.digests.update(event[2] for event in events if event[0] == "msg")
    lying = LyingParts(store, _known_parts(store, proven), dict.fromkeys(files))
    events += _from_packs(store, proven, report, lying)
    events += _parts(store, proven, events, lying)
    # Nothing is appended to a pack of which something is unknown: it is sealed as it is.
    for number in files:
        if number not in proven.sealed and (number not in proven.compacting or _is_sealed(store, number)):
            name = pack_name(number)
            events.append(["sea", number, store.backend.size(name), file_hash(store.backend, name)])
    return before, events


def _folders(store: Store, proven: Proven) -> list[Event]:
    """Folders whose making is lost: as the catalogue knows them, else under a name that says so."""
    events: list[Event] = []
    with contextlib.suppress(*UNREADABLE):
        made = [one for one in store.catalogue.folders() if one.number not in proven.folders]
        events += [["dir", one.number, one.mailbox, one.parent, one.name] for one in made]
    known = proven.folders | {event[1] for event in events}
    lost = sorted({folder for folder, _ in proven.placed} - known)
    return events + [["dir", folder, NOBODY, 0, f"{RECOVERED} {folder}"] for folder in lost]


def _moved(store: Store, proven: Proven) -> list[Event]:
    """Folders that had another owner, name or place since, as the catalogue knows; and merges, how far they came."""
    events: list[Event] = []
    with contextlib.suppress(*UNREADABLE):
        known = [one for one in store.catalogue.folders() if one.number in proven.made]
        owners = {proven.made[one.number][0]: one.mailbox for one in known}
        if changed := [[old, new] for old, new in sorted(owners.items()) if old != new]:
            events.append(["own", changed])
        for one in known:
            if (one.parent, one.name) != proven.made[one.number][1:]:
                events.append(["mvd", one.number, one.parent, one.name])
        for source, far in store.catalogue.merged().items():
            if far.number > proven.merged.get(source, 0) or far.done:
                events.append(["mrg", source, far.number, far.sequence, far.chain, int(far.done)])
    return events


def _is_sealed(store: Store, number: int) -> bool:
    try:
        read_table(store.backend, number)
    except (Damaged, NotFound):
        return False
    return True


def _dictionaries(store: Store, proven: Proven) -> list[Event]:
    events: list[Event] = []
    for name in store.backend.names(DICTIONARY_FOLDER):
        stem = name.rsplit("/", 1)[1].removesuffix(".dict")
        if stem.isdecimal() and int(stem) not in proven.dictionaries:
            with contextlib.suppress(Damaged, NotFound):
                digest = hashlib.sha256(store.load_dictionary(int(stem))).hexdigest()
                events.append(["dic", int(stem), digest])
    return events


def _from_catalogue(store: Store, proven: Proven, report: Report) -> list[Event]:
    """What the old catalogue remembers of lost records. A catalogue that can't be read remembers nothing."""
    events: list[Event] = []
    try:
        events += [
            ["box", number, label]
            for number, label in store.catalogue.mailboxes().items()
            if proven.mailboxes.get(number) != label
        ]
        numbers = list(store.catalogue.numbers())
        for row in (row for at in range(0, len(numbers), 500) for row in store.rows(numbers[at : at + 500])):
            if row.number not in proven.messages:
                if parts := store.catalogue.parts_of(row.number):
                    events.append(["use", row.number, [part.number for part in parts]])
                since = [row.archived_ms] if store.format > 1 else []
                events.append(["msg", row.number, row.sha256, row.size, row.date, *since])
                report.count("taken_from_catalogue")
            events += [["put", f, row.number] for f, _ in row.placements if (f, row.number) not in proven.placed]
    except UNREADABLE:
        return []
    return events


def _known_parts(store: Store, proven: Proven) -> dict[int, str]:
    """The parts that records or the catalogue name: number → SHA-256 hex."""
    known = dict[int, str]()
    with contextlib.suppress(*UNREADABLE):
        known.update((number, digest) for number, digest, _ in store.catalogue.parts())
    return known | proven.parts


def _parts(store: Store, proven: Proven, events: list[Event], lying: LyingParts) -> list[Event]:
    """The parts of what was rescued, and those whose record is lost; what nobody uses is none (`applying`)."""
    found: dict[int, Event] = {}
    with contextlib.suppress(*UNREADABLE):
        found.update((number, ["att", number, digest, size]) for number, digest, size in store.catalogue.parts())
    found.update((number, ["att", number, digest, size]) for number, digest, size in lying.all())
    rescued = {part for kind, *said in events if kind == "use" for part in said[1]}
    return [event for number, event in sorted(found.items()) if number in rescued or number not in proven.parts]


def _from_packs(store: Store, proven: Proven, report: Report, lying: LyingParts) -> list[Event]:
    """Messages nobody remembers, found in the packs: into a folder "Recovered" that is nobody's."""
    found: list[Event] = []
    folder = max(proven.folders, default=0) + 1
    for pack in pack_numbers(store.backend):
        if pack in proven.replaced:
            continue
        for number, size, place in scan(store.backend, pack, skip_damage=True):
            if number & PART or number in proven.messages or number in proven.dead:
                continue
            digest = _digest(store, number, size, place, lying)
            if digest is not None and digest not in proven.digests:
                proven.digests.add(digest)
                references = store.pack_reader(place.pack).references(place, number, size, store.dictionaries)
                parts = [lying.number_of(sha256) for sha256, _ in references]
                if parts:
                    found.append(["use", number, list(dict.fromkeys(parts))])
                found += [["msg", number, digest, size, int(time.time())], ["put", folder, number]]
                proven.messages.add(number)
                report.count("taken_from_packs")
    return [["dir", folder, NOBODY, 0, f"{RECOVERED} {int(time.time())}"], *found] if found else []


def _digest(store: Store, number: int, size: int, place: Place, lying: LyingParts) -> str | None:
    digest = hashlib.sha256()
    try:
        for piece in store.pack_reader(place.pack).message(place, number, size, store.dictionaries, lying.pieces):
            digest.update(piece)
    except (Damaged, NotFound):
        return None
    return digest.hexdigest()


def rebuild_catalogue(store: Store, meter: Meter, report: Report) -> None:
    fresh_path = store.work / "catalogue.new.sqlite"
    for suffix in ("", "-wal", "-shm"):
        Path(f"{fresh_path}{suffix}").unlink(missing_ok=True)
    fresh = FreshCatalogue(fresh_path)
    places = Places(store, Position())
    try:
        for record in store.journal.read(Position()):
            store.apply_replayed(fresh, record, places)
            report.count("records")
            meter.step(sum(place.length for place in _places_of(record, places)), "catalogue")
        fresh.finish()
    finally:
        fresh.close()
    store.replace_catalogue(fresh_path)
    unreadable = [row[0] for row in store.catalogue.reader.execute("SELECT number FROM message WHERE (flags & 4) <> 0")]
    if unreadable:
        report.problems.append(Problem.of("packs", "packs", "messages whose bytes can't be read any more", unreadable))


def _places_of(record: Record, places: Places) -> list[Place]:
    found = (places.find(event[1]) for event in record.events if event[0] == "msg")
    return [place for place in found if place is not None]


def retire_short_packs(store: Store, report: Report) -> None:
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
