"""A DKIM signature: made over the header as it leaves and the hash of a body that is read piece by piece.

    hashed = body_hash(pieces)
    line = signature(fields, hashed, domain="example.org", key=key, at=1796000000)

Always relaxed/relaxed, over the whole body. Pure. Not for which key signs what (`dkim`).

Source: RFC 6376 §3.4, §3.7, §5.4 (what to sign), §5.4.2 and §8.15 (names once more than there are fields, so that none
can be added); RFC 8463 §3 (Ed25519); RFC 8058 §4 (List-Unsubscribe).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domains.dkim_keys import PrivateKey
from gateway.judging.authentication.canonical import HeaderField, Signable, relaxed_field, relaxed_text

# Once more than there are: nobody may add one. The first also where there is none; the others are added by servers on
# the way where they are missing.
ALWAYS_CLOSED = ("From", "Subject", "Reply-To", "Cc", "Content-Type")
CLOSED = ("Date", "To", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Transfer-Encoding")
OPEN = (
    "Sender", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Date", "Resent-Message-ID", "List-Id", "List-Help",
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
    "Auto-Submitted",
)  # fmt: skip
FOLD_AT = 76
_BLANK = b" \t\r\n"
_BARE = re.compile(rb"\r\n|\r|\n")
_BLOCK = b"\r\n" * 4096


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An opened key; `repr` shows nothing of it."""

    selector: str
    algorithm: str  # rsa or ed25519
    private: PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(data).digest())


def signature(fields: Sequence[HeaderField], hashed: bytes, *, domain: str, key: SigningKey, at: int) -> str:
    """The DKIM-Signature line, folded, without its last line end. hashed: SHA-256 of the relaxed body; at: now, in
    seconds since 1970."""
    names = names_of(fields)
    start = f"v=1; a={key.algorithm}-sha256; c=relaxed/relaxed; d={domain};\r\n\ts={key.selector}; t={at};\r\n\t"
    text = f"DKIM-Signature: {start}h={_folded_names(names)};\r\n\tbh={base64.b64encode(hashed).decode()};\r\n\tb="
    _name, _colon, value = text.encode().partition(b":")
    data = Signable(tuple(fields), b"").chosen([name.lower().encode() for name in names], "relaxed")
    data += relaxed_field(b"dkim-signature", value)
    made = base64.b64encode(key.sign(data)).decode()
    return text + "\r\n\t ".join(made[start : start + FOLD_AT - 4] for start in range(0, len(made), FOLD_AT - 4))


def names_of(fields: Iterable[HeaderField]) -> list[str]:
    """What h= names: every field of these kinds, from the last on, and which may not be added."""
    there = Counter(each.name for each in fields)
    names: list[str] = []
    for name in (*ALWAYS_CLOSED, *CLOSED, *OPEN):
        count = there[name.lower().encode()]
        is_closed = name in ALWAYS_CLOSED or (count > 0 and name in CLOSED)
        names += [name] * (count + is_closed)
    return names


def _folded_names(names: Sequence[str]) -> str:
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) + 3 > FOLD_AT:
            lines[-1] += ":"
            lines.append(name)
        else:
            lines[-1] += f":{name}"
    return "\r\n\t ".join(lines)


def body_hash(pieces: Iterable[bytes]) -> bytes:
    """SHA-256 of a body in its relaxed form, however it is cut; bare CR and LF count as the line ends they leave as."""
    body = _Relaxed()
    for piece in pieces:
        body.add(piece)
    return body.end()


class _Relaxed:
    """What ends a piece may turn out to be nothing: blanks before a line end, empty lines before the end."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._half = b""  # a CR whose LF may follow
        self._line_ends = 0
        self._is_blank = False
        self._has_text = False

    def add(self, piece: bytes) -> None:
        text, self._half = self._half + piece, b""
        if text.endswith(b"\r"):
            text, self._half = text[:-1], b"\r"
        self._take(text)

    def _take(self, text: bytes) -> None:
        if not text.count(b"\n") == text.count(b"\r") == text.count(b"\r\n"):
            text = _BARE.sub(b"\r\n", text)
        kept = text.rstrip(_BLANK)
        if kept:
            before = kept[: len(kept) - len(kept.lstrip(_BLANK))]
            self._wait(before)
            self._flush()
            self._hash.update(relaxed_text(kept[len(before) :]))
            self._has_text = True
        self._wait(text[len(kept) :])

    def _wait(self, blank: bytes) -> None:
        """Line ends and white space that count only if text follows."""
        ends = blank.count(b"\r\n")
        self._line_ends += ends
        if blank:
            self._is_blank = blank[-1:] in b" \t" or (self._is_blank and not ends)

    def _flush(self) -> None:
        while self._line_ends > 0:
            count = min(self._line_ends, 4096)
            self._hash.update(_BLOCK[: 2 * count])
            self._line_ends -= count
        if self._is_blank:
            self._hash.update(b" ")
            self._is_blank = False

    def end(self) -> bytes:
        self._take(self._half and b"\r\n")
        if self._has_text:
            self._hash.update(b"\r\n")
        return self._hash.digest()
