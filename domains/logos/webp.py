"""WebP: the picture's own chunk, and its transparency; profiles, places and whatever else is in the file are left out.

One still picture. The coded pixels are taken as they are. Source: RFC 9649 §2, §3.4; RFC 6386 §9.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from domains.logos.picture import BadPicture, Kind, Picture, check_size

SIGNATURE = b"RIFF"
MOST_CHUNKS = 1_000
_EXTENDED, _LOSSY, _LOSSLESS, _ALPHA = b"VP8X", b"VP8 ", b"VP8L", b"ALPH"
_HAS_ALPHA, _IS_ANIMATED = 0x10, 0x02


def read(raw: bytes) -> Picture:
    """Raises: BadPicture."""
    if raw[8:12] != b"WEBP":
        raise BadPicture("unknown")
    chunks = list(_chunks(raw))
    if any(
        name in (b"ANIM", b"ANMF") or (name == _EXTENDED and data[:1] and data[0] & _IS_ANIMATED)
        for name, data in chunks
    ):
        raise BadPicture("animated")
    pictures = [(name, data) for name, data in chunks if name in (_LOSSY, _LOSSLESS)]
    alphas = [data for name, data in chunks if name == _ALPHA]
    if len(pictures) != 1 or len(alphas) > 1:
        raise BadPicture("damaged")
    ((name, data),) = pictures
    width, height = _lossy(data) if name == _LOSSY else _lossless(data)
    check_size(width, height)
    kept = _chunk(name, data)
    if alphas and name == _LOSSY:
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        kept = _chunk(_EXTENDED, bytes((_HAS_ALPHA, 0, 0, 0)) + canvas) + _chunk(_ALPHA, alphas[0]) + kept
    return Picture(Kind.WEBP, b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + kept, width, height)


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of the chunks that the file says it has."""
    (size,) = struct.unpack_from("<I", raw, 4)
    at, end = 12, 8 + size
    if end > len(raw):
        raise BadPicture("damaged")
    for _number in range(MOST_CHUNKS):
        if at + 8 > end:
            return
        name, (length,) = raw[at : at + 4], struct.unpack_from("<I", raw, at + 4)
        if at + 8 + length > end:
            break
        yield name, raw[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
    raise BadPicture("damaged")


def _lossy(data: bytes) -> tuple[int, int]:
    """Width and height of a key frame."""
    if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a" or data[0] & 1:
        raise BadPicture("damaged")
    if int.from_bytes(data[:3], "little") >> 5 > len(data):
        raise BadPicture("damaged")
    width, height = struct.unpack_from("<HH", data, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(data: bytes) -> tuple[int, int]:
    if len(data) < 6 or data[0] != 0x2F:
        raise BadPicture("damaged")
    bits = int.from_bytes(data[1:5], "little")
    if bits >> 29:  # its version
        raise BadPicture("damaged")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
