"""A .zip whose every byte follows from the names and contents in it: stored, no times, no comments, no extras.

So that whoever checks a package can say of each byte of the file what it must be. Above the limits of the old format
(4 GiB, 65,535 files) every header is written in its wide form (Zip64). A content may be longer than memory: the header
is written again once size and CRC are known. Not for several threads at once, nor for reading.

Source: PKWARE APPNOTE 6.3.10 §4.3, §4.5.3.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
WIDE_END = struct.Struct("<4sQHHIIQQQQ")
WIDE_PLACE = struct.Struct("<4sIQI")
FIRST_DAY = 0x0021  # 1 January 1980, the first there is
FILE = 0o100644 << 16
WIDE_BYTES, WIDE_FILES = 0xFFFFFFFF, 0xFFFF


@dataclass(slots=True)
class Entry:
    """One file in it: where its header begins, and what is known of its content so far."""

    name: bytes
    start: int
    size: int = 0
    crc: int = 0


class ZipWriter:
    """Writes one from start to end. `wide`: the whole may reach the old format's limits."""

    def __init__(self, path: Path, *, wide: bool) -> None:
        self._file: BinaryIO = path.open("xb")
        self._wide = wide
        self._entries: list[Entry] = []
        self._entry: Entry | None = None

    def begin(self, name: str) -> None:
        """The next file; names are ASCII, and each is used once."""
        assert self._entry is None
        self._entry = Entry(name.encode("ascii"), self._file.tell())
        self._file.write(local_header(self._entry, wide=self._wide))

    def write(self, data: bytes) -> None:
        assert self._entry is not None
        self._file.write(data)
        self._entry.size += len(data)
        self._entry.crc = zlib.crc32(data, self._entry.crc)

    def tell(self) -> tuple[int, int]:
        """A mark of what was written of the present file."""
        assert self._entry is not None
        return self._entry.size, self._entry.crc

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forget what was written of the present file since a mark."""
        assert self._entry is not None
        self._file.seek(-(self._entry.size - mark[0]), os.SEEK_CUR)
        self._file.truncate()
        self._entry.size, self._entry.crc = mark

    def drop(self) -> None:
        """Forget the present file."""
        assert self._entry is not None
        self._file.seek(self._entry.start)
        self._file.truncate()
        self._entry = None

    def end(self) -> None:
        """The present file is whole."""
        entry, self._entry = self._entry, None
        assert entry is not None
        self._file.seek(entry.start)
        self._file.write(local_header(entry, wide=self._wide))
        self._file.seek(0, os.SEEK_END)
        self._entries.append(entry)

    def close(self) -> None:
        """Write the directory and make all of it durable."""
        start = self._file.tell()
        self._file.write(b"".join(central_header(entry, wide=self._wide) for entry in self._entries))
        self._file.write(ending(len(self._entries), start, self._file.tell() - start, wide=self._wide))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


def local_header(entry: Entry, *, wide: bool) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.size) if wide else b""
    size = WIDE_BYTES if wide else entry.size
    head = LOCAL.pack(
        b"PK\3\4", 45 if wide else 20, 0, 0, 0, FIRST_DAY, entry.crc, size, size, len(entry.name), len(extra)
    )
    return head + entry.name + extra


def central_header(entry: Entry, *, wide: bool) -> bytes:
    extra = struct.pack("<HHQQQ", 1, 24, entry.size, entry.size, entry.start) if wide else b""
    version = 45 if wide else 20
    size, start = (WIDE_BYTES, WIDE_BYTES) if wide else (entry.size, entry.start)
    head = CENTRAL.pack(
        b"PK\1\2", 3 << 8 | version, version, 0, 0, 0, FIRST_DAY, entry.crc, size, size, len(entry.name), len(extra),
        0, 0, 0, FILE, start,
    )  # fmt: skip
    return head + entry.name + extra


def ending(count: int, start: int, length: int, *, wide: bool) -> bytes:
    if not wide:
        return END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0)
    far = WIDE_END.pack(b"PK\6\6", WIDE_END.size - 12, 3 << 8 | 45, 45, 0, 0, count, count, length, start)
    place = WIDE_PLACE.pack(b"PK\6\7", 0, start + length, 1)
    return far + place + END.pack(b"PK\5\6", 0, 0, WIDE_FILES, WIDE_FILES, WIDE_BYTES, WIDE_BYTES, 0)
