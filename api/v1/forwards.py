"""Forwards (addresses without a mailbox that go on to others), where users forward to, and users' aliases."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api import filters
from api.errors import NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.v1 import subjects
from api.v1.address_documents import (
    NAMES,
    Addresses,
    AliasAnswer,
    ForwardAnswer,
    ForwardChange,
    Forwarding,
    ForwardingBody,
    NewForward,
    present_aliases,
    present_forward,
    present_forwards,
    recipients_of,
)
from api.v1.groups import RECIPIENT
from domains import selectors
from domains.models import Address, Domain, Mailbox
from domains.services import aliases, forwards, objects
from domains.services.readdressing import claim_of, rename_address

group = Group("Aliases and forwards", "Other addresses of a user, and addresses that go on to others.", names=NAMES)

FORWARDS = Listing(
    ForwardAnswer,
    present_forwards,
    sorts={"email": "text", "id": "pk"},
    default="email",
    filters={
        "email": filters.text("text", "The address that is forwarded.", canonical=True, many=True),
        "name": filters.text("name", "What it is called.", many=True),
        "recipient": RECIPIENT,
    },
)


def _forward(need: Right = Right.VIEW_USERS) -> Any:
    def admit(actor: Actor, forward_id: int) -> Address:
        return subjects.address(actor, forward_id, kind=Address.Kind.FORWARD, need=need)

    return admit


@group.get("/users/{int:userId}/aliases", admit=subjects.mailbox(own=True))
def user_aliases(actor: Actor, mailbox: Mailbox) -> list[AliasAnswer]:
    """List the other addresses of a user."""
    return present_aliases(aliases.aliases_of(mailbox))


@group.post("/users/{int:userId}/aliases", admit=subjects.mailbox(Right.MANAGE_ADDRESSES))
def user_alias_add(actor: Actor, mailbox: Mailbox, body: Addresses) -> Created[list[AliasAnswer]]:
    """Give a user more addresses.

    In the user's domain or another of the same customer; all or none. Answers those that were added.
    """
    with transaction.atomic():
        added = [aliases.add_alias(actor, mailbox, email=email) for email in body]
    return Created(present_aliases(added), f"/users/{mailbox.user_id}/aliases")


@group.put("/users/{int:userId}/aliases", admit=subjects.mailbox(Right.MANAGE_ADDRESSES))
def user_alias_replace(actor: Actor, mailbox: Mailbox, body: Addresses) -> list[AliasAnswer]:
    """Give a user exactly these other addresses."""
    aliases.set_aliases(actor, mailbox, body)
    return present_aliases(aliases.aliases_of(mailbox))


def _alias(actor: Actor, user_id: int, alias_id: int) -> Address:
    mailbox = subjects.mailbox(Right.MANAGE_ADDRESSES)(actor, user_id)
    found = aliases.aliases_of(mailbox).filter(pk=alias_id).first()
    if found is None:
        raise NotFound()
    return found


@group.delete("/users/{int:userId}/aliases/{int:aliasId}", admit=_alias)
def user_alias_remove(actor: Actor, alias: Address) -> None:
    """Take an address from a user."""
    aliases.remove_alias(actor, alias)


@group.get("/users/{int:userId}/forwarding", admit=subjects.mailbox(own=True))
def forwarding(actor: Actor, mailbox: Mailbox) -> Forwarding:
    """Read where a user's mail goes on to."""
    return _forwarding(mailbox)


_forwarding_themselves = subjects.mailbox(Right.MANAGE_ADDRESSES, own=EndUserRight.MANAGE_FORWARDING)


@group.put("/users/{int:userId}/forwarding", admit=_forwarding_themselves)
def forwarding_set(actor: Actor, mailbox: Mailbox, body: ForwardingBody) -> Forwarding:
    """Set where a user's mail goes on to.

    People do it for themselves where their domain lets them. A user among their own recipients keeps a copy.
    """
    forwards.set_forwarding(actor, mailbox, body.recipients, keep_copy=body.keep_copy)
    return _forwarding(mailbox)


@group.put("/users/{int:userId}/forwarding/{address}", admit=_forwarding_themselves)
def forwarding_add(actor: Actor, mailbox: Mailbox, address: str) -> Forwarding:
    """Let a user's mail go on to one more address.

    The user's own address keeps a copy.
    """
    forwards.change_targets(actor, mailbox, add=[address])
    return _forwarding(mailbox)


@group.delete("/users/{int:userId}/forwarding/{address}", admit=_forwarding_themselves)
def forwarding_remove(actor: Actor, mailbox: Mailbox, address: str) -> None:
    """Let a user's mail no more go on to an address.

    404 where it doesn't. The user's own address keeps no copy any more.
    """
    present = _forwarding(mailbox)
    own = address.strip().lower() == mailbox.address
    if not (present.keep_copy if own else address.strip().lower() in present.recipients):
        raise NotFound()
    forwards.change_targets(actor, mailbox, remove=[address])


def _forwarding(mailbox: Mailbox) -> Forwarding:
    claim = claim_of(mailbox)
    return Forwarding(recipients=[each.email for each in recipients_of(claim)], keep_copy=claim.keep_copy)


@group.list("/forwards", FORWARDS)
def forwards_all(actor: Actor) -> QuerySet[Address]:
    """List the forwards of all domains one sees."""
    return selectors.list_addresses(actor, [Address.Kind.FORWARD])


@group.list("/domains/{int:domainId}/forwards", FORWARDS)
def forward_list(actor: Actor, domain_id: int) -> QuerySet[Address]:
    """List a domain's forwards."""
    domain = subjects.domain()(actor, domain_id)
    return selectors.list_addresses(actor, [Address.Kind.FORWARD], domain=domain)


@group.post("/domains/{int:domainId}/forwards", admit=subjects.domain(Right.MANAGE_ADDRESSES))
def forward_create(actor: Actor, domain: Domain, body: NewForward) -> Created[ForwardAnswer]:
    """Make a forward."""
    given = body.changes()
    made = forwards.create_forward(
        actor,
        domain,
        email=body.email,
        targets=body.recipients,
        name=given.get("name", ""),
        description=given.get("description", ""),
        enabled=given.get("enabled", True),
    )
    return Created(present_forward(actor, made, recipients_of(made)), f"/forwards/{made.pk}")


@group.get("/forwards/{int:forwardId}", admit=_forward())
def forward_detail(actor: Actor, forward: Address) -> ForwardAnswer:
    """Read a forward."""
    return present_forward(actor, forward, recipients_of(forward))


@group.patch("/forwards/{int:forwardId}", admit=_forward(Right.MANAGE_ADDRESSES))
def forward_change(actor: Actor, forward: Address, body: ForwardChange) -> None:
    """Change a forward's address, words or recipients.

    All or nothing.
    """
    given = body.changes()
    values = {inside: given[name] for name, inside in _FIELDS.items() if name in given}
    with transaction.atomic():
        if "email" in given:
            rename_address(actor, forward, email=body.email)
        if values or "recipients" in given:
            forwards.update_forward(actor, forward, values, targets=given.get("recipients"))


_FIELDS = {"name": "name", "description": "description", "enabled": "is_enabled"}


@group.delete("/forwards/{int:forwardId}", admit=_forward(Right.MANAGE_ADDRESSES))
def forward_delete(actor: Actor, forward: Address) -> None:
    """Remove a forward."""
    objects.delete_address(actor, forward)
