"""`facts_from_message`: the facts of a raw message, for the tester page ("would this message match, and which rule?").

Within limits and without errors, whatever the bytes are; what was left out is named in `facts.incomplete`. It knows no
scanner: score, viruses, SPF, DKIM and DMARC are what the envelope says. Not for the archive, which reads all of a mail.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from domains.policy import inside, mime, signs
from domains.policy.facts import Attachment, Envelope, Facts, Text, Uri, Where

READ_BYTES = 32 * 1024 * 1024
TEXT_CHARACTERS = 1024 * 1024
TEXT_BYTES = 4 * TEXT_CHARACTERS  # none of its characters takes more in UTF-8, 16 or 32
ALL_TEXT_CHARACTERS = 4 * TEXT_CHARACTERS
MAX_URIS = 1000
PEEK = 512
MAX_URI = 2000

_REST = r"[^\s<>\"'\\\\\x00-\x1f]{1,2000}"
_AFTER_SCHEME = re.compile("://" + _REST)  # its first letters are fixed, so that texts without links cost little
_SCHEME = re.compile(r"(?:https?|ftp)\Z", re.IGNORECASE)
_WWW = re.compile(r"\b[wW][wW][wW]\." + _REST)
# A “<” ends every tag before it, so that both take linear time.
_BLOCK = re.compile(r"</?\s*(?:p|div|br|td|th|tr|li|ul|ol|table|h[1-4r])(?![a-z0-9])[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Skipped(StrEnum):
    """What `facts.incomplete` can name."""

    SIZE = "size"
    PARTS = "parts"
    DEPTH = "depth"
    TEXT = "text"
    URIS = "uris"
    ARCHIVE_ENTRIES = "archive-entries"
    ARCHIVE_UNREAD = "archive-unread"
    ARCHIVE_INSIDE = "archive-inside"


@dataclass(frozen=True, slots=True)
class BodyText:
    """A text that the message shows (attached texts aren't): as it is, and without tags where it is HTML."""

    part: mime.Part
    text: str
    plain: str

    @property
    def is_html(self) -> bool:
        return self.part.content_type == "text/html"


@dataclass(frozen=True, slots=True)
class Read:
    """A message read once, for who needs more than the facts: its parts, and what it shows."""

    facts: Facts
    parts: mime.Parts
    bodies: tuple[BodyText, ...]


@dataclass(slots=True)
class _Found:
    """Gathered from part to part."""

    bodies: list[BodyText] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    uris: dict[tuple[str, str], None] = field(default_factory=dict)
    bad_encoding: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)
    characters: int = 0

    def add_text(self, where: Where, text: str) -> None:
        kept = text[: min(TEXT_CHARACTERS, ALL_TEXT_CHARACTERS - self.characters)]
        if len(kept) < len(text):
            self.skipped[Skipped.TEXT] = None
        if kept:
            self.characters += len(kept)
            self.texts.append(Text(where, kept))


def facts_from_message(raw: bytes, envelope: Envelope) -> Facts:
    """What the message says of itself, and the envelope of it. Never raises."""
    return read_message(raw, envelope).facts


def read_message(raw: bytes, envelope: Envelope, *, size_bytes: int | None = None) -> Read:
    """The facts with what they were made of; the size of it all where `raw` is its first READ_BYTES. Never raises."""
    parts = mime.take_apart(raw[:READ_BYTES])
    size_bytes = len(raw) if size_bytes is None else size_bytes
    found = _Found(skipped=dict.fromkeys(sorted(parts.skipped)))
    if size_bytes > READ_BYTES:
        found.skipped[Skipped.SIZE] = None
    for part in parts.leaves:
        _read_part(part, found)
    head = parts.head
    facts = Facts(
        direction=envelope.direction,
        received_at=envelope.received_at,
        envelope_sender=envelope.sender,
        recipients=envelope.recipients,
        header_from=mime.mailboxes(head, "from"),
        header_sender=mime.mailboxes(head, "sender"),
        reply_to=mime.mailboxes(head, "reply-to"),
        header_recipients=mime.mailboxes(head, "to") + mime.mailboxes(head, "cc"),
        subject=mime.decode_words(head.first("subject")),
        headers=head.fields,
        authentication=envelope.authentication,
        attachments=tuple(found.attachments),
        uris=tuple(Uri(host, full) for host, full in found.uris),
        texts=tuple(found.texts),
        size_bytes=size_bytes,
        spam_score=envelope.spam_score,
        advert_signs=tuple(signs.advert_signs(head)),
        virus_names=envelope.virus_names,
        bad_headers=tuple(signs.bad_headers(head)),
        bad_encoding=tuple(found.bad_encoding),
        sender_verify=envelope.sender_verify,
        incomplete=tuple(found.skipped),
    )
    return Read(facts, parts, tuple(found.bodies))


def _read_part(part: mime.Part, found: _Found) -> None:
    data, defect = mime.decoded_body(part)
    if defect:
        found.bad_encoding[defect] = None
    text, untold, start = "", "", data[:TEXT_BYTES]
    if part.content_type.startswith("text/"):
        text, defect = mime.decode_text(start, part.charset)
        # A character cut in two at the limit isn't the sender's fault.
        if defect and len(data) <= TEXT_BYTES:
            found.bad_encoding[defect] = None
    else:
        untold = text_in(start, part.charset)
        if untold:
            found.add_text(Where.ATTACHMENT_TEXT, untold)
    if len(data) > TEXT_BYTES and (text or untold):  # in some encodings it has fewer characters than the limit
        found.skipped[Skipped.TEXT] = None
    where = Where.ATTACHMENT_TEXT if part.is_attachment else Where.BODY
    if text:
        found.add_text(where, text)
        _find_uris(text, found)
        plain = plain_text(text) if part.content_type == "text/html" else text
        if plain is not text:
            found.add_text(where, plain)
        if not part.is_attachment:
            found.bodies.append(BodyText(part, text, plain))
    if part.is_attachment:
        found.attachments.append(_attachment(part, data, found))


def _attachment(part: mime.Part, data: bytes, found: _Found) -> Attachment:
    listing = inside.list_archive(data)
    kind = inside.type_of(data)
    if listing.has_more:
        found.skipped[Skipped.ARCHIVE_ENTRIES] = None
    if kind in inside.UNLISTED or (kind == "application/zip" and not listing.entries):
        found.skipped[Skipped.ARCHIVE_UNREAD] = None
    if listing.has_unopened:
        found.skipped[Skipped.ARCHIVE_INSIDE] = None
    return Attachment(
        names=part.names,
        content_type=kind,
        declared_type=part.content_type,
        entries=tuple(listing.entries),
        size_bytes=len(data),
    )


def _find_uris(text: str, found: _Found) -> None:
    for link in _links(text[:TEXT_CHARACTERS]):
        full = html.unescape(link[:MAX_URI]).rstrip(".,;:!?)]}")
        host = host_of(full)
        if not host:
            continue
        if len(found.uris) >= MAX_URIS:
            found.skipped[Skipped.URIS] = None
            return
        found.uris[(host, full)] = None


def _links(text: str) -> Iterator[str]:
    """Where a link stands in a text, in order: with a scheme, or beginning with “www.”."""
    spans: list[tuple[int, int]] = []
    for match in _AFTER_SCHEME.finditer(text):
        scheme = _SCHEME.search(text, max(match.start() - 5, 0), match.start())
        if scheme is not None:
            spans.append((scheme.start(), match.end()))
    lowered = text.lower()
    if "www." in lowered:
        found = _www(lowered, text) if len(lowered) == len(text) else _WWW.finditer(text)
        spans = sorted(spans + [match.span() for match in found])
    end = 0
    for start, stop in spans:
        if start >= end:
            yield text[start:stop]
            end = stop


def _www(lowered: str, text: str) -> Iterator[re.Match[str]]:
    """As _WWW finds them, where lower case has kept all places; a fixed text is found sooner."""
    start = lowered.find("www.")
    while start >= 0:
        match = _WWW.match(text, start)
        if match is not None:
            yield match
        start = lowered.find("www.", start + 4 if match is None else match.end())


def host_of(uri: str) -> str:
    """The host of a link: without user, port and brackets, in lower case; empty when it has none."""
    after = uri.partition("://")[2] if "://" in uri else uri
    authority = re.split(r"[/?#\\]", after, maxsplit=1)[0].rpartition("@")[2]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.strip(".").lower()


def text_in(data: bytes, charset: str = "") -> str:
    """The text of a part that doesn't say that it is one (a table sent as any bytes); "" where it is none."""
    for codec, mark in (("utf-16", codecs.BOM_UTF16_LE), ("utf-16", codecs.BOM_UTF16_BE)):
        if data.startswith(mark):
            return data.decode(codec, "replace")
    if b"\0" in data[:PEEK]:
        even, odd = data[:PEEK:2].count(0), data[1:PEEK:2].count(0)
        if 0 in (even, odd) and 4 * (even + odd) > len(data[:PEEK]):  # every other byte is empty: western, UTF-16
            return data.decode("utf-16-le" if odd else "utf-16-be", "replace")
    return "" if _NO_TEXT.search(data) else mime.decode_text(data, charset)[0]


def plain_text(source: str) -> str:
    """The words of an HTML text without its tags, in linear time; block tags become line breaks."""
    return html.unescape(_TAG.sub("", _BLOCK.sub("\n", source)))
