"""Pictures for tests, written byte by byte here: small ones that are right, and hostile ones."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int = 4,
    height: int = 2,
    *,
    colour: bytes = b"\x1d\x4e\xd8",
    extra: bytes = b"",
    behind: bytes = b"",
    pixels: bytes | None = None,
    depth: int = 8,
    interlaced: int = 0,
) -> bytes:
    """A PNG of one colour. extra: chunks before the pixels; behind: bytes after the end."""
    rows = b"".join(b"\0" + colour * width for _row in range(height)) if pixels is None else pixels
    head = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, interlaced)
    packed = zlib.compress(rows)
    return SIGNATURE + chunk(b"IHDR", head) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"") + behind


def bomb() -> bytes:
    """A few kilobytes that unpack to a gigabyte, under a header that says the picture is small."""
    packer = zlib.compressobj(9)
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _megabyte in range(256)) + packer.flush()
    head = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


# the tables of T.81 annex K are long; a grey picture of one block needs one code of each kind
_CODES = bytes([0] * 16)


def jpeg(
    width: int = 8, height: int = 8, *, extra: bytes = b"", behind: bytes = b"", parts: int = 1, scans: int = 1
) -> bytes:
    """A grey baseline JPEG of one block: a DC code of one bit, an AC code of one bit, nothing but zeros."""
    dc = segment(0xC4, b"\x00" + bytes([1]) + bytes(15) + b"\x00")
    ac = segment(0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\x00")
    frame = b"\x08" + struct.pack(">HHB", height, width, parts)
    frame += b"".join(bytes([number + 1, 0x11, 0]) for number in range(parts))
    scan = segment(0xDA, bytes([parts]) + b"".join(bytes([n + 1, 0]) for n in range(parts)) + b"\x00\x3f\x00")
    return (
        b"\xff\xd8"
        + extra
        + segment(0xDB, b"\x00" + bytes([1] * 64))
        + segment(0xC0, frame)
        + dc
        + ac
        + (scan + b"\x3f") * scans
        + b"\xff\xd9"
        + behind
    )


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def lossless(width: int = 3, height: int = 2) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return b"\x2f" + bits.to_bytes(4, "little") + b"\x88\x88\x08"


def webp(width: int = 3, height: int = 2, *more: tuple[bytes, bytes]) -> bytes:
    return riff((b"VP8L", lossless(width, height)), *more)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
