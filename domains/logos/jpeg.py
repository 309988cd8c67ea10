"""JPEG: the segments that draw the picture, in their order, each of the length it must have; nothing else.

Baseline and progressive, grey or three colours. Comments, thumbnails, places, profiles and whatever follows the end
are left out. The coded pixels are taken as they are. Source: ITU-T T.81 annex B; T.871 (JFIF).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from domains.logos.picture import BadPicture, Kind, Picture, check_size

SIGNATURE = b"\xff\xd8\xff"
MOST_SCANS = 100  # a progressive picture of thousands of scans keeps a browser busy
_END, _SCAN, _TABLES, _CODES, _RESTART, _ADOBE = 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xEE
_FRAMES = (0xC0, 0xC1, 0xC2)
_LEFT_OUT = (*range(0xE0, 0xF0), 0xFE)
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)


@dataclass
class _Found:
    """What was read so far."""

    kept: list[bytes] = field(default_factory=list)
    adobe: bytes = b""
    size: tuple[int, int] | None = None
    parts: int = 0
    scans: int = 0
    tables: set[int] = field(default_factory=set)


def read(raw: bytes) -> Picture:
    """Raises: BadPicture."""
    found = _Found()
    at = 2
    try:
        while True:
            marker, at = _marker(raw, at)
            if marker == _END:
                break
            at = _segment(raw, at, marker, found)
    except (IndexError, struct.error) as error:
        raise BadPicture("damaged") from error
    if found.size is None or not found.scans:
        raise BadPicture("damaged")
    content = b"\xff\xd8" + (found.adobe or _JFIF) + b"".join(found.kept) + b"\xff\xd9"
    return Picture(Kind.JPEG, content, *found.size)


def _marker(raw: bytes, at: int) -> tuple[int, int]:
    """The marker that begins here, and where its segment does."""
    if raw[at] != 0xFF:
        raise BadPicture("damaged")
    while raw[at] == 0xFF:
        at += 1
    return raw[at], at + 1


def _segment(raw: bytes, at: int, marker: int, found: _Found) -> int:
    """Read one segment; where the next marker is."""
    length: int = struct.unpack_from(">H", raw, at)[0]
    data, end = raw[at + 2 : at + length], at + length
    if length < 2 or end > len(raw):
        raise BadPicture("damaged")
    whole = bytes((0xFF, marker)) + raw[at:end]
    if marker in _FRAMES:
        _frame(data, found)
    elif marker in (_TABLES, _CODES):
        found.tables.add(marker)
    elif marker == _RESTART:
        if len(data) != 2:
            raise BadPicture("damaged")
    elif marker == _SCAN:
        end = _scan(raw, data, end, found)
        whole = bytes((0xFF, marker)) + raw[at:end]
    elif marker == _ADOBE and len(data) == 12 and data.startswith(b"Adobe"):
        found.adobe = whole
        return end
    elif marker in _LEFT_OUT:
        return end
    else:
        raise BadPicture("damaged")
    found.kept.append(whole)
    return end


def _frame(data: bytes, found: _Found) -> None:
    precision, height, width, parts = struct.unpack_from(">BHHB", data)
    if found.size is not None or precision != 8 or len(data) != 6 + 3 * parts:
        raise BadPicture("damaged")
    if parts not in (1, 3):
        raise BadPicture("colours")
    check_size(width, height)
    for number in range(parts):
        sampling, table = data[7 + 3 * number], data[8 + 3 * number]
        if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4 and table <= 3):
            raise BadPicture("damaged")
    found.size, found.parts = (width, height), parts


def _scan(raw: bytes, head: bytes, at: int, found: _Found) -> int:
    """The head of a scan and its coded pixels, which end where a marker begins that belongs to none."""
    found.scans += 1
    parts = head[0]
    if found.size is None or found.scans > MOST_SCANS or found.tables != {_TABLES, _CODES}:
        raise BadPicture("damaged")
    if not 1 <= parts <= found.parts or len(head) != 4 + 2 * parts:
        raise BadPicture("damaged")
    after = _AFTER_SCAN.search(raw, at)
    if after is None or after.start() == at:
        raise BadPicture("damaged")
    return after.start()
