"""What lists show of a message: one line each of subject, sender, recipients. Not for the message page."""

from __future__ import annotations

from collections.abc import Sequence

from archive.mail.extract import Address, Extract

from .rows import ATTACHED, PARTIAL, Description

SUBJECT_CHARS = 300
PEOPLE_CHARS = 120


def describe(text: Extract) -> Description:
    """The description a catalogue row keeps of a message's text."""
    return Description(
        subject=clean(text.subject, SUBJECT_CHARS),
        sender=people(text.from_),
        recipients=people([*text.to, *text.cc]),
        message_id=clean(text.message_id, SUBJECT_CHARS),
        flags=ATTACHED * text.has_attachment | PARTIAL * text.partial,
    )


def people(some: Sequence[Address]) -> str:
    """`Name <address>, …`, cut after PEOPLE_CHARS with the number of those left out."""
    shown: list[str] = []
    length = 0
    for person in some:
        one = f"{person.name} <{person.address}>" if person.name and person.address else person.name or person.address
        length += len(one) + 2
        if shown and length > PEOPLE_CHARS:
            shown.append(f"… +{len(some) - len(shown)}")
            break
        shown.append(one)
    return clean(", ".join(shown), PEOPLE_CHARS * 2)


def clean(text: str, limit: int) -> str:
    """One line of valid text (SQLite takes no lone surrogates), at most `limit` characters."""
    line = " ".join(text.split())[:limit]
    return line.encode("utf-8", "replace").decode() if not line.isascii() else line
