"""What rules would make of a message: every layer, every line that was asked, and what would come of it.

Nothing is stored and nothing leaves. The verdict is what policy and rules of the directory say of the message itself;
what only the gateway finds out (authentication, spam score) isn't known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import SERVER
from domains.errors import Invalid
from domains.models import Domain, Mailbox
from domains.policy.decision import Decision
from domains.policy.facts import Authentication, AuthResult, Direction, Envelope
from domains.policy.reading import facts_from_message
from gateway.flow import Asked, Client, Door, Incoming, InMemory, Inspection, Route, Ruled, Sending, Ways
from gateway.judging.deciding import judge
from gateway.keys import new_key
from gateway.rule_layers import AWAY, DOMAIN, USER, Layer, Layers, layers_for
from gateway.rule_layers import SERVER as OF_SERVER
from gateway.ruling import pass_through, ruled_of
from gateway.services.mail_rules.scripts import Owner, require_rules, understood
from gateway.sieve.running import Outcome

MOST_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trial:
    """decision: without rules. asked: each layer that the actor may see with its outcome, in order. ruled: what would
    come of it, as far as that says nothing of the other layers."""

    decision: Decision
    asked: tuple[tuple[Layer, Outcome], ...]
    ruled: Ruled
    sender: str
    recipient: str


def try_rules(
    actor: Actor, owner: Owner, raw: bytes, *, sender: str = "", recipient: str = "", text: str | None = None
) -> Trial:
    """text: a script that isn't in use, in the place of the owner's. Raises: Forbidden, Invalid, BadSieve."""
    _require_seeing(actor, owner)
    if not raw.strip():
        raise Invalid(_("A message, please."), field="raw")
    if len(raw) > MOST_BYTES:
        raise Invalid(_("At most %(most)d MiB.") % {"most": MOST_BYTES >> 20}, field="raw")
    route = _route(owner, recipient)
    incoming, inspection = _message(raw, sender, route)
    (judged,) = judge(inspection, [route])
    layers = layers_for(route.mailbox_id, route.domain_id)
    if text is not None:
        layers = _with(layers, owner, Layer(_level(owner), "", understood(actor, owner, text)))
    asked: list[tuple[Layer, Outcome]] = []
    made = pass_through(incoming, inspection, judged, layers, lambda layer, outcome: asked.append((layer, outcome)))
    ruled = ruled_of(incoming, inspection, judged, made, layers)
    seen = _seen(actor, owner, route)
    asked = [each for each in asked if each[0].level in seen]
    said = tuple(each for each in ruled.said if each.level in seen)
    to = {each.detail for each in said if each.action == "redirect"}
    folders = {each.detail for each in said if each.action == "fileinto"}
    ruled = replace(
        ruled,
        said=said,
        reply=ruled.reply if ruled.reply is not None and ruled.reply.level in seen else None,
        sent_on=tuple(each for each in ruled.sent_on if each in to),
        folders=tuple(each for each in ruled.folders if each in folders),
    )
    return Trial(judged.decision, tuple(asked), ruled, incoming.sender.address, route.address)


def _require_seeing(actor: Actor, owner: Owner) -> None:
    if isinstance(owner, Mailbox) and owner.user is not None and actor.owns(owner.user):
        require_rules(actor, owner)
    else:
        actor.require(Right.VIEW_POLICIES, SERVER if owner is None else owner)


def _seen(actor: Actor, owner: Owner, route: Route) -> frozenset[str]:
    """The layers whose rules the actor may read."""
    domain = None if route.domain_id is None else Domain.objects.filter(pk=route.domain_id).first()
    box = owner if isinstance(owner, Mailbox) else None
    if box is None and route.mailbox_id is not None:
        box = Mailbox.objects.filter(pk=route.mailbox_id).first()
    seen: set[str] = set()
    if actor.has(Right.VIEW_POLICIES, SERVER):
        seen.add(OF_SERVER)
    if domain is not None and actor.has(Right.VIEW_POLICIES, domain):
        seen.add(DOMAIN)
    if box is not None and (actor.has(Right.VIEW_POLICIES, box) or (box.user is not None and actor.owns(box.user))):
        seen |= {USER, AWAY}
    return frozenset(seen)


def _route(owner: Owner, recipient: str) -> Route:
    box, domain = (owner, owner.domain) if isinstance(owner, Mailbox) else (None, owner)
    if box is None and recipient:
        rows = Mailbox.objects.select_related("domain").filter(address=recipient.strip().lower(), status="enabled")
        box = rows.filter(domain=domain).first() if domain is not None else rows.first()
        if box is None:
            raise Invalid(_("There is no such mailbox here."), field="recipient")
        domain = box.domain
    address = box.address if box is not None else f"somebody@{domain.name if domain is not None else 'localhost'}"
    return Route(
        asked=address, address=address, ends=Ways.MAILBOX, direction=Direction.INCOMING,
        domain_id=None if domain is None else domain.pk,
        customer_id=None if domain is None else domain.customer_id,
        mailbox_id=None if box is None else box.pk, policy_of=None if box is None else box.pk, way=(address,),
    )  # fmt: skip


def _message(raw: bytes, sender: str, route: Route) -> tuple[Incoming, Inspection]:
    now = timezone.now()
    envelope = Envelope(sender=sender, recipients=(route.address,), received_at=now)
    facts = facts_from_message(raw, envelope)
    if not sender and facts.header_from:
        sender = facts.header_from[0].address
        facts = replace(facts, envelope_sender=sender)
    domain = sender.rpartition("@")[2]
    facts = replace(facts, authentication=Authentication(spf=AuthResult.PASS, spf_domain=domain))
    incoming = Incoming(
        new_key(), Door.MX, Client("192.0.2.1"), Sending(sender), (Asked(route.address),), InMemory(raw), now
    )
    return incoming, Inspection(facts, facts.subject)


def _level(owner: Owner) -> str:
    return USER if isinstance(owner, Mailbox) else OF_SERVER if owner is None else DOMAIN


def _with(layers: Layers, owner: Owner, layer: Layer) -> Layers:
    """The layers with this one in the place of the owner's."""
    order: Sequence[str] = (OF_SERVER, DOMAIN, USER, AWAY)
    others = [each for each in layers.rules if each.level != layer.level]
    return replace(layers, rules=tuple(sorted([*others, layer], key=lambda each: order.index(each.level))))
