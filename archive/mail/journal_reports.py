"""Envelope journal reports: the message that was sent, byte for byte, and who really sent and got it. Pure.

Exchange and Microsoft 365 wrap each message in a report: a text part with one field a line, then the message itself. A
mail server that only copies (Postfix's always_bcc) adds nothing; then the header's own traces of the envelope count.
Not for who of them is one of ours.

Source: Microsoft, "Journaling in Exchange Server" (fields of envelope reports); Postfix, postconf(5) always_bcc.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archive.mail.headers import addresses
from archive.mail.structure import MESSAGES, Entity, parse_structure
from archive.mail.transfer import decode_transfer

_LINE = re.compile(r"^(sender|on-behalf-of|recipient|to|cc|bcc|message-id|subject|label)\s*:\s*(.*)$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]+@[^\s<>,;:\"()\[\]]+")
_ROLES = ("recipient", "to", "cc", "bcc")
_TRACES = (b"delivered-to", b"x-original-to", b"x-envelope-to", b"envelope-to", b"x-rcpt-to")
_VISIBLE = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")
_MARKS = (b"x-ms-journal-report", b"x-ms-exchange-organization-journal-report")
MOST_PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Report:
    """What was sent, by whom, to whom (lower case, each once). is_report: it came in an envelope of its own."""

    message: bytes
    senders: tuple[str, ...]
    recipients: tuple[str, ...]
    is_report: bool


def unpack(raw: bytes) -> Report:
    """The message in a report; of anything else the message itself, with the people its header names."""
    structure = parse_structure(raw)
    root = structure.root
    if root.media == "multipart/mixed" and len(root.children) >= 2:
        text, inner = root.children[0], root.children[1]
        if text.media == "text/plain" and inner.media in MESSAGES and _is_report(root, text):
            return _from_report(text, inner)
    return _from_copy(raw, root)


def _is_report(root: Entity, text: Entity) -> bool:
    if any(key.lower() in _MARKS for key, _ in root.fields):
        return True
    # An older Exchange marks nothing; its text begins with the field of the sender.
    first = text.content(400).decode("utf-8", "replace").lstrip("\ufeff \r\n").lower()
    return first.startswith("sender:") and "\nmessage-id:" in first.replace("\r", "")


def _from_report(text: Entity, inner: Entity) -> Report:
    senders: dict[str, None] = {}
    recipients: dict[str, None] = {}
    for line in text.content().decode("utf-8", "replace").splitlines():
        match = _LINE.match(line.strip())
        if match is None:
            continue
        name = match[1].lower()
        # "Recipient: a@x, Forwarded: b@x" or "To: a@x, Expanded: list@x": the first one got it, through the second
        found = [address.lower() for address in _ADDRESS.findall(match[2])]
        if name in ("sender", "on-behalf-of"):
            senders.update(dict.fromkeys(found))
        elif name in _ROLES and found:
            recipients[found[0]] = None
        if len(recipients) > MOST_PEOPLE:
            break
    return Report(_bytes_of(inner), tuple(senders), tuple(recipients), is_report=True)


def _bytes_of(inner: Entity) -> bytes:
    if inner.encoding() in ("base64", "quoted-printable"):  # against RFC 2046 §5.2.1, and seen
        return decode_transfer(inner.source[inner.start : inner.end], inner.encoding())
    return inner.source[inner.start : inner.end]


def _from_copy(raw: bytes, root: Entity) -> Report:
    senders = [each.address for each in addresses(root.get_all(b"return-path") or root.get_all(b"x-envelope-from"))]
    senders += [each.address for each in addresses(root.get_all(b"from"))]
    recipients: list[str] = []
    for name in (*_TRACES, *_VISIBLE):
        recipients += [each.address for each in addresses(root.get_all(name))]
    for value in root.get_all(b"received"):
        match = re.search(rb"\sfor\s+<?([^\s<>;]+@[^\s<>;]+)>?", value)
        if match:
            recipients.append(match[1].decode("utf-8", "replace"))
    return Report(raw, _each_once(senders), _each_once(recipients), is_report=False)


def _each_once(found: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.lower() for each in found if "@" in each))
