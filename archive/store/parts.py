"""Shared attachments: finding them in a message, and writing a message as a recipe of them.

A part is the body of a MIME part (or of a whole message) of at least `LEAST_BYTES`: its decoded bytes where encoding
them again gives exactly what stands in the message (base64 in lines of one length), else what stands there. It is kept
once for all messages that hold it; a message with parts is kept as a recipe, from which its very bytes are rebuilt.

recipe   magic "PKR1" | count u32 | count × reference | the bytes between the parts, one after the other
reference   bytes before it since the last part u64 | encoding u8 | line ending u8 | characters of a line u32 |
            size of the part u64 | SHA-256 of the part 32

Where a part begins is only a guess at MIME: a wrong guess costs room, never a byte. Not for where parts lie (`packs`),
who uses them (`catalogue`), or what they say (`archive.mail`).
"""

from __future__ import annotations

import binascii
import hashlib
import itertools
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .errors import Damaged

# Entries of packs are numbered by message, or with this bit by part.
PART = 1 << 62

LEAST_BYTES = 24 << 10
# How far the header before a body may reach.
HEAD_BYTES = 64 << 10
BLOCK_BYTES = 1 << 20
MOST_LINE = 1 << 16

AS_IT_STANDS, BASE64 = 0, 1
NO_ENDING, LF, CRLF = 0, 1, 2
ENDINGS = {NO_ENDING: b"", LF: b"\n", CRLF: b"\r\n"}

RECIPE_HEAD = struct.Struct("<4sI")
REFERENCE = struct.Struct("<QBBIQ32s")
MAGIC = b"PKR1"
MOST_REFERENCES = 1 << 20

Read = Callable[[int, int], bytes]
# The pieces of a part, by its SHA-256 and size.
Find = Callable[[bytes, int], Iterator[bytes]]

_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BLANK_LINE = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A part in a message: where it stands there, and what it is: size and SHA-256 of the part, how to encode it."""

    start: int
    length: int
    size: int
    sha256: bytes
    encoding: int = AS_IT_STANDS
    ending: int = NO_ENDING
    line: int = 0


def find_parts(read: Read, size: int) -> list[Span]:
    """The parts of a message of `size` bytes that `read(offset, length)` gives; in order, and never overlapping.

    Reads the message twice, a mebibyte at a time.
    """
    if size < LEAST_BYTES:
        return []
    newlines = itertools.chain([-1], _boundaries(read, size), [size])
    found = (_part_between(read, start, end) for start, end in itertools.pairwise(newlines))
    return [span for span in found if span is not None]


def _boundaries(read: Read, size: int) -> Iterator[int]:
    """The newlines before what looks like a boundary of MIME parts; bodies in base64 have none inside.

    Of those that follow each other too closely for a part some are left out, so that a message of nothing but them
    takes no time.
    """
    for start in range(0, size, BLOCK_BYTES):
        block = read(start, BLOCK_BYTES + 2)
        at = block.find(b"\n--")
        while at >= 0:
            yield start + at
            close = block.rfind(b"\n--", at + 1, at + LEAST_BYTES)
            at = close if close >= 0 else block.find(b"\n--", at + 1)


def _part_between(read: Read, newline: int, end: int) -> Span | None:
    """The part between two newlines before boundaries: what follows its header, without the last line's ending."""
    start = newline + 1
    if end - start < LEAST_BYTES:
        return None
    header = _BLANK_LINE.search(read(start, HEAD_BYTES))
    if header is None:
        return None
    start += header.end()
    while end > start and (tail := read(max(end - 64, start), min(64, end - start))):
        kept = len(tail.rstrip(b"\r\n"))
        end -= len(tail) - kept
        if kept:
            break
    if end - start < LEAST_BYTES:
        return None
    return _base64_part(read, start, end) or _plain_part(read, start, end)


def _plain_part(read: Read, start: int, end: int) -> Span:
    digest = hashlib.sha256()
    for block in _blocks(read, start, end, BLOCK_BYTES):
        digest.update(block)
    return Span(start, end - start, end - start, digest.digest())


def _base64_part(read: Read, start: int, end: int) -> Span | None:
    """The part by its decoded bytes, if encoding them again gives what stands there."""
    first, newline, _ = read(start, min(MOST_LINE + 2, end - start)).partition(b"\n")
    ending = (CRLF if first.endswith(b"\r") else LF) if newline else NO_ENDING
    line = len(first.removesuffix(b"\r")) if newline else 0
    if line > MOST_LINE or not _BASE64_LINE.fullmatch(first.removesuffix(b"\r")[:MOST_LINE]):
        return None
    digest, size, at = hashlib.sha256(), 0, start
    for block in _blocks(read, start, end, _whole_lines(line, ending, BLOCK_BYTES)):
        at += len(block)
        plain = _decoded(block, line, ENDINGS[ending], last=at == end)
        if plain is None:
            return None
        digest.update(plain)
        size += len(plain)
    return Span(start, end - start, size, digest.digest(), BASE64, ending, line) if size else None


def _decoded(block: bytes, line: int, ending: bytes, *, last: bool) -> bytes | None:
    """The bytes that lines of base64 stand for; None unless encoding them again gives the very same lines.

    That is so where each line but the last has just its length, where nothing but the alphabet stands in them, and
    where the last group of four is written as everybody writes it (its spare bits zero, padded).
    """
    text = block
    if line:
        step = line + len(ending)
        text = block.replace(ending, b"")
        lines = -(-len(text) // line)
        within = lines - last
        if len(block) - len(text) != within * len(ending) or not 0 < len(text) - (lines - 1) * line <= line:
            return None
        if any(block[line + at :: step] != ending[at : at + 1] * within for at in range(len(ending))):
            return None
    tail = text[-4:]
    if len(text) % 4 or text[:-4].translate(None, _ALPHABET):
        return None
    try:
        if binascii.b2a_base64(binascii.a2b_base64(tail), newline=False) != tail or (b"=" in tail and not last):
            return None
        return binascii.a2b_base64(text)
    except binascii.Error:
        return None


def _whole_lines(line: int, ending: int, size: int) -> int:
    """About so many encoded bytes, in lines that hold whole groups of four characters: four of any length do."""
    step = 4 * (line + len(ENDINGS[ending])) if line else 4
    return max(size // step, 1) * step


def _blocks(read: Read, start: int, end: int, size: int) -> Iterator[bytes]:
    for at in range(start, end, size):
        yield read(at, min(size, end - at))


def _in_lines(plain: bytes, line: int, ending: int) -> bytes:
    """In base64, in lines of so many characters (0 = in one); no ending after the last one."""
    text = binascii.b2a_base64(plain, newline=False)
    if not line or len(text) <= line:
        return text
    return ENDINGS[ending].join([text[at : at + line] for at in range(0, len(text), line)])


def plain_pieces(read: Read, span: Span, size: int) -> Iterator[bytes]:
    """What is kept of a part, in pieces of at most `size` bytes."""
    end = span.start + span.length
    if span.encoding == AS_IT_STANDS:
        yield from _blocks(read, span.start, end, size)
        return
    for block in _blocks(read, span.start, end, _whole_lines(span.line, span.ending, size)):
        yield binascii.a2b_base64(block)


# Recipes


def recipe(read: Read, size: int, spans: Sequence[Span]) -> Iterator[bytes]:
    """The recipe of a message, in pieces: its head, then what stands between its parts."""
    ends = [0, *(span.start + span.length for span in spans)]
    yield RECIPE_HEAD.pack(MAGIC, len(spans)) + b"".join(
        REFERENCE.pack(span.start - end, span.encoding, span.ending, span.line, span.size, span.sha256)
        for span, end in zip(spans, ends, strict=False)
    )
    for end, start in zip(ends, [*(span.start for span in spans), size], strict=True):
        yield from _blocks(read, end, start, BLOCK_BYTES)


def regrouped(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of exactly `size`, but for the last one."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) > size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


class _Source:
    """Bytes that come in pieces, taken as one wants them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def take(self, size: int) -> bytes:
        while len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                raise Damaged("a recipe ends too early")
            self._held += piece
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def pass_on(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._held:
                self._held = self.take(1) + self._held
            taken, self._held = self._held[:size], self._held[size:]
            size -= len(taken)
            yield taken

    def rest(self) -> Iterator[bytes]:
        yield self._held
        yield from self._pieces


def references(plain: Iterator[bytes]) -> list[tuple[bytes, int]]:
    """(SHA-256, size) of the parts that a recipe is made with. Raises: Damaged."""
    return [(sha256, size) for _, _, _, _, size, sha256 in _read_head(_Source(plain))]


def _read_head(source: _Source) -> list[tuple[int, int, int, int, int, bytes]]:
    magic, count = RECIPE_HEAD.unpack(source.take(RECIPE_HEAD.size))
    if magic != MAGIC or count > MOST_REFERENCES:
        raise Damaged("an entry that should be a recipe is none")
    return list(REFERENCE.iter_unpack(source.take(count * REFERENCE.size)))


def rebuild(plain: Iterator[bytes], find: Find) -> Iterator[bytes]:
    """The message that a recipe describes, in pieces of a few MiB. Raises: Damaged, and what `find` raises."""
    source = _Source(plain)
    for before, encoding, ending, line, size, sha256 in _read_head(source):
        if encoding not in (AS_IT_STANDS, BASE64) or ending not in ENDINGS or (line and not ending):
            raise Damaged("a recipe has a reference that can't be one")
        yield from source.pass_on(before)
        pieces = find(sha256, size)
        yield from pieces if encoding == AS_IT_STANDS else _encoded(pieces, line, ending)
    yield from source.rest()


def _encoded(pieces: Iterable[bytes], line: int, ending: int) -> Iterator[bytes]:
    """In base64 and lines, piece by piece, each of them whole lines but for the last one."""
    step = 3 * line or 3
    held, begun = b"", False
    for piece in pieces:
        held += piece
        whole = len(held) // step * step
        if whole:
            yield (ENDINGS[ending] if begun else b"") + _in_lines(held[:whole], line, ending)
            held, begun = held[whole:], True
    if held:
        yield (ENDINGS[ending] if begun else b"") + _in_lines(held, line, ending)
