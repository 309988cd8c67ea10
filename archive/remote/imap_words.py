"""The words of IMAP: what a server's answer says, and how names, dates and sets are written. Pure.

Source: RFC 3501 §4 (forms of data), §5.1.3 (names of mailboxes), §9 (grammar); RFC 4466; RFC 7162 (HIGHESTMODSEQ).
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

Word = object  # bytes (an atom or a quoted text), Literal, None (NIL) or a list of these
_TOKEN = re.compile(rb'\(|\)|"((?:[^"\\]++|\\.)*+)"|((?:[^\s()"\[]++|\[[^\]]*+\])++)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_INTERNAL_DATE = re.compile(rb"([ 0-3]?\d-[A-Za-z]{3}-\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_OF = {month.lower().encode(): number for number, month in enumerate(_MONTHS, 1)}


class Literal:
    """A block of bytes in an answer: in memory or, a large one, in an anonymous file."""

    __slots__ = ("content", "size", "spool")

    def __init__(self, block: bytes | BinaryIO, size: int) -> None:
        self.content = block if isinstance(block, bytes) else None
        self.spool = None if isinstance(block, bytes) else block
        self.size = size


def words_of(parts: Sequence[bytes | Literal]) -> list[Word]:
    """An answer as nested lists: atoms and quoted texts as bytes, NIL as None, literals as they are.

    parts: text, literal, text … in the order they came. Never raises: what doesn't nest is closed at the end.
    """
    root: list[Word] = []
    stack = [root]
    for part in parts:
        if isinstance(part, Literal):
            stack[-1].append(part)
            continue
        for match in _TOKEN.finditer(part):
            token = match.group()
            if token == b"(":
                inner: list[Word] = []
                stack[-1].append(inner)
                stack.append(inner)
            elif token == b")":
                if len(stack) > 1:
                    stack.pop()
            elif match.group(2) is not None:
                stack[-1].append(None if token == b"NIL" else token)
            else:
                stack[-1].append(_ESCAPED.sub(rb"\1", match.group(1)))
    return root


def pairs(words: Sequence[Word]) -> Iterator[tuple[bytes, Word]]:
    """The items of a FETCH answer: name in upper case, value."""
    for at in range(0, len(words) - 1, 2):
        name = words[at]
        if isinstance(name, bytes):
            yield name.upper(), words[at + 1]


def number(word: Word) -> int | None:
    """A number, or None for what is none."""
    return int(word) if isinstance(word, bytes) and word.isdigit() and len(word) < 20 else None


def text(word: Word) -> bytes:
    """An atom, a quoted text or a short literal as bytes; empty for anything else."""
    if isinstance(word, Literal):
        return word.content or b""
    return word if isinstance(word, bytes) else b""


def quoted(name: bytes) -> bytes | None:
    """A text between quotes; None where only a literal will do (8-bit, CR, LF, NUL)."""
    if any(byte > 0x7E or byte < 0x20 for byte in name):
        return None
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def internal_date(word: Word) -> int | None:
    """Seconds since 1970 UTC of `"17-Jul-1996 02:44:25 -0700"`."""
    match = _INTERNAL_DATE.fullmatch(text(word).strip())
    if match is None:
        return None
    day, hour, minute, second, sign, hours, minutes = match.groups()
    midnight = _midnight(day)
    if midnight is None or int(hour) > 23 or int(minute) > 59:
        return None
    offset = int(hours) * 3600 + int(minutes) * 60
    of_day = int(hour) * 3600 + int(minute) * 60 + min(int(second), 59)
    return midnight + of_day - (offset if sign == b"+" else -offset)


@lru_cache(maxsize=4096)
def _midnight(day: bytes) -> int | None:
    """Seconds since 1970 UTC of `17-Jul-1996`; None for a day that no calendar has."""
    number, name, year = day.split(b"-")
    month = _MONTH_OF.get(name.lower())
    try:
        return None if month is None else calendar.timegm(datetime(int(year), month, int(number)).timetuple())
    except ValueError:
        return None


def write_internal_date(seconds: int) -> bytes:
    """The date-time of APPEND, in UTC; what no server could take becomes the nearest."""
    t = time.gmtime(min(max(seconds, 0), 253_402_300_799))
    moment = f"{t.tm_year:04d} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
    return f'"{t.tm_mday:2d}-{_MONTHS[t.tm_mon - 1]}-{moment} +0000"'.encode()


def search_date(seconds: int) -> bytes:
    """A day as SEARCH takes it."""
    day = datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}".encode()


def write_set(uids: Iterable[int]) -> bytes:
    """A set of ascending numbers, runs as ranges: 1:3,7."""
    runs: list[str] = []
    first = last = 0
    for uid in uids:
        if first and uid == last + 1:
            last = uid
            continue
        if first:
            runs.append(f"{first}:{last}" if last > first else str(first))
        first = last = uid
    if first:
        runs.append(f"{first}:{last}" if last > first else str(first))
    return ",".join(runs).encode()
