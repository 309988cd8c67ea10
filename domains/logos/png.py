"""PNG: every checksum compared, the pixels unpacked and packed again, all that isn't needed to draw it left out.

Of an animation the still picture stays. Source: W3C PNG (Third Edition) §5, §9, §11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from domains.logos.picture import BadPicture, Kind, Picture, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_CHUNKS = 5_000
# channels and bit depths by colour type
_FORMS = {0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16))}
_PALETTE = 3
# first column, first row, column step, row step of the seven passes
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def read(raw: bytes) -> Picture:
    """Raises: BadPicture."""
    chunks = _chunks(raw)
    name, head = next(chunks, (b"", b""))
    if name != b"IHDR" or len(head) != 13:
        raise BadPicture("damaged")
    width, height, depth, colours, compression, filters, interlaced = struct.unpack(">IIBBBBB", head)
    check_size(width, height)
    channels, depths = _FORMS.get(colours, (0, ()))
    if depth not in depths or compression or filters or interlaced > 1:
        raise BadPicture("damaged")
    palette, clear, packed = _parts(chunks)
    if colours == _PALETTE and not (3 <= len(palette) <= 768 and len(palette) % 3 == 0):
        raise BadPicture("damaged")
    rows = _rows(width, height, channels * depth, bool(interlaced))
    kept = [(b"IHDR", head)]
    if colours == _PALETTE:
        kept.append((b"PLTE", palette))
    if clear and _fits(clear, colours, len(palette) // 3):
        kept.append((b"tRNS", clear))
    kept += [(b"IDAT", zlib.compress(_unpacked(packed, rows), 9)), (b"IEND", b"")]
    return Picture(Kind.PNG, SIGNATURE + b"".join(_chunk(*each) for each in kept), width, height)


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) up to the end chunk; what follows it is nobody's."""
    at = len(SIGNATURE)
    for _number in range(MOST_CHUNKS):
        if at + 12 > len(raw):
            break
        (length,) = struct.unpack_from(">I", raw, at)
        end = at + 8 + length
        if end + 4 > len(raw) or zlib.crc32(raw[at + 4 : end]) != struct.unpack_from(">I", raw, end)[0]:
            break
        name = raw[at + 4 : at + 8]
        yield name, raw[at + 8 : end]
        if name == b"IEND":
            return
        at = end + 4
    raise BadPicture("damaged")


def _parts(chunks: Iterator[tuple[bytes, bytes]]) -> tuple[bytes, bytes, bytes]:
    """Palette, transparency and packed pixels."""
    palette = clear = b""
    packed: list[bytes] = []
    for name, data in chunks:
        if name == b"IDAT":
            packed.append(data)
        elif name == b"PLTE" and not palette:
            palette = data
        elif name == b"tRNS" and not clear:
            clear = data
        elif name != b"IEND" and not name[0] & 0x20:  # one that a reader must understand, and we don't
            raise BadPicture("damaged")
    return palette, clear, b"".join(packed)


def _fits(clear: bytes, colours: int, entries: int) -> bool:
    if colours == _PALETTE:
        return len(clear) <= entries
    return len(clear) == {0: 2, 2: 6}.get(colours)


def _rows(width: int, height: int, bits: int, interlaced: bool) -> list[tuple[int, int]]:
    """(bytes of a row with its filter byte, rows) of the picture, or of each of its passes."""
    if not interlaced:
        return [(1 + (width * bits + 7) // 8, height)]
    found = []
    for left, top, across, down in _ADAM7:
        columns, lines = (width - left + across - 1) // across, (height - top + down - 1) // down
        if columns > 0 and lines > 0:
            found.append((1 + (columns * bits + 7) // 8, lines))
    return found


def _unpacked(packed: bytes, rows: list[tuple[int, int]]) -> bytes:
    """The rows as they are filtered: exactly as many bytes as the header says, or none."""
    expected = sum(size * count for size, count in rows)
    opener = zlib.decompressobj()
    try:
        pixels = opener.decompress(packed, expected + 1)
    except zlib.error as error:
        raise BadPicture("damaged") from error
    if len(pixels) != expected or not opener.eof:
        raise BadPicture("damaged")
    at = 0
    for size, count in rows:
        if max(pixels[at : at + size * count : size]) > 4:
            raise BadPicture("damaged")
        at += size * count
    return pixels


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
