"""Reads of addresses without a mailbox, their recipients, and where an address is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet, Sum

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, AllowedSender, Domain, Recipient

SHOWN = 20
_COUNTERS = {
    Address.Kind.ALIAS: "alias_count",
    Address.Kind.GROUP: "group_count",
    Address.Kind.FORWARD: "forward_count",
    Address.Kind.LIST: "list_count",
}


@dataclass
class Uses:
    """Where an address is named. `shown` are the first of those the actor may see, `hidden` counts the others."""

    shown: list[Address] = field(default_factory=list)
    count: int = 0
    hidden: int = 0
    catch_alls: list[Domain] = field(default_factory=list)
    senders: int = 0  # lists of senders that let it in

    @property
    def total(self) -> int:
        return self.count + self.hidden + len(self.catch_alls) + self.senders


def list_addresses(actor: Actor, kinds: Collection[str], *, domain: Domain | None = None) -> QuerySet[Address]:
    """Addresses of these kinds that the actor may see. Raises: Forbidden."""
    if domain is None:
        actor.require_somewhere(Right.VIEW_USERS)
        rows = Address.objects.visible_to(actor, Right.VIEW_USERS)
    else:
        actor.require(Right.VIEW_USERS, domain)
        rows = Address.objects.filter(domain=domain)
    wanted = rows.filter(kind__in=kinds) if len(kinds) > 1 else rows.filter(kind=next(iter(kinds)))
    return wanted.select_related("domain__customer")


def count_addresses(actor: Actor, kinds: Collection[str]) -> int | None:
    """How many `list_addresses` has, from the domains' counters; None where no counter says it."""
    reach = actor.reach(Right.VIEW_USERS)
    if reach.users:
        return None
    domains = Domain.objects.exclude(status="purged")
    if not reach.everything:
        domains = domains.filter(Q(pk__in=reach.domains) | Q(customer_id__in=reach.customers))
    counters = [_COUNTERS[Address.Kind(kind)] for kind in kinds]
    found = domains.aggregate(**{name: Sum(name) for name in counters})
    return sum(int(value or 0) for value in found.values())


def list_recipients(address: Address) -> QuerySet[Recipient]:
    """What an address delivers to, by their addresses alone; whoever may see the address may see these."""
    return Recipient.objects.filter(address=address).select_related("target", "address__domain")


def uses_of(actor: Actor, address: Address) -> Uses:
    """What would lose this address if it were deleted: groups, forwards and lists, catch-alls, lists of senders."""
    naming = Address.objects.filter(recipients__target=address).exclude(kind=Address.Kind.ALIAS).distinct()
    seen = naming.filter(pk__in=Address.objects.visible_to(actor, Right.VIEW_USERS).values("pk")).order_by("text")
    count = seen.count()
    catch_alls = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).filter(catch_all=address.text)
    return Uses(
        shown=list(seen.select_related("domain")[:SHOWN]),
        count=count,
        hidden=naming.count() - count,
        catch_alls=list(catch_alls.exclude(catch_all="")[:SHOWN]),
        senders=AllowedSender.objects.filter(value=address.text).count(),
    )
