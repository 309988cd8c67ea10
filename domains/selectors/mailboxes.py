"""Reads of mailboxes for lists, figures and the tabs of one."""

from __future__ import annotations

from django.db.models import Q, QuerySet, Sum

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, Domain, Mailbox, Recipient


def list_mailboxes(actor: Actor, *, domain: Domain | None = None) -> QuerySet[Mailbox]:
    """Those the actor may see, of a domain or all; whoever may see none gets 403. Raises: Forbidden."""
    if domain is None:
        actor.require_somewhere(Right.VIEW_USERS)
        rows = Mailbox.objects.visible_to(actor, Right.VIEW_USERS)
    else:  # the right on the domain is one on all in it, and the index by domain then serves every order
        actor.require(Right.VIEW_USERS, domain)
        rows = Mailbox.objects.filter(domain=domain).exclude(status="purged")
    return rows.select_related("domain__customer", "user")


def count_mailboxes(actor: Actor) -> int | None:
    """How many `list_mailboxes` has, from the domains' counters; None where no counter says it."""
    return _counted(actor, "mailbox_count")


def groups_of(actor: Actor, mailbox: Mailbox) -> QuerySet[Address]:
    """The groups and lists that a mailbox, or an alias of it, is in directly; those the actor may see."""
    # Step by step, each by its index: as one condition with OR it reads every address there is.
    aliases = Recipient.objects.filter(target=mailbox.claim_id, address__kind=Address.Kind.ALIAS)
    names = [mailbox.claim_id, *aliases.values_list("address_id", flat=True)]
    naming = Recipient.objects.filter(target_id__in=names).values("address_id")
    kinds = (Address.Kind.GROUP, Address.Kind.LIST, Address.Kind.FORWARD)
    seen = Address.objects.visible_to(actor, Right.VIEW_USERS).filter(pk__in=naming, kind__in=kinds)
    return seen.select_related("domain").order_by("text")


def _counted(actor: Actor, counter: str) -> int | None:
    reach = actor.reach(Right.VIEW_USERS)
    if reach.users:
        return None
    domains = Domain.objects.exclude(status="purged")
    if not reach.everything:
        domains = domains.filter(Q(pk__in=reach.domains) | Q(customer_id__in=reach.customers))
    return int(domains.aggregate(total=Sum(counter))["total"] or 0)
