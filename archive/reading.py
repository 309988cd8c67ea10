"""One message prepared for a page: its parts, its text in quoted and own pieces, its HTML with inline pictures.

Reads at most 32 MiB of a message; what is beyond can be had as `.eml`. Not for rights (`selectors.get_message`) and
not for understanding MIME (`archive.mail`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext_lazy as _

from archive.mail.html import Sanitised, sanitise
from archive.mail.names import safe_filename
from archive.mail.reading import Part, PartNotFound, Reading, inline_images, part_bytes, read_message
from archive.selectors import Message
from archive.store.errors import StoreError

READ_BYTES = 32 << 20
SOURCE_BYTES = 512 << 10
TEXT_CHARS = 400_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read of a message. `cut`: it is larger than what is shown."""

    raw: bytes
    reading: Reading
    cut: bool


def load(message: Message) -> Loaded:
    """Read and parse. Raises: Damaged."""
    size = message.row.size
    if size <= READ_BYTES:
        raw = message.engine.read(message.row.number)
        return Loaded(raw, read_message(raw), cut=False)
    raw = message.engine.head(message.row, READ_BYTES)[:READ_BYTES]
    return Loaded(raw, read_message(raw, size=size), cut=True)


_NOTES = {
    "no-date": _("No Date header"),
    "bad-date": _("The Date header can't be read or isn't plausible"),
    "no-from": _("No From header"),
    "many-from": _("More than one From header"),
    "no-headers": _("No headers at all"),
    "charset": _("Unknown charset"),
    "encoding": _("Unknown transfer encoding"),
    "boundary": _("A multipart whose parts can't be told apart is shown as source"),
    "too-deep": _("Nested too deep: the rest is shown as source"),
    "too-many": _("Too many parts: not all are listed"),
    "header-cut": _("A very long header is shown in part"),
    "text-cut": _("A very long text is shown in part"),
    "cut": _("A very large message is shown in part"),
    "fault": _("This message could not be taken apart; its source is complete"),
}


def notes(reading: Reading) -> list[str]:
    """What is odd about the message, in the person's language."""
    said = [(str(_NOTES.get(note.code, note)), note.detail) for note in reading.notes]
    return [f"{text}: {detail}" if detail else text for text, detail in said]


UNREAD = {
    "encrypted": _("encrypted"),
    "damaged": _("damaged"),
    "kind": _("of a kind that is not read"),
    "time": _("took too long to read"),
    "memory": _("needed too much memory"),
    "crashed": _("stopped the program that reads it"),
    "large": _("larger than what is read"),
    "deep": _("nested too deep"),
    "bomb": _("unpacks to far more than its size"),
    "many": _("too many files"),
    "cut": _("very long: only its beginning is searched"),
}


def unread(message: Message) -> list[tuple[str, str]]:
    """The attached files whose words a search doesn't find, or not all of them: name, and why."""
    if not message.row.attached:
        return []
    try:
        files = message.engine.files([message.row.number]).get(message.row.number, [])
    except StoreError:  # a damaged index says nothing; verify names it
        return []
    return [(each.name, str(UNREAD.get(each.reason, each.reason))) for each in files if each.reason]


def attachments(reading: Reading) -> list[Part]:
    """The parts a person can take: everything that isn't the text shown or a picture inside it."""
    pictures_are_shown = reading.html is not None
    return [part for part in reading.parts if not (part.inline and pictures_are_shown)]


def attachment(loaded: Loaded, index: int) -> tuple[Part, bytes] | None:
    """One part with its bytes, or None when there is none of that number."""
    part = next((each for each in loaded.reading.parts if each.index == index), None)
    if part is None:
        return None
    try:
        return part, part_bytes(loaded.raw, index)
    except PartNotFound:
        return None


def frame(loaded: Loaded, *, allow_remote: bool) -> Sanitised:
    """The document of the sandboxed frame. Pictures inside the message become data: URLs: the frame has no cookies."""
    return sanitise(loaded.reading.html or "", inline=inline_images(loaded.raw), allow_remote=allow_remote)


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Consecutive lines of a plain text, quoted or not."""

    text: str
    quoted: bool


def text_blocks(text: str) -> list[TextBlock]:
    """Cut a text where quoting begins and ends."""
    lines = text[:TEXT_CHARS].splitlines()
    groups = groupby(lines, key=lambda line: line.startswith(">"))
    return [TextBlock("\n".join(some), quoted) for quoted, some in groups]


def source_text(message: Message) -> tuple[str, bool]:
    """The beginning of the message as it is, and whether that is not all. Bytes that are no UTF-8 show as U+FFFD."""
    raw = message.engine.head(message.row, SOURCE_BYTES)
    text = raw[:SOURCE_BYTES].decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(_visible(char) for char in text), message.row.size > SOURCE_BYTES


def _visible(char: str) -> str:
    """Control characters as their pictures; the ones that turn text around would lie about the source."""
    if char in "\n\t" or char.isprintable():
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def download_name(message: Message) -> str:
    """A name for the .eml: the subject, made safe."""
    return safe_filename(f"{message.row.subject[:80].strip() or 'message'}.eml", "message.eml")
