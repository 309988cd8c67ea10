"""Rows of the queue, and waking delivery once they are committed.

    items = items_for(message, onward, filed)               # of what was filed
    item = item_for(message, recipient, content, route, …)  # of anything else: bounces, what is processed again
    QueueItem.objects.bulk_create(items)
    notify(items)                                           # in the same transaction: wakes after its commit

Not for deciding whether something leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import redis
from django.db import transaction
from django.utils import timezone

from config.kit import heartbeat
from gateway.flow import Filed, Judged, Route
from gateway.inserting import unsaved
from gateway.models import Content, Message, QueueItem, Recipient
from gateway.queue.settings import read_settings
from gateway.storable import storable

QUEUE = "outgoing"
URGENT, NORMAL, BULK = 2, 5, 8  # priorities are 0 (first) … 9
CHANNEL = "postkeep:queue"
EVERYWHERE = "*"
MOST_NAMED = 200
_OF_MESSAGE = frozenset({"BODY", "SMTPUTF8", "RET", "ENVID"})
_OF_RECIPIENT = frozenset({"NOTIFY", "ORCPT"})


def items_for(
    message: Message, onward: Iterable[tuple[Recipient, Judged, Content, Sequence[str]]], filed: Filed
) -> list[QueueItem]:
    """Unsaved rows, one for each recipient whose message goes on, with its bytes and the lines put before them."""
    asked = {each.address: dict(each.parameters) for each in filed.incoming.recipients}
    given = dict(filed.incoming.sender.parameters)
    return [
        item_for(
            message,
            recipient,
            content,
            _as_ruled(judged),
            headers=[
                storable(line) for line in (*headers, *(judged.ruled.headers if judged.ruled is not None else ()))
            ],
            subject_prefix=judged.decision.subject_prefix,
            parameters=given | asked.get(judged.route.asked, {}),
            at=message.received_at,
        )
        for recipient, judged, content, headers in onward
    ]


def _as_ruled(judged: Judged) -> Route:
    """Its route, to the address into which a rule put the folder."""
    address = judged.ruled.address if judged.ruled is not None else ""
    return replace(judged.route, address=address) if address else judged.route


def item_for(
    message: Message,
    recipient: Recipient | None,
    content: Content,
    route: Route,
    *,
    headers: Sequence[str] = (),
    subject_prefix: str = "",
    parameters: Mapping[str, str] | None = None,
    queue: str = QUEUE,
    priority: int = NORMAL,
    at: datetime | None = None,
) -> QueueItem:
    """An unsaved row. The envelope sender is the route's return path.

    headers: lines to be put before the message. parameters: of MAIL FROM and RCPT TO; those that don't go on are left
    out. at: when it came, and the earliest it is tried. The settings of the queue cost a query now and then.
    """
    at = at or timezone.now()
    return unsaved(
        QueueItem,
        queue=queue,
        message=message,
        recipient=recipient,
        content=content,
        sender=storable(route.return_path, 320),
        address=storable(route.address, 320),
        relay_id=None if route.transport else route.relay_id,
        destination=destination_of(route),
        domain_id=route.domain_id,
        customer_id=route.customer_id,
        headers=list(headers),
        subject_prefix=subject_prefix,
        parameters=_going_on(parameters or {}),
        priority=priority,
        next_at=at,
        expires_at=at + read_settings().lifetime,
        created_at=at,
    )


def _going_on(parameters: Mapping[str, str]) -> dict[str, str]:
    folded = {name.upper(): storable(value or "", 600) for name, value in parameters.items()}
    return {name: value for name, value in folded.items() if name in _OF_MESSAGE | _OF_RECIPIENT}


def destination_of(route: Route) -> str:
    """What concurrency and statistics count by: "relay:7", "route:mail.example.org:25" or "mx:example.org"."""
    if route.transport:
        return f"route:{route.transport.lower()}"
    if route.relay_id is not None:
        return f"relay:{route.relay_id}"
    return f"mx:{domain_of(route.address)}"


def domain_of(address: str) -> str:
    """The part after the last @, in ASCII where it can be, in lower case."""
    host = address.rpartition("@")[2].lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def notify(items: Iterable[QueueItem] = (), *, destinations: Collection[str] = ()) -> None:
    """Wake whoever delivers, when this transaction is committed. Without items and destinations they look everywhere.

    By the broker, because a NOTIFY of PostgreSQL has all committing transactions wait for each other. A signal that is
    lost costs seconds: delivery also looks by itself.
    """
    named = {*destinations, *(item.destination for item in items)}
    transaction.on_commit(lambda: wake(named))


def wake(destinations: Collection[str]) -> None:
    """The same at once, whatever the database does. Never raises."""
    few = 0 < len(destinations) <= MOST_NAMED
    _publish("\n".join(sorted(destinations)) if few else EVERYWHERE)


def _publish(text: str) -> None:
    try:
        heartbeat.broker().publish(CHANNEL, text)
    except redis.RedisError:
        return
