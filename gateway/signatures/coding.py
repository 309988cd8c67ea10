"""Putting a piece of text into an encoded part, with every other byte of it as it was where the encoding allows it.

    opened = open_part(body, encoding="quoted-printable", charset="utf-8", is_html=False)
    spliced = splice(opened, at, piece)          # at: an offset in opened.text

7bit, 8bit and quoted-printable are cut open at the place; base64 is written anew. A text that can't carry the piece
in its own charset becomes UTF-8 (HTML keeps its charset and gets character references). Every result is read again
before it is believed. Source: RFC 2045 §6.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from archive.mail.charsets import codec_for
from archive.mail.transfer import decode_transfer
from gateway.signatures.fitness import Why

LONGEST_LINE = 900
_TOKEN = re.compile(rb"=[0-9A-Fa-f]{2}|=[ \t]*\r?\n|.", re.S)
_CLEAN_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]*={0,2}\s*")
_BY_STATE = ("utf_16", "utf_32", "utf_7", "hz", "iso2022")


class CannotPlace(Exception):
    """A part that can't be written to. `why` says it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Opened:
    """A part that was read. `errors` keeps bytes that are none of its charset as they are."""

    body: bytes
    data: bytes
    text: str
    encoding: str
    codec: str
    is_html: bool
    errors: str


@dataclass(frozen=True, slots=True)
class Spliced:
    """The part's body; `charset` and `encoding` where they had to change (None: as they were)."""

    body: bytes
    charset: str | None = None
    encoding: str | None = None


def open_part(body: bytes, *, encoding: str, charset: str, is_html: bool) -> Opened:
    """Read a part. Raises: CannotPlace."""
    if encoding not in ("", "7bit", "8bit", "binary", "base64", "quoted-printable"):
        raise CannotPlace(Why.ENCODING)
    if encoding == "base64" and not _CLEAN_BASE64.fullmatch(body):
        raise CannotPlace(Why.ENCODING)
    data = decode_transfer(body, encoding)
    codec = _codec_of(data, charset)
    has_state = codec.replace("-", "_").startswith(_BY_STATE)
    errors = "strict" if has_state else "surrogateescape"
    try:
        text = data.decode(codec, errors)
    except (UnicodeError, ValueError, LookupError):
        raise CannotPlace(Why.CHARSET) from None
    return Opened(body, data, text, encoding, codec, is_html, errors)


def _codec_of(data: bytes, charset: str) -> str:
    if not charset or charset.strip("\"' ").lower() in ("us-ascii", "ascii"):
        if data.isascii():
            return "ascii"
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8"
    codec = codec_for(charset)
    if codec is None:
        if data.isascii():
            return "ascii"
        raise CannotPlace(Why.CHARSET)
    return codec


def splice(opened: Opened, at: int, piece: str) -> Spliced:
    """The part with the piece before the character at this offset. Raises: CannotPlace."""
    codec, charset = opened.codec, None
    inserted = _encoded(opened, piece)
    before = _bytes_of(opened.text[:at], codec, opened.errors)
    if inserted is None or not opened.data.startswith(before):
        inserted, before, data, charset = _transcoded(opened, at, piece)
        codec = "utf-8" if charset else codec
        spliced = None
    else:
        data = before + inserted + opened.data[len(before) :]
        spliced = _in_place(opened, len(before), inserted, data)
    if _decoded(data, codec, opened.errors) != opened.text[:at] + _as_written(opened, piece, codec) + opened.text[at:]:
        raise CannotPlace(Why.CHARSET)
    if spliced is not None:
        return Spliced(spliced, charset)
    return _anew(opened, data, charset)


def _encoded(opened: Opened, piece: str) -> bytes | None:
    """The piece in the part's own charset; None where it has no such letters."""
    if opened.codec.replace("-", "_").startswith(("utf_16", "utf_32")):
        return None  # each piece would begin with a byte order mark
    if opened.is_html:
        piece = _referenced(piece)
    try:
        return piece.encode(opened.codec)
    except (UnicodeError, LookupError):
        return None


def _referenced(piece: str) -> str:
    return piece.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _as_written(opened: Opened, piece: str, codec: str) -> str:
    return _referenced(piece) if opened.is_html else piece


def _bytes_of(text: str, codec: str, errors: str) -> bytes:
    try:
        return text.encode(codec, errors)
    except (UnicodeError, ValueError):
        raise CannotPlace(Why.CHARSET) from None


def _decoded(data: bytes, codec: str, errors: str) -> str:
    try:
        return data.decode(codec, errors)
    except (UnicodeError, ValueError):
        raise CannotPlace(Why.CHARSET) from None


def _transcoded(opened: Opened, at: int, piece: str) -> tuple[bytes, bytes, bytes, str | None]:
    """All of the part written anew: in its own charset where that has state, else in UTF-8."""
    whole = opened.text[:at] + _as_written(opened, piece, opened.codec) + opened.text[at:]
    for codec, charset in ((opened.codec, None), ("utf-8", "utf-8")):
        try:
            data = whole.encode(codec)
        except (UnicodeError, ValueError):
            continue
        if data.decode(codec) == whole:
            return b"", b"", data, charset
    raise CannotPlace(Why.CHARSET)


# --- transfer encodings ---


def _in_place(opened: Opened, at: int, inserted: bytes, data: bytes) -> bytes | None:
    """The encoded body cut open at an offset of the decoded one; None where that can't be."""
    if opened.encoding in ("", "7bit", "8bit", "binary"):
        takes_8bit = opened.encoding in ("8bit", "binary") or not opened.data.isascii()
        long = max(map(len, inserted.split(b"\n"))) > LONGEST_LINE
        if (inserted.isascii() or takes_8bit) and not long:
            return data
        return None
    if opened.encoding == "quoted-printable":
        return _in_quoted(opened.body, at, inserted, data)
    return None


def _in_quoted(body: bytes, at: int, inserted: bytes, data: bytes) -> bytes | None:
    raw_at = _raw_offset(body, at)
    if raw_at is None:
        return None
    line_start = raw_at == 0 or body[raw_at - 1 : raw_at] == b"\n"
    encoded = _quoted(inserted)
    head = body[:raw_at] + (b"" if line_start else b"=\r\n")
    tail = b"" if encoded.endswith(b"\n") or raw_at == len(body) else b"=\r\n"
    made = head + encoded + tail + body[raw_at:]
    return made if binascii.a2b_qp(made) == data else None


def _raw_offset(body: bytes, at: int) -> int | None:
    """Where in the encoded body the byte stands that is at this offset decoded."""
    done = position = 0
    for line in body.splitlines(keepends=True):
        if done == at:
            return position
        length = len(binascii.a2b_qp(line))
        if done + length > at:
            return _within_line(line, position, at - done)
        done, position = done + length, position + len(line)
    return position if done == at else None


def _within_line(line: bytes, position: int, at: int) -> int | None:
    done = 0
    for token in _TOKEN.finditer(line):
        if done == at:
            return position + token.start()
        done += 0 if _is_soft(token[0]) else 1
    return None


def _is_soft(token: bytes) -> bool:
    return len(token) > 1 and token.rstrip(b"\r\n").rstrip(b" \t").endswith(b"=") and token.endswith(b"\n")


def _quoted(data: bytes) -> bytes:
    """Quoted-printable with the line ends that are there kept as line ends."""
    return b"".join(_quoted_line(line) for line in data.splitlines(keepends=True))


def _quoted_line(line: bytes) -> bytes:
    text = line.rstrip(b"\r\n")
    encoded = binascii.b2a_qp(text, istext=False, quotetabs=False).replace(b"=\n", b"=\r\n").replace(b"\r\r", b"\r")
    if encoded.endswith((b" ", b"\t")):
        encoded = encoded[:-1] + b"=%02X" % encoded[-1]
    return encoded + line[len(text) :]


def _anew(opened: Opened, data: bytes, charset: str | None) -> Spliced:
    """The whole part encoded again: as it was if it was encoded, else so that any server can carry it."""
    if opened.encoding == "base64":
        return Spliced(based(data), charset)
    is_open = opened.encoding in ("8bit", "binary") or (opened.encoding in ("", "7bit") and data.isascii())
    if is_open and max(map(len, data.split(b"\n"))) <= LONGEST_LINE:
        return Spliced(data, charset)
    encoding = None if opened.encoding == "quoted-printable" else "quoted-printable"
    if not b"".join(data.split(b"\r\n")).count(b"\r") and b"\0" not in data:
        body = _quoted(data)
        if binascii.a2b_qp(body) == data:
            return Spliced(body, charset, encoding)
    return Spliced(based(data), charset, "base64")


def based(data: bytes) -> bytes:
    """Base64 in lines of 76."""
    step = 57
    return b"\r\n".join(
        binascii.b2a_base64(data[at : at + step], newline=False) for at in range(0, len(data), step)
    ) + (b"\r\n" if data else b"")
