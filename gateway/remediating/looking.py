"""Finding a delivered message in a mailbox by IMAP, and deleting it there.

What is found by its Message-ID may be another message that somebody made to look alike, so each is fetched and
compared: it must bear our own Received line with the key of this very delivery, or the same body and the same From,
Subject and Date. What differs stays. Not for rights.

Source: RFC 3501 §6.4.4 (SEARCH HEADER); RFC 5321 §4.4 (Received: … id).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from archive.remote.errors import CommandRefused
from archive.remote.imap import Folder, Imap
from archive.remote.imap_messages import Fetched
from archive.remote.imap_words import quoted
from gateway.flow import Body

MOST_FOLDERS = 2_000
MOST_FOUND = 50  # in one folder: more that look alike are not this message
MOST_BYTES = 64 << 20
_COMPARED = (b"message-id", b"from", b"subject", b"date")


@dataclass(frozen=True, slots=True)
class Wanted:
    """keys: of the message and what it was released as, as our Received lines have them. original: its bytes, where
    they are kept still."""

    message_id: str
    keys: tuple[str, ...]
    original: bytes | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one folder has: how many are the message (and were deleted, when that was asked), how many only look so."""

    folder: str
    same: int
    other: int
    deleted: int = 0
    problem: str = ""


def original_bytes(body: Body) -> bytes | None:
    """The bytes to compare with; None for what is too large to be held twice."""
    return body.read() if body.size_bytes <= MOST_BYTES else None


def look(client: Imap, wanted: Wanted, *, delete: bool) -> list[Found]:
    """All folders that have it. Raises: NetError; what a single folder refuses is named and doesn't stop the others."""
    found = []
    for folder in client.folders()[:MOST_FOLDERS]:
        try:
            each = _look_in(client, folder, wanted, delete=delete)
        except CommandRefused as error:
            each = Found(folder.path, 0, 0, problem=str(error))
        if each.same or each.other or each.problem:
            found.append(each)
    return found


def _look_in(client: Imap, folder: Folder, wanted: Wanted, *, delete: bool) -> Found:
    client.open(folder, to_change=delete)
    uids: set[int] = set()
    for name, text in _criteria(wanted):
        written = quoted(text.encode())
        if written is not None:
            uids.update(client.search(b"HEADER " + name + b" " + written))
    if not uids:
        return Found(folder.path, 0, 0)
    same = [each.uid for each in client.fetch(sorted(uids)[:MOST_FOUND]) if is_same(_bytes_of(each), wanted)]
    other = len(uids) - len(same)
    if not (delete and same):
        return Found(folder.path, len(same), other)
    if client.delete(same):
        return Found(folder.path, len(same), other, deleted=len(same))
    return Found(
        folder.path, len(same), other, problem="others marked messages as deleted, and the server can't part them"
    )


def _criteria(wanted: Wanted) -> list[tuple[bytes, str]]:
    found = [(b"Received", key) for key in wanted.keys]
    return [(b"Message-ID", wanted.message_id), *found] if wanted.message_id else found


def is_same(raw: bytes, wanted: Wanted) -> bool:
    """Whether these bytes are the delivered message, with the lines that servers put before it."""
    header, body = _parts(raw)
    received = b"\n".join(value for name, value in header if name == b"received")
    if any(re.search(rb"\bid\s+%s\b" % re.escape(key.encode()), received) for key in wanted.keys):
        return True
    if wanted.original is None:
        return False
    known, known_body = _parts(wanted.original)
    mine, theirs = _first(header), _first(known)
    if any(mine.get(name) != theirs.get(name) for name in _COMPARED):
        return False
    return sha256(body.rstrip(b"\n")).digest() == sha256(known_body.rstrip(b"\n")).digest()


def _parts(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Header fields, unfolded, names in lower case; and the body. Line ends count as one kind."""
    head, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields = []
    for line in re.sub(rb"\n[ \t]+", b" ", head).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            fields.append((name.strip().lower(), b" ".join(value.split())))
    return fields, body


def _first(fields: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        found.setdefault(name, value)
    return found


def _bytes_of(each: Fetched) -> bytes:
    if each.spool is None:
        return each.content or b""
    with each.spool:
        return each.spool.read(MOST_BYTES)
