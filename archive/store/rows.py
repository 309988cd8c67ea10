"""What a catalogue tells: messages, folders and packs as rows, and the rank by which messages are sorted.

Not for asking the catalogue (`catalogue`).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .packs import Place

NUMBER_BITS = 30
NUMBER_MASK = (1 << NUMBER_BITS) - 1
# Ranks sort by date, then number, and fit a signed 64-bit integer: dates from 1800 to 2072 keep their order.
RANK_SHIFT = 5_364_662_400
RANK_DATES = 1 << 33
CHECK_PRIME = 1_073_741_789
# The same in SQL, with a function crc32_of that takes the texts as bytes (joining them in SQL is slower).
CHECK_SQL = f"""((pack * 1000003 + offset * 31 + length * 7 + flags) % {CHECK_PRIME} << 32 | crc32_of(
    CAST(subject AS BLOB), CAST(sender AS BLOB), CAST(recipients AS BLOB), CAST(message_id AS BLOB)))"""

ATTACHED, PARTIAL, UNREADABLE = 1, 2, 4
# States of a pack: open, sealed, being written by a compaction that has not switched to it.
# A pack in which the replay misses a message is closed: appending to it would overwrite what may still be rescued.
OPEN, SEALED, IN_COMPACTION, CLOSED = 0, 1, 2, 3


def rank_of(date: int, number: int) -> int:
    """The sort key of a message: newest first by date, then by number; also the paging cursor."""
    return min(max(date + RANK_SHIFT, 0), RANK_DATES - 1) << NUMBER_BITS | number


@dataclass(slots=True)
class Description:
    """What a message says of itself, as lists show it; made from its text, so it is no part of the journal."""

    subject: str = ""
    sender: str = ""
    recipients: str = ""
    message_id: str = ""
    flags: int = UNREADABLE


@dataclass(slots=True)
class Row:
    """One message as lists and pages need it."""

    number: int
    sha256: str
    size: int
    date: int
    archived_ms: int
    place: Place
    subject: str
    sender: str
    recipients: str
    message_id: str
    flags: int
    sequence: int = 0
    check: int = 0
    placements: list[tuple[int, int]] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return rank_of(self.date, self.number)

    @property
    def attached(self) -> bool:
        return bool(self.flags & ATTACHED)

    @property
    def partial(self) -> bool:
        return bool(self.flags & PARTIAL)


@dataclass(slots=True)
class Folder:
    """A folder of a mailbox; `path` has `/` between names, `messages` counts its own only."""

    number: int
    mailbox: int
    parent: int
    name: str
    path: str
    messages: int


@dataclass(slots=True)
class FolderSum:
    """What lies in one folder, not below it: messages, their bytes, and their first and last date (s since 1970)."""

    messages: int = 0
    size_bytes: int = 0
    oldest: int | None = None
    newest: int | None = None

    def __add__(self, other: FolderSum) -> FolderSum:
        dates = [date for one in (self, other) for date in (one.oldest, one.newest) if date is not None]
        return FolderSum(
            self.messages + other.messages,
            self.size_bytes + other.size_bytes,
            min(dates, default=None),
            max(dates, default=None),
        )


@dataclass(slots=True)
class Part:
    """A part that messages share: its number, SHA-256 and bytes, and where it lies (pack 0 = nowhere)."""

    number: int
    sha256: bytes
    size: int
    place: Place


@dataclass(slots=True)
class Merged:
    """How far another store was merged into this one: the message, and the record and chain of its journal then."""

    number: int
    sequence: int
    chain: str
    done: bool


@dataclass(slots=True)
class Pack:
    number: int
    state: int
    bytes: int
    sha256: str

    @property
    def sealed(self) -> bool:
        return self.state == SEALED


def row_of(values: Sequence[Any]) -> Row:
    """A Row from the columns of `message`."""
    number, sha256, size, date, archived, pack, offset, length, subject, sender, to, message_id, *rest = values
    place = Place(pack, offset, length)
    return Row(number, sha256.hex(), size, date, archived, place, subject, sender, to, message_id, *rest)


def check_of(pack: int, offset: int, length: int, flags: int, *texts: str) -> int:
    """A check of what the journal doesn't say of a message, so that a flipped bit in its row is noticed.

    The texts' CRC-32 and a sum of the numbers, in one integer of 62 bits; SQL can compute the sum (`CHECK_SQL`).
    """
    numbers = (pack * 1_000_003 + offset * 31 + length * 7 + flags) % CHECK_PRIME
    return numbers << 32 | zlib.crc32("\0".join(texts).encode())
