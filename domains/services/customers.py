"""Writes of customers: the organisations whose domains we serve, their limits, and whether they are served at all.

A customer's own administrator changes neither it nor its limits: both rights stop above it. Domains come to a customer
by being made or moved there (`domains`, `moving`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit, proving
from accounts.actors import Actor
from accounts.models import Grant, OptionValue, Role, User
from accounts.permissions import Level, Right
from accounts.services.grants import forget_scope, relabel
from accounts.services.sessions import drop_sessions_shut_out
from config.kit import versions
from domains.errors import InUse, Taken, WrongState
from domains.models import Broker, Customer, Domain, Mailbox, Status
from domains.services import broker_limits, quotas
from domains.services.fields import checked_limits, checked_text
from domains.services.leaving_customer import borrowed_of_broker, freeze

LIMITS = ("max_domains", "max_mailboxes", "max_aliases", "max_groups", "max_lists", "max_bytes")


@dataclass(frozen=True)
class Contents:
    """What is in the way of deleting a customer (domains), and what would go with it."""

    domains: int
    deleted_domains: int
    grants: int
    roles: int
    options: int

    @property
    def is_empty(self) -> bool:
        return not (self.domains or self.deleted_domains)


def create_customer(
    actor: Actor, *, name: str, broker: Broker | None = None, description: str = "", external_id: str = ""
) -> Customer:
    """A new customer, of a broker or of the server itself. Raises: Forbidden, Invalid, Taken, LimitReached."""
    actor.require(Right.MANAGE_CUSTOMERS, broker)
    values = checked_text(Customer, {"name": name, "description": description, "external_id": external_id})
    try:
        with transaction.atomic():
            broker_limits.hold_broker(broker)
            broker_limits.require_room(broker, {"customers": 1}, field="broker")
            customer = Customer.objects.create(broker=broker, **values)
            audit.record(actor, "customer.create", customer)
    except IntegrityError as error:
        raise _taken(name) from error
    return customer


def update_customer(
    actor: Actor, customer: Customer, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Set name, description, external_id, and broker (needs the right at the new one, too).

    Raises: Forbidden, Invalid, Taken, LimitReached (of the new broker), ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_CUSTOMERS, customer)
    broker = customer.broker
    texts = {key: value for key, value in values.items() if key != "broker"}
    checked = checked_text(Customer, texts)
    if "broker" in values and values["broker"] != customer.broker:
        actor.require(Right.MANAGE_CUSTOMERS, values["broker"])
        checked["broker"] = values["broker"]
    try:
        with transaction.atomic():
            new: Broker | None = checked.get("broker")
            if new is not None:
                _require_room(customer, new)
            changes = versions.change(customer, checked, expected=expected)
            if "broker" in changes and new is not None:
                quotas.check_room_of_broker(new)
            if "broker" in changes:  # the old broker's administrators could go on changing what their roles give here
                freeze(borrowed_of_broker(customer, broker))
            if "name" in changes:
                relabel(customer)
            if changes:
                audit.record(actor, "customer.edit", customer, changes=changes)
    except IntegrityError as error:
        raise _taken(checked["name"]) from error
    return changes


def _require_room(customer: Customer, broker: Broker) -> None:
    """That a broker has room for a customer with all that is theirs. Holds both. Raises: LimitReached."""
    broker_limits.hold_broker(broker)
    locked = Customer.objects.select_for_update().get(pk=customer.pk)
    if locked.broker_id != broker.pk:
        counted = [name for name in broker_limits.LIMITED if name.endswith("_count")]
        sums = Domain.objects.filter(customer=locked).aggregate(**{name: Sum(name) for name in counted})
        more = {name: int(value or 0) for name, value in sums.items()}
        more |= {"customers": 1, "domains": locked.domain_count}
        broker_limits.require_room(broker, more, field="broker")


def set_customer_limits(
    actor: Actor, customer: Customer, values: Mapping[str, int | None], *, expected: int | None = None
) -> versions.Changes:
    """Set some of LIMITS. One below what is there already stops what would be added; nothing is taken away.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_LIMITS, customer)
    checked = checked_limits(values, LIMITS)
    with transaction.atomic():
        changes = versions.change(customer, checked, expected=expected)
        if changes:
            audit.record(actor, "customer.set_limits", customer, changes=changes)
    return changes


def disable_customer(actor: Actor, customer: Customer, *, reason: str = "", expected: int | None = None) -> int:
    """Suspend all its domains, each keeping its own state; how many. Raises: Forbidden, WrongState, InUse, …"""
    return _set_enabled(actor, customer, False, reason, expected)


def enable_customer(actor: Actor, customer: Customer, *, reason: str = "", expected: int | None = None) -> int:
    """Serve it again; its domains are in the states they had. Raises: Forbidden, WrongState, ChangedMeanwhile."""
    return _set_enabled(actor, customer, True, reason, expected)


def contents(actor: Actor, customer: Customer) -> Contents:
    """What deleting this customer meets. Raises: Forbidden."""
    actor.require(Right.MANAGE_CUSTOMERS, customer)
    return _contents(customer)


def delete_customer(actor: Actor, customer: Customer, *, expected: int | None = None) -> None:
    """Only without domains; grants on it, its roles and options go too. Raises: Forbidden, InUse, ChangedMeanwhile."""
    actor.require(Right.MANAGE_CUSTOMERS, customer)
    proving.require_recent(actor)
    with transaction.atomic():
        versions.change(customer, {}, expected=expected)
        found = _contents(customer)
        if not found.is_empty:
            raise InUse(_in_the_way(customer, found))
        audit.record(actor, "customer.delete", customer)
        # the rows of purged domains stay for their archives, and are nobody's
        Domain.objects.filter(customer=customer).update(customer=None)
        Mailbox.objects.filter(customer_id=customer.pk).update(customer_id=None)
        User.objects.filter(home_customer_id=customer.pk).update(home_customer_id=None)
        forget_scope(customer)
        customer.delete()


def _set_enabled(actor: Actor, customer: Customer, enabled: bool, reason: str, expected: int | None) -> int:
    actor.require(Right.MANAGE_CUSTOMERS, customer)
    with transaction.atomic():
        versions.change(customer, {}, expected=expected)
        if customer.is_enabled == enabled:
            said = _("%(customer)s is enabled already.") if enabled else _("%(customer)s is disabled already.")
            raise WrongState(said % {"customer": customer})
        is_own = actor.user is not None and actor.user.home_customer_id == customer.pk
        if is_own and not enabled and not actor.is_administrator:
            raise InUse(_("You sign in with an address of this customer and would lock yourself out."))
        changes = versions.change(customer, {"is_enabled": enabled})
        domains = Domain.objects.filter(customer=customer).exclude(status=Status.PURGED)
        count = domains.update(suspended_by_customer=not enabled)
        if not enabled:
            drop_sessions_shut_out(User.objects.filter(home_customer_id=customer.pk))
        action = "customer.enable" if enabled else "customer.disable"
        audit.record(actor, action, customer, changes=changes, reason=reason, domains=count)
    return count


def _contents(customer: Customer) -> Contents:
    there = customer.domains.exclude(status=Status.PURGED)
    deleted = there.filter(status=Status.DELETED).count()
    return Contents(
        domains=there.count() - deleted,
        deleted_domains=deleted,
        grants=_grants(customer).count(),
        roles=Role.objects.filter(level=Level.CUSTOMER, object_id=customer.pk).count(),
        options=OptionValue.objects.filter(level=Level.CUSTOMER, object_id=customer.pk).count(),
    )


def _grants(customer: Customer) -> Any:
    """Grants on the customer, and those by a role that it made."""
    on_it = Grant.objects.filter(level=Level.CUSTOMER, object_id=customer.pk)
    return on_it | Grant.objects.filter(role__level=Level.CUSTOMER, role__object_id=customer.pk)


def _in_the_way(customer: Customer, found: Contents) -> str:
    """Why it can't be deleted, in numbers."""
    count = found.domains + found.deleted_domains
    text = ngettext(
        "%(customer)s still has %(count)d domain. Move or delete it first.",
        "%(customer)s still has %(count)d domains. Move or delete them first.",
        count,
    ) % {"customer": customer, "count": count}
    if found.deleted_domains:
        waiting = ngettext(
            "%(count)d of them is deleted and waits for its purge.",
            "%(count)d of them are deleted and wait for their purge.",
            found.deleted_domains,
        )
        text = f"{text} {waiting % {'count': found.deleted_domains}}"
    return text


def _taken(name: str) -> Taken:
    return Taken(_("There is a customer called %(name)s already.") % {"name": name}, field="name")
