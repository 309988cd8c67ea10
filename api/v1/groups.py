"""Groups: one address, many recipients (the manual's e-mail aliases)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.errors import NotFound
from api.filters import Rows
from api.listing import Listing
from api.operations import Created, Group
from api.v1 import subjects
from api.v1.address_documents import (
    NAMES,
    Addresses,
    EmailAlias,
    GroupChange,
    GroupDetail,
    NewEmailAlias,
    RecipientAnswer,
    known,
    present_group,
    present_group_detail,
    present_groups,
    present_recipients,
)
from domains import selectors
from domains.models import Address, Domain, Recipient
from domains.services import groups, objects
from domains.services.readdressing import rename_address

group = Group("Groups", "One address, many recipients: users, other groups, and addresses elsewhere.", names=NAMES)


def _has_recipient(rows: Rows, value: str) -> Rows:
    named = Recipient.objects.filter(
        filters.wildcard("email", value, canonical=True, many=True), address=OuterRef("pk")
    )
    return rows.filter(Exists(named))


RECIPIENT = filters.text_by(_has_recipient, "The address of a recipient.")
GROUPS = Listing(
    EmailAlias,
    present_groups,
    sorts={"email": "text", "id": "pk"},
    default="email",
    filters={
        "email": filters.text("text", "The group's address.", canonical=True, many=True),
        "name": filters.text("name", "What it is called.", many=True),
        "recipient": RECIPIENT,
        "address": RECIPIENT,
    },
)


def _recipients(actor: Actor, rows: Sequence[Recipient]) -> list[RecipientAnswer]:
    named = {each.id: each for each in known(Recipient.objects.filter(pk__in=[row.pk for row in rows]))}
    return present_recipients(actor, [named[row.pk] for row in rows if row.pk in named])


RECIPIENTS = Listing(
    RecipientAnswer,
    _recipients,
    sorts={"email": "email", "id": "pk"},
    default="email",
    filters={"email": filters.text("email", "The recipient's address.", canonical=True)},
)


def _group(need: Right = Right.VIEW_USERS) -> Any:
    def admit(actor: Actor, group_id: int, domain_id: int = 0) -> Address:
        return subjects.address(actor, group_id, kind=Address.Kind.GROUP, need=need, domain_id=domain_id)

    return admit


@group.list("/groups", GROUPS)
def groups_all(actor: Actor) -> QuerySet[Address]:
    """List the groups of all domains one sees."""
    return selectors.list_addresses(actor, [Address.Kind.GROUP])


@group.list("/domains/{int:domainId}/groups", GROUPS)
def group_list(actor: Actor, domain_id: int) -> QuerySet[Address]:
    """List a domain's groups."""
    domain = subjects.domain()(actor, domain_id)
    return selectors.list_addresses(actor, [Address.Kind.GROUP], domain=domain)


@group.post("/domains/{int:domainId}/groups", admit=subjects.domain(Right.MANAGE_ADDRESSES))
def group_create(actor: Actor, domain: Domain, body: NewEmailAlias) -> Created[GroupDetail]:
    """Make a group.

    Its address is of this domain, whole or the part before the @ alone.
    """
    given = body.changes()
    made = groups.create_group(
        actor,
        domain,
        email=body.email,
        name=given.get("name", ""),
        description=given.get("description", ""),
        senders=given.get("senders", "ANYONE").lower(),
        allowed_senders=given.get("allowed_senders", ()),
        members=given.get("recipients", ()),
        enabled=given.get("enabled", True),
    )
    return Created(present_group_detail(actor, made), f"/domains/{domain.pk}/groups/{made.pk}")


@group.get("/domains/{int:domainId}/groups/{int:groupId}", admit=_group())
def group_detail(actor: Actor, group: Address) -> GroupDetail:
    """Read a group with its recipients."""
    return present_group_detail(actor, group)


@group.patch("/domains/{int:domainId}/groups/{int:groupId}", admit=_group(Right.MANAGE_ADDRESSES))
def group_change(actor: Actor, group: Address, body: GroupChange) -> None:
    """Change a group's address, words, senders or recipients.

    All or nothing.
    """
    given = body.changes()
    values = {inside: given[name] for name, inside in _FIELDS.items() if name in given}
    if "senders" in given:
        values["senders"] = given["senders"].lower()
    with transaction.atomic():
        if "email" in given:
            rename_address(actor, group, email=body.email)
        if values or "allowed_senders" in given:
            groups.update_group(actor, group, values, allowed_senders=given.get("allowed_senders"))
        if "recipients" in given:
            groups.set_members(actor, group, body.recipients)


_FIELDS = {"name": "name", "description": "description", "enabled": "is_enabled"}


@group.delete("/groups/{int:groupId}", admit=_group(Right.MANAGE_ADDRESSES))
def group_delete(actor: Actor, group: Address) -> None:
    """Remove a group.

    Its address is free at once, and what named it doesn't any more.
    """
    objects.delete_address(actor, group)


@group.list("/domains/{int:domainId}/groups/{int:groupId}/addresses", RECIPIENTS)
def group_addresses(actor: Actor, domain_id: int, group_id: int) -> QuerySet[Recipient]:
    """List the recipients of a group."""
    found = _group()(actor, group_id, domain_id)
    return Recipient.objects.filter(address=found)


@group.post("/domains/{int:domainId}/groups/{int:groupId}/addresses", admit=_group(Right.MANAGE_ADDRESSES))
def group_address_add(actor: Actor, group: Address, body: Addresses) -> Created[EmailAlias]:
    """Add recipients to a group.

    A recipient may be a user, another group, or an address elsewhere. `recipients` of the answer are those that were
    added: who was in it already isn't.
    """
    added = groups.add_members(actor, group, body)
    group.refresh_from_db()
    rows = known(group.recipients.filter(email__in=added))
    return Created(present_group(actor, group, rows), f"/domains/{group.domain_id}/groups/{group.pk}")


def _recipient(actor: Actor, domain_id: int, group_id: int, address_id: int) -> Recipient:
    found = _group(Right.MANAGE_ADDRESSES)(actor, group_id, domain_id)
    recipient = Recipient.objects.select_related("address__domain").filter(address=found, pk=address_id).first()
    if recipient is None:
        raise NotFound()
    return recipient


@group.delete("/domains/{int:domainId}/groups/{int:groupId}/addresses/{int:addressId}", admit=_recipient)
def group_address_remove(actor: Actor, recipient: Recipient) -> None:
    """Remove a recipient from a group."""
    groups.remove_members(actor, recipient.address, [recipient.email])
