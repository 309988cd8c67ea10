"""`facts_from_message`: the facts of a raw message, for the tester page ("would this message match, and which rule?").

Within limits and without errors, whatever the bytes are; what was left out is named in `facts.incomplete`. It knows no
scanner: score, viruses, SPF, DKIM and DMARC are what the envelope says. Not for the archive, which reads all of a mail.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from domains.policy import inside, mime
from domains.policy.facts import Attachment, Envelope, Facts, Text, Uri, Where

READ_BYTES = 32 * 1024 * 1024
TEXT_CHARACTERS = 1024 * 1024
ALL_TEXT_CHARACTERS = 4 * TEXT_CHARACTERS
MAX_URIS = 1000
MAX_URI = 2000

_URI = re.compile(r"(?:https?|ftp)://[^\s<>\"'\\\x00-\x1f]{1,2000}|\bwww\.[^\s<>\"'\\\x00-\x1f]{1,2000}", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "br", "td", "th", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "hr"})
_NAME_OF_TAG = re.compile(r"/?\s*([a-zA-Z0-9]{1,10})")
_ONCE = ("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id")


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


@dataclass(slots=True)
class _Found:
    """Gathered from part to part."""

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
    parts = mime.take_apart(raw[:READ_BYTES])
    found = _Found(skipped=dict.fromkeys(sorted(parts.skipped)))
    if len(raw) > READ_BYTES:
        found.skipped[Skipped.SIZE] = None
    for part in parts.leaves:
        _read_part(part, found)
    head = parts.head
    return Facts(
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
        size_bytes=len(raw),
        spam_score=envelope.spam_score,
        advert_signs=tuple(_advert_signs(head)),
        virus_names=envelope.virus_names,
        bad_headers=tuple(_bad_headers(head)),
        bad_encoding=tuple(found.bad_encoding),
        sender_verify=envelope.sender_verify,
        incomplete=tuple(found.skipped),
    )


def _read_part(part: mime.Part, found: _Found) -> None:
    data, defect = mime.decoded_body(part)
    if defect:
        found.bad_encoding[defect] = None
    text = ""
    if part.content_type.startswith("text/"):
        text, defect = mime.decode_text(data[: 4 * TEXT_CHARACTERS], part.charset)
        # A character cut in two at the limit isn't the sender's fault.
        if defect and len(data) <= 4 * TEXT_CHARACTERS:
            found.bad_encoding[defect] = None
    where = Where.ATTACHMENT_TEXT if part.is_attachment else Where.BODY
    if text:
        found.add_text(where, text)
        _find_uris(text, found)
        if part.content_type == "text/html":
            found.add_text(where, plain_text(text))
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
    for match in _URI.finditer(text[:TEXT_CHARACTERS]):
        full = html.unescape(match[0][:MAX_URI]).rstrip(".,;:!?)]}")
        host = host_of(full)
        if not host:
            continue
        if len(found.uris) >= MAX_URIS:
            found.skipped[Skipped.URIS] = None
            return
        found.uris[(host, full)] = None


def host_of(uri: str) -> str:
    """The host of a link: without user, port and brackets, in lower case; empty when it has none."""
    after = uri.partition("://")[2] if "://" in uri else uri
    authority = re.split(r"[/?#\\]", after, maxsplit=1)[0].rpartition("@")[2]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    return host.strip(".").lower()


def plain_text(source: str) -> str:
    """The words of an HTML text without its tags, in linear time; block tags become line breaks."""
    pieces = source.split("<")
    words = [pieces[0]]
    for piece in pieces[1:]:
        tag, closed, rest = piece.partition(">")
        if not closed:
            words.append("<" + piece)
            continue
        name = _NAME_OF_TAG.match(tag)
        words.append("\n" if name is not None and name[1].lower() in _BLOCKS else "")
        words.append(rest)
    return html.unescape("".join(words))


def _advert_signs(head: mime.Head) -> Iterable[str]:
    """Bulk mail that one can unsubscribe from and that isn't a discussion list (RFC 2369, RFC 8058)."""
    if head.first("list-unsubscribe") and not head.first("list-post"):
        yield "list-unsubscribe"
    if head.first("feedback-id"):
        yield "feedback-id"


def _bad_headers(head: mime.Head) -> Iterable[str]:
    """RFC 5322 §3.6: what must be there, what may be there once; and what the reader stumbled over."""
    yield from head.defects
    for name in ("from", "date"):
        if not head.first(name):
            yield f"missing-{name}"
    for name in _ONCE:
        if len(head.all(name)) > 1:
            yield f"repeated-{name}"
