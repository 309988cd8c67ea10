"""The journal: append-only, hash-chained, encrypted records; what it says is what the store holds.

segment header (96 bytes)  magic "PKJ1" | store identity 16 | segment u32 | first sequence u64 | chain before it 32 |
                           zeros 24 | first 8 bytes of the SHA-256 of all before
record                     length u32 | sequence u64 | nonce 12 | sealed (length bytes, tag included) | chain 32
chain                      SHA-256(chain before | length | sequence | nonce | sealed)
sealed                     AES-256-GCM of zstd of the UTF-8 JSON {"t": ms since 1970, "e": [events]},
                           associated data: identity | length | sequence | chain before

All little endian. One record is one commit: all its events hold or none. Events are JSON lists, first the kind:

["box", mailbox, label]                        a mailbox and its present address
["dir", folder, mailbox, parent, name]         folder made; parent 0 = top
["mvd", folder, parent, name]                  folder moved or renamed
["msg", number, sha256 hex, size, date]        content kept; date in seconds since 1970, UTC; format 2: and, where it
                                               came from another store, when that archived it (ms since 1970)
["put", folder, number]                        message placed in a folder
["del", [numbers], folder, reason, by]         placements removed; folder 0 = from all of them
["dic", number, sha256 hex of the plain dictionary]
["pak", number, purpose]                       pack opened; purpose "" or "compact"
["sea", number, bytes, sha256 hex]             pack sealed
["rep", [old packs], [new packs]]              packs replaced by compaction

Format 2 has these too:

["own", [[old, new], ...]]                     mailboxes have other numbers from now on, all at once
["und", dictionary]                            nothing is compressed with it any more, its file goes
["mrg", store, number, record, chain, done]    another store's messages up to this number are here, as they were at
                                               that record of its journal; done 1 = all of them
["rec", folder, records, sequence, chain]      the journal was written anew: where the old one lies, how many of its
                                               records proved themselves, and what was known of its end

Format 3 has these too; the last two come before the messages of their record:

["del", [numbers], folder, reason, by, 1]      nothing of what goes may stay: an erasure
["dic", number, sha256 hex, [samples]]         and the messages it was made of: the first 8 bytes of their SHA-256, hex
["era", record]                                nothing is left of what was erased up to that record of the journal
["rmd", folder]                                an empty folder was removed; its number is never given again
["use", message, [parts]]                      the message is made with these parts
["att", part, sha256 hex, size]                a part is kept, for as long as a message uses it

Not for what the events mean to a catalogue (`catalogue`), nor for who may write them (`store`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .backend import Backend, Writer
from .errors import Damaged, NotFound, StoreError
from .keys import derive

FOLDER = "journal"
SEGMENT_BYTES = 64 << 20

Event = list[Any]

SINCE_FORMAT_2 = frozenset({"own", "und", "mrg", "rec"})
SINCE_FORMAT_3 = frozenset({"rmd", "use", "att", "era"})
# What an event of these kinds may have beyond the values it had in the first format, and since when.
LONGER = {"msg": (5, 2), "del": (5, 3), "dic": (3, 3)}

HEADER = struct.Struct("<4s16sIQ32s24x8s")
HEAD = struct.Struct("<IQ12s")
CHAIN_BYTES = 32
MAGIC = b"PKJ1"
MOST_BYTES = 64 << 20


clock = time.time  # what records are dated by; a simulation of years puts its own here


@dataclass(frozen=True, slots=True)
class Position:
    """The end of the journal after a record: where the next one goes, its number minus one, and the chain so far."""

    segment: int = 0
    offset: int = 0
    sequence: int = 0
    chain: bytes = bytes(CHAIN_BYTES)


@dataclass(slots=True)
class Record:
    """One commit: its events, when it was made (ms since 1970, UTC) and the position after it.

    `text` is what was sealed, for who asked for that instead of the events.
    """

    sequence: int
    at_ms: int
    events: list[Event]
    after: Position
    start: int = 0
    text: bytes = b""

    def opened(self) -> Record:
        """The same with its events, from its text."""
        document = json.loads(self.text.decode("utf-8", "surrogatepass"))
        return Record(self.sequence, document["t"], document["e"], self.after, self.start)


def segment_name(number: int) -> str:
    return f"{FOLDER}/{number:08d}.log"


def format_of(events: Iterable[Event]) -> int:
    """The oldest format of a store that has words for these events."""
    return max(map(_format_of, events), default=1)


def _format_of(event: Event) -> int:
    if event[0] in SINCE_FORMAT_3:
        return 3
    usual, since = LONGER.get(event[0], (len(event), 1))
    return 2 if event[0] in SINCE_FORMAT_2 else since if len(event) > usual else 1


class Journal:
    """Reads and appends records. Appending needs the writer lease; reading needs nothing."""

    def __init__(
        self, backend: Backend, store_key: bytes, identity: bytes, *, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._backend = backend
        self._identity = identity
        self._cipher = AESGCM(derive(store_key, b"journal"))
        self._segment_bytes = segment_bytes
        self._writer: Writer | None = None
        self._at: Position | None = None
        self._squeeze = zstandard.ZstdCompressor(level=3)
        self._local = threading.local()

    def append(self, events: list[Event], after: Position, *, at_ms: int | None = None) -> Record:
        """Add one record after `after` (the true end, known under the lease) and make it durable.

        On failure the file is cut back to where it was. Where even that fails, a torn record is cut off by the next
        writer, and a whole one is taken as written (it names only bytes that are durable in packs).
        Raises: StoreFull, StorageFailed.
        """
        at_ms = int(clock() * 1000) if at_ms is None else at_ms
        document = json.dumps({"t": at_ms, "e": events}, separators=(",", ":"), ensure_ascii=False)
        plain = self._squeeze.compress(document.encode("utf-8", "surrogatepass"))
        try:
            writer, before = self._writer_at(after)
            length, sequence, nonce = len(plain) + 16, before.sequence + 1, os.urandom(12)
            sealed = self._cipher.encrypt(nonce, plain, self._bound(length, sequence, before.chain))
            raw = HEAD.pack(length, sequence, nonce) + sealed
            chain = hashlib.sha256(before.chain + raw).digest()
            writer.write(raw + chain)
            writer.sync()
        except BaseException:
            self.forget()
            with contextlib.suppress(StoreError):
                self._cut_back(after)
            raise
        self._at = Position(before.segment, writer.position, sequence, chain)
        return Record(sequence, at_ms, events, self._at, before.offset)

    def _cut_back(self, after: Position) -> None:
        for number in [number for number in self.segments() if number > after.segment]:
            self._backend.delete(segment_name(number))
        if after.segment:
            writer = self._backend.append(segment_name(after.segment), after.offset)
            writer.sync()
            writer.close()

    def settle(self, after: Position) -> None:
        """Make durable what lies beyond a position: whoever wrote it may have died before doing so.

        Only under the writer lease, before anything relies on those records.
        """
        for number in [number for number in self.segments() if number >= after.segment]:
            writer = self._backend.append(segment_name(number), self._backend.size(segment_name(number)))
            writer.sync()
            writer.close()

    def _writer_at(self, after: Position) -> tuple[Writer, Position]:
        fits = self._at == after and after.offset < self._segment_bytes
        # Another process may have died here with half a record written; its rest must not stay behind ours.
        if self._writer and fits and self._backend.size(segment_name(after.segment)) == after.offset:
            return self._writer, after
        self.forget()
        if after.segment and after.offset < self._segment_bytes:
            self._writer = self._backend.append(segment_name(after.segment), after.offset)
            return self._writer, after
        number = after.segment + 1
        self._writer = self._backend.append(segment_name(number), 0)
        self._writer.write(self.header(number, after.sequence + 1, after.chain))
        return self._writer, Position(number, HEADER.size, after.sequence, after.chain)

    def forget(self) -> None:
        """Close the file; the next append opens it again at the position it is told."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._at = None

    def read(self, after: Position, *, decode: bool = True, events: bool = True) -> Iterator[Record]:
        """The whole records after a position, in order. Ends at the end or at a torn last record.

        With `decode` off the chain is checked but the events stay sealed (an empty list): fast, for walking far. With
        `events` off the seal is checked too, and the records have their text.
        Raises: Damaged when bytes that are whole and not the last do not match the chain or the seal.
        """
        position = after
        if position.segment == 0:
            if not self.segments():
                return
            position = Position(1, HEADER.size, after.sequence, after.chain)
            if not self._check_header(1, position):
                return
        while True:
            record = self._record(position, decode, events)
            if record is None and position.segment < self.segments()[-1]:
                # The writer may have ended this segment and begun the next since we looked.
                record = self._record(position, decode, events)
            if record is None:
                following = self._next_segment(position)
                if following is None:
                    return
                position = following
                continue
            yield record
            position = record.after

    def holds(self, position: Position) -> bool:
        """Does the record before this position end in its chain? Else it was said of another journal, or is damaged."""
        if position.sequence == 0:
            return True
        try:
            said = self._backend.read(segment_name(position.segment), position.offset - CHAIN_BYTES, CHAIN_BYTES)
        except NotFound:
            return False
        return said == position.chain

    def tail(self, after: Position) -> int:
        """How many bytes lie beyond a position in its segment and the next ones (0 = nothing new, negative = lost)."""
        names = self.segments()
        extra = sum(self._backend.size(segment_name(n)) for n in names if n > after.segment)
        if after.segment in names:
            extra += self._backend.size(segment_name(after.segment)) - after.offset
        elif after.segment:
            return -after.offset
        return extra

    def segments(self) -> list[int]:
        names = (name.rsplit("/", 1)[1].removesuffix(".log") for name in self._backend.names(FOLDER))
        return sorted(int(name) for name in names if name.isdecimal())

    def _record(self, position: Position, decode: bool, events: bool, *, again: bool = True) -> Record | None:
        name = segment_name(position.segment)
        head = self._backend.read(name, position.offset, HEAD.size)
        if len(head) < HEAD.size:
            return None
        length, _, _ = HEAD.unpack(head)
        rest = self._backend.read(name, position.offset + HEAD.size, min(length, MOST_BYTES) + CHAIN_BYTES)
        record = self.parse(head + rest, position, start=position.offset, decode=decode, events=events)
        if record is None and again and self._broken(position):
            # Damage, or we read while a writer was in the middle of this record and has gone on since: look again.
            record = self._record(position, decode, events, again=False)
            if record is None:
                raise Damaged("a record does not match the chain", _where(position))
        return record

    def parse(
        self, raw: bytes, position: Position, *, start: int = 0, decode: bool = True, events: bool = True
    ) -> Record | None:
        """The record at a position, from bytes that begin at offset `start`; None if it does not match the chain.

        Raises: Damaged (it matches the chain and is not sealed with this store's key).
        """
        at = position.offset - start
        if len(raw) < at + HEAD.size:
            return None
        length, sequence, nonce = HEAD.unpack_from(raw, at)
        end = at + HEAD.size + length
        if length > MOST_BYTES or len(raw) < end + CHAIN_BYTES or sequence != position.sequence + 1:
            return None
        chain = raw[end : end + CHAIN_BYTES]
        if hashlib.sha256(position.chain + raw[at:end]).digest() != chain:
            return None
        after = Position(position.segment, start + end + CHAIN_BYTES, sequence, chain)
        if not decode:
            return Record(sequence, 0, [], after, position.offset)
        try:
            bound = self._bound(length, sequence, position.chain)
            plain = self._cipher.decrypt(nonce, raw[at + HEAD.size : end], bound)
        except InvalidTag:
            raise Damaged("a record is not sealed with this store's key", _where(position)) from None
        text = self._expander().decompress(plain, max_output_size=MOST_BYTES * 8)
        record = Record(sequence, 0, [], after, position.offset, text)
        return record.opened() if events else record

    def _expander(self) -> zstandard.ZstdDecompressor:
        """This thread's; making one takes longer than most records."""
        if not hasattr(self._local, "expander"):
            self._local.expander = zstandard.ZstdDecompressor()
        expander: zstandard.ZstdDecompressor = self._local.expander
        return expander

    def _broken(self, position: Position) -> bool:
        """A record that does not match is torn if it can be the last one that was ever begun, else it is damaged.

        It can't be the last when a later segment exists, or when a whole record is found behind it.
        """
        return any(number > position.segment for number in self.segments()) or self._followed(position)

    def _followed(self, position: Position) -> bool:
        """Is there, beyond this position, a head whose sequence and length fit a record that follows this one?"""
        name = segment_name(position.segment)
        size = self._backend.size(name)
        raw = self._backend.read(name, position.offset, min(size - position.offset, 2 * MOST_BYTES))
        for ahead in range(1, 4):
            wanted = struct.pack("<Q", position.sequence + 1 + ahead)
            at = raw.find(wanted, HEAD.size)
            while at >= 4:
                (length,) = struct.unpack_from("<I", raw, at - 4)
                end = at - 4 + HEAD.size + length + CHAIN_BYTES
                if length <= MOST_BYTES and end <= len(raw) and self._chains(raw, at - 4, length):
                    return True
                at = raw.find(wanted, at + 1)
        return False

    @staticmethod
    def _chains(raw: bytes, at: int, length: int) -> bool:
        """Does the record at `at` match its chain, given that the 32 bytes before it are the chain before it?"""
        if at < CHAIN_BYTES:
            return False
        end = at + HEAD.size + length
        return hashlib.sha256(raw[at - CHAIN_BYTES : end]).digest() == raw[end : end + CHAIN_BYTES]

    def _next_segment(self, position: Position) -> Position | None:
        number = position.segment + 1
        if number not in self.segments():
            if any(later > position.segment for later in self.segments()):
                raise Damaged("a journal segment is missing", f"journal segment {number}")
            return None
        following = Position(number, HEADER.size, position.sequence, position.chain)
        return following if self._check_header(number, following) else None

    def last_ms(self) -> int:
        """When the last record was written, by the clock of who wrote it (ms since 1970, UTC; 0 = there is none).

        Reads the last segment, at most 64 MiB. Raises: Damaged.
        """
        for number in reversed(self.segments()):
            raw = self._backend.read(segment_name(number), 0, HEADER.size)
            if len(raw) < HEADER.size:
                continue
            _magic, _identity, _number, first, chain, _check = HEADER.unpack(raw)
            if not self._check_header(number, Position(number, 0, first - 1, chain)):
                continue
            last: Record | None = None
            for record in self.read(Position(number, HEADER.size, first - 1, chain), events=False):
                last = record
            if last is not None:
                return last.opened().at_ms
        return 0

    def header(self, number: int, first: int, chain: bytes) -> bytes:
        """The only header a segment with this number can have at this place of the chain."""
        raw = HEADER.pack(MAGIC, self._identity, number, first, chain, bytes(8))
        return raw[:-8] + hashlib.sha256(raw[:-8]).digest()[:8]

    def _check_header(self, number: int, position: Position) -> bool:
        """True when the header is the expected one, False when it is torn (the segment holds nothing yet)."""
        raw = self._backend.read(segment_name(number), 0, HEADER.size)
        expected = self.header(number, position.sequence + 1, position.chain)
        if raw == expected:
            return True
        if number == self.segments()[-1] and (len(raw) < HEADER.size or not any(raw)):
            return False
        raise Damaged("the segment's header is not what the chain says", f"journal segment {number}, header")

    def _bound(self, length: int, sequence: int, chain: bytes) -> bytes:
        return self._identity + struct.pack("<IQ", length, sequence) + chain


def _where(position: Position) -> str:
    return f"journal segment {position.segment}, offset {position.offset}, record {position.sequence + 1}"
