"""One message of a list on its way to many: rows for mailboxes of ours, a place in the queue for everybody else.

Subscribers elsewhere have no passport row each: what is delivered is counted, what fails is a step of the message and
counts for the subscriber. In the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone

from accounts import links
from domains.models import MailingList, Subscriber
from domains.policy.facts import Direction, Envelope
from domains.policy.reading import facts_from_message
from gateway import content
from gateway.filing import file_batch
from gateway.flow import Asked, Client, Door, Filed, Incoming, InMemory, Inspection, Judged, Route, Ruled, Sending, Ways
from gateway.judging.deciding import judge
from gateway.keys import new_key
from gateway.lists import addresses
from gateway.lists.dressing import Dress
from gateway.models import Message, QueueItem
from gateway.outgoing.dkim import lines_for
from gateway.queue.adding import BULK, item_for, notify
from gateway.reception_rows import transport_of
from gateway.refusing import owe
from gateway.resolving import resolve
from gateway.ruling import rule

QUEUE = "lists"
BATCH = 500
SIGNED_SINGLY = 2_000  # more subscribers get one signature, which leaves out their own way off the list


@dataclass(frozen=True, slots=True)
class Copy:
    """What is a subscriber's own: the return path and the lines before the message."""

    subscriber: Subscriber
    return_path: str
    headers: tuple[str, ...]


def dress_of(found: MailingList) -> Dress:
    """How this list dresses what is posted to it."""
    address = found.address.text
    local, _at, domain = address.rpartition("@")
    lines = (
        f"List-Post: <mailto:{address}>" if found.posting != MailingList.Posting.OWNER else "List-Post: NO",
        f"List-Help: <mailto:{addresses.address(address, 'request')}?subject=help>",
        f"List-Subscribe: <mailto:{addresses.address(address, 'subscribe')}>",
        f"List-Owner: <mailto:{addresses.address(address, 'owner')}>",
    )
    reply_to = {"list": address, "owner": addresses.address(address, "owner")}.get(found.reply_to, "")
    return Dress(
        list_id=f"{local}.{domain}",
        name=found.address.name,
        address=address,
        links=lines,
        subject_prefix=found.subject_prefix,
        reply_to=reply_to,
        above=found.header,
        below=found.footer,
        boundary=f"list-{new_key()}",
    )


def copies_for(found: MailingList, subscribers: Iterable[Subscriber]) -> Iterable[Copy]:
    address = found.address.text
    for each in subscribers:
        back = addresses.address(address, "bounces", addresses.proof(found.pk, each.pk, "bounce"))
        off = addresses.proof(found.pk, each.pk, "leave")
        link = links.public_url() + reverse("gateway:list-leave", args=[found.pk, off])
        mail = addresses.address(address, "unsubscribe", off)
        headers = (
            f"List-Unsubscribe: <{link}>,\r\n <mailto:{mail}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        )
        yield Copy(each, back, headers)


def send(found: MailingList, raw: bytes, subscribers: Sequence[Subscriber], *, message_id: str = "") -> Message:
    """Distribute these bytes; the message of the list. Raises: DatabaseError."""
    address = found.address.text
    back = addresses.address(address, "bounces")
    body, now = InMemory(raw), timezone.now()
    facts = facts_from_message(
        raw, Envelope(sender=back, recipients=(address,), direction=Direction.INCOMING, received_at=now)
    )
    incoming = Incoming(new_key(), Door.OWN, Client(""), Sending(back), (Asked(address),), body, now)
    author = facts.header_from[0].address if facts.header_from else ""
    inspection = Inspection(facts, facts.subject, message_id or _message_id(facts.headers), author)
    copies = list(copies_for(found, subscribers))
    ours, others = _sorted(copies)
    judged = owe(rule(incoming, inspection, _judged(inspection, ours))) if ours else ()
    (message,) = file_batch([Filed(incoming, inspection, judged)])
    row = message.content
    if row is None:
        row = content.write([body])[0]
        message.content = row
        message.save(update_fields=["content"])
    domain = found.address.domain
    shared = () if len(others) <= SIGNED_SINGLY else lines_for(body, domain.name, now)
    items = []
    for copy in others:
        route = Route(
            asked=address, address=copy.subscriber.email, ends=Ways.EXTERNAL, direction=Direction.OUTGOING,
            domain_id=domain.pk, customer_id=domain.customer_id, return_path=copy.return_path,
            transport=transport_of(copy.subscriber.email),
        )  # fmt: skip
        signed = shared or lines_for(body, domain.name, now, copy.headers)
        items.append(
            item_for(message, None, row, route, headers=(*signed, *copy.headers), queue=QUEUE, priority=BULK, at=now)
        )
    QueueItem.objects.bulk_create(items, batch_size=BATCH)
    if items:
        notify(items)
    return message


def _message_id(headers: Iterable[tuple[str, str]]) -> str:
    return next((value.strip()[:500] for name, value in headers if name.lower() == "message-id"), "")


def _sorted(copies: Iterable[Copy]) -> tuple[list[tuple[Copy, Route]], list[Copy]]:
    """Those whose address leads into mailboxes here, with the routes, and the others."""
    ours: list[tuple[Copy, Route]] = []
    others: list[Copy] = []
    seen: set[str] = set()
    for copy in copies:
        found = resolve(copy.subscriber.email, copy.return_path)
        if not found.is_ours:
            others.append(copy)
            continue
        for route in found.routes:
            if route.ends is not Ways.LIST and route.address not in seen:
                seen.add(route.address)
                ours.append((copy, replace(route, return_path=copy.return_path)))
    return ours, others


def _judged(inspection: Inspection, ours: Sequence[tuple[Copy, Route]]) -> list[Judged]:
    judged = judge(inspection, [route for _copy, route in ours])
    return [replace(each, ruled=Ruled(headers=copy.headers)) for each, (copy, _route) in zip(judged, ours, strict=True)]
