"""Members of a zip by their own headers, for one that has lost its table of contents (APPNOTE 4.3.7).

Not for: whole zips, which zipfile reads.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from typing import BinaryIO

_CHUNK = 256 << 10


def local_header(header: bytes) -> tuple[int, int, int, int, int]:
    _, _, flags, method, _, _, _, packed, _, name_length, extra_length = struct.unpack("<4s5H3L2H", header)
    return flags, method, packed, name_length, extra_length


class ZipMember:
    """A stored or deflated zip member that begins at the file's position."""

    def __init__(self, file: BinaryIO, packed: int | None, *, raw: bool) -> None:
        self.file = file
        self.left = packed
        self.inflate = None if raw else zlib.decompressobj(-15)

    def read(self, size: int) -> bytes:
        if self.inflate is None:
            return self._take(size)
        while not self.inflate.eof:
            data = self.inflate.unconsumed_tail or self._take(_CHUNK)
            out = self.inflate.decompress(data, size)
            if out:
                return out
            if not data:
                raise EOFError("the member is cut off")
        return b""

    def _take(self, size: int) -> bytes:
        if self.left is None:
            return self.file.read(size)
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        if not data and self.left and self.inflate is None:
            raise EOFError("the member is cut off")
        return data

    def behind(self) -> int:
        """Where the next local header begins, behind an optional data descriptor."""
        with suppress(EOFError, zlib.error, OSError):
            while self.inflate is not None and self.read(_CHUNK):
                pass
        unused = len(self.inflate.unused_data) if self.inflate is not None else 0
        at = self.file.tell() - unused
        self.file.seek(at)
        after = self.file.read(40)
        for skip in (0, 12, 16, 20, 24):
            if after[skip : skip + 4] in (b"PK\x03\x04", b"PK\x01\x02"):
                return at + skip
        return at
