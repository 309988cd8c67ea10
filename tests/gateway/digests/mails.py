"""Digest mails as they wait in the queue, read as a mail program reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from gateway import content
from gateway.models import QueueItem


def queued(address: str = "") -> list[EmailMessage]:
    """Our own mails in the queue, the oldest first."""
    items = QueueItem.objects.filter(message__door="own").select_related("content").order_by("pk")
    if address:
        items = items.filter(address=address)
    return [read(b"".join(content.chunks_of(item.content))) for item in items]


def read(raw: bytes) -> EmailMessage:
    made = message_from_bytes(raw, policy=default)
    assert isinstance(made, EmailMessage)
    return made


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body([kind])
    assert part is not None
    found: str = part.get_content()
    return found


def links_in(mail: EmailMessage) -> Sequence[str]:
    """The paths of its links to single messages, in order, from the text; the HTML has the same."""
    found = re.findall(r"https?://[^/\s]+(/q/[\w-]+/)", text_of(mail))
    assert found == re.findall(r'href="https?://[^/"]+(/q/[\w-]+/)"', text_of(mail, "html"))
    return found
