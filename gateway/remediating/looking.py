"""Finding a delivered message in a mailbox by IMAP, and deleting it there.

What is found by its Message-ID may be another message that somebody made to look alike, so each is fetched and
compared: it must bear our own Received line with the key of this very delivery, or the same body and the same From,
Subject and Date. What differs stays, and so does what lies in folders of other people and in shared ones. Not for
rights.

Source: RFC 3501 §6.4.4 (SEARCH HEADER); RFC 5321 §4.4 (Received: … id); RFC 2342 (whose a folder is).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.utils.translation import gettext as _

from archive.remote.errors import CommandRefused
from archive.remote.imap import Folder, Imap
from archive.remote.imap_messages import Fetched
from archive.remote.imap_words import quoted
from config.kit import net
from gateway.flow import Body

MOST_FOLDERS = 2_000
MOST_FOUND = 50  # compared of what each criterion finds in one folder, the newest first
MOST_HEADINGS = 10_000  # whose Message-ID is read, of those that merely have the one we look for in theirs
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


def look(client: Imap, wanted: Wanted, found: list[Found], *, delete: bool) -> int:
    """Put all folders that have it into `found`; how many folders were not looked into, being somebody else's.

    found: filled while it goes on, so it says what was deleted also where the connection breaks then.
    Raises: NetError; what a single folder refuses is named and doesn't stop the others.
    """
    folders = client.folders()
    own = [folder for folder in folders if not folder.is_foreign][:MOST_FOLDERS]
    for folder in own:
        try:
            _look_in(client, folder, wanted, found, delete=delete)
        except CommandRefused as error:
            found.append(Found(folder.path, 0, 0, problem=str(error)))
    return len(folders) - len(own)


def _look_in(client: Imap, folder: Folder, wanted: Wanted, found: list[Found], *, delete: bool) -> None:
    client.open(folder, to_change=delete)
    uids, is_all = _alike(client, wanted)
    same = [each.uid for each in client.fetch(sorted(uids)) if is_same(_bytes_of(each), wanted)]
    deleted, problem = 0, ""
    if not (same or is_all):
        problem = _("More messages bear its Message-ID than are compared.")
    try:
        if delete and same:
            deleted, problem = _deleted(client, same)
    except net.NetError as error:
        problem = str(error)
        raise
    finally:
        if uids or problem:
            found.append(Found(folder.path, len(same), len(uids) - len(same), deleted, problem))


def _deleted(client: Imap, uids: Sequence[int]) -> tuple[int, str]:
    """How many are gone, and what stood in the way. Raises: NetError."""
    try:
        if client.delete(uids):
            return len(uids), ""
    except CommandRefused as error:
        return 0, str(error)
    return 0, "others marked messages as deleted, and the server can't part them"


def _alike(client: Imap, wanted: Wanted) -> tuple[set[int], bool]:
    """UIDs of what could be the message; and whether these are all.

    Each criterion has a limit of its own: SEARCH finds parts of a text, so somebody who writes `Message-ID: @` makes
    it find everything, and many messages of one Message-ID are easily sent. Our own line nobody could know before.
    """
    uids: set[int] = set()
    for key in wanted.keys:
        uids.update(_search(client, b"Received", key)[-MOST_FOUND:])
    partly = _search(client, b"Message-ID", wanted.message_id) if wanted.message_id else []
    headings = client.headings(partly[-MOST_HEADINGS:])
    bearing = sorted(each.uid for each in headings if _one_line(each.message_id) == _one_line(wanted.message_id))
    uids.update(bearing[-MOST_FOUND:])
    return uids, len(partly) <= MOST_HEADINGS and len(bearing) <= MOST_FOUND


def _search(client: Imap, name: bytes, text: str) -> list[int]:
    written = quoted(text.encode())
    return [] if written is None else client.search(b"HEADER " + name + b" " + written)


def _one_line(message_id: str) -> str:
    """The first field's value, unfolded; a message can have several, and the first counts."""
    first = re.sub(r"\r?\n[ \t]+", " ", message_id).partition("\n")[0]
    return " ".join(first.split())


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
