"""Our own mails to people: invitations, links, notices. Plain text, in the reader's language, by one SMTP server.

The server comes from the environment (POSTKEEP_SMTP_HOST …), so no person aims this connection. Without one nothing
can be sent, and whoever wanted to must show what they have instead. Not for the mail we serve: that is the gateway's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from email.utils import formataddr, parseaddr
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

logger = logging.getLogger("postkeep.mailing")


class NotSent(Exception):
    """The mail server took it not; the text says why, for the log. `permanent`: trying again can't help."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


def is_configured() -> bool:
    """Whether there is a server to send by."""
    return bool(settings.EMAIL_HOST)


def send(
    to: str, template: str, context: Mapping[str, Any], *, language: str = "", name: str = "", sender: str = ""
) -> None:
    """Send one mail and wait until the server has taken it (10 s at most).

    template: `mails/…txt`; its first line is the subject, after an empty line follows the text. sender: the name that
    stands before our address.
    Raises: NotSent.
    """
    if not is_configured():
        raise NotSent("no mail server is configured", permanent=True)
    with translation.override(language or settings.LANGUAGE_CODE):
        subject, _blank, body = render_to_string(template, dict(context)).strip().partition("\n")
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body=body.strip() + "\n",
        from_email=_from(sender),
        to=[formataddr((name, to)) if name.isprintable() else to],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    try:
        message.send()
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; ValueError: a header with a line break
        logger.warning("a mail was not sent: %s", error)
        raise NotSent(str(error), permanent=_is_permanent(error)) from error


def _from(sender: str) -> str:
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return formataddr((sender, address)) if sender and sender.isprintable() else settings.DEFAULT_FROM_EMAIL


def _is_permanent(error: Exception) -> bool:
    """Whether the server said 5xx (RFC 5321 §4.2.1), or the mail can't be written at all."""
    codes = [getattr(error, "smtp_code", 0)]
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
    return isinstance(error, ValueError) or all(500 <= code < 600 for code in codes)
