"""How groups, forwards and aliases are written and read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef, scope_ref
from api.schemas import Address as AddressText
from api.schemas import Answer, Body, left_out
from domains.models import Address, Recipient

NAMES = {"members": "recipients", "targets": "recipients", "is_enabled": "enabled"}

Addresses = Annotated[list[AddressText], Field(max_length=100_000)]
Senders = Literal["ANYONE", "DOMAIN", "MEMBERS", "LISTED", "NOBODY"]
SHOWN_IN_LISTS, SHOWN = 100, 10_000


class RecipientAnswer(Answer):
    """One recipient. `id` names it in DELETE …/addresses/{addressId}; names only of users the caller may see."""

    id: int
    email: str
    firstname: str | None
    lastname: str | None
    type: Literal["USER", "ALIAS", "EXTERNAL_ADDRESS"]


class EmailAlias(Answer):
    """A group. `recipientsCount` counts all; at most 100 of them are answered in a list, 10,000 with the group."""

    id: int
    domain_id: int
    email: str
    name: str
    description: str
    enabled: bool
    senders: Annotated[Senders, Field(description="Who may send to it.")]
    recipients: list[RecipientAnswer]
    recipients_count: int


class GroupDetail(EmailAlias):
    """A group, and who may send to it where that is a list."""

    allowed_senders: list[str]


class GroupChange(Body):
    """Fields left out stay; `recipients` replaces them all."""

    email: AddressText = left_out()
    recipients: Addresses = left_out()
    name: Annotated[str, Field(max_length=200)] = left_out()
    description: Annotated[str, Field(max_length=1_000)] = left_out()
    enabled: bool = left_out()
    senders: Senders = left_out()
    allowed_senders: Annotated[
        list[AddressText], Field(max_length=10_000, description="Addresses, and domains as @example.org.")
    ] = left_out()


class NewEmailAlias(GroupChange):
    """Only the address is needed."""

    email: Annotated[AddressText, Field(examples=["children@example.org"])]


class ForwardAnswer(Answer):
    """An address that goes on to others."""

    id: int
    domain_id: int
    email: str
    name: str
    description: str
    enabled: bool
    recipients: list[RecipientAnswer]
    recipients_count: int


class ForwardChange(Body):
    """Fields left out stay; `recipients` replaces them all."""

    email: AddressText = left_out()
    recipients: Annotated[Addresses, Field(min_length=1)] = left_out()
    name: Annotated[str, Field(max_length=200)] = left_out()
    description: Annotated[str, Field(max_length=1_000)] = left_out()
    enabled: bool = left_out()


class NewForward(ForwardChange):
    """Where it is, and where it goes."""

    email: Annotated[AddressText, Field(examples=["sales@example.org"])]
    recipients: Annotated[Addresses, Field(min_length=1, examples=[["ada@example.org"]])]


class Forwarding(Answer):
    """Where a user's mail goes on to."""

    recipients: list[str]
    keep_copy: bool


class ForwardingBody(Body):
    """No recipients: nowhere."""

    recipients: Addresses
    keep_copy: bool = True


class AliasAnswer(Answer):
    """Another address of a user."""

    id: int
    email: str
    enabled: bool


class Known(NamedTuple):
    """A recipient with what is told of it: of a list's thousands no more is read than that."""

    id: int
    address_id: int
    email: str
    kind: str | None
    domain_id: int | None
    customer_id: int | None
    first_name: str | None
    last_name: str | None

    def scopes(self) -> tuple[ScopeRef, ...]:
        """Those of the address of ours that it is (accounts.scopes.Scoped)."""
        return (*scope_ref(Level.DOMAIN, self.domain_id), *scope_ref(Level.CUSTOMER, self.customer_id))


_PERSON = "target__mailbox__user"
_KNOWN = ("target__kind", "target__domain", "target__customer_id", f"{_PERSON}__first_name", f"{_PERSON}__last_name")


def known(rows: QuerySet[Recipient]) -> list[Known]:
    return [Known._make(row) for row in rows.values_list("pk", "address", "email", *_KNOWN)]


def recipients_of(address: Address) -> list[Known]:
    """Those answered with the address itself."""
    return known(address.recipients.order_by("email", "pk")[:SHOWN])


def first_recipients(rows: Sequence[Address]) -> dict[int, list[Known]]:
    """The first recipients of each of a list's rows, by its key; one query."""
    place = Window(RowNumber(), partition_by=F("address"), order_by=("email", "pk"))
    several = Recipient.objects.filter(address__in=rows).annotate(place=place).filter(place__lte=SHOWN_IN_LISTS)
    found: dict[int, list[Known]] = {row.pk: [] for row in rows}
    for each in known(several.order_by("email", "pk")):
        found[each.address_id].append(each)
    return found


def present_recipients(actor: Actor, rows: Iterable[Known]) -> list[RecipientAnswer]:
    """Recipients as this actor may know them: of somebody else's users they learn no more than the address."""
    return [_recipient(actor, row) for row in rows]


def present_groups(actor: Actor, rows: Sequence[Address]) -> list[EmailAlias]:
    first = first_recipients(rows)
    return [present_group(actor, row, first[row.pk]) for row in rows]


def present_group(actor: Actor, row: Address, recipients: Iterable[Known]) -> EmailAlias:
    senders: Senders = row.senders.upper()  # type: ignore[assignment]
    return EmailAlias(
        id=row.pk,
        domain_id=row.domain_id,
        email=row.text,
        name=row.name,
        description=row.description,
        enabled=row.is_enabled,
        senders=senders,
        recipients=present_recipients(actor, recipients),
        recipients_count=row.recipient_count,
    )


def present_group_detail(actor: Actor, row: Address) -> GroupDetail:
    allowed = row.allowed_senders.values_list("value", flat=True)
    return GroupDetail(**dict(present_group(actor, row, recipients_of(row))), allowed_senders=list(allowed))


def present_forwards(actor: Actor, rows: Sequence[Address]) -> list[ForwardAnswer]:
    first = first_recipients(rows)
    return [present_forward(actor, row, first[row.pk]) for row in rows]


def present_forward(actor: Actor, row: Address, recipients: Iterable[Known]) -> ForwardAnswer:
    return ForwardAnswer(
        id=row.pk,
        domain_id=row.domain_id,
        email=row.text,
        name=row.name,
        description=row.description,
        enabled=row.is_enabled,
        recipients=present_recipients(actor, recipients),
        recipients_count=row.recipient_count,
    )


def present_aliases(rows: Iterable[Address]) -> list[AliasAnswer]:
    return [AliasAnswer(id=row.pk, email=row.text, enabled=row.is_enabled) for row in rows]


def _recipient(actor: Actor, row: Known) -> RecipientAnswer:
    if row.kind is None or not actor.has(Right.VIEW_USERS, row):
        return RecipientAnswer(id=row.id, email=row.email, firstname=None, lastname=None, type="EXTERNAL_ADDRESS")
    if row.kind != Address.Kind.MAILBOX:
        return RecipientAnswer(id=row.id, email=row.email, firstname=None, lastname=None, type="ALIAS")
    first, last = row.first_name or None, row.last_name or None
    return RecipientAnswer(id=row.id, email=row.email, firstname=first, lastname=last, type="USER")
