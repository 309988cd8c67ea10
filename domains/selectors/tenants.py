"""Reads for the lists of brokers, customers, domains and providers, and what is asked about all of them at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Broker, Customer, Domain, OutgoingProvider, Status

SOON = timedelta(days=7)
NEAR_PERCENT = 90
_LIMITS = (
    ("mailbox_count", "max_mailboxes"),
    ("alias_count", "max_aliases"),
    ("group_count", "max_groups"),
    ("list_count", "max_lists"),
)


def list_brokers(actor: Actor) -> QuerySet[Broker]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_BROKERS)
    return Broker.objects.all()


def get_broker(actor: Actor, broker_id: int) -> Broker:
    """Raises: Http404, Forbidden."""
    found = list_brokers(actor).filter(pk=broker_id).first()
    if found is None:
        raise Http404("no such broker")
    return found


def list_providers(actor: Actor) -> QuerySet[OutgoingProvider]:
    """Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return OutgoingProvider.objects.all()


def get_provider(actor: Actor, provider_id: int) -> OutgoingProvider:
    """Raises: Http404, Forbidden."""
    found = list_providers(actor).filter(pk=provider_id).first()
    if found is None:
        raise Http404("no such provider")
    return found


def list_customers(actor: Actor, right: Right = Right.VIEW_CUSTOMERS) -> QuerySet[Customer]:
    """Those on which the actor holds the right. Raises: Forbidden for who holds it nowhere."""
    actor.require_somewhere(right)
    return Customer.objects.visible_to(actor, right).select_related("broker")


def list_domains(actor: Actor, customer: int | None = None) -> QuerySet[Domain]:
    """Those the actor may see (of a customer), deleted ones too. Raises: Forbidden for who sees none by right."""
    actor.require_somewhere(Right.VIEW_DOMAINS)
    found = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).select_related("customer")
    return found if customer is None else found.filter(customer_id=customer)


def domains_near_limits(actor: Actor) -> QuerySet[Domain]:
    """Domains in which one of the numbers is near its limit, or at it."""
    near = Q(pk__in=[])
    for counted, limit in _LIMITS:
        near |= Q(**{f"{limit}__gt": 0, f"{counted}__gte": F(limit) * NEAR_PERCENT / 100}) | Q(
            **{limit: 0, f"{counted}__gt": 0}
        )
    return list_domains(actor).filter(near).exclude(status=Status.DELETED)


def domains_to_be_purged(actor: Actor, now: datetime | None = None) -> QuerySet[Domain]:
    """Deleted domains whose purge is near, the next one first."""
    soon = (now or timezone.now()) + SOON
    return list_domains(actor).filter(status=Status.DELETED, purge_at__lte=soon).order_by("purge_at", "pk")


def pending_domains(actor: Actor) -> QuerySet[Domain]:
    """Domains that wait to be put into service."""
    return list_domains(actor).filter(status=Status.PENDING)
