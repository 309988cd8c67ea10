"""The counts a domain and its customer keep of what is theirs, and the limits on them.

A count changes in the transaction of what it counts, under a lock on the domain's row, so that of two who take the last
place exactly one gets it. Locks are taken broker first (of one with limits), then customer, then domain. Not for quotas
of mailboxes.
"""

from __future__ import annotations

from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _

from config.kit.versions import ChangedMeanwhile
from domains.errors import LimitReached
from domains.limits import allows
from domains.models import Address, Customer, Domain
from domains.services import broker_limits

# kind of address: the count on the domain, the limit on the domain and on the customer
_COUNTS: dict[str, tuple[str, str]] = {
    Address.Kind.MAILBOX: ("mailbox_count", "max_mailboxes"),
    Address.Kind.ALIAS: ("alias_count", "max_aliases"),
    Address.Kind.GROUP: ("group_count", "max_groups"),
    Address.Kind.FORWARD: ("forward_count", ""),
    Address.Kind.LIST: ("list_count", "max_lists"),
}


def add(domain: Domain, kind: str, count: int = 1) -> None:
    """Count so many more addresses of this kind; call it before they are made. Raises: LimitReached."""
    counted, limit = _COUNTS[kind]
    broker_limits.hold(domain.customer_id if limit else None)
    customer = _locked_customer(domain)
    locked = Domain.objects.select_for_update().get(pk=domain.pk)
    if limit:
        _check(getattr(locked, limit), getattr(locked, counted) + count, locked.name)
        if customer is not None and getattr(customer, limit) is not None:
            _check(getattr(customer, limit), _of_customer(customer, counted) + count, customer.name)
        broker_limits.require_room(broker_limits.of_customer(customer), {counted: count})
    _change(domain, customer, kind, count)


def remove(domain: Domain, kind: str, count: int = 1) -> None:
    """Count so many fewer addresses of this kind."""
    customer = _locked_customer(domain)
    _change(domain, customer, kind, -count)


def lock(domain: Domain) -> Domain:
    """The domain as it is now, with its row and its customer's held until the transaction ends.

    For changes of many counts at once. Raises: ChangedMeanwhile where it went to another customer in between.
    """
    broker_limits.hold(domain.customer_id)
    customer = _locked_customer(domain)
    locked = Domain.objects.select_for_update().get(pk=domain.pk)
    if locked.customer_id != domain.customer_id:
        raise ChangedMeanwhile(f"{domain} went to another customer meanwhile")
    locked.customer = customer
    return locked


def add_domain(customer: Customer | None) -> None:
    """Count one more domain of a customer. Raises: LimitReached."""
    if customer is None:
        return
    broker_limits.hold(customer.pk)
    locked = Customer.objects.select_for_update().get(pk=customer.pk)
    broker_limits.require_room(broker_limits.of_customer(locked), {"domains": 1})
    if not allows(locked.max_domains, locked.domain_count + 1):
        text = _("%(name)s may have %(limit)s domains at most.") % {"name": locked, "limit": locked.max_domains}
        raise LimitReached(text)
    Customer.objects.filter(pk=customer.pk).update(domain_count=F("domain_count") + 1)


def count_active(domain: Domain, change: int) -> None:
    """Mailboxes that became enabled (positive) or stopped being so."""
    Domain.objects.filter(pk=domain.pk).update(active_count=F("active_count") + change)


def _locked_customer(domain: Domain) -> Customer | None:
    if domain.customer_id is None:
        return None
    return Customer.objects.select_for_update().get(pk=domain.customer_id)


def _change(domain: Domain, customer: Customer | None, kind: str, count: int) -> None:
    counted = _COUNTS[kind][0]
    Domain.objects.filter(pk=domain.pk).update(**{counted: F(counted) + count})
    setattr(domain, counted, getattr(domain, counted) + count)
    if customer is not None and kind == Address.Kind.MAILBOX:
        Customer.objects.filter(pk=customer.pk).update(mailbox_count=F("mailbox_count") + count)


def _of_customer(customer: Customer, counted: str) -> int:
    domains: QuerySet[Domain] = Domain.objects.filter(customer=customer)
    return domains.aggregate(total=Sum(counted))["total"] or 0


def _check(limit: int | None, count: int, name: str) -> None:
    if not allows(limit, count):
        text = _("%(name)s has reached its limit of %(limit)s. Raise the limit, or remove something first.")
        raise LimitReached(text % {"name": name, "limit": limit})
