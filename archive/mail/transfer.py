"""Content-Transfer-Encoding undone as far as the bytes allow. Never raises; unknown encodings pass through."""

from __future__ import annotations

import binascii
import re

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK = bytes(set(range(256)) - set(_ALPHABET))
_ONLY_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]*")
_GROUP = re.compile(rb"[^=]+")
MAX_GROUPS = 100_000
_UU_BEGIN = re.compile(rb"(?m)^begin(?:-base64)? [0-7]{3,4} [^\r\n]*\r?\n")


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """The bytes a part stands for, given its Content-Transfer-Encoding (any case, junk around it tolerated)."""
    name = encoding.strip().strip("\"'").lower()
    if name == "base64":
        return decode_base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return decode_uu(data)
    return data


def is_known_encoding(encoding: str) -> bool:
    """Whether the name is one that decode_transfer does something sensible with."""
    name = encoding.strip().strip("\"'").lower()
    return name in {
        "",
        "7bit",
        "8bit",
        "binary",
        "base64",
        "quoted-printable",
        "x-uuencode",
        "uuencode",
        "x-uue",
        "uue",
    }


def decode_base64(data: bytes) -> bytes:
    """Base64 with foreign characters skipped, lost padding supplied and blocks after a padding joined."""
    try:
        plain = binascii.a2b_base64(data)
    except binascii.Error:
        return _base64_groups(data)
    pad = data.find(b"=")
    # The decoder stops at the first padding. What follows may be a list's footer (not ours to decode) or
    # a second base64 block of the same part.
    if 0 <= pad < len(data) - 80 and _ONLY_BASE64.fullmatch(data, pad):
        return _base64_groups(data)
    return plain


def _base64_groups(data: bytes) -> bytes:
    plain = bytearray()
    for number, match in enumerate(_GROUP.finditer(data)):
        if number >= MAX_GROUPS:
            break
        group = match.group().translate(None, _JUNK)
        if len(group) % 4 == 1:
            group = group[:-1]
        plain += binascii.a2b_base64(group + b"=" * (-len(group) % 4))
    return bytes(plain)


def decode_uu(data: bytes) -> bytes:
    """The first uuencoded file in `data`; `data` itself if there is none."""
    begin = _UU_BEGIN.search(data)
    if begin is None:
        return data
    lines = []
    for line in data[begin.end() :].splitlines():
        if line.strip() == b"end":
            break
        try:
            lines.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Broken encoders: trust the length byte, as uudecode does.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                lines.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                continue
    return b"".join(lines)
