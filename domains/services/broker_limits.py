"""What a broker may have altogether: its limits bound the sum over its customers.

Only brokers with limits cost anything. Their row is held first, then the customer's, then the domain's (`counting`), so
that of two customers who take the last place exactly one gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import versions
from domains.errors import LimitReached
from domains.limits import allows
from domains.models import Broker, Customer, Domain
from domains.services.fields import checked_limits

# what is counted: the limit on it
LIMITED = {
    "customers": "max_customers",
    "domains": "max_domains",
    "mailbox_count": "max_mailboxes",
    "alias_count": "max_aliases",
    "group_count": "max_groups",
    "list_count": "max_lists",
}
LIMITS = (*LIMITED.values(), "max_bytes")


def set_broker_limits(
    actor: Actor, broker: Broker, values: Mapping[str, int | None], *, expected: int | None = None
) -> versions.Changes:
    """Set some of LIMITS. One below what is there already stops what would be added; nothing is taken away.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_BROKERS)
    checked = checked_limits(values, LIMITS)
    with transaction.atomic():
        changes = versions.change(broker, checked, expected=expected)
        if changes:
            audit.record(actor, "broker.set_limits", broker, changes=changes)
    return changes


def hold(*customer_ids: int | None) -> None:
    """Hold the brokers of these customers until the transaction ends, as far as they have limits."""
    wanted = [each for each in customer_ids if each is not None]
    if wanted:
        found = Broker.objects.filter(customers__in=wanted)
        limited = sorted({broker.pk for broker in found if is_limited(broker)})
        if limited:
            list(Broker.objects.select_for_update().filter(pk__in=limited).order_by("pk").values_list("pk"))


def hold_broker(broker: Broker | None) -> None:
    """The same for one that is known."""
    if broker is not None and is_limited(broker):
        Broker.objects.select_for_update().get(pk=broker.pk)


def is_limited(broker: Broker) -> bool:
    return any(getattr(broker, name) is not None for name in LIMITS)


def used(broker: Broker) -> dict[str, int]:
    """How much of each of LIMITED the customers of a broker have."""
    customers = Customer.objects.filter(broker=broker)
    summed = [name for name in LIMITED if name.endswith("_count")]
    sums = Domain.objects.filter(customer__broker=broker).aggregate(**{name: Sum(name) for name in summed})
    domains = customers.aggregate(total=Sum("domain_count"))["total"]
    return {name: int(value or 0) for name, value in sums.items()} | {
        "customers": customers.count(),
        "domains": int(domains or 0),
    }


def obstacles(broker: Broker | None, more: Mapping[str, int]) -> list[str]:
    """What is in the way of so much more, in sentences. more: by the names of LIMITED."""
    limited = [] if broker is None else [name for name in more if getattr(broker, LIMITED[name]) is not None]
    if broker is None or not limited:
        return []
    there = used(broker)
    found = []
    for name in limited:
        most: int = getattr(broker, LIMITED[name])
        if more[name] > 0 and not allows(most, there[name] + more[name]):
            label: Any = Broker._meta.get_field(LIMITED[name])
            text = _("%(broker)s: %(limit)s %(most)s.")
            found.append(text % {"broker": broker, "limit": label.verbose_name, "most": most})
    return found


def require_room(broker: Broker | None, more: Mapping[str, int], *, field: str = "") -> None:
    """Raises: LimitReached. Under `hold`."""
    found = obstacles(broker, more)
    if found:
        raise LimitReached(" ".join(found), field=field)


def of_customer(customer: Customer | None) -> Broker | None:
    """The broker as it is now, under `hold`; None without one, or without limits."""
    if customer is None or customer.broker_id is None:
        return None
    broker = Broker.objects.get(pk=customer.broker_id)
    return broker if is_limited(broker) else None
