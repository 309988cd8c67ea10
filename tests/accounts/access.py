"""Who gets in where: people's pages."""

from __future__ import annotations

from accounts import services
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import Domain
from tests.access import Cast, Row, Scoped, for_administrators, in_domain, public, somewhere
from tests.domains.factories import make_mailbox_in


def a_link(cast: Cast, owner: User) -> tuple[object, ...]:
    return (services.issue_reset_link(Actor.system(), owner).rstrip("/").rsplit("/", 1)[1],)


def the_person(cast: Cast, owner: User) -> tuple[object, ...]:
    return (owner.pk,)


def somebody(cast: Cast, domain: Domain) -> tuple[object, ...]:
    user = make_mailbox_in(domain).user
    assert user is not None
    return (user.pk,)


def person(route: str, answer: int = 200, *, need: Right = Right.VIEW_USERS, **more: object) -> Scoped:
    """A page about a person: those who may see them, with the right it takes; nobody for themselves."""
    return in_domain(
        route, answer, see=Right.VIEW_USERS, need=need, args=somebody, own=403, own_args=the_person, **more
    )


ROWS = [
    Row("accounts:sign-in", anonymous=200, own=303, administrator=303),
    public("accounts:sign-in", 422, method="POST", data={"email": "x"}),
    Row("accounts:sign-out", method="POST", own=303, administrator=303),
    public("accounts:link", 200, args=a_link),
    public("accounts:link", 422, method="POST", args=a_link, data={"password": "short"}),
    Row("accounts:account", own=200, administrator=200),
    Row("accounts:account", method="POST", own=422, administrator=422, data={"theme": "none"}),
    Row("accounts:change-password", own=200, administrator=200),
    Row("accounts:change-password", method="POST", own=422, administrator=422, data={"old": "x"}),
    somewhere("accounts:user-list", need=Right.VIEW_USERS),
    for_administrators("accounts:user-create"),
    for_administrators("accounts:user-create", 422, method="POST", data={"name": "x"}),
    person("accounts:user-detail"),
    person("accounts:user-link", method="POST", need=Right.SET_PASSWORDS),
    person("accounts:user-disable", 303, method="POST", need=Right.MANAGE_USERS),
    person("accounts:user-enable", 303, method="POST", need=Right.MANAGE_USERS),
]
