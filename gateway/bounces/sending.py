"""A notice on its way: its own message with its own passport, from the empty sender, to whoever sent the original."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils import translation

from domains.models import Mailbox
from domains.policy.decision import Action as Decided
from domains.policy.decision import Category
from gateway import content
from gateway.bounces import report
from gateway.flow import Door, InMemory, Route, Ways
from gateway.keys import new_key
from gateway.lists.posting import posting_for
from gateway.models import ListPosting, Message, QueueItem, Recipient, Step
from gateway.naming import own_domain, own_name
from gateway.outgoing import dkim
from gateway.queue.adding import item_for, notify
from gateway.resolving import notice_route, resolve
from gateway.steps import Kind, step, step_of
from gateway.storable import storable


def send(
    action: report.Action, items: Sequence[QueueItem], told: Sequence[report.Told], at: datetime
) -> list[QueueItem]:
    """Tell the sender of these items (of one message) in the caller's transaction; [] where there is no way to them."""
    first = items[0]
    routes = routes_to(first.sender, first)
    if not routes:
        return []
    with translation.override(_language(routes[0])):
        made = report.build(
            action, _original(first), told, to=first.sender, reporter=own_name(), domain=own_domain(), at=at
        )
    message, queued = post(made_bytes=report.as_bytes(made), subject=str(made["Subject"]), routes=routes, at=at,
                           message_id=str(made["Message-ID"]), about=first.message)  # fmt: skip
    data = {"notice": action.value, "to": first.sender, "message": message.key}
    Step.objects.bulk_create([step_of(item, Kind.NOTICED, data=data) for item in items])
    return queued


def post(
    *,
    made_bytes: bytes,
    subject: str,
    message_id: str,
    routes: Sequence[Route],
    at: datetime,
    about: Message | None = None,
    header_from: str = "",
) -> tuple[Message, list[QueueItem]]:
    """Our own message, filed and queued in the caller's transaction; its envelope sender is the routes' return path.

    header_from: who it is from; without it, our own name.
    """
    body = InMemory(made_bytes)
    row = content.write([body])[0]
    message = Message.objects.create(
        key=new_key(), received_at=at, door=Door.OWN.value, direction=routes[0].direction.value,
        header_from=storable(header_from, 320) or f"MAILER-DAEMON@{own_domain()}",
        sender=storable(routes[0].return_path, 320), subject=storable(subject, 500),
        message_id=storable(message_id, 500), size_bytes=body.size_bytes, sha256=body.sha256, content=row,
        facts={"about": about.key} if about is not None else {},
    )  # fmt: skip
    recipients = Recipient.objects.bulk_create(
        Recipient(
            message=message, received_at=at, direction=route.direction.value, asked=storable(route.asked, 320),
            address=storable(route.address, 320), way=list(route.way), mailbox_id=route.mailbox_id,
            domain_id=route.domain_id, customer_id=route.customer_id, category=Category.CLEAN.value,
            action=Decided.DELIVER.value, state=Recipient.State.QUEUED, state_at=at,
        )
        for route in routes
    )  # fmt: skip
    Step.objects.bulk_create([step(Kind.RECEIVED, message, data={"door": Door.OWN.value})])
    headers = dkim.lines_for(body, header_from.rpartition("@")[2] or own_domain(), at)
    pairs = list(zip(recipients, routes, strict=True))
    queued = QueueItem.objects.bulk_create(
        item_for(message, recipient, row, route, headers=headers, at=at)
        for recipient, route in pairs
        if route.ends is not Ways.LIST
    )
    ListPosting.objects.bulk_create(
        posting_for(message, recipient, row, route) for recipient, route in pairs if route.ends is Ways.LIST
    )
    notify(queued)
    return message, queued


def routes_to(sender: str, item: QueueItem) -> list[Route]:
    """Where a notice to this sender goes; nowhere, when their address leads to nobody."""
    found = resolve(sender, "")
    if found.is_ours:
        return list(found.routes)
    if found.refusal is not None and found.refusal.code == 553:
        return []
    return [notice_route(sender, domain_id=item.domain_id, customer_id=item.customer_id)]


def _original(item: QueueItem) -> report.Original:
    message = item.message
    return report.Original(
        key=message.key,
        received_at=message.received_at,
        header=header_of(item),
        subject=message.subject,
        message_id=message.message_id,
        envelope_id=item.parameters.get("ENVID", ""),
    )


def header_of(item: QueueItem) -> bytes:
    """The beginning of the message up to its first empty line. Empty where it can't be read."""
    found = bytearray()
    try:
        for piece in content.chunks_of(item.content):
            found += piece
            if b"\r\n\r\n" in found or len(found) > report.MOST_HEADER_BYTES:
                break
    except content.DamagedContent:
        return b""
    return bytes(found[: report.MOST_HEADER_BYTES]).partition(b"\r\n\r\n")[0] + b"\r\n"


def _language(route: Route) -> str:
    """The reader's, where they are one of ours."""
    box = Mailbox.objects.select_related("user").filter(pk=route.mailbox_id).first() if route.mailbox_id else None
    return (box.user.language if box is not None and box.user is not None else "") or settings.LANGUAGE_CODE
