"""Messages as the stages of the gateway hand them on, made of real raw mail by the real decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domains.models import Mailbox
from domains.policy.book import EMPTY
from domains.policy.evaluate import Recipient as ForWhom
from domains.policy.evaluate import evaluate
from domains.policy.facts import Direction, Envelope
from domains.policy.policy import Policy
from domains.policy.reading import facts_from_message
from gateway.filing import file_batch
from gateway.flow import Asked, Client, Door, Filed, Incoming, InMemory, Inspection, Judged, Route, Sending, Tls, Ways
from gateway.keys import new_key
from gateway.models import Recipient

RAW = (
    b"From: Bob Builder <bob@friends.example>\r\nTo: ada@example.org\r\nSubject: The bridge\r\n"
    b"Message-ID: <bridge@friends.example>\r\nDate: Sun, 29 Nov 2026 10:00:00 +0000\r\n\r\nIt stands.\r\n"
)
CLIENT = Client("192.0.2.7", 40123, "mail.friends.example", "mail.friends.example", tls=Tls("TLSv1.3", "AES256"))
POLICY = Policy(quarantine=True, retention=True, archive=True, spam_score=5.0)


def incoming(raw: bytes = RAW, *, to: Sequence[str] = ("ada@example.org",), **values: Any) -> Incoming:
    message = Incoming(
        key=new_key(),
        door=Door.MX,
        client=CLIENT,
        sender=Sending("bob@friends.example"),
        recipients=tuple(Asked(address) for address in to),
        body=InMemory(raw),
        received_at=datetime.now(UTC),
    )
    return replace(message, **values)


def route_to(mailbox: Mailbox, **values: Any) -> Route:
    route = Route(
        asked=mailbox.address,
        address=mailbox.address,
        ends=Ways.MAILBOX,
        direction=Direction.INCOMING,
        domain_id=mailbox.domain_id,
        customer_id=mailbox.customer_id,
        mailbox_id=mailbox.pk,
        policy_of=mailbox.pk,
        way=(mailbox.address,),
        return_path="bob@friends.example",
        transport="127.0.0.1:2526",
    )
    return replace(route, **values)


def filed(
    routes: Sequence[Route], raw: bytes = RAW, *, score: float | None = 0.0, policy: Policy = POLICY, **values: Any
) -> Filed:
    """What `file_batch` takes, judged by one policy for all."""
    message = incoming(raw, to=[route.asked for route in routes], **values)
    direction = routes[0].direction
    envelope = Envelope(
        sender=message.sender.address,
        recipients=tuple(route.asked for route in routes),
        direction=direction,
        received_at=message.received_at,
        spam_score=score,
    )
    facts = facts_from_message(raw, envelope)
    judged = tuple(Judged(route, evaluate(facts, policy, EMPTY, ForWhom(route.address))) for route in routes)
    header_from = facts.header_from[0].address if facts.header_from else ""
    found = Inspection(facts, facts.subject, "<bridge@friends.example>", header_from, scanner="none")
    return Filed(message, found, judged)


def file_for(mailbox: Mailbox, raw: bytes = RAW, **values: Any) -> Recipient:
    """A message that came for one mailbox; its row."""
    (message,) = file_batch([filed([route_to(mailbox)], raw, **values)])
    return message.recipients.get()
