"""The bytes of a message as it leaves: lines put before it, the prefix of its subject, Bcc taken out, dots doubled.

Lines by which the server behind files a message are ours alone: those in the message itself go.

Everything but the header's first MiB is passed through in pieces, so that 50 MB are never held. The message itself is
not changed where nothing asks for it (its DKIM signatures hold). Pure: no Django, no network.

Source: RFC 5321 §4.4 (Received), §4.5.2 (dots), §2.3.8 (no bare CR or LF); RFC 2047 §5 and §6.2 (encoded words);
RFC 5322 §3.6.3 (Bcc).
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

MOST_HEADER_BYTES = 1 << 20
MOST_HOPS = 50
FOLD_AT = 76
OURS = frozenset((b"x-postkeep-folder", b"x-postkeep-flags"))  # what the server behind files by
_FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")
_BARE = re.compile(rb"\r\n|\r|\n")


class TooManyHops(Exception):
    """The message has been through so many servers that it goes in a circle."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is done to the header: lines before it (with ours first), a prefix of the subject, Bcc out."""

    before: Sequence[str] = ()
    subject_prefix: str = ""
    without_bcc: bool = False


async def compose(pieces: AsyncIterator[bytes], changes: Changes) -> AsyncIterator[bytes]:
    """The message with its changes, still without doubled dots. Raises: TooManyHops, what `pieces` raises."""
    head = bytearray()
    rest = b""
    async for piece in pieces:
        head += piece
        end = _end_of_header(head)
        if end is not None:
            head, rest = head[:end], bytes(head[end:])
            break
        if len(head) > MOST_HEADER_BYTES:
            rest, head = bytes(head), bytearray()  # no header that could be changed: as it is, after our lines
            break
    yield b"".join(line_of(text) for text in changes.before) + changed(bytes(head), changes)
    if rest:
        yield rest
    async for piece in pieces:
        yield piece


async def stuffed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same with every dot at the start of a line doubled, CRLF at every line's end, and the final dot."""
    held = b"\r\n"  # as if a line had just ended
    is_first = True
    async for piece in pieces:
        text, held = held + piece, b""
        if text.endswith(b"\r"):  # half a line end, perhaps
            text, held = text[:-1], b"\r"
        if not text.count(b"\n") == text.count(b"\r") == text.count(b"\r\n"):
            text = _BARE.sub(b"\r\n", text)
        if text.endswith(b"\r\n"):
            text, held = text[:-2], b"\r\n" + held
        if not text:
            continue
        text = text.replace(b"\r\n.", b"\r\n..")
        if is_first:
            text, is_first = text[2:], False
        yield text
    if is_first:
        yield b".\r\n"
    else:
        yield b"\r\n.\r\n"


def parts_of(pieces: Iterator[bytes]) -> tuple[bytes | None, Iterator[bytes]]:
    """The header (fields only, each with its line end) and the body in pieces.

    None for a header that has no end within what `compose` changes; then the pieces are the whole message.
    """
    head = bytearray()
    for piece in pieces:
        head += piece
        end = _end_of_header(head)
        if end is not None:
            return bytes(head[:end]), chain((bytes(head[end + 2 :]),), pieces)
        if len(head) > MOST_HEADER_BYTES:
            return None, chain((bytes(head),), pieces)
    return _ended(bytes(head)), iter(())


def _end_of_header(data: bytearray) -> int | None:
    """Where the empty line begins that ends the header."""
    if data.startswith(b"\r\n"):
        return 0
    at = data.find(b"\r\n\r\n")
    return None if at < 0 else at + 2


def _ended(head: bytes) -> bytes:
    """A message that ends within its header ends with a line end."""
    return head if not head or head.endswith(b"\r\n") else head + b"\r\n"


def changed(head: bytes, changes: Changes) -> bytes:
    """The header (fields only, each with its line end) as it leaves, without lines before it. Raises: TooManyHops."""
    fields = list(fields_of(_ended(head)))
    if sum(name == b"received" for name, _ in fields) > MOST_HOPS:
        raise TooManyHops
    fields = [each for each in fields if each[0] not in OURS]
    if changes.without_bcc:
        fields = [each for each in fields if each[0] not in (b"bcc", b"resent-bcc")]
    if changes.subject_prefix:
        fields = _with_prefix(fields, changes.subject_prefix)
    return b"".join(text for _, text in fields)


def fields_of(head: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Each field's name in lower case (b"" for a line that is none) and its bytes with all folded lines."""
    current = bytearray()
    for line in head.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and current:
            current += line
            continue
        if current:
            yield _name(current), bytes(current)
        current = bytearray(line)
    if current:
        yield _name(current), bytes(current)


def _name(field: bytes | bytearray) -> bytes:
    match = _FIELD.match(field)
    return match[0][:-1].strip().lower() if match else b""


def _with_prefix(fields: list[tuple[bytes, bytes]], prefix: str) -> list[tuple[bytes, bytes]]:
    at = next((number for number, (name, _) in enumerate(fields) if name == b"subject"), None)
    if at is None:
        return [*fields, (b"subject", b"Subject: " + _encoded(prefix, b"").rstrip() + b"\r\n")]
    _, _, value = fields[at][1].partition(b":")
    value = value.lstrip(b" \t")
    encoded = _encoded(prefix, value)
    if value.startswith(encoded.rstrip()):
        return fields  # it has been here before
    first = value.split(b"\r\n", 1)[0]
    line = b"Subject: " + encoded
    fold = b"\r\n " if len(line) + len(first) > FOLD_AT and first.strip() else b""
    text = line.rstrip(b" ") + fold + value if fold else line + value
    return [*fields[:at], (b"subject", text), *fields[at + 1 :]]


def _encoded(prefix: str, following: bytes) -> bytes:
    """The prefix and a space, as an encoded word where it isn't plain ASCII.

    Space between two encoded words counts for nothing, so there it stands inside the first.
    """
    plain = " ".join(prefix.split())
    if plain.isascii() and "=?" not in plain:
        return plain.encode() + b" "
    inside = plain + " " if following.startswith(b"=?") else plain
    return b"=?utf-8?B?" + base64.b64encode(inside.encode()) + b"?= "


def line_of(text: str) -> bytes:
    """One header line of ours: folded where it has line breaks before white space, otherwise one line."""
    clean = re.sub(r"[\r\n]+(?=[ \t])", "\r\n", text.strip("\r\n"))
    clean = re.sub(r"(?<!\r)\n|\r(?!\n)|\r\n(?![ \t])", " ", clean)
    return clean.encode("utf-8", "replace") + b"\r\n"
