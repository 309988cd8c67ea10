"""Reads of domains and mailboxes: what the actor may see, and what happens to whom without the right."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Right
from config.kit.fixed import Fixed
from domains.models import Address, Broker, Customer, Domain, Mailbox, Status

M = TypeVar("M", Broker, Customer, Domain, Address, Mailbox)
_WHOLE_MAILBOX = Mailbox.objects.select_related("domain__customer", "user", "claim")
# asked with most requests about one object
_DOMAIN = Fixed(lambda key: Domain.objects.select_related("customer").filter(pk=key), int)
_MAILBOX = Fixed(lambda key: _WHOLE_MAILBOX.filter(pk=key), int)
_MAILBOX_OF = Fixed(lambda key: _WHOLE_MAILBOX.filter(user_id=key), int)


def mailbox_of(user: User) -> Mailbox | None:
    """The person's own mailbox; an administrator need not have one."""
    return Mailbox.objects.filter(user=user).first()


def get_customer(actor: Actor, customer_id: int, *, need: Right = Right.VIEW_CUSTOMERS) -> Customer:
    """Raises: Http404, Forbidden."""
    seen = Customer.objects.visible_to(actor, Right.VIEW_CUSTOMERS).select_related("broker")
    return _get(actor, seen, customer_id, need)


def get_domain(actor: Actor, domain_id: int, *, need: Right = Right.VIEW_DOMAINS) -> Domain:
    """Raises: Http404, Forbidden."""
    found = _DOMAIN.first(domain_id)
    return _seen(actor, found, found is not None and _sees(actor, Right.VIEW_DOMAINS, found), need)


def find_domain(actor: Actor, name: str, *, need: Right = Right.VIEW_DOMAINS) -> Domain | None:
    """The domain with this name or alias, as people write it; None for what is unknown or not theirs."""
    try:
        canonical = canonical_domain(name)
    except BadAddress:
        return None
    seen = Domain.objects.visible_to(actor, need).select_related("customer")
    return seen.filter(names__name=canonical).first()


def get_mailbox(actor: Actor, mailbox_id: int, *, need: Right = Right.VIEW_USERS) -> Mailbox:
    """Raises: Http404, Forbidden."""
    found = _MAILBOX.first(mailbox_id)
    return _seen(actor, found, found is not None and _sees(actor, Right.VIEW_USERS, found), need)


def get_mailbox_of_person(actor: Actor, person_id: int, *, need: Right = Right.VIEW_USERS) -> Mailbox:
    """The mailbox of somebody, by the person's id. Raises: Http404, Forbidden."""
    found = _MAILBOX_OF.first(person_id)
    sees = found is not None and _sees(actor, Right.VIEW_USERS, found)
    if not sees and actor.user is not None and actor.user.pk == person_id and actor.acting is None:
        found = mailbox_of(actor.user)  # people know that their own is there: 403 and not 404
        sees = found is not None
    return _seen(actor, found, sees, need)


def get_address(actor: Actor, address_id: int, *, need: Right = Right.VIEW_USERS) -> Address:
    """An address object of any kind. Raises: Http404, Forbidden."""
    seen = Address.objects.visible_to(actor, Right.VIEW_USERS).select_related("domain__customer")
    return _get(actor, seen, address_id, need)


def _sees(actor: Actor, right: Right, found: Domain | Mailbox) -> bool:
    """What `visible_to` of its model says, of one that is read already."""
    if found.status == Status.PURGED:
        return False
    if isinstance(found, Domain):
        return actor.reach(right).covers(domain=found.pk, customer=found.customer_id)
    return actor.reach(right).covers(domain=found.domain_id, customer=found.customer_id, user=found.user_id)


def _seen(actor: Actor, found: M | None, sees: bool, need: Right) -> M:
    """Who may not see it gets 404; who may see it and lacks the right asked for gets 403."""
    if found is None or not sees:
        raise Http404("no such object")
    actor.require(need, found)
    return found


def _get(actor: Actor, seen: QuerySet[M], key: int, need: Right) -> M:
    """Who may not see it gets 404; who may see it and lacks the right asked for gets 403."""
    found = seen.filter(pk=key).first()
    if found is None:
        raise Http404("no such object")
    actor.require(need, found)
    return found
