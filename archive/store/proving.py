"""The proof of one message: the journal's chain up to its record, and its bytes. Not for whole stores (`verify`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import StoreError
from .journal import Position

if TYPE_CHECKING:
    from .reading import ReadableStore


@dataclass(slots=True)
class Proof:
    """Where the journal vouches for a message, and whether all of it was found true just now."""

    sha256: str
    journal_sequence: int
    journal_hash: str
    pack: int
    offset: int
    archived_ms: int
    verified: bool
    reason: str


def prove(store: ReadableStore, number: int) -> Proof:
    """Check now that the journal's chain is whole up to a message's record and that its bytes match. NotFound."""
    row = store.known_row(number)
    found = Proof(row.sha256, row.sequence, "", row.place.pack, row.place.offset, row.archived_ms, False, "")
    try:
        before = Position()
        for record in store.journal.read(Position(), decode=False):
            if record.sequence == row.sequence:
                found.journal_hash = record.after.chain.hex()
                said = next(store.journal.read(before)).events
                if not any(event[:3] == ["msg", number, row.sha256] for event in said):
                    found.reason = "the journal record does not name this message with this hash"
                    return found
                break
            before = record.after
        else:
            found.reason = "the journal has no record of this number"
            return found
        for _ in store.stream(number):
            pass
    except StoreError as error:
        found.reason = str(error)
        return found
    found.verified = True
    return found
