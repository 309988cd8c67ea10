"""A message in the forms that DKIM and ARC hash: header fields and body, "simple" and "relaxed".

`Signable` takes a message apart once, for all its signatures, and goes through its body piece by piece: what is large
is never held once more. Not for making sense of headers (`domains.policy.mime`).

Source: RFC 6376 §3.4.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

MOST_FIELDS = 1000
PIECE_BYTES = 256 * 1024
_END_OF_HEAD = re.compile(rb"\r\n\r\n|\A\r\n")
_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACES = re.compile(rb"[ \t]{2,}|\t")
_EMPTIED = re.compile(rb"((?:\A|;)\s*b\s*=)[^;]*")


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One as it came: `name` in lower case, `raw` with its folds, without its last line end."""

    name: bytes
    raw: bytes

    @property
    def value(self) -> bytes:
        return self.raw.partition(b":")[2]

    def canonical(self, form: str) -> bytes:
        return relaxed_field(self.name, self.value) if form == "relaxed" else self.raw

    def without_signature(self) -> HeaderField:
        """With the value of b= taken out, as a signature signs itself."""
        start, colon, value = self.raw.partition(b":")
        return HeaderField(self.name, start + colon + _EMPTIED.sub(rb"\1", value, count=1))


def relaxed_field(name: bytes, value: bytes) -> bytes:
    return name + b":" + _SPACES.sub(b" ", _FOLD.sub(b"", value)).strip(b" \t")


@dataclass(slots=True)
class Signable:
    """`fields` from the top; `rest` gives what comes after `body`, whose hashes are made once per form and length."""

    fields: tuple[HeaderField, ...]
    body: bytes | memoryview
    rest: Callable[[], Iterator[bytes]] | None = None
    _hashes: dict[tuple[str, int | None], tuple[bytes, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: bytes, rest: Callable[[], Iterator[bytes]] | None = None) -> Signable:
        """rest: what comes after `raw`, where that is only the beginning of a large message. Line ends that are bare LF
        count as CRLF where there is no CRLF at all."""
        if b"\r\n" not in raw:
            raw = raw.replace(b"\n", b"\r\n")
        end = _END_OF_HEAD.search(raw)
        head = raw[: end.start()] if end else raw.removesuffix(b"\r\n")
        body = memoryview(raw)[end.end() :] if end else b""
        fields = []
        for piece in _FIELD_START.split(head, maxsplit=MOST_FIELDS)[:MOST_FIELDS]:
            name, colon, _value = piece.partition(b":")
            if colon:
                fields.append(HeaderField(name.strip(b" \t").lower(), piece))
        return cls(tuple(fields), body, rest if end else None)

    def all(self, name: bytes) -> list[HeaderField]:
        return [each for each in self.fields if each.name == name]

    def body_hash(self, form: str, length: int | None = None) -> bytes:
        """SHA-256 of the body, or of so many bytes of it."""
        return self._hashed(form, length)[0]

    def body_length(self, form: str) -> int:
        """How many bytes it has in this form."""
        return self._hashed(form, None)[1]

    def _hashed(self, form: str, length: int | None) -> tuple[bytes, int]:
        key = form, length
        if key not in self._hashes:
            digest, size = hashlib.sha256(), 0
            for piece in _canonical(self._lines(), form):
                digest.update(piece if length is None else piece[: max(0, length - size)])
                size += len(piece)
            self._hashes[key] = digest.digest(), size
        return self._hashes[key]

    def _lines(self) -> Iterator[bytes]:
        """The body in pieces of whole lines; only the last may end in the middle of one."""
        waiting: list[bytes] = []
        for piece in self._pieces():
            end = piece.rfind(b"\r\n") + 2
            if end > 1:
                yield b"".join([*waiting, piece[:end]])
                waiting = []
            waiting.append(piece[end:] if end > 1 else piece)
        if last := b"".join(waiting):
            yield last

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), PIECE_BYTES):
            yield bytes(self.body[start : start + PIECE_BYTES])
        if self.rest is not None:
            yield from self.rest()

    def chosen(self, names: list[bytes], form: str) -> bytes:
        """The named fields as they are signed: of several with a name the last is taken first; missing ones are
        nothing. Each with its line end. RFC 6376 §5.4.2."""
        left: dict[bytes, list[HeaderField]] = {}
        for each in self.fields:
            left.setdefault(each.name, []).append(each)
        pieces = []
        for name in names:
            waiting = left.get(name)
            if waiting:
                pieces.append(waiting.pop().canonical(form) + b"\r\n")
        return b"".join(pieces)


def _canonical(pieces: Iterable[bytes], form: str) -> Iterator[bytes]:
    """The body in that form; pieces are whole lines. Empty lines count only where something follows."""
    empty, is_empty = 0, True
    for piece in pieces:
        text = piece
        if form == "relaxed":
            text = relaxed_text(piece)
            text = text[:-1] if text.endswith(b" ") else text
        kept = _without_empty_end(text)
        if kept:
            yield from _empty_lines(empty)
            yield kept
            empty, is_empty = 0, False
        empty += (len(text) - len(kept)) // 2
    if form != "relaxed" or not is_empty:
        yield b"\r\n"


def _empty_lines(count: int) -> Iterator[bytes]:
    most = PIECE_BYTES // 2
    for start in range(0, count, most):
        yield b"\r\n" * min(most, count - start)


def _without_empty_end(body: bytes) -> bytes:
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end]


def relaxed_text(text: bytes) -> bytes:
    """White space within lines as one space, none before line ends."""
    if b"\t" in text or b"  " in text:
        text = _SPACES.sub(b" ", text)
    return text.replace(b" \r\n", b"\r\n")
