"""Packs: files of sealed messages, appended to while open, immutable once sealed.

header (64 bytes)  magic "PKP1" | store identity 16 | pack number u64 | salt 16 | zeros 12 | first 8 bytes of SHA-256
entry              magic "PKE1" | number u64 | size u64 | frames (see `codec`), the last one marked; the number is that
                   of a message, or with bit 62 set that of a part (see `parts`)
table              magic "PKT1" | count u64 | count × (number u64 | offset u64 | length u64)
footer (48 bytes)  table offset u64 | magic "PKF1" | zeros 4 | SHA-256 of the table

All little endian. An open pack has no table; its entries describe themselves. The SHA-256 of a sealed pack's whole
file is in the journal. Each pack has a key of its own, derived from the store key with the salt.

Not for deciding what goes into which pack (`store`), nor for numbers and hashes (`journal`).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .backend import Backend, Writer
from .codec import (
    FRAME_HEAD,
    FRAME_NUMBER,
    LAST,
    MOST_STORED,
    NONCE_BYTES,
    RECIPE,
    TAG_BYTES,
    Dictionaries,
    FrameHead,
    Squeezed,
    decrypt_frame,
    expand,
    seal_frame,
)
from .errors import Damaged, NotFound
from .keys import derive
from .parts import PART, Find, rebuild, references

PACK_BYTES = 64 << 20
WRITE_BYTES = 1 << 20
AHEAD_BYTES = 4 << 20
NEAR_BYTES = 64 << 10
FOLDER = "packs"

HEADER = struct.Struct("<4s16sQ16s12x8s")
ENTRY = struct.Struct("<4sQQ")
TABLE_HEAD = struct.Struct("<4sQ")
TABLE_ROW = struct.Struct("<QQQ")
FOOTER = struct.Struct("<Q4s4x32s")
MAGIC, ENTRY_MAGIC, TABLE_MAGIC, FOOTER_MAGIC = b"PKP1", b"PKE1", b"PKT1", b"PKF1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry lies: pack number, offset of its header, length with header and all frames, in bytes."""

    pack: int
    offset: int
    length: int


def named(number: int) -> str:
    """An entry's number in words."""
    return f"attachment {number & ~PART}" if number & PART else f"message {number}"


def pack_name(number: int) -> str:
    return f"{FOLDER}/{number:08d}.pack"


def pack_number(name: str) -> int:
    """The number in a pack's file name. Raises: ValueError for another file."""
    return int(name.rsplit("/", 1)[1].removesuffix(".pack"))


def pack_numbers(backend: Backend) -> list[int]:
    """The packs that lie there; other files in their folder are nobody's business."""
    names = (name.rsplit("/", 1)[1].removesuffix(".pack") for name in backend.names(FOLDER))
    return sorted(int(name) for name in names if name.isdecimal())


def make_header(identity: bytes, number: int, salt: bytes) -> bytes:
    checked = HEADER.pack(MAGIC, identity, number, salt, bytes(8))
    return checked[:-8] + hashlib.sha256(checked[:-8]).digest()[:8]


def read_header(raw: bytes, identity: bytes, number: int) -> bytes:
    """The salt. Raises: Damaged."""
    where = f"pack {number}, header"
    if len(raw) < HEADER.size:
        raise Damaged("the pack is shorter than its header", where)
    magic, whose, stated, salt, check = HEADER.unpack_from(raw)
    if magic != MAGIC or hashlib.sha256(raw[: HEADER.size - 8]).digest()[:8] != check:
        raise Damaged("the header does not match its check", where)
    if whose != identity or stated != number:
        raise Damaged("the pack belongs to another store or has another number", where)
    if raw[44:56] != bytes(12):
        raise Damaged("the header's reserved bytes are not zero", where)
    return bytes(salt)


class PackWriter:
    """The open pack: entries are appended under the writer lease, and count only after `sync`."""

    def __init__(self, backend: Backend, store_key: bytes, identity: bytes, number: int, end: int) -> None:
        self.number = number
        self._name = pack_name(number)
        if end == 0:
            self._writer: Writer = backend.append(self._name, 0)
            salt = os.urandom(16)
            self._writer.write(make_header(identity, number, salt))
        else:
            salt = read_header(backend.read(self._name, 0, HEADER.size), identity, number)
            self._writer = backend.append(self._name, end)
        self._cipher = AESGCM(derive(store_key, b"pack", salt))
        self._backend = backend
        self._held: list[bytes] = []
        self._held_bytes = 0

    @property
    def end(self) -> int:
        """Where the next entry begins."""
        return self._writer.position + self._held_bytes

    def seal_entry(self, number: int, size: int, frames: Iterable[Squeezed]) -> Iterator[bytes]:
        """The bytes of one entry, frame by frame, without writing them."""
        entry = ENTRY.pack(ENTRY_MAGIC, number, size)
        yield entry
        for index, frame in enumerate(frames):
            yield seal_frame(self._cipher, frame, entry=entry, number=index)

    def write(self, data: bytes) -> None:
        """Append. Held back until there is enough for one call: with each, Python's lock goes to another thread."""
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes >= WRITE_BYTES:
            self._flush()

    def _flush(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        if held:
            self._writer.write(b"".join(held))

    def sync(self) -> None:
        self._flush()
        self._writer.sync()

    def rewind(self, end: int) -> None:
        """Forget what was written beyond `end` (a batch that failed)."""
        self._held, self._held_bytes = [], 0
        self._writer.close()
        self._writer = self._backend.append(self._name, end)

    def seal(self, rows: list[tuple[int, int, int]]) -> tuple[int, str]:
        """Add table and footer, make all durable, and give back (bytes, SHA-256 hex) of the whole file."""
        self._flush()
        at = self.end
        table = TABLE_HEAD.pack(TABLE_MAGIC, len(rows)) + b"".join(TABLE_ROW.pack(*row) for row in rows)
        self._writer.write(table + FOOTER.pack(at, FOOTER_MAGIC, hashlib.sha256(table).digest()))
        self._writer.sync()
        return self.end, file_hash(self._backend, self._name)

    def close(self) -> None:
        self._writer.close()


def file_hash(backend: Backend, name: str) -> str:
    """SHA-256 of a whole file, read as a stream."""
    digest = hashlib.sha256()
    at, size = 0, backend.size(name)
    while at < size:
        block = backend.read(name, at, 256 << 10)  # stays in the processor's cache
        if not block:
            break
        digest.update(block)
        at += len(block)
    return digest.hexdigest()


class Readable(Protocol):
    """What reading takes of a backend."""

    def read(self, name: str, offset: int, length: int) -> bytes: ...


class ReadAhead:
    """Reads in blocks of 4 MiB where one read follows the other, for whoever reads most of a file in its order.

    Elsewhere only what is wanted. For one thread.
    """

    def __init__(self, backend: Readable) -> None:
        self._backend = backend
        self._held: tuple[str, int, bytes] = ("", 0, b"")
        self._read: tuple[str, int] = ("", 0)

    def read(self, name: str, offset: int, length: int) -> bytes:
        held, start, block = self._held
        before, self._read = self._read, (name, offset + length)
        if held == name and start <= offset and offset + length <= start + len(block):
            return block[offset - start : offset - start + length]
        follows = before[0] == name and 0 <= offset - before[1] <= NEAR_BYTES
        if not follows or length >= AHEAD_BYTES:
            return self._backend.read(name, offset, length)
        block = self._backend.read(name, offset, AHEAD_BYTES)
        self._held = (name, offset, block)
        return block[:length]


class PackReader:
    """Reads entries of one pack, open or sealed. Safe for threads, if its backend is."""

    def __init__(self, backend: Readable, store_key: bytes, identity: bytes, number: int) -> None:
        self.number = number
        self.name = pack_name(number)
        self._backend = backend
        salt = read_header(backend.read(self.name, 0, HEADER.size), identity, number)
        self._cipher = AESGCM(derive(store_key, b"pack", salt))

    def frames(self, place: Place, number: int, size: int) -> Iterator[Squeezed]:
        """The decrypted frames of one entry, still compressed. Raises: Damaged, NotFound."""
        if not (0 <= size < 1 << 63 and place.offset >= HEADER.size and place.length >= ENTRY.size):
            raise Damaged("the catalogue states an impossible place or size")
        entry = ENTRY.pack(ENTRY_MAGIC, number, size)
        for index, (head, sealed) in enumerate(self._sealed(place, entry)):
            yield decrypt_frame(self._cipher, head, sealed, entry=entry, number=index)

    def pieces(self, place: Place, number: int, size: int, dictionaries: Dictionaries) -> Iterator[bytes]:
        """The plain bytes of one entry, frame by frame. Raises: Damaged, NotFound."""
        try:
            for frame in self.frames(place, number, size):
                yield expand(frame, dictionaries)
        except Damaged as error:
            raise self._named(error, place, number) from error

    def message(self, place: Place, number: int, size: int, dictionaries: Dictionaries, find: Find) -> Iterator[bytes]:
        """The bytes of a message, whether its entry holds them or a recipe of parts, which `find` gives.

        Raises: Damaged, NotFound.
        """
        try:
            is_recipe, plain = self._opened(place, number, size, dictionaries)
            yield from rebuild(plain, find) if is_recipe else plain
        except Damaged as error:
            raise self._named(error, place, number) from error

    def references(self, place: Place, number: int, size: int, dictionaries: Dictionaries) -> list[tuple[bytes, int]]:
        """(SHA-256, size) of the parts a message is made of. Raises: Damaged, NotFound."""
        try:
            is_recipe, plain = self._opened(place, number, size, dictionaries)
            return references(plain) if is_recipe else []
        except Damaged as error:
            raise self._named(error, place, number) from error

    def _opened(self, place: Place, number: int, size: int, dictionaries: Dictionaries) -> tuple[bool, Iterator[bytes]]:
        frames = self.frames(place, number, size)
        first = next(frames)
        plain = (expand(frame, dictionaries) for frame in itertools.chain([first], frames))
        return bool(first.flags & RECIPE), plain

    def _named(self, error: Damaged, place: Place, number: int) -> Damaged:
        if error.where:
            return error
        return Damaged(error.what, f"pack {self.number}, offset {place.offset}, {named(number)}")

    def seals(self, end: int) -> Iterator[tuple[int, int, int, int, bool]]:
        """Walk the entries up to `end`: (message number, size, offset, length, whether each frame matches its seal).

        Ends where the bytes stop being whole entries. For checking a whole pack: a few microseconds per message.
        """
        hold = _Held(self._backend, self.name, end)
        at = HEADER.size
        while at + ENTRY.size <= end:
            here = hold.at(at, ENTRY.size)
            entry = hold.raw[here : here + ENTRY.size]
            magic, message, size = ENTRY.unpack(entry)
            offset, index, last, sound = at + ENTRY.size, 0, False, True
            if magic != ENTRY_MAGIC:
                return
            while not last:
                here = hold.at(offset, FRAME_HEAD.size)
                head = hold.raw[here : here + FRAME_HEAD.size]
                if len(head) < FRAME_HEAD.size:
                    return
                stored, _, flags, _ = FRAME_HEAD.unpack(head)
                offset += FRAME_HEAD.size
                if not NONCE_BYTES + TAG_BYTES <= stored <= MOST_STORED or offset + stored > end:
                    return
                here = hold.at(offset, stored)
                sealed = hold.raw[here : here + stored]
                sound = sound and self._opens(sealed, entry + FRAME_NUMBER.pack(index) + head)
                offset, index, last = offset + stored, index + 1, bool(flags & LAST)
            yield message, size, at, offset - at, sound
            at = offset

    def _opens(self, sealed: bytes, bound: bytes) -> bool:
        try:
            self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except InvalidTag:
            return False
        return True

    def _sealed(self, place: Place, entry: bytes) -> Iterator[tuple[FrameHead, bytes]]:
        small = place.length <= 8 << 20
        whole = self._backend.read(self.name, place.offset, place.length) if small else b""
        if self._slice(whole, place, 0, ENTRY.size) != entry:
            raise Damaged("the entry's header is not what the journal says")
        at, last = ENTRY.size, False
        while not last:
            head = FrameHead.read(self._slice(whole, place, at, FRAME_HEAD.size))
            at += FRAME_HEAD.size
            yield head, self._slice(whole, place, at, head.stored)
            at += head.stored
            last = head.last
        if at != place.length:
            raise Damaged("the entry has another length than it should")

    def _slice(self, whole: bytes, place: Place, at: int, length: int) -> bytes:
        if whole:
            return whole[at : at + length]
        return self._backend.read(self.name, place.offset + at, min(length, place.length - at))


class _Held:
    """A piece of a file before `end`, for walking through it forwards: `at` gives where in `raw` an offset is."""

    def __init__(self, backend: Readable, name: str, end: int, size: int = 1 << 20) -> None:
        self._backend, self._name, self._end, self._size = backend, name, end, size
        self.raw, self._start = b"", 0

    def at(self, offset: int, length: int) -> int:
        """Read on where the piece doesn't hold these bytes; at the file's end it may be shorter than they are."""
        if offset + length > self._start + len(self.raw):
            wanted = min(max(length, self._size), max(self._end - offset, 0))
            self.raw, self._start = self._backend.read(self._name, offset, wanted), offset
        return offset - self._start


def _window(backend: Readable, name: str, end: int, size: int) -> Callable[[int, int], memoryview]:
    """Bytes of a file before `end` by (offset, length), read in pieces of `size`: for walking through it forwards."""
    held, start = memoryview(b""), 0

    def peek(offset: int, length: int) -> memoryview:
        nonlocal held, start
        if not (start <= offset and offset + length <= start + len(held)):
            held, start = memoryview(backend.read(name, offset, min(max(length, size), max(end - offset, 0)))), offset
        return held[offset - start : offset - start + length]

    return peek


def scan(
    backend: Backend, number: int, *, end: int | None = None, skip_damage: bool = False
) -> Iterator[tuple[int, int, Place]]:
    """Walk the entries of a pack by their own headers: (message number, size, place).

    Ends quietly where the bytes stop being whole entries (the table of a sealed pack, a torn write), or with
    `skip_damage` goes on at the next entry that is whole; what the caller expected is for the caller to miss. Reads
    heads only; the content is not checked.
    """
    size = backend.size(pack_name(number)) if end is None else end
    at = HEADER.size
    while True:
        for entry in _walk(backend, number, at, size):
            yield entry
            at = entry[2].offset + entry[2].length
        following = _next_entry(backend, number, at + 1, size) if skip_damage else None
        if following is None:
            return
        at = following


def _next_entry(backend: Backend, number: int, at: int, size: int) -> int | None:
    """Where the next thing that looks like an entry begins."""
    while at + ENTRY.size <= size:
        block = backend.read(pack_name(number), at, 1 << 20)
        found = block.find(ENTRY_MAGIC)
        if found >= 0:
            return at + found
        at += max(len(block) - len(ENTRY_MAGIC) + 1, 1)
    return None


def _walk(backend: Backend, number: int, at: int, size: int) -> Iterator[tuple[int, int, Place]]:
    peek = _window(backend, pack_name(number), size, 1 << 20)
    while at + ENTRY.size <= size:
        raw = bytes(peek(at, ENTRY.size))
        if len(raw) < ENTRY.size or raw[:4] != ENTRY_MAGIC:
            return
        _, message, message_size = ENTRY.unpack(raw)
        offset, last = at + ENTRY.size, False
        while not last:
            try:
                head = FrameHead.read(bytes(peek(offset, FRAME_HEAD.size)))
            except Damaged:
                return
            offset += FRAME_HEAD.size + head.stored
            last = head.last
            if offset > size or head.stored < NONCE_BYTES:
                return
        yield message, message_size, Place(number, at, offset - at)
        at = offset


def dictionaries_in(backend: Backend, number: int, end: int) -> set[int]:
    """The dictionaries that the entries of a pack are compressed with, up to `end` (0 = none of them)."""
    peek = _window(backend, pack_name(number), end, 1 << 20)
    found: set[int] = set()
    for _, _, place in scan(backend, number, end=end, skip_damage=True):
        at, last = place.offset + ENTRY.size, False
        while not last:
            head = FrameHead.read(bytes(peek(at, FRAME_HEAD.size)))
            found.add(head.dictionary)
            at += FRAME_HEAD.size + head.stored
            last = head.last
    return found


def table_bytes(backend: Backend, number: int) -> int:
    """How long the table of a pack is with its footer; 0 where it has none."""
    size = backend.size(pack_name(number))
    raw = backend.read(pack_name(number), max(size - FOOTER.size, 0), FOOTER.size)
    if len(raw) < FOOTER.size:
        return 0
    at, magic, _ = FOOTER.unpack(raw)
    return size - at if magic == FOOTER_MAGIC and HEADER.size <= at <= size - FOOTER.size else 0


def read_table(backend: Backend, number: int) -> list[tuple[int, Place]]:
    """The table of a sealed pack: (message number, place). Raises: Damaged, NotFound (an open pack has none)."""
    name = pack_name(number)
    size = backend.size(name)
    raw = backend.read(name, max(size - FOOTER.size, 0), FOOTER.size)
    if len(raw) < FOOTER.size:
        raise NotFound(f"pack {number} has no table")
    at, magic, digest = FOOTER.unpack(raw)
    if magic != FOOTER_MAGIC or not HEADER.size <= at <= size - FOOTER.size - TABLE_HEAD.size:
        raise NotFound(f"pack {number} has no table")
    table = backend.read(name, at, size - FOOTER.size - at)
    if hashlib.sha256(table).digest() != digest:
        raise Damaged("the table does not match its hash", f"pack {number}, table")
    magic, count = TABLE_HEAD.unpack_from(table)
    if magic != TABLE_MAGIC or len(table) != TABLE_HEAD.size + count * TABLE_ROW.size:
        raise Damaged("the table has another length than it states", f"pack {number}, table")
    rows = TABLE_ROW.iter_unpack(table[TABLE_HEAD.size :])
    return [(message, Place(number, offset, length)) for message, offset, length in rows]
