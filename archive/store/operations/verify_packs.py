"""Verify's part about packs and dictionaries: sealed packs as a whole against the hash in the journal, the open one
entry by entry against their seals. What differs is read message by message, so that those concerned are named.

Writers and a compaction may go on meanwhile: what they changed since a pack was looked up is looked at again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..errors import Damaged, NotFound
from ..packs import HEADER, file_hash, pack_name, read_header
from ..rows import IN_COMPACTION, OPEN, Pack
from ..store import Store
from .report import Meter, Problem, Report
from .round import Round

Entry = tuple[int, ...]
ENTRIES = "SELECT number, size, offset, length FROM message WHERE pack = ? ORDER BY offset"


def verify_packs(store: Store, meter: Meter, report: Report, round: Round) -> None:
    """With `round.deep` every message is read and compared with its SHA-256 too."""
    for pack in store.catalogue.packs():
        if pack.state == IN_COMPACTION or round.has_pack(pack):
            continue
        meter.step(pack.bytes, f"pack {pack.number}")
        report.count("packs")
        report.problems += _problems(store, pack, deep=round.deep)
        if pack.sealed:
            round.note_pack(pack, report)
    unplaced = store.catalogue.reader.execute("SELECT number FROM message WHERE pack NOT IN (SELECT number FROM pack)")
    if numbers := [row[0] for row in unplaced]:
        report.problems.append(Problem.of("packs", "no pack", "messages whose bytes are in no pack", numbers))


def _problems(store: Store, pack: Pack, *, deep: bool) -> list[Problem]:
    while True:
        found = _look(store, pack, deep=deep)
        # The open pack may have been sealed, any pack replaced, while we read it: then what we saw says nothing.
        now = {each.number: each for each in store.catalogue.packs()}.get(pack.number)
        if not found or (now is not None and now.state == pack.state):
            return found
        if now is None:
            return []
        pack = now


def _look(store: Store, pack: Pack, *, deep: bool) -> list[Problem]:
    where = f"pack {pack.number}"
    try:
        size = store.backend.size(pack_name(pack.number))
        if pack.state == OPEN:
            return _look_at_open(store, pack, size, deep=deep)
        if size == pack.bytes and file_hash(store.backend, pack_name(pack.number)) == pack.sha256:
            damaged = _unreadable(store, _entries(store, pack)) if deep else []
            what = "messages do not match their SHA-256"
            return [Problem.of("packs", where, what, damaged)] if damaged else []
    except NotFound:
        if not (pack.bytes or pack.sealed):
            return []
        return [Problem.of("packs", where, "the file is missing", [number for number, *_ in _entries(store, pack)])]
    damaged = _unreadable(store, _entries(store, pack))
    what = "the file does not match the hash it was sealed with"
    if not damaged:
        what += "; every message in it that is still wanted reads well (the damage is in the table or in deleted ones)"
    return [Problem.of("packs", where, what, damaged)]


def _entries(store: Store, pack: Pack) -> list[Entry]:
    """What is still wanted of a pack, as the catalogue has it: (number, size, offset, length)."""
    return store.catalogue.reader.execute(ENTRIES, (pack.number,)).fetchall()


def _unreadable(store: Store, entries: Iterable[Entry]) -> list[int]:
    """Messages that can't be read as they came in (I7)."""
    damaged = []
    store.forget_readers()
    for number, *_ in entries:
        try:
            for _ in store.stream(number):
                pass
        except (Damaged, NotFound):
            if store.row(number) is not None:
                damaged.append(number)
    return damaged


def _look_at_open(store: Store, pack: Pack, size: int, *, deep: bool) -> list[Problem]:
    """An open pack: its header, then each entry, the deleted ones too, without a hole up to its known end."""
    where = f"pack {pack.number}"
    entries = _entries(store, pack)
    if size < pack.bytes:
        what = f"{pack.bytes - size} bytes are missing at the end"
        return [Problem.of("packs", where, what, _unreadable(store, entries))]
    try:
        head = store.backend.read(pack_name(pack.number), 0, HEADER.size)
        read_header(head, bytes.fromhex(store.identity), pack.number)
    except Damaged as error:
        return [Problem.of("packs", error.where, error.what, [number for number, *_ in entries])]
    missing = set(entries)
    end, broken = HEADER.size, 0
    for *entry, sound in store.pack_reader(pack.number).seals(pack.bytes):
        end = entry[2] + entry[3]
        if sound:
            missing.discard(tuple(entry))
        broken += not sound
    damaged = _unreadable(store, entries if deep else sorted(missing))
    if damaged or broken or missing or end != pack.bytes:
        what = f"entries do not match their seal ({len(damaged)} wanted, {broken} in all)"
        return [Problem.of("packs", where, what, damaged)]
    return []


def verify_dictionaries(store: Store, meter: Meter, report: Report) -> None:
    for number, digest in store.catalogue.dictionaries().items():
        where = f"dictionary {number}"
        try:
            plain = store.load_dictionary(number)
            meter.step(len(plain), where)
            if hashlib.sha256(plain).hexdigest() != digest:
                report.problems.append(Problem.of("dictionaries", where, "it is not the one in the journal"))
        except (Damaged, NotFound) as error:
            report.problems.append(Problem.of("dictionaries", where, str(error), _compressed_with(store, number)))


def _compressed_with(store: Store, dictionary: int) -> list[int]:
    """Messages that can't be read without a dictionary."""
    concerned = []
    for number in store.catalogue.numbers():
        row = store.row(number)
        if row is None or not row.place.pack:
            continue
        try:
            frames = store.pack_reader(row.place.pack).frames(row.place, row.number, row.size)
            if any(frame.dictionary == dictionary for frame in frames):
                concerned.append(number)
        except (Damaged, NotFound):
            continue
    return concerned
