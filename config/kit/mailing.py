"""Our own mails to people: invitations, links, notices, reports. In the reader's language, by one SMTP server.

The server is the one that an app above says (a row of its, which people set), else the environment's (POSTKEEP_MAIL_…),
which no person aims and which therefore passes no gate. Without one nothing can be sent, and whoever wanted to must
show what they have instead. Not for the mail we serve: that is the gateway's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.charset import QP, Charset
from email.mime.image import MIMEImage
from email.utils import formataddr, make_msgid, parseaddr
from smtplib import SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import SafeMIMEMultipart, SafeMIMEText
from django.template.loader import render_to_string
from django.utils import translation

from config.kit import net
from config.kit.mail_transport import Server, backend_for
from config.kit.transcripts import Transcript

logger = logging.getLogger("postkeep.mailing")

ENCODING: Any = Charset("utf-8")  # a server need not take long lines or bytes of eight bits (RFC 6152 §3)
ENCODING.body_encoding = QP

Finder = Callable[[], Server | None]
_finders: list[Finder] = []


class NotSent(Exception):
    """The mail server took it not; the text says why, for the log. `permanent`: trying again can't help."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is written: its text, and where there is one the same as HTML with its pictures by content id."""

    subject: str
    text: str
    html: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)  # content id -> PNG

    @classmethod
    def of_template(cls, template: str, context: Mapping[str, Any], *, language: str = "") -> Letter:
        """template: `mails/…txt`; its first line is the subject, after an empty line follows the text."""
        with translation.override(language or settings.LANGUAGE_CODE):
            subject, _blank, body = render_to_string(template, dict(context)).strip().partition("\n")
        return cls(subject, body.strip() + "\n")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a test mail. transcript: the conversation, without secrets; category: of what went wrong."""

    is_sent: bool
    category: net.Category | None
    text: str
    transcript: tuple[str, ...]
    spent_ms: int


def register(finder: Finder) -> None:
    """The app that keeps which server it is; the last one counts. It answers None where people set none."""
    _finders[:] = [finder]


def server() -> Server | None:
    """The server that people set; None where the environment's counts, if there is one."""
    return _finders[0]() if _finders else None


def is_configured() -> bool:
    """Whether there is a server to send by."""
    return bool(settings.EMAIL_HOST) or server() is not None


def address() -> str:
    """The address that our mails come from; "" where no server is configured."""
    return parseaddr(_from(server(), ""))[1] if is_configured() else ""


def send(
    to: str, template: str, context: Mapping[str, Any], *, language: str = "", name: str = "", sender: str = ""
) -> None:
    """Send one mail of a template and wait until the server has taken it (10 s at most).

    sender: the name that stands before our address. Raises: NotSent.
    """
    post(to, Letter.of_template(template, context, language=language), name=name, sender=sender)


def post(to: str, letter: Letter, *, name: str = "", sender: str = "") -> None:
    """Send one letter and wait until the server has taken it (10 s at most). Raises: NotSent."""
    by = server()
    if by is None and not settings.EMAIL_HOST:
        raise NotSent("no mail server is configured", permanent=True)
    message = _message(to, letter, by, name=name, sender=sender)
    if by is not None:
        message.connection = backend_for(by)
    try:
        message.send()
    except (OSError, ValueError, net.NetError) as error:  # smtplib's are OSErrors; ValueError: a header's line break
        logger.warning("a mail was not sent: %s", error)
        raise NotSent(str(error), permanent=_is_permanent(error)) from error


def written(to: str, letter: Letter, *, name: str = "", sender: str = "", address: str = "") -> tuple[bytes, str]:
    """A letter as its bytes, for who brings it on its way themselves; and its Message-ID.

    address: what it comes from where no server, which has one, is configured.
    """
    by = server()
    message = _message(to, letter, by, name=name, sender=sender)
    if address and not is_configured():
        message.from_email = formataddr((sender if sender.isprintable() else "", address))
        message.extra_headers["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    raw = message.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return raw, str(message.extra_headers["Message-ID"])


def try_out(by: Server, to: str, letter: Letter) -> Trial:
    """Send a letter by this very server; what goes wrong is in the answer, never raised."""
    transcript, began = Transcript(), time.monotonic()
    message = _message(to, letter, by)
    message.connection = backend_for(by, transcript)
    category: net.Category | None = None
    text = ""
    try:
        message.send()
    except (OSError, ValueError, net.NetError) as error:
        category, text = _category(error), transcript.clean(_said(error))
        transcript.add("*", text)
    spent_ms = round((time.monotonic() - began) * 1000)
    return Trial(category is None, category, text, tuple(transcript.lines), spent_ms)


class _Mail(EmailMultiAlternatives):
    """Text, or text and HTML with its pictures: alternative(text, related(html, pictures)), as RFC 2387 has it."""

    letter: Letter

    def _create_message(self, msg: Any) -> Any:
        if not self.letter.html:
            return super()._create_message(msg)  # type: ignore[misc]
        related = SafeMIMEMultipart("related", encoding=ENCODING, type="text/html")
        related.attach(SafeMIMEText(self.letter.html, "html", ENCODING))
        for content_id, data in self.letter.pictures.items():
            picture = MIMEImage(data, "png")
            picture.add_header("Content-ID", f"<{content_id}>")
            picture.add_header("Content-Disposition", "inline", filename=f"{content_id.partition('@')[0]}.png")
            related.attach(picture)
        both = SafeMIMEMultipart("alternative", encoding=ENCODING)
        both.attach(msg)
        both.attach(related)
        return both


def _message(to: str, letter: Letter, by: Server | None, *, name: str = "", sender: str = "") -> _Mail:
    from_email = _from(by, sender)
    message = _Mail(
        subject=" ".join(letter.subject.split()),
        body=letter.text,
        from_email=from_email,
        to=[formataddr((name, to)) if name.isprintable() else to],
        headers={
            "Message-ID": make_msgid(domain=parseaddr(from_email)[1].rpartition("@")[2] or "localhost"),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.encoding = ENCODING
    message.letter = letter
    return message


def _from(by: Server | None, sender: str) -> str:
    named = settings.DEFAULT_FROM_EMAIL if by is None else formataddr((by.sender_name, by.sender))
    return formataddr((sender, parseaddr(named)[1])) if sender and sender.isprintable() else named


def _is_permanent(error: Exception) -> bool:
    """Whether the server said 5xx (RFC 5321 §4.2.1), or the mail can't be written at all."""
    if isinstance(error, net.NetError):
        return error.permanent
    codes = [getattr(error, "smtp_code", 0)]
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
    return isinstance(error, ValueError) or all(500 <= code < 600 for code in codes)


def _category(error: Exception) -> net.Category:
    if isinstance(error, net.NetError):
        return error.category
    if isinstance(error, SMTPAuthenticationError):
        return net.Category.AUTHENTICATION
    if isinstance(error, SMTPException):
        return net.Category.REJECTED if _code(error) else net.Category.PROTOCOL
    return net.translate(error, "the mail server").category if isinstance(error, OSError) else net.Category.PROTOCOL


def _said(error: Exception) -> str:
    """What went wrong, in the server's own words where it said some."""
    if isinstance(error, SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"{code} {_text(text)}"
    if isinstance(error, SMTPException):
        words = _text(getattr(error, "smtp_error", "")) or str(error)
        return f"{_code(error) or ''} {words}".strip()
    return str(error)


def _code(error: Exception) -> int:
    return 1 if isinstance(error, SMTPRecipientsRefused) else int(getattr(error, "smtp_code", 0))


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
