"""Messages in the answers to FETCH. Pure; not for sending commands (`imap`), nor for words in general (`imap_words`).

Source: RFC 3501 §7.4.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from archive.remote.imap_words import Literal, Word, internal_date, number, pairs, text, words_of

# What most servers write before the bytes of a message; its items in any order, and anything else the long way.
_USUAL_FETCH = re.compile(
    rb'\d++ FETCH \((?:UID (\d{1,19}) |FLAGS \(([^()"\[\]]*+)\) |INTERNALDATE "([^"\\]*+)" )*+BODY\[\] ',
    re.ASCII | re.IGNORECASE,
)


@dataclass(slots=True)
class Fetched:
    """One message. Exactly one of `content` and `spool`; whoever takes `spool` closes it."""

    uid: int
    content: bytes | None
    spool: BinaryIO | None
    size: int
    received_at: int | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """What is known of a message without fetching it."""

    uid: int
    message_id: str
    size: int
    received_at: int | None
    flags: tuple[str, ...]


def _flags(word: Word) -> tuple[str, ...]:
    return tuple(text(flag).decode("ascii", "replace") for flag in word) if isinstance(word, list) else ()


@lru_cache(maxsize=1024)
def _listed_flags(listed: bytes) -> tuple[str, ...]:
    return _flags(words_of([b"(", listed, b")"])[0])


def items_of(parts: list[bytes | Literal]) -> list[Word]:
    """The items of a FETCH answer; none of another one."""
    said = words_of(parts)
    return said[2] if len(said) > 2 and text(said[1]).upper() == b"FETCH" and isinstance(said[2], list) else []


def usual_message(parts: list[bytes | Literal]) -> Fetched | None:
    """The same as `message_of`, in a tenth of the time, of an answer as nearly all are; None of any other."""
    if len(parts) != 3 or parts[2] != b")" or not isinstance(parts[0], bytes) or not isinstance(parts[1], Literal):
        return None
    match = _USUAL_FETCH.fullmatch(parts[0])
    if match is None or match[1] is None:
        return None
    body, uid, listed, date = parts[1], *match.groups()
    flags, received_at = _listed_flags(listed or b""), internal_date(date)
    return Fetched(int(uid), body.content, body.spool, body.size, received_at, flags)


def message_of(items: list[Word]) -> Fetched | None:
    """The message in a FETCH answer; None in one that only tells of changed flags, or of a message that went (NIL)."""
    found = dict(pairs(items))
    uid, body = number(found.get(b"UID")), found.get(b"BODY[]")
    if uid is None or body is None:
        return None
    received_at, flags = internal_date(found.get(b"INTERNALDATE")), _flags(found.get(b"FLAGS"))
    if isinstance(body, Literal):
        return Fetched(uid, body.content, body.spool, body.size, received_at, flags)
    content = text(body)
    return Fetched(uid, content, None, len(content), received_at, flags)


def heading_of(items: list[Word]) -> Heading | None:
    found = dict(pairs(items))
    uid = number(found.get(b"UID"))
    header = next((value for name, value in found.items() if name.startswith(b"BODY[")), None)
    if uid is None:
        return None
    message_id = text(header).partition(b":")[2].strip().decode("utf-8", "replace")
    return Heading(
        uid, message_id, number(found.get(b"RFC822.SIZE")) or 0, internal_date(found.get(b"INTERNALDATE")),
        _flags(found.get(b"FLAGS")),
    )  # fmt: skip
