"""What a catalogue tells: messages, folders and packs as rows, and the rank by which messages are sorted.

Not for asking the catalogue (`catalogue`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .packs import Place

NUMBER_BITS = 30
NUMBER_MASK = (1 << NUMBER_BITS) - 1
# Ranks sort by date, then number, and fit a signed 64-bit integer: dates from 1800 to 2072 keep their order.
RANK_SHIFT = 5_364_662_400
RANK_DATES = 1 << 33

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
class Pack:
    number: int
    state: int
    bytes: int
    sha256: str

    @property
    def sealed(self) -> bool:
        return self.state == SEALED


def row_of(values: Sequence[object]) -> Row:
    """A Row from the columns of `message`."""
    number, sha256, size, date, archived, pack, offset, length, subject, sender, to, message_id, flags, sequence = (
        values
    )
    place = Place(pack, offset, length)  # type: ignore[arg-type]
    return Row(number, sha256.hex(), size, date, archived, place, subject, sender, to, message_id, flags, sequence)  # type: ignore[arg-type,attr-defined]
