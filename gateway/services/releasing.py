"""The message that a release makes: the same bytes, on their way to the same recipient, judged by a person.

Not for who may (`quarantine`). Source of what a release does: Cleanmail, POST …/release: the spam tag goes, and the
mail is sent on to its recipient.
"""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.utils import timezone

from accounts.actors import Actor
from domains.models import Relay
from domains.policy.decision import Action, Category, Decision, Finding
from domains.policy.facts import Direction, Facts
from domains.policy.facts import Mailbox as Person
from domains.policy.reasons import Code, reason
from gateway.filing import file_batch
from gateway.flow import Asked, Client, Door, Filed, Incoming, Inspection, Judged, Route, Sending, Ways
from gateway.judging.deciding import judge
from gateway.keeping.reading import Copy
from gateway.keys import new_key
from gateway.models import Message, Recipient
from gateway.outgoing.chain import prepare
from gateway.reception_rows import routed, transport_of
from gateway.resolving import resolve


def send_on(actor: Actor, recipient: Recipient, copy: Copy, *, infected: bool = False) -> Message:
    """File it in the caller's transaction; it is in the queue when that is committed. Raises: StoreError."""
    original, now, key = recipient.message, timezone.now(), new_key()
    person = (actor.acting or actor).user
    body = copy.body()
    try:
        incoming = Incoming(
            key=key,
            door=Door.RELEASE,
            client=Client("", user_id=None if person is None else person.pk, user_name=actor.label),
            sender=Sending(original.sender),
            recipients=(Asked(recipient.address),),
            body=body,
            received_at=now,
        )
        facts = Facts(
            direction=Direction(recipient.direction),
            received_at=now,
            envelope_sender=original.sender,
            header_from=(Person("", original.header_from),),
            recipients=(recipient.address,),
            subject=original.subject,
            size_bytes=body.size_bytes,
            spam_score=recipient.score,
        )
        inspection = Inspection(facts, original.subject, original.message_id, original.header_from)
        headers: tuple[str, ...] = (f"X-Postkeep-Released: {original.key}",)
        if infected:
            headers = (*headers, "X-Postkeep-Warning: a scanner found a virus in this message")
        route, inside = _route(recipient), _inside(recipient)
        if inside:
            route = replace(route, ends=Ways.HERE)
        decision = _decision(actor, recipient)
        judged = (Judged(route, decision), *(_kept_as_usual(each, decision) for each in judge(inspection, inside)))
        leaving = prepare(incoming, inspection, judged, headers=headers)
        (message,) = file_batch([Filed(incoming, inspection, judged, headers=headers, leaving=leaving)])
    finally:
        body.close()
    return message


def _decision(actor: Actor, recipient: Recipient) -> Decision:
    """A person's: delivered, whatever it is."""
    known = {each.value for each in Category}
    category = Category(recipient.category) if recipient.category in known else Category.CLEAN
    why = reason(Code.RELEASED, who=actor.label)
    finding = Finding(category, why, Action.DELIVER, decides=True)
    return Decision(category, Action.DELIVER, (finding,), spam_score=recipient.score)


def _kept_as_usual(judged: Judged, decision: Decision) -> Judged:
    """A person's decision for somebody of ours whose own policy says what is kept of it."""
    usual = judged.decision
    return replace(judged, decision=replace(decision, archive=usual.archive, retention=usual.retention))


def _route(recipient: Recipient) -> Route:
    """As mail to this recipient goes now."""
    box, back = recipient.mailbox, settings.GATEWAY.filter_next
    incoming = recipient.direction == Direction.INCOMING
    relay_id = _relay_of(recipient) if incoming else None
    if back and recipient.message.door == Door.FILTER:
        transport = back  # whatever else it could reach leads through the filter again
    else:
        transport = routed(recipient.address).via if relay_id else transport_of(recipient.address)
    return Route(
        asked=recipient.asked,
        address=recipient.address,
        ends=Ways.MAILBOX if incoming and box is not None else Ways.EXTERNAL,
        direction=Direction(recipient.direction),
        domain_id=recipient.domain_id,
        customer_id=recipient.customer_id,
        mailbox_id=recipient.mailbox_id,
        policy_of=recipient.mailbox_id,
        relay_id=relay_id,
        way=tuple(recipient.way),
        return_path=recipient.message.sender,
        transport=transport,
    )


def _inside(recipient: Recipient) -> list[Route]:
    """Of what was kept from leaving: the ways of a recipient who is ours, by whom it would have come in at once."""
    if recipient.direction == Direction.INCOMING:
        return []
    sender = recipient.message.sender
    return [replace(route, return_path=sender) for route in resolve(recipient.address, sender).routes]


def _relay_of(recipient: Recipient) -> int | None:
    """The mailbox's, or its domain's; without a mailbox that of the domain that the address lies in."""
    box = recipient.mailbox
    if box is not None and box.relay_id:
        return box.relay_id
    relays = Relay.objects.filter(is_default=True)
    if box is not None:
        relays = relays.filter(domain_id=box.domain_id)
    else:
        relays = relays.filter(domain__names__name=recipient.address.rpartition("@")[2].lower())
    return relays.values_list("pk", flat=True).first()
