"""Giving a domain to another customer, or to the server itself, with everything in it.

It leaves one customer's reach and comes under another's at one moment: every row that repeats the customer changes with
it, and what would stay in the hands of the old one ends (`leaving_customer`). Needs the right to delete the domain (it
is gone for the old customer) and to add domains at the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from accounts.services.source_grants import take_unserved
from config.kit import versions
from domains.errors import InUse, Invalid, LimitReached, WrongState
from domains.limits import allows
from domains.models import Customer, Domain, Status
from domains.services import broker_limits, counting, quotas
from domains.services.leaving_customer import borrowed_in_domain, close_across, freeze
from domains.services.people import people_of

# the counts of a domain that its customer limits
LIMITED = {
    "mailbox_count": "max_mailboxes",
    "alias_count": "max_aliases",
    "group_count": "max_groups",
    "list_count": "max_lists",
}


@dataclass
class Plan:
    """What moving these domains comes to, and which limits of the new customer are in the way."""

    domains: int = 0
    mailboxes: int = 0
    aliases: int = 0
    groups: int = 0
    lists: int = 0
    roles: int = 0
    obstacles: list[str] = field(default_factory=list)


def plan(actor: Actor, domains: Iterable[Domain], customer: Customer | None) -> Plan:
    """In numbers, before anything changes. Raises: Forbidden."""
    moved = list(domains)
    for domain in moved:
        actor.require(Right.DELETE_DOMAINS, domain)
    actor.require(Right.CREATE_DOMAINS, customer)
    coming = [domain for domain in moved if domain.customer_id != (customer.pk if customer else None)]
    sums = {counted: sum(getattr(domain, counted) for domain in coming) for counted in LIMITED}
    return Plan(
        domains=len(coming),
        mailboxes=sums["mailbox_count"],
        aliases=sums["alias_count"],
        groups=sums["group_count"],
        lists=sums["list_count"],
        roles=sum(borrowed_in_domain(domain).count() for domain in coming),
        obstacles=_obstacles(customer, len(coming), sums) + _of_broker(customer, coming),
    )


def move_domain(
    actor: Actor, domain: Domain, customer: Customer | None, *, reason: str = "", expected: int | None = None
) -> None:
    """Give the domain to this customer, or to nobody (the server itself).

    Raises: Forbidden, LimitReached (of the new customer), InUse (one's own domain), Invalid, WrongState,
    ChangedMeanwhile.
    """
    actor.require(Right.DELETE_DOMAINS, domain)
    actor.require(Right.CREATE_DOMAINS, customer)
    if domain.customer_id == (customer.pk if customer else None):
        raise Invalid(_("The domain belongs to this customer already."), field="customer")
    with transaction.atomic():
        broker_limits.hold(domain.customer_id, customer.pk if customer else None)
        _lock_customers(domain.customer_id, customer.pk if customer else None)
        old = counting.lock(domain).customer
        versions.change(domain, {}, expected=expected)
        if domain.status == Status.PURGED:
            raise WrongState(_("%(domain)s is gone for good.") % {"domain": domain.display_name})
        new = None if customer is None else Customer.objects.get(pk=customer.pk)
        _require_not_home(actor, domain, new)
        _require_room(domain, new)
        freeze(borrowed_in_domain(domain))
        changes = versions.change(domain, {"customer": new, "suspended_by_customer": bool(new and not new.is_enabled)})
        _tell_all_rows(domain)
        _count(old, -1, domain)
        _count(new, 1, domain)
        quotas.check_room(domain)
        take_unserved(actor, ScopeRef(Level.DOMAIN, domain.pk))
        told: versions.Changes = {"customer": (_name(old), _name(new))}
        audit.record(actor, "domain.move", domain, changes=told, reason=reason, **close_across(domain))
        if old is not None:  # those it leaves see that it went, and where their view of it ends
            audit.record(actor, "domain.move_away", domain, within=old, reason=reason)
        assert "customer" in changes


def _lock_customers(*ids: int | None) -> None:
    """In one order, so that two moves can't wait for each other."""
    wanted = {each for each in ids if each is not None}
    list(Customer.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def _obstacles(customer: Customer | None, domains: int, sums: dict[str, int]) -> list[str]:
    if customer is None:
        return []
    found = []
    if not allows(customer.max_domains, customer.domain_count + domains):
        text = _("%(customer)s may have %(limit)s domains at most.")
        found.append(text % {"customer": customer, "limit": customer.max_domains})
    here = Domain.objects.filter(customer=customer).aggregate(**{name: Sum(name) for name in LIMITED})
    for counted, limit in LIMITED.items():
        most: int | None = getattr(customer, limit)
        if not allows(most, (here[counted] or 0) + sums[counted]):
            label = Customer._meta.get_field(limit).verbose_name  # type: ignore[union-attr]  # a field of ours
            found.append(_("%(customer)s: %(limit)s %(most)s.") % {"customer": customer, "limit": label, "most": most})
    return found


def _of_broker(customer: Customer | None, domains: list[Domain]) -> list[str]:
    """Which limits of the new customer's broker are in the way; what comes from the same one's is counted already."""
    broker = broker_limits.of_customer(customer)
    if broker is None:
        return []
    owners = {domain.customer_id for domain in domains if domain.customer_id is not None}
    own = set(Customer.objects.filter(pk__in=owners, broker=broker).values_list("pk", flat=True))
    coming = [domain for domain in domains if domain.customer_id not in own]
    sums = {counted: sum(getattr(domain, counted) for domain in coming) for counted in LIMITED}
    return broker_limits.obstacles(broker, {"domains": len(coming)} | sums)


def _require_room(domain: Domain, customer: Customer | None) -> None:
    obstacles = _obstacles(customer, 1, {counted: getattr(domain, counted) for counted in LIMITED})
    obstacles += _of_broker(customer, [domain])
    if obstacles:
        raise LimitReached(" ".join(obstacles), field="customer")


def _require_not_home(actor: Actor, domain: Domain, customer: Customer | None) -> None:
    """Who moves their own domain to a customer that is disabled would be locked out."""
    if customer is None or customer.is_enabled or actor.user is None or actor.is_administrator:
        return
    if actor.user.home_domain_id == domain.pk:
        raise InUse(_("You sign in with an address of this domain, and the other customer is disabled."))


def _tell_all_rows(domain: Domain) -> None:
    """Every row that repeats whose the domain is."""
    for model in models_with_customer():
        model._base_manager.filter(domain=domain).update(customer_id=domain.customer_id)
    people_of(domain).update(home_customer_id=domain.customer_id)


def models_with_customer() -> Iterator[type[models.Model]]:
    """Models of this app that lie in a domain and repeat its customer's id."""
    for model in apps.get_app_config("domains").get_models():
        names = {each.name: each for each in model._meta.concrete_fields}
        if "customer_id" in names and "domain" in names and names["domain"].related_model is Domain:
            yield model


def _count(customer: Customer | None, sign: int, domain: Domain) -> None:
    if customer is not None:
        Customer.objects.filter(pk=customer.pk).update(
            domain_count=F("domain_count") + sign, mailbox_count=F("mailbox_count") + sign * domain.mailbox_count
        )


def _name(customer: Customer | None) -> str:
    return "" if customer is None else customer.name
