"""Messages on their way, for tests: rows as filing makes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from domains.models import Domain, Mailbox, Relay
from domains.policy.facts import Direction
from gateway import content
from gateway.flow import InMemory, Route, Ways
from gateway.keys import new_key
from gateway.models import Message, QueueItem, Recipient
from gateway.queue.adding import item_for

TEXT = b"From: ada@example.org\r\nSubject: hello\r\nMessage-ID: <one@example.org>\r\n\r\nGood morning.\r\n"


def make_queued(
    addresses: Sequence[str] = ("bob@example.net",),
    *,
    data: bytes = TEXT,
    sender: str = "ada@example.org",
    transport: str = "",
    relay: Relay | None = None,
    mailbox: Mailbox | None = None,
    domain: Domain | None = None,
    direction: Direction = Direction.OUTGOING,
    parameters: dict[str, str] | None = None,
    headers: Sequence[str] = (),
    subject_prefix: str = "",
    age: timedelta = timedelta(0),
    **message: Any,
) -> list[QueueItem]:
    """One message in the queue for these recipients; a day old with age=timedelta(days=1)."""
    at = timezone.now() - age
    body = InMemory(data)
    row = content.write([body])[0]
    made = Message.objects.create(
        **{
            "key": new_key(), "received_at": at, "door": "submission", "direction": direction.value, "sender": sender,
            "subject": "hello", "message_id": "<one@example.org>", "size_bytes": len(data), "sha256": body.sha256,
            "content": row, "client_address": "192.0.2.7", "helo": "laptop", "facts": {},
        } | message
    )  # fmt: skip
    routes = [
        Route(
            asked=address, address=address, ends=Ways.EXTERNAL, direction=direction,
            domain_id=domain.pk if domain else None, customer_id=domain.customer_id if domain else None,
            mailbox_id=mailbox.pk if mailbox else None, relay_id=relay.pk if relay else None, transport=transport,
            return_path=sender,
        )
        for address in addresses
    ]  # fmt: skip
    recipients = Recipient.objects.bulk_create(
        Recipient(
            message=made, received_at=at, direction=direction.value, asked=route.asked, address=route.address,
            mailbox_id=route.mailbox_id, domain_id=route.domain_id, customer_id=route.customer_id, category="clean",
            action="deliver", state=Recipient.State.QUEUED,
        )
        for route in routes
    )  # fmt: skip
    return QueueItem.objects.bulk_create(
        item_for(
            made, recipient, row, route, headers=headers, subject_prefix=subject_prefix, parameters=parameters, at=at
        )
        for recipient, route in zip(recipients, routes, strict=True)
    )
