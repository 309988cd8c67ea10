"""Reads of mailboxes for lists, figures and the tabs of one."""

from __future__ import annotations

from django.db.models import Q, QuerySet, Sum

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Address, Domain, Mailbox


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
    seen = Address.objects.visible_to(actor, Right.VIEW_USERS)
    aliases = Address.objects.filter(kind=Address.Kind.ALIAS, recipients__target=mailbox.claim_id)
    named = Q(recipients__target=mailbox.claim_id) | Q(recipients__target__in=aliases.values("pk"))
    kinds = (Address.Kind.GROUP, Address.Kind.LIST, Address.Kind.FORWARD)
    return seen.filter(named, kind__in=kinds).select_related("domain").distinct().order_by("text")


def _counted(actor: Actor, counter: str) -> int | None:
    reach = actor.reach(Right.VIEW_USERS)
    if reach.users:
        return None
    domains = Domain.objects.exclude(status="purged")
    if not reach.everything:
        domains = domains.filter(Q(pk__in=reach.domains) | Q(customer_id__in=reach.customers))
    return int(domains.aggregate(total=Sum(counter))["total"] or 0)
