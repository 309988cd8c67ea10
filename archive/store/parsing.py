"""What keeping needs to know of each message: its date, its description, and its document's draft.

Here, in this process; or by plain values that another one sends (`beside`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archive.mail.attached import FileText
from archive.mail.extract import Address, Extract, extract_many

from .describe import describe
from .drafts import Draft, draft_of
from .rows import Description


@dataclass(slots=True)
class Parsed:
    """What a message says. text: for the index; a draft where nothing of it is waited for, nor depends on settings."""

    date: int | None
    said: Description
    text: Extract | Draft


def parsed(text: Extract) -> Parsed:
    return Parsed(text.date, describe(text), text)


def parse(raws: Sequence[bytes]) -> list[Parsed]:
    """Whole messages, in order. Never raises on any bytes."""
    return [parsed(text) for text in extract_many(list(raws))]


def parse_plainly(raws: Sequence[bytes], *, with_texts: bool) -> list[tuple[Any, ...]]:
    """The same as values that `marshal` takes; without texts for who feeds no index."""
    return [_plain_of(text, with_texts) for text in extract_many(list(raws))]


def from_plain(value: tuple[Any, ...]) -> Parsed:
    """The inverse of `parse_plainly`, for one message."""
    date, said, is_draft, text = value
    return Parsed(date, Description(*said), text_from_plain(is_draft, text))


def plain_of_text(text: Extract | Draft) -> tuple[bool, tuple[Any, ...]]:
    """A text for the index as values that `marshal` takes; `text_from_plain` is the inverse."""
    if isinstance(text, Draft):
        return True, (text.texts, text.files, text.has_attachment)
    return False, _values_of(text)


def text_from_plain(is_draft: bool, values: tuple[Any, ...]) -> Extract | Draft:
    return Draft(*values) if is_draft else _extract_of(values)


def _plain_of(text: Extract, with_texts: bool) -> tuple[Any, ...]:
    said = describe(text)
    shown = (said.subject, said.sender, said.recipients, said.message_id, said.flags)
    if not with_texts:
        return text.date, shown, True, ({}, b"", text.has_attachment)
    if text.waiting or text.files:  # what settings leave out, and what is read by others, comes later
        return text.date, shown, False, _values_of(text)
    draft = draft_of(text)
    return text.date, shown, True, (draft.texts, draft.files, draft.has_attachment)


def _values_of(text: Extract) -> tuple[Any, ...]:
    people = [[(each.name, each.address) for each in some] for some in (text.from_, text.to, text.cc)]
    files = [(each.name, each.text, each.reason) for each in text.files]
    return (
        text.message_id, text.subject, text.date, people, text.body, text.attachment_names, files,
        text.has_attachment, text.partial, text.waiting,
    )  # fmt: skip


def _extract_of(values: tuple[Any, ...]) -> Extract:
    message_id, subject, date, people, body, names, files, *flags = values
    from_, to, cc = ([Address(*each) for each in some] for some in people)
    return Extract(message_id, subject, date, from_, to, cc, body, names, [FileText(*each) for each in files], *flags)
