"""The bytes of a delivery status notification: a text for people, the fields for programs, the original's header.

Only the header of the original goes back, never its content. Everything strangers said is one line of plain ASCII here.
Pure but for gettext.

Source: RFC 3464 (fields), RFC 3462 (multipart/report), RFC 3463 (codes), RFC 6533 §3 (addresses), RFC 3834 (marks).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message as MimeMessage
from email.mime.text import MIMEText
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

MOST_HEADER_BYTES = 32 * 1024
MOST_TOLD = 200
_UTF8: Any = Charset("utf-8")
_UTF8.body_encoding = QP
_ESCAPED = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")


class Action(StrEnum):
    """RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one recipient. original: ORCPT as it was given. until: of a delay, when it is given up."""

    address: str
    status: str
    text: str
    original: str = ""
    host: str = ""
    is_remote: bool = False
    at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """What is told of the message. header: its bytes, at most MOST_HEADER_BYTES are used."""

    key: str
    received_at: datetime
    header: bytes
    subject: str = ""
    message_id: str = ""
    envelope_id: str = ""


def build(
    action: Action, original: Original, told: Sequence[Told], *, to: str, reporter: str, domain: str, at: datetime
) -> MimeMessage:
    """The notice. reporter: our name as a server; domain: of our own addresses. Texts are in the active language."""
    made = MimeMessage()
    made["From"] = f"{Header(_('Mail delivery'), 'utf-8').encode()} <MAILER-DAEMON@{domain}>"
    made["To"] = f"<{to}>" if to.isascii() else Header(to, "utf-8").encode()
    made["Subject"] = Header(_one_line(_subject(action, original.subject)), "utf-8").encode()
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{original.key}.{action.value}.{at.timestamp():.6f}@{domain}>"
    if re.fullmatch(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,500}>", original.message_id):
        made["In-Reply-To"] = made["References"] = original.message_id
    made["Auto-Submitted"] = "auto-replied"
    made["MIME-Version"] = "1.0"
    boundary = f"{original.key}/{at.timestamp():.6f}"
    made["Content-Type"] = f'multipart/report; report-type=delivery-status;\n boundary="{boundary}"'
    header = original.header[:MOST_HEADER_BYTES].decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    lines = header.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "?").rstrip("\n") + "\n"
    parts = [
        MIMEText(_text(action, original, told, reporter), "plain", _UTF8).as_string(),
        "Content-Type: message/delivery-status\n\n" + _fields(action, original, told, reporter),
        "Content-Type: text/rfc822-headers\n\n" + lines,
    ]
    opening = f"--{boundary}\n"
    made.set_payload(opening + f"\n{opening}".join(parts) + f"\n--{boundary}--\n")
    return made


def as_bytes(made: MimeMessage) -> bytes:
    """As it is sent, with CRLF line ends."""
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _subject(action: Action, subject: str) -> str:
    plain = {
        Action.FAILED: _("Not delivered: %(subject)s"),
        Action.DELAYED: _("Not delivered yet: %(subject)s"),
        Action.RELAYED: _("Delivered: %(subject)s"),
    }[action]
    return plain % {"subject": subject[:200] or _("(no subject)")}


def _text(action: Action, original: Original, told: Sequence[Told], reporter: str) -> str:
    intro = {
        Action.FAILED: _("Your message could not be delivered to:"),
        Action.DELAYED: _("Your message could not be delivered yet. It is tried again; you need do nothing. Waiting:"),
        Action.RELAYED: _("Your message was handed to the next server, which doesn't tell whether it arrives, for:"),
    }[action]
    lines = [_("This is %(server)s.") % {"server": reporter}, "", intro, ""]
    for each in told[:MOST_TOLD]:
        said = _("%(host)s said: %(text)s") if each.is_remote and each.host else "%(text)s"
        lines += [f"    {each.address}", f"        {_one_line(said % {'host': each.host, 'text': each.text})}"]
        if each.until is not None and action is Action.DELAYED:
            until = date_format(each.until, "DATETIME_FORMAT")
            lines.append("        " + _("It is tried until %(time)s (UTC).") % {"time": until})
    if len(told) > MOST_TOLD:
        lines.append("    " + _("and %(count)d more") % {"count": len(told) - MOST_TOLD})
    lines += ["", _("If you ask your administrator, name this number: %(key)s") % {"key": original.key}]
    return "\n".join(lines) + "\n"


def _fields(action: Action, original: Original, told: Sequence[Told], reporter: str) -> str:
    lines = [f"Reporting-MTA: dns; {_ascii(reporter)}"]
    if original.envelope_id:
        lines.append(f"Original-Envelope-Id: {_ascii(_from_xtext(original.envelope_id))}")
    lines.append(f"Arrival-Date: {format_datetime(original.received_at)}")
    for each in told:
        lines.append("")
        if each.original:
            lines.append(f"Original-Recipient: {_original(each.original)}")
        lines += [f"Final-Recipient: {_final(each.address)}", f"Action: {action.value}"]
        lines.append(f"Status: {_status(each.status)}")
        if each.host:
            lines.append(f"Remote-MTA: dns; {_ascii(each.host)}")
        if each.is_remote:
            lines.append(f"Diagnostic-Code: smtp; {_ascii(each.text)}")
        elif each.text:
            lines.append(f"Diagnostic-Code: x-postkeep; {_ascii(each.text)}")
        if each.at is not None:
            lines.append(f"Last-Attempt-Date: {format_datetime(each.at)}")
        if each.until is not None and action is Action.DELAYED:
            lines.append(f"Will-Retry-Until: {format_datetime(each.until)}")
    return "\n".join(lines) + "\n"


def _final(address: str) -> str:
    if address.isascii():
        return f"rfc822; {_ascii(address)}"
    return "utf-8; " + _ESCAPED.sub(lambda match: f"\\x{{{ord(match[0]):X}}}", address)


def _original(given: str) -> str:
    kind, semicolon, address = given.partition(";")
    if not semicolon or not re.fullmatch(r"[A-Za-z0-9-]{1,20}", kind):
        return f"unknown; {_ascii(given)}"
    return f"{kind}; {_ascii(_from_xtext(address))}"


def _from_xtext(text: str) -> str:
    """RFC 3461 §4: "+" and two hex digits stand for a character."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _status(text: str) -> str:
    return text if re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", text) else "5.0.0"


def _ascii(text: str) -> str:
    return _one_line(text).encode("ascii", "replace").decode()


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:500]
