"""Looking a password up in a file of SHA-1 hashes, by bisection on the disk. No Django.

Two kinds of files can be searched as they are. Text: lines `HASH:COUNT` or `HASH` (40 hexadecimal digits), in the order
of the hashes, as Have I Been Pwned's downloader writes them. Index: what `indexing` makes of any other file:

    MAGIC (16 bytes) | number of entries (8 bytes, big-endian) | entries, 20 bytes each, in order | JSON about it

A lookup reads some thirty small pieces of a file of any size. Both may be replaced (renamed over) at any time.
Source: https://haveibeenpwned.com/API/v3#PwnedPasswords (format of the file).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"postkeep-sha1s-1"
HEAD, ENTRY = len(MAGIC) + 8, 20
LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::\d+)?\s*")
LONGEST_LINE = 128
SAMPLES = 200


class NotSearchable(Exception):
    """The file is no index of ours, nor hashes in their order."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A file of text that can be searched as it is. entries: an estimate, by the length of its lines."""

    entries: int


def digest_of(password: str) -> bytes:
    """How lists keep a password: 20 bytes."""
    return hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()


def index_has(path: Path, digest: bytes) -> bool:
    """Whether an index holds this. Raises: OSError, NotSearchable."""
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        low, high = 0, _count(fd)
        while low < high:
            middle = (low + high) // 2
            found = os.pread(fd, ENTRY, HEAD + middle * ENTRY)
            if found == digest:
                return True
            low, high = (middle + 1, high) if found < digest else (low, middle)
    return False


def index_about(path: Path) -> tuple[int, dict[str, Any]]:
    """(entries, what was noted when it was made). Raises: OSError, NotSearchable."""
    with path.open("rb", buffering=0) as file:
        count = _count(file.fileno())
        file.seek(HEAD + count * ENTRY)
        try:
            return count, dict(json.loads(file.read()))
        except (ValueError, TypeError) as error:
            raise NotSearchable("an index that ends too early") from error


def text_has(path: Path, digest: bytes) -> bool:
    """Whether a file of hashes in order holds this. Raises: OSError, NotSearchable."""
    wanted = digest.hex().upper().encode()
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        low, high = 0, os.fstat(fd).st_size
        while low < high:
            start, line = _line_at(fd, (low + high) // 2)
            found = line[:40].upper()
            if found == wanted:
                return True
            low, high = (start + len(line), high) if found < wanted else (low, start)
    return False


def shape_of(path: Path) -> Shape:
    """Whether a file is text that can be searched as it is: looked at in many places, not read as a whole.

    Raises: OSError, NotSearchable.
    """
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        size = os.fstat(fd).st_size
        seen = [_line_at(fd, size * at // SAMPLES) for at in range(SAMPLES if size else 0)]
        seen += _first_lines(fd)
    if any(not LINE.fullmatch(line) for _start, line in seen):
        raise NotSearchable("not lines of hashes")
    keys = [line[:40].upper() for _start, line in sorted(seen)]
    if keys != sorted(keys):
        raise NotSearchable("hashes in another order")
    lengths = [len(line) for _start, line in seen]
    return Shape(round(size * len(lengths) / sum(lengths)) if lengths else 0)


def _first_lines(fd: int) -> list[tuple[int, bytes]]:
    """Those of the first page: a short file may be out of order between two samples."""
    found, start = [], 0
    for line in os.pread(fd, 1 << 16, 0).splitlines(keepends=True):
        if line.endswith(b"\n"):
            found.append((start, line))
        start += len(line)
    return found


def _count(fd: int) -> int:
    head = os.pread(fd, HEAD, 0)
    if len(head) < HEAD or not head.startswith(MAGIC):
        raise NotSearchable("no index of ours")
    return int.from_bytes(head[len(MAGIC) :], "big")


def _line_at(fd: int, at: int) -> tuple[int, bytes]:
    """The line around a place: where it begins, and its bytes with their end. Raises: NotSearchable."""
    begin = max(0, at - LONGEST_LINE)
    piece = os.pread(fd, 2 * LONGEST_LINE, begin)
    start = piece.rfind(b"\n", 0, at - begin) + 1
    end = piece.find(b"\n", at - begin)
    line = piece[start:] if end < 0 else piece[start : end + 1]
    if len(line) > LONGEST_LINE or not LINE.fullmatch(line):
        raise NotSearchable("not lines of hashes")
    return begin + start, line
