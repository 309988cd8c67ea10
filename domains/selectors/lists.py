"""Reads of mailing lists and their subscribers."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import MailingList, Subscriber


def _all() -> QuerySet[MailingList]:
    return MailingList.objects.select_related("address__domain", "owner")


def _within(actor: Actor, right: Right) -> QuerySet[MailingList]:
    reach = actor.reach(right)
    if reach.everything:
        return _all()
    return _all().filter(Q(address__domain_id__in=reach.domains) | Q(address__customer_id__in=reach.customers))


def list_lists(actor: Actor) -> QuerySet[MailingList]:
    """The lists of the domains whose addresses the actor sees. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_USERS)
    return _within(actor, Right.VIEW_USERS)


def list_own_lists(actor: Actor) -> QuerySet[MailingList]:
    """The lists the person owns."""
    if actor.user is None or actor.acting is not None:
        return MailingList.objects.none()
    return _all().filter(owner__user=actor.user)


def get_list(actor: Actor, list_id: int, *, need: Right | None = Right.VIEW_USERS) -> MailingList:
    """A list for who sees its domain's addresses, or its owner. Raises: Http404, Forbidden."""
    own = list_own_lists(actor).filter(pk=list_id).first()
    if own is not None:
        return own
    found = _within(actor, Right.VIEW_USERS).filter(pk=list_id).first()
    if found is None:
        raise Http404("no such list")
    if need is not None:
        actor.require(need, found)
    return found


def list_subscribers(actor: Actor, found: MailingList) -> QuerySet[Subscriber]:
    """Everybody on a list that `get_list` gave, and who asked to be."""
    return found.subscribers.select_related("target")


def get_subscriber(actor: Actor, found: MailingList, subscriber_id: int) -> Subscriber:
    """One of them. Raises: Http404."""
    rows = found.subscribers.select_related("list__address__domain", "list__owner", "target")
    row = rows.filter(pk=subscriber_id).first()
    if row is None:
        raise Http404("no such subscriber")
    return row
