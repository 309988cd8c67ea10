"""Everything that claims an address in a domain, as one list: users, aliases, groups, forwards and mailing lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Group
from api.schemas import Answer
from api.v1 import subjects
from domains.models import Address, Mailbox, MailingList, Recipient

group = Group("Addresses of a domain", "One name space: whatever it is, an address is claimed once.")

Kind = Address.Kind
KINDS = {"USER": Kind.MAILBOX, "ALIAS": Kind.ALIAS, "GROUP": Kind.GROUP, "FORWARD": Kind.FORWARD, "LIST": Kind.LIST}
WORDS = {str(kind): word for word, kind in KINDS.items()}


class AddressAnswer(Answer):
    """One address."""

    email: str
    kind: Literal["USER", "ALIAS", "GROUP", "FORWARD", "LIST"]
    id: Annotated[int | None, Field(description="Of the user, group, forward or list; of an alias its own.")]
    enabled: bool
    recipients_count: Annotated[int, Field(description="How many addresses it goes on to.")]
    target: Annotated[str | None, Field(description="Of an alias: whose it is.")]


def _present(actor: Actor, rows: Sequence[Address]) -> list[AddressAnswer]:
    """Three queries, however many."""
    keys = [row.pk for row in rows]
    people = dict(Mailbox.objects.filter(claim__in=keys).values_list("claim_id", "user_id"))
    lists = dict(MailingList.objects.filter(address__in=keys).values_list("address_id", "pk"))
    aliases = [row.pk for row in rows if row.kind == Kind.ALIAS]
    leading = dict(Recipient.objects.filter(address__in=aliases).values_list("address_id", "email"))
    ids = {Kind.MAILBOX: people, Kind.LIST: lists}
    return [
        AddressAnswer(
            email=row.text,
            kind=WORDS[row.kind],  # type: ignore[arg-type]
            id=ids[Kind(row.kind)].get(row.pk) if row.kind in ids else row.pk,
            enabled=row.is_enabled,
            recipients_count=row.recipient_count,
            target=leading.get(row.pk),
        )
        for row in rows
    ]


OBJECTS = Listing(
    AddressAnswer,
    _present,
    sorts={"email": "text"},
    default="email",
    filters={
        "email": filters.text("text", "The address.", canonical=True),
        "kind": filters.choice("kind", "What it is.", KINDS),
    },
)


@group.list("/domains/{int:domainId}/objects", OBJECTS)
def domain_objects(actor: Actor, domain_id: int) -> QuerySet[Address]:
    """List all addresses of a domain, whatever they are.

    Without a `kind` of all kinds.
    """
    domain = subjects.domain(Right.VIEW_USERS)(actor, domain_id)
    return Address.objects.filter(domain=domain)
