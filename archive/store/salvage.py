"""Reading a journal that is damaged: every record that still proves itself, and what lies between them.

For verify and recover only: everything else reads with `Journal.read`, which stops at the first damage.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .backend import Backend
from .errors import Damaged, NotFound
from .journal import CHAIN_BYTES, HEAD, HEADER, Journal, Position, Record, segment_name


@dataclass(slots=True)
class Gap:
    """Bytes of the journal that are no record: where, why, and the sequences that are missing there.

    `last` says that nothing comes after it: an unfinished write, or damage of the last record.
    """

    where: str
    what: str
    sequences: range
    start: Position
    last: bool


def salvage(journal: Journal, backend: Backend, *, events: bool = True) -> Iterator[Record | Gap]:
    """All whole records in order, and the gaps between them; with `events` off as text. Never raises Damaged."""
    position = Position()
    segments = journal.segments()
    for number in range(1, (segments[-1] if segments else 0) + 1):
        final = number == segments[-1]
        if number not in segments:
            yield Gap(f"journal segment {number}", "the file is missing", range(0), position, False)
            continue
        raw = backend.read(segment_name(number), 0, backend.size(segment_name(number)))
        expected = journal.header(number, position.sequence + 1, position.chain)
        if raw[: HEADER.size] != expected:
            said = _chain_in(raw)
            trusted = said if said is not None and number > 1 and (number - 1) not in segments else None
            yield Gap(
                f"journal segment {number}, header", "the header is not what the chain says", range(0), position,
                final and len(raw) <= HEADER.size,
            )  # fmt: skip
            if trusted is not None:
                position = Position(number, HEADER.size, trusted[0], trusted[1])
        position = Position(number, HEADER.size, position.sequence, position.chain)
        for item in _segment(journal, raw, position, final, events):
            if isinstance(item, Record):
                position = item.after
            yield item


def _chain_in(raw: bytes) -> tuple[int, bytes] | None:
    """(sequence before, chain before) from a segment's own header, if it matches its check."""
    if (
        len(raw) < HEADER.size
        or hashlib.sha256(raw[: HEADER.size - 8]).digest()[:8] != raw[HEADER.size - 8 : HEADER.size]
    ):
        return None
    _, _, _, first, chain, _ = HEADER.unpack(raw[: HEADER.size])
    return first - 1, chain


def _segment(journal: Journal, raw: bytes, position: Position, final: bool, events: bool) -> Iterator[Record | Gap]:
    while position.offset < len(raw):
        try:
            record = journal.parse(raw, position, events=events)
        except (Damaged, NotFound):
            record = None
        if record is not None:
            yield record
            position = record.after
            continue
        where = f"journal segment {position.segment}, offset {position.offset}, record {position.sequence + 1}"
        found = _resume(journal, raw, position)
        if found is None:
            missing = range(position.sequence + 1, position.sequence + 2)
            yield Gap(where, "a record does not match the chain", missing, position, final)
            return
        missing = range(position.sequence + 1, found.sequence + 1)
        yield Gap(where, "a record does not match the chain", missing, position, False)
        position = found


def _resume(journal: Journal, raw: bytes, position: Position) -> Position | None:
    """The position of the next record that proves itself, with the chain it proves itself by."""
    for start in _candidates(raw, position):
        _, sequence, _ = HEAD.unpack_from(raw, start)
        for chain in _chains_before(raw, position, start):
            at = Position(position.segment, start, sequence - 1, chain)
            try:
                if journal.parse(raw, at) is not None:
                    return at
            except Damaged:
                continue
    return None


def _candidates(raw: bytes, position: Position) -> Iterator[int]:
    """Offsets where a head with one of the next sequences may stand, in order."""
    found = set()
    for ahead in range(1, 65):
        wanted = struct.pack("<Q", position.sequence + 1 + ahead)
        at = raw.find(wanted, position.offset + 4)
        while at >= 0:
            found.add(at - 4)
            at = raw.find(wanted, at + 1)
        if found and ahead >= 3:
            break
    yield from sorted(start for start in found if start + HEAD.size + CHAIN_BYTES <= len(raw))


def _chains_before(raw: bytes, position: Position, start: int) -> Iterator[bytes]:
    """The chain before `start`: as stored there, or as computed over the broken record if it ends there."""
    yield raw[start - CHAIN_BYTES : start]
    body = raw[position.offset : start - CHAIN_BYTES]
    yield hashlib.sha256(position.chain + body).digest()
