"""A message in the forms that DKIM and ARC hash: header fields and body, "simple" and "relaxed".

`Signable` takes a message apart once, for all its signatures. Not for making sense of headers (`domains.policy.mime`).

Source: RFC 6376 §3.4.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

MOST_FIELDS = 1000
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
    """`fields` from the top; hashes of the body are made once per form, algorithm and length."""

    fields: tuple[HeaderField, ...]
    body: bytes
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _hashes: dict[tuple[str, int | None], bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: bytes) -> Signable:
        """Line ends that are bare LF count as CRLF where there is no CRLF at all."""
        if b"\r\n" not in raw[:2000]:
            raw = raw.replace(b"\n", b"\r\n")
        end = _END_OF_HEAD.search(raw)
        head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw.removesuffix(b"\r\n"), b"")
        fields = []
        for piece in _FIELD_START.split(head, maxsplit=MOST_FIELDS)[:MOST_FIELDS]:
            name, colon, _value = piece.partition(b":")
            if colon:
                fields.append(HeaderField(name.strip(b" \t").lower(), piece))
        return cls(tuple(fields), body)

    def all(self, name: bytes) -> list[HeaderField]:
        return [each for each in self.fields if each.name == name]

    def canonical_body(self, form: str) -> bytes:
        if form not in self._bodies:
            self._bodies[form] = _relaxed_body(self.body) if form == "relaxed" else _simple_body(self.body)
        return self._bodies[form]

    def body_hash(self, form: str, length: int | None = None) -> bytes:
        key = form, length
        if key not in self._hashes:
            self._hashes[key] = hashlib.sha256(self.canonical_body(form)[:length]).digest()
        return self._hashes[key]

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


def _simple_body(body: bytes) -> bytes:
    return _without_empty_end(body) + b"\r\n"


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


def _relaxed_body(body: bytes) -> bytes:
    body = relaxed_text(body)
    if body.endswith(b" "):
        body = body[:-1]
    body = _without_empty_end(body)
    return body + b"\r\n" if body else b""
