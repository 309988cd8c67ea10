"""The line that says we had the message in hand (Received), and what else is done to the header as it leaves.

Source: RFC 5321 §4.4; RFC 3848 (ESMTPS, ESMTPSA); RFC 6531 §4.3 (UTF8SMTP…); RFC 8314 §4.3 (the cipher as a comment).
"""

from __future__ import annotations

import re
from email.utils import format_datetime

from domains.policy.facts import Direction
from gateway.delivery.composing import Changes
from gateway.flow import Door
from gateway.models import Message, QueueItem
from gateway.naming import own_name

_SUBMITTED = frozenset({Door.SUBMISSION, Door.CONSOLE})
_AGAIN = frozenset({Door.RELEASE, Door.REPROCESS})
_COMMENT = re.compile(r"[^\x21-\x27\x2a-\x5b\x5d-\x7e ]+")


def changes_for(item: QueueItem, *, only: bool) -> Changes:
    """What is done to this message on its way out. only: its address is the only one of the transaction."""
    message = item.message
    lines = [] if message.door == Door.OWN else [received_line(message, item.address if only else "", item.parameters)]
    return Changes(
        before=(*lines, *(str(line) for line in item.headers)),
        subject_prefix=item.subject_prefix,
        without_bcc=message.door in _SUBMITTED or (message.door in _AGAIN and message.direction == Direction.OUTGOING),
    )


def received_line(message: Message, address: str = "", parameters: dict[str, str] | None = None) -> str:
    """ "Received: from … by … with ESMTPS id …; date", folded. address: told where it is the only recipient.

    Of people who signed in there is no "from": the passport has it.
    """
    parts = []
    if message.client_address and message.person_id is None:  # where people write from is nobody's business
        known = f"{_clean(message.client_name)} " if message.client_name else ""
        literal = f"IPv6:{message.client_address}" if ":" in message.client_address else message.client_address
        parts.append(f"from {_clean(message.helo) or 'unknown'} ({known}[{literal}])")
    secured = f" ({_clean(message.tls)})" if message.tls else ""
    protocol = _protocol(message, parameters or {})
    parts.append(f"by {own_name()}{f' with {protocol}' if protocol else ''}{secured} id {message.key}")
    if address and address.isascii():
        parts.append(f"for <{address}>")
    return "Received: " + "\r\n\t".join(parts) + ";\r\n\t" + format_datetime(message.received_at)


def _protocol(message: Message, parameters: dict[str, str]) -> str:
    if message.door == Door.CONSOLE:
        return "HTTP"
    if not message.client_address:
        return ""
    secured = "S" if message.tls else ""
    signed_in = "A" if message.person_id is not None else ""
    return ("UTF8SMTP" if "SMTPUTF8" in parameters else "ESMTP") + secured + signed_in


def _clean(text: str) -> str:
    """What a stranger said, as it may stand within a line and a comment."""
    return _COMMENT.sub("?", text)[:255].strip()
