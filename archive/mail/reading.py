"""A message as a person reads it: headers, best text, best HTML, parts. Not for the index (`extract`).

The HTML is what the sender wrote; `archive.mail.html.sanitise` must stand between it and a browser. Part numbers
depend on the bytes alone, so a link to a part stays right.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import unquote

from archive.mail.charsets import decode, is_known
from archive.mail.extract import charset_hint
from archive.mail.headers import (
    OVERRIDES,
    Address,
    addresses,
    message_id,
    one_line,
    parameter,
    parse_date,
    sent_at,
    text_of,
)
from archive.mail.markup import text_of_html
from archive.mail.names import safe_filename
from archive.mail.structure import Entity, Structure, parse_params, parse_structure
from archive.mail.transfer import is_known_encoding

__all__ = ["Address", "Note", "Part", "PartNotFound", "Reading", "inline_images", "part_bytes", "read_message"]

MAX_BYTES = 32 * 1024 * 1024
MAX_LISTED_PARTS = 1_000
MAX_HEADERS = 1_000
MAX_HEADER_CHARS = 20_000
MAX_TEXT_CHARS = 2_000_000
MAX_INLINE_BYTES = 8 * 1024 * 1024
_CID = re.compile(r"cid:([^\s\"'<>()]{1,300})", re.I)
_EXTENSIONS = {
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv", "text/vcard": ".vcf",
    "text/x-vcard": ".vcf", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
    "application/pdf": ".pdf", "application/zip": ".zip", "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s", "message/rfc822": ".eml",
    "application/json": ".json", "application/xml": ".xml", "text/xml": ".xml",
}  # fmt: skip
_RASTER = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff")


class PartNotFound(LookupError):
    """There is no part of that number in the message."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd about a message; `code` is for translating, str() says it in English."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        text = _NOTES[self.code]
        return f"{text}: {self.detail}" if self.detail else text


_NOTES = {
    "no-date": "No Date header",
    "bad-date": "The Date header can't be read or isn't plausible",
    "no-from": "No From header",
    "many-from": "More than one From header",
    "no-headers": "No headers at all",
    "charset": "Unknown charset",
    "encoding": "Unknown transfer encoding",
    "boundary": "A multipart whose parts can't be told apart is shown as source",
    "too-deep": "Nested too deep: the rest is shown as source",
    "too-many": "Too many parts: not all are listed",
    "header-cut": "A very long header is shown in part",
    "text-cut": "A very long text is shown in part",
    "cut": "A very large message is shown in part",
    "fault": "This message could not be taken apart; its source is complete",
}


@dataclass(slots=True)
class Part:
    """One part that is not the text on the page; `index` is what `part_bytes` takes.

    `inline`: a picture that the HTML shows where it stands; every other part has to be listed to be found.
    """

    index: int
    content_type: str
    name: str
    size_bytes: int
    content_id: str
    inline: bool


@dataclass(slots=True)
class Reading:
    """What the message page shows; `date` is epoch seconds UTC (see `headers.sent_at`)."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    from_: list[Address] = field(default_factory=list)
    to: list[Address] = field(default_factory=list)
    cc: list[Address] = field(default_factory=list)
    bcc: list[Address] = field(default_factory=list)
    reply_to: list[Address] = field(default_factory=list)
    date: int | None = None
    subject: str = ""
    message_id: str = ""
    text: str | None = None
    html: str | None = None
    parts: list[Part] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_message(raw: bytes, *, size: int | None = None) -> Reading:
    """The message for its page. Never raises; of more than 32 MiB only the beginning is read, and a note says so.

    `raw` may itself be only the first bytes of a message of `size` bytes.
    """
    cut = len(raw) > MAX_BYTES or (size is not None and size > len(raw))
    try:
        reading = _Reader(parse_structure(raw[:MAX_BYTES])).read()
    except (MemoryError, RecursionError, ValueError, IndexError, KeyError, TypeError, OverflowError):
        reading = Reading(text=decode(raw[:MAX_TEXT_CHARS]), notes=[Note("fault")])
    if cut:
        reading.notes.append(Note("cut"))
    return reading


def part_bytes(raw: bytes, index: int) -> bytes:
    """The decoded bytes of a part (of a message inside: its source). Raises PartNotFound."""
    for number, entity in _numbered(parse_structure(raw)):
        if number == index:
            return entity.content()
    raise PartNotFound(index)


def inline_images(raw: bytes, *, limit: int = MAX_INLINE_BYTES) -> dict[str, str]:
    """Content ids of raster images mapped to data: URLs, together at most `limit` bytes, for `html.sanitise`.

    A sandboxed frame has no cookies to fetch parts with; what it shows has to be in it.
    """
    found: dict[str, str] = {}
    room = limit
    for _, entity in _numbered(parse_structure(raw[:MAX_BYTES])):
        content_id = _content_id(entity)
        if not content_id or content_id in found or entity.end - entity.start > room * 3:
            continue
        data = entity.content()
        kind = _raster_type(data)
        if kind and len(data) <= room:
            room -= len(data)
            found[content_id] = f"data:image/{kind};base64,{b64encode(data).decode()}"
    return found


def _raster_type(data: bytes) -> str:
    """The kind of image the bytes themselves show, whatever their label."""
    if data.startswith(_RASTER[0]):
        return "png"
    if data.startswith(_RASTER[1:3]):
        return "gif"
    if data.startswith(_RASTER[3]):
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _numbered(structure: Structure) -> Iterator[tuple[int, Entity]]:
    """Leaves and enclosed messages with their numbers, from 0, in the order of the message."""
    number = 0
    for entity in structure.walk():
        if not entity.children or entity.media.startswith("message/"):
            yield number, entity
            number += 1


def _content_id(entity: Entity) -> str:
    return one_line(text_of(entity.get(b"content-id")[:1000])).strip("<>")


@dataclass(slots=True)
class _Block:
    """A piece of the page in one or both forms."""

    text: str | None = None
    html: str | None = None

    def as_text(self) -> str:
        return self.text if self.text is not None else text_of_html(self.html or "")

    def as_html(self) -> str:
        if self.html is not None:
            return self.html
        return f'<pre style="white-space:pre-wrap">{escape(self.text or "")}</pre>'


class _Reader:
    """Reads one structure; `shown` are the entities that are on the page as text."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.root = structure.root
        self.hint = charset_hint(structure.root)
        self.reading = Reading()
        self.shown: set[int] = set()
        self.room = MAX_TEXT_CHARS
        self.pictures: set[str] = set()  # content ids that the HTML shows

    def read(self) -> Reading:
        self._headers()
        blocks = self._blocks(self.root)
        if any(block.html is not None for block in blocks):
            self.reading.html = "\n<br>\n".join(block.as_html() for block in blocks)
        if blocks:
            self.reading.text = "\n\n".join(block.as_text().rstrip() for block in blocks).strip("\n")
        self._parts()
        for flag, code in (
            (self.structure.too_deep, "too-deep"),
            (self.structure.too_many, "too-many"),
            (self.structure.header_cut, "header-cut"),
        ):
            if flag:
                self._note(code)
        return self.reading

    def _note(self, code: str, detail: str = "") -> None:
        note = Note(code, detail)
        if note not in self.reading.notes and len(self.reading.notes) < 50:
            self.reading.notes.append(note)

    def _headers(self) -> None:
        root, reading = self.root, self.reading
        for name, value in root.fields[:MAX_HEADERS]:
            text = text_of(value[: MAX_HEADER_CHARS * 4], self.hint)[:MAX_HEADER_CHARS]
            reading.headers.append((name.decode("ascii", "replace"), OVERRIDES.sub("", text)))
        reading.from_ = self._addresses(b"from") or self._addresses(b"sender")
        reading.to = self._addresses(b"to")
        reading.cc = self._addresses(b"cc")
        reading.bcc = self._addresses(b"bcc")
        reading.reply_to = self._addresses(b"reply-to")
        subject = next((value for value in root.get_all(b"subject") if value), b"")
        reading.subject = one_line(text_of(subject, self.hint))[:10_000]
        reading.message_id = message_id(root.get(b"message-id"))
        dates = root.get_all(b"date")
        reading.date = sent_at(dates, root.get_all(b"received"))
        if not root.fields:
            self._note("no-headers")
            return
        if not any(dates):
            self._note("no-date")
        elif reading.date is None or reading.date != parse_date(dates[0]):
            self._note("bad-date", text_of(dates[0][:200]))
        senders = len(root.get_all(b"from"))
        if senders != 1:
            self._note("many-from" if senders else "no-from")

    def _addresses(self, name: bytes) -> list[Address]:
        return addresses(self.root.get_all(name), self.hint)

    # --- the text ---

    def _blocks(self, entity: Entity) -> list[_Block]:
        """What of an entity is shown as text. Depth is bounded by the structure's."""
        if not entity.children:
            return self._leaf(entity)
        if entity.media == "multipart/alternative":
            return self._alternative(entity)
        blocks: list[_Block] = []
        for child in entity.children:
            if entity.media.startswith("message/"):
                blocks.append(self._enclosed(child))
            blocks += self._blocks(child)
        return blocks

    def _alternative(self, entity: Entity) -> list[_Block]:
        """One block with the best plain and the best HTML form; the last of each kind is the richest."""
        text: str | None = None
        html: str | None = None
        for child in entity.children:
            blocks = self._blocks(child)
            if any(block.html is not None for block in blocks):
                html = "\n".join(block.as_html() for block in blocks)
            elif blocks and (found := "\n\n".join(block.as_text() for block in blocks)).strip():
                text = found
        if text is None and html is None:
            return []
        return [_Block(text, html)]

    def _leaf(self, entity: Entity) -> list[_Block]:
        is_text = entity.media in ("text/plain", "text/html", "text/enriched", "message/delivery-status")
        is_text = is_text or entity.broken or (entity is self.root and entity.media.startswith("text/"))
        if not is_text or entity.get(b"content-disposition")[:10].lower() == b"attachment":
            return []
        self.shown.add(id(entity))
        text = self._text(entity)
        if entity.broken and not self.structure.too_deep:
            self._note("boundary")
        if entity.media == "text/html":
            return [_Block(None, text)]
        return [_Block(text)] if text.strip() else []

    def _text(self, entity: Entity) -> str:
        label = entity.params.get("charset", b"").decode("latin-1").strip()
        if label and not is_known(label):
            self._note("charset", one_line(label)[:60])
        encoding = entity.encoding()
        if not is_known_encoding(encoding):
            self._note("encoding", one_line(encoding)[:60])
        text = decode(entity.content(max(self.room * 4, 4096)), label, self.hint)
        if entity.media == "text/plain" and entity.params.get("format", b"").lower() == b"flowed":
            text = _unflowed(text, delete_space=entity.params.get("delsp", b"").lower() == b"yes")
        if len(text) > self.room:
            text = text[: self.room]
            self._note("text-cut")
        self.room -= len(text)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _enclosed(self, message: Entity) -> _Block:
        """The head of a message inside."""
        lines = [
            f"{label}: {text}"
            for name, label in ((b"from", "From"), (b"to", "To"), (b"date", "Date"), (b"subject", "Subject"))
            if (text := one_line(text_of(message.get(name)[:4000], self.hint)))
        ]
        head = "\n".join(lines)
        markup = f'<hr><pre style="white-space:pre-wrap">{escape(head)}</pre>'
        return (
            _Block(f"---------- \n{head}\n", None)
            if not _has_html(message)
            else _Block(f"----------\n{head}\n", markup)
        )

    # --- the parts ---

    def _parts(self) -> None:
        found = _CID.findall(self.reading.html or "")
        self.pictures = {unquote(unescape(one)) for one in found} | set(found)
        for number, entity in _numbered(self.structure):
            if id(entity) in self.shown:
                continue
            if len(self.reading.parts) >= MAX_LISTED_PARTS:
                self._note("too-many")
                return
            self.reading.parts.append(self._part(number, entity))

    def _part(self, number: int, entity: Entity) -> Part:
        disposition = entity.get(b"content-disposition")
        name = parameter(parse_params(disposition), "filename", self.hint)
        name = name or parameter(entity.params, "name", self.hint)
        if not name and entity.media.startswith("message/") and entity.children:
            name = one_line(text_of(entity.children[0].get(b"subject")[:1000], self.hint))
            name = f"{name}.eml" if name else ""
        content_id = _content_id(entity)
        content = entity.content()
        return Part(
            index=number,
            content_type=entity.media,
            name=safe_filename(name, f"part-{number}{_EXTENSIONS.get(entity.media, '.bin')}"),
            size_bytes=len(content),
            content_id=content_id,
            inline=content_id in self.pictures and bool(_raster_type(content)),
        )


def _has_html(message: Entity) -> bool:
    stack = [message]
    while stack:
        entity = stack.pop()
        if entity.media == "text/html":
            return True
        stack.extend(entity.children)
    return False


def _unflowed(text: str, *, delete_space: bool) -> str:
    """RFC 3676: lines that end in a space go on in the next one of the same quoting."""
    out: list[str] = []
    flowing = ""
    for line in text.split("\n"):
        line_ = line.rstrip("\r")
        content = line_.lstrip(">")
        quoting = line_[: len(line_) - len(content)]
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        shown = content[:-1] if soft and delete_space else content
        if out and flowing == quoting + "|":
            out[-1] += shown
        else:
            out.append(f"{quoting} {shown}" if quoting else shown)
        flowing = quoting + "|" if soft else ""
    return "\n".join(out)
