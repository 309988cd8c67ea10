"""Verify's part about packs and dictionaries: sealed packs as a whole against the hash in the journal, the open one
entry by entry against their seals. What differs is read message by message, so that those concerned are named.

Writers and a compaction may go on meanwhile: what they changed since a pack was looked up is looked at again.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ..backend import Backend
from ..errors import Damaged, NotFound
from ..packs import HEADER, file_hash, pack_name, read_header
from ..parts import PART
from ..rows import IN_COMPACTION, OPEN, Pack
from ..store import Store
from .report import Meter, Problem, Report
from .round import Round

Entry = tuple[int, ...]
Fingerprint = Callable[[], tuple[int, str]]
# SHA-256 gives Python's lock up, so two packs at a time take half the time where there are two processors.
THREADS = min(2, os.cpu_count() or 1)


def verify_packs(store: Store, meter: Meter, report: Report, round: Round) -> None:
    """With `round.deep` every message is read and compared with its SHA-256 too."""
    packs = [pack for pack in store.catalogue.packs() if pack.state != IN_COMPACTION and not round.has_pack(pack)]
    for pack, fingerprint in _hashed(store.backend, packs):
        meter.step(pack.bytes, f"pack {pack.number}")
        report.count("packs")
        report.problems += _problems(store, pack, fingerprint, deep=round.deep)
        if pack.sealed:
            round.note_pack(pack, report)
    sql = "SELECT number FROM part WHERE pack NOT IN (SELECT number FROM pack)"
    if parts := [row[0] for row in store.catalogue.reader.execute(sql)]:
        what = "messages whose attachments are in no pack"
        report.problems.append(Problem.of("packs", "no pack", what, store.catalogue.users_of(parts)))
    unplaced = store.catalogue.reader.execute("SELECT number FROM message WHERE pack NOT IN (SELECT number FROM pack)")
    if numbers := [row[0] for row in unplaced]:
        report.problems.append(Problem.of("packs", "no pack", "messages whose bytes are in no pack", numbers))


def _hashed(backend: Backend, packs: Iterable[Pack]) -> Iterator[tuple[Pack, Fingerprint]]:
    """Packs in their order with what tells size and SHA-256 of their files, which threads work out ahead."""
    waiting: deque[tuple[Pack, Fingerprint]] = deque()
    pool = ThreadPoolExecutor(THREADS)
    try:
        for pack in packs:
            work = pool.submit(_fingerprint, backend, pack) if pack.state != OPEN else None
            waiting.append((pack, work.result if work else partial(_fingerprint, backend, pack)))
            if len(waiting) > THREADS:
                yield waiting.popleft()
        yield from waiting
    finally:
        pool.shutdown(cancel_futures=True)


def _fingerprint(backend: Backend, pack: Pack) -> tuple[int, str]:
    """Size and SHA-256 of a pack's file; of one that has another size than it should the hash is of no account."""
    name = pack_name(pack.number)
    size = backend.size(name)
    return size, file_hash(backend, name) if size == pack.bytes else ""


def _problems(store: Store, pack: Pack, fingerprint: Fingerprint, *, deep: bool) -> list[Problem]:
    while True:
        found = _look(store, pack, fingerprint, deep=deep)
        # The open pack may have been sealed, any pack replaced, while we read it: then what we saw says nothing.
        now = {each.number: each for each in store.catalogue.packs()}.get(pack.number)
        if not found or (now is not None and now.state == pack.state):
            return found
        if now is None:
            return []
        pack, fingerprint = now, partial(_fingerprint, store.backend, now)


def _look(store: Store, pack: Pack, fingerprint: Fingerprint, *, deep: bool) -> list[Problem]:
    where = f"pack {pack.number}"
    try:
        if pack.state == OPEN:
            return _look_at_open(store, pack, store.backend.size(pack_name(pack.number)), deep=deep)
        if fingerprint() == (pack.bytes, pack.sha256):
            damaged = _unreadable(store, _messages(_entries(store, pack))) if deep else []
            what = "messages do not match their SHA-256"
            return [Problem.of("packs", where, what, damaged)] if damaged else []
    except NotFound:
        if not (pack.bytes or pack.sealed):
            return []
        return [Problem.of("packs", where, "the file is missing", _concerned(store, _entries(store, pack)))]
    damaged = _unreadable(store, _entries(store, pack))
    what = "the file does not match the hash it was sealed with"
    if not damaged:
        what += "; every message in it that is still wanted reads well (the damage is in the table or in deleted ones)"
    return [Problem.of("packs", where, what, damaged)]


def _entries(store: Store, pack: Pack) -> list[Entry]:
    """What is still wanted of a pack, as the catalogue has it: (entry's number, size, offset, length)."""
    return [(number, size, at.offset, at.length) for number, size, at in store.catalogue.entries(pack.number)]


def _messages(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if not entry[0] & PART]


def _concerned(store: Store, entries: Iterable[Entry]) -> list[int]:
    """The messages that some entries are of; those that share a part are all of them."""
    numbers = [number for number, *_ in entries]
    return store.catalogue.concerned(numbers)


def _unreadable(store: Store, entries: Iterable[Entry]) -> list[int]:
    """Messages that can't be read as they came in (I7)."""
    damaged = []
    store.forget_readers()
    for number in _concerned(store, [*entries]):
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
        return [Problem.of("packs", error.where, error.what, _concerned(store, entries))]
    missing = set(entries)
    end, broken = HEADER.size, 0
    for *entry, sound in store.pack_reader(pack.number).seals(pack.bytes):
        end = entry[2] + entry[3]
        if sound:
            missing.discard(tuple(entry))
        broken += not sound
    damaged = _unreadable(store, {*(_messages(entries) if deep else []), *missing})
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
    for pack in store.catalogue.packs():
        for number, size, place in store.catalogue.entries(pack.number):
            try:
                frames = store.pack_reader(pack.number).frames(place, number, size)
                if any(frame.dictionary == dictionary for frame in frames):
                    concerned.append(number)
            except (Damaged, NotFound):
                continue
    return store.catalogue.concerned(concerned)
