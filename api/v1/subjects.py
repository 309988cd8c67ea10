"""The objects that paths name, as `admit` of the operations: who may not see one gets 404, who lacks the right 403.

Each answers a function of the actor and the path's ids. Only selectors look anything up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import places
from accounts.actors import Actor
from accounts.permissions import EndUserRight, Level, Right
from accounts.scopes import SERVER, ScopeRef
from api.errors import Fault, Invalid
from domains import selectors
from domains.models import Address, Broker, Customer, Domain, Mailbox, Status

Server = ScopeRef
T = TypeVar("T")
M = TypeVar("M", bound=Model)


def server(need: Right) -> Callable[[Actor], Server]:
    """The server itself, for who holds the right on it."""

    def admit(actor: Actor) -> Server:
        actor.require(need)
        return SERVER

    return admit


def somewhere(need: Right) -> Callable[[Actor], None]:
    """For who holds the right on at least one object; the service asks for the very one."""

    def admit(actor: Actor) -> None:
        actor.require_somewhere(need)

    return admit


def broker(need: Right) -> Callable[[Actor, int], Broker]:
    def admit(actor: Actor, broker_id: int) -> Broker:
        found: Broker = places.get(actor, ScopeRef(Level.BROKER, broker_id), need)
        return found

    return admit


def customer(need: Right = Right.VIEW_CUSTOMERS) -> Callable[[Actor, int], Customer]:
    def admit(actor: Actor, customer_id: int) -> Customer:
        return selectors.get_customer(actor, customer_id, need=need)

    return admit


def domain(need: Right = Right.VIEW_DOMAINS) -> Callable[[Actor, int], Domain]:
    def admit(actor: Actor, domain_id: int) -> Domain:
        return selectors.get_domain(actor, domain_id, need=need)

    return admit


def mailbox(need: Right = Right.VIEW_USERS, *, own: bool | EndUserRight = False) -> Callable[[Actor, int], Mailbox]:
    """The API's user: a mailbox, by the id of the person who signs in with it.

    own: people themselves need no right for their own, or only what their domain lets them.
    """

    def admit(actor: Actor, user_id: int) -> Mailbox:
        if own and actor.user is not None and actor.user.pk == user_id and actor.acting is None:
            mine = there(selectors.mailbox_of(actor.user))
            if isinstance(own, EndUserRight):
                actor.require_own(own)
            return mine
        return selectors.get_mailbox_of_person(actor, user_id, need=need)

    return admit


def there(found: M | None) -> M:
    if found is None:
        raise Http404("no such object")
    return found


def address(actor: Actor, key: int, *, kind: Address.Kind, need: Right, domain_id: int = 0) -> Address:
    """A group, forward or list, of the domain where the path names one. Raises: Http404, Forbidden."""
    found = selectors.get_address(actor, key, need=Right.VIEW_USERS)
    if found.kind != kind or (domain_id and found.domain_id != domain_id):
        raise Http404("no such address")
    actor.require(need, found)
    return found


def of_domain(actor: Actor, model: type[Model], key: int, *, see: Right, need: Right) -> Any:
    """Something that belongs to a domain (it has `domain`), by its own id. Raises: Http404, Forbidden."""
    found = model._default_manager.select_related("domain__customer").filter(pk=key).first()
    if found is None or found.domain.status == Status.PURGED or not actor.has(see, found):  # type: ignore[attr-defined]
        raise Http404("no such object")
    actor.require(need, found)
    return found


def one(rows: QuerySet[M], key: int, *, by: str = "pk") -> M:
    """The row of this id among these. Raises: Http404."""
    return there(rows.filter(**{by: key}).first())


def named(field: str, find: Callable[[], T]) -> T:
    """An object that the body names: one that isn't there, or isn't theirs to see, is a fault of the field."""
    try:
        return find()
    except Http404 as error:
        text = _("There is no such object, or none that you may see.")
        raise Invalid(f"{field}: {text}", faults=[Fault(field, text)]) from error
