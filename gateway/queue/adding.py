"""Rows of the queue for what was filed, and the signal that there are some.

Not for saving them: `gateway.filing` does, in one transaction with everything else of the message.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection

from gateway.flow import Filed, Judged, Route
from gateway.models import Content, Message, QueueItem, Recipient
from gateway.storable import storable

CHANNEL = "postkeep_queue"
EXPIRES_AFTER = timedelta(days=5)  # RFC 5321 §4.5.4.1 asks for 4 to 5 days


def items_for(
    message: Message, onward: Iterable[tuple[Recipient, Judged]], content: Content, filed: Filed
) -> list[QueueItem]:
    """Unsaved rows, one for each recipient whose message goes on."""
    headers = [storable(line) for line in filed.headers]
    parameters = {name: value for name, value in filed.incoming.sender.parameters if name in _KEPT}
    asked = {each.address: dict(each.parameters) for each in filed.incoming.recipients}
    return [
        QueueItem(
            message=message,
            recipient=recipient,
            content=content,
            sender=storable(judged.route.return_path, 320),
            address=recipient.address,
            relay_id=judged.route.relay_id,
            destination=destination_of(judged.route),
            domain_id=recipient.domain_id,
            customer_id=recipient.customer_id,
            headers=headers,
            subject_prefix=judged.decision.subject_prefix,
            parameters=parameters | asked.get(judged.route.asked, {}),
            next_at=message.received_at,
            expires_at=message.received_at + EXPIRES_AFTER,
            created_at=message.received_at,
        )
        for recipient, judged in onward
    ]


_KEPT = frozenset({"BODY", "SMTPUTF8", "RET", "ENVID"})


def destination_of(route: Route) -> str:
    """What concurrency and statistics count by: "relay:7", "route:mail.example.org:25" or "mx:example.org"."""
    if route.transport:
        return f"route:{route.transport}"
    if route.relay_id is not None:
        return f"relay:{route.relay_id}"
    return f"mx:{route.address.rpartition('@')[2].lower()}"


def notify() -> None:
    """Wake whoever delivers, when this transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
