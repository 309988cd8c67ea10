"""The objects that paths name, as `admit` of the operations: who may not see one gets 404, who lacks the right 403.

Each answers a function of the actor and the path's ids. Only selectors look anything up.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from domains import selectors
from domains.models import Broker, Customer, Domain, Mailbox

Server = ScopeRef


def server(need: Right) -> Callable[[Actor], Server]:
    """The server itself, for who holds the right on it."""

    def admit(actor: Actor) -> Server:
        actor.require(need)
        return SERVER

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


def mailbox(need: Right = Right.VIEW_USERS, *, own: bool = False) -> Callable[[Actor, int], Mailbox]:
    """The API's user: a mailbox, with the person who signs in with it. `own`: people themselves need no right."""

    def admit(actor: Actor, user_id: int) -> Mailbox:
        if own and actor.user is not None and actor.acting is None:
            mine = selectors.mailbox_of(actor.user)
            if mine is not None and mine.pk == user_id:
                return mine
        return selectors.get_mailbox(actor, user_id, need=need)

    return admit
