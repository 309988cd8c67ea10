"""Customers (organisations with domains), brokers who bring them, and outgoing providers domains may send through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.errors import NotFound
from api.listing import Listing
from api.operations import Created, Group, anyone, holding
from api.schemas import Answer, Body, Id, Moment, Name, left_out
from api.v1 import subjects
from domains.models import Broker, Customer, OutgoingProvider
from domains.services import broker_limits, brokers, customers, providers
from domains.services.fields import LARGEST

LIMITS = {
    "max_domains": "domains",
    "max_mailboxes": "users",
    "max_aliases": "aliases",
    "max_groups": "groups",
    "max_lists": "lists",
    "max_bytes": "bytes",
}
BROKER_LIMITS = {"max_customers": "customers"} | LIMITS
NAMES = {"broker": "brokerId"} | {inside: f"limits.{outside}" for inside, outside in BROKER_LIMITS.items()}
group = Group("Customers", "Organisations with domains, and brokers who bring them.", names=NAMES)
provider_group = Group("Outgoing providers", "Services through which domains may send besides us.")

Limit = Annotated[int | None, Field(ge=-1, le=LARGEST, description="−1 is unlimited, null none of its own.")]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=1_000)]
ExternalId = Annotated[str, Field(max_length=200)]


class LimitsBody(Body):
    """What is left out stays."""

    domains: Limit = None
    users: Limit = None
    aliases: Limit = None
    groups: Limit = None
    lists: Limit = None
    bytes: Limit = None


class Limits(Answer):
    """What a customer may have: null where it has no limit of its own."""

    domains: int | None
    users: int | None
    aliases: int | None
    groups: int | None
    lists: int | None
    bytes: int | None


class BrokerLimitsBody(LimitsBody):
    """What is left out stays."""

    customers: Limit = None


class BrokerLimits(Limits):
    """What a broker's customers may have together: null where there is no such limit."""

    customers: int | None


class CustomerAnswer(Answer):
    """A customer."""

    id: int
    broker_id: int | None
    name: str
    description: str | None
    external_id: str | None
    created_at: Moment
    enabled: bool
    domains_count: int
    users_count: int
    limits: Limits


class CustomerChange(Body):
    """Fields left out stay; limits need the right to set them, `enabled` suspends all domains."""

    name: Title = left_out()
    description: Description | None = None
    external_id: ExternalId | None = None
    broker_id: Id | None = None
    enabled: bool = left_out()
    limits: LimitsBody = left_out()


class CustomerAdd(CustomerChange):
    """Only the name is needed."""

    name: Annotated[Title, Field(examples=["Wayne Enterprises"])]


class BrokerAnswer(Answer):
    """Who sells our service."""

    id: int
    name: str
    external_id: str | None
    created_at: Moment
    limits: BrokerLimits


class BrokerChange(Body):
    """Fields left out stay."""

    name: Title = left_out()
    external_id: ExternalId | None = None
    limits: BrokerLimitsBody = left_out()


class BrokerAdd(BrokerChange):
    """Only the name is needed."""

    name: Annotated[Title, Field(examples=["Resale Ltd"])]


class ProviderAnswer(Answer):
    """A service domains may send through; its SPF name is expected in their records."""

    id: int
    name: str
    spf_provider: str
    active: bool


class ProviderChange(Body):
    """Fields left out stay."""

    name: Title = left_out()
    spf_provider: Annotated[Name, Field(min_length=1, examples=["spf.protection.example.net"])] = left_out()
    active: bool = left_out()


class ProviderAdd(ProviderChange):
    """What its customers put behind include: in their SPF records."""

    name: Annotated[Title, Field(examples=["Newsletter service"])]
    spf_provider: Annotated[Name, Field(min_length=1, examples=["spf.protection.example.net"])]


def present(row: Customer) -> CustomerAnswer:
    return CustomerAnswer(
        id=row.pk,
        broker_id=row.broker_id,
        name=row.name,
        description=row.description or None,
        external_id=row.external_id or None,
        created_at=row.created_at,
        enabled=row.is_enabled,
        domains_count=row.domain_count,
        users_count=row.mailbox_count,
        limits=Limits(**{outside: getattr(row, inside) for inside, outside in LIMITS.items()}),
    )


def _present_all(actor: Actor, rows: Sequence[Customer]) -> list[CustomerAnswer]:
    return [present(row) for row in rows]


CUSTOMERS = Listing(
    CustomerAnswer,
    _present_all,
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={
        "name": filters.text("name", "The customer's name."),
        "externalId": filters.text("external_id", "Your own reference."),
        "brokerId": filters.number("broker_id", "The broker."),
        "enabled": filters.flag("is_enabled", "Whether it is served."),
    },
)


@group.list("/customers", CUSTOMERS)
def customer_list(actor: Actor) -> QuerySet[Customer]:
    """List customers."""
    actor.require_somewhere(Right.VIEW_CUSTOMERS)
    return Customer.objects.visible_to(actor, Right.VIEW_CUSTOMERS)


@group.post("/customers", admit=subjects.somewhere(Right.MANAGE_CUSTOMERS))
def customer_create(actor: Actor, body: CustomerAdd) -> Created[CustomerAnswer]:
    """Make a customer."""
    given = body.changes()
    with transaction.atomic():
        made = customers.create_customer(
            actor,
            name=body.name,
            broker=_broker(actor, body),
            description=given.get("description") or "",
            external_id=given.get("external_id") or "",
        )
        _set_more(actor, made, body)
    return Created(present(made), f"/customers/{made.pk}")


@group.get("/customers/{int:customerId}", admit=subjects.customer())
def customer_detail(actor: Actor, customer: Customer) -> CustomerAnswer:
    """Read a customer."""
    return present(customer)


def _changeable(actor: Actor, customer_id: int) -> Customer:
    """For who may change anything at all of a customer."""
    found = subjects.customer()(actor, customer_id)
    if not actor.has(Right.MANAGE_LIMITS, found):
        actor.require(Right.MANAGE_CUSTOMERS, found)
    return found


@group.patch("/customers/{int:customerId}", admit=_changeable)
def customer_change(actor: Actor, customer: Customer, body: CustomerChange) -> None:
    """Change some fields of a customer.

    All or nothing.
    """
    given = body.changes()
    values: dict[str, Any] = {
        name: given[name] or "" for name in ("name", "description", "external_id") if name in given
    }
    if "broker_id" in given:
        values["broker"] = _broker(actor, body)
    with transaction.atomic():
        if values:
            customers.update_customer(actor, customer, values)
        _set_more(actor, customer, body)


def _set_more(actor: Actor, customer: Customer, body: CustomerChange) -> None:
    given = body.changes()
    if "limits" in given:
        inside = {outside: name for name, outside in LIMITS.items()}
        limits = {inside[name]: value for name, value in body.limits.changes().items()}
        customers.set_customer_limits(actor, customer, limits)
    if "enabled" in given and given["enabled"] != customer.is_enabled:
        (customers.enable_customer if given["enabled"] else customers.disable_customer)(actor, customer)


def _broker(actor: Actor, body: CustomerChange) -> Broker | None:
    key = body.broker_id
    if key is None:
        return None
    return subjects.named("brokerId", lambda: subjects.broker(Right.MANAGE_CUSTOMERS)(actor, key))


@group.delete("/customers/{int:customerId}", admit=subjects.customer(Right.MANAGE_CUSTOMERS))
def customer_delete(actor: Actor, customer: Customer) -> None:
    """Delete a customer.

    Only without domains (409); what it was granted, its roles and its options go with it.
    """
    customers.delete_customer(actor, customer)


def _present_brokers(actor: Actor, rows: Sequence[Broker]) -> list[BrokerAnswer]:
    return [_present_broker(row) for row in rows]


def _present_broker(row: Broker) -> BrokerAnswer:
    return BrokerAnswer(
        id=row.pk,
        name=row.name,
        external_id=row.external_id or None,
        created_at=row.created_at,
        limits=BrokerLimits(**{outside: getattr(row, inside) for inside, outside in BROKER_LIMITS.items()}),
    )


BROKERS = Listing(
    BrokerAnswer,
    _present_brokers,
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={"name": filters.text("name", "The broker's name.")},
)


def _broker_seen(actor: Actor, broker_id: int) -> Broker:
    found = Broker.objects.visible_to(actor, Right.VIEW_CUSTOMERS).filter(pk=broker_id).first()
    if found is None:
        raise Http404("no such broker")
    return found


def _broker_managed(actor: Actor, broker_id: int) -> Broker:
    found = _broker_seen(actor, broker_id)
    actor.require(Right.MANAGE_BROKERS)
    return found


@group.list("/brokers", BROKERS)
def broker_list(actor: Actor) -> QuerySet[Broker]:
    """List brokers."""
    actor.require_somewhere(Right.MANAGE_CUSTOMERS)
    return Broker.objects.visible_to(actor, Right.VIEW_CUSTOMERS)


@group.post("/brokers", admit=holding(Right.MANAGE_BROKERS))
def broker_create(actor: Actor, body: BrokerAdd) -> Created[BrokerAnswer]:
    """Make a broker."""
    with transaction.atomic():
        made = brokers.create_broker(actor, name=body.name, external_id=body.external_id or "")
        _limit_broker(actor, made, body)
    return Created(_present_broker(made), f"/brokers/{made.pk}")


@group.get("/brokers/{int:brokerId}", admit=_broker_seen)
def broker_detail(actor: Actor, broker: Broker) -> BrokerAnswer:
    """Read a broker."""
    return _present_broker(broker)


@group.patch("/brokers/{int:brokerId}", admit=_broker_managed)
def broker_change(actor: Actor, broker: Broker, body: BrokerChange) -> None:
    """Change some fields of a broker.

    Its limits bound the sum over its customers. All or nothing.
    """
    given = body.changes()
    values: dict[str, Any] = {name: given[name] or "" for name in ("name", "external_id") if name in given}
    with transaction.atomic():
        if values:
            brokers.update_broker(actor, broker, values)
        _limit_broker(actor, broker, body)


def _limit_broker(actor: Actor, broker: Broker, body: BrokerChange) -> None:
    if "limits" in body.changes():
        inside = {outside: name for name, outside in BROKER_LIMITS.items()}
        limits = {inside[name]: value for name, value in body.limits.changes().items()}
        broker_limits.set_broker_limits(actor, broker, limits)


@group.delete("/brokers/{int:brokerId}", admit=_broker_managed)
def broker_delete(actor: Actor, broker: Broker) -> None:
    """Delete a broker.

    Only without customers (409).
    """
    brokers.delete_broker(actor, broker)


def present_provider(row: OutgoingProvider) -> ProviderAnswer:
    return ProviderAnswer(id=row.pk, name=row.name, spf_provider=row.spf_provider, active=row.is_active)


def _provider(actor: Actor, provider_id: int) -> OutgoingProvider:
    actor.require(Right.MANAGE_SERVER)
    found = OutgoingProvider.objects.filter(pk=provider_id).first()
    if found is None:
        raise NotFound()
    return found


@provider_group.get("/outgoing-providers", admit=anyone)
def provider_list(actor: Actor) -> list[ProviderAnswer]:
    """List the outgoing providers that domains can choose."""
    return [present_provider(row) for row in OutgoingProvider.objects.all()]


@provider_group.post("/outgoing-providers", admit=holding(Right.MANAGE_SERVER))
def provider_create(actor: Actor, body: ProviderAdd) -> Created[ProviderAnswer]:
    """Add an outgoing provider."""
    active = body.active if "active" in body.model_fields_set else True
    made = providers.create_provider(actor, name=body.name, spf_provider=body.spf_provider, is_active=active)
    return Created(present_provider(made), f"/outgoing-providers/{made.pk}")


@provider_group.get("/outgoing-providers/{int:providerId}", admit=_provider)
def provider_detail(actor: Actor, provider: OutgoingProvider) -> ProviderAnswer:
    """Read an outgoing provider."""
    return present_provider(provider)


@provider_group.patch("/outgoing-providers/{int:providerId}", admit=_provider)
def provider_change(actor: Actor, provider: OutgoingProvider, body: ProviderChange) -> None:
    """Change some fields of an outgoing provider.

    One that isn't active can't be chosen any more; who has it keeps it.
    """
    names = {"active": "is_active"}
    providers.update_provider(actor, provider, {names.get(name, name): v for name, v in body.changes().items()})


@provider_group.delete("/outgoing-providers/{int:providerId}", admit=_provider)
def provider_delete(actor: Actor, provider: OutgoingProvider) -> None:
    """Remove an outgoing provider.

    Only while no domain uses it (409).
    """
    providers.delete_provider(actor, provider)
