"""Who gets in where: people's pages."""

from __future__ import annotations

from accounts import services
from accounts.actors import Actor
from accounts.models import User
from tests.access import Cast, Row, for_administrators, public


def a_link(cast: Cast, owner: User) -> tuple[object, ...]:
    return (services.issue_reset_link(Actor.system(), owner).rstrip("/").rsplit("/", 1)[1],)


def the_person(cast: Cast, owner: User) -> tuple[object, ...]:
    return (owner.pk,)


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
    for_administrators("accounts:user-list"),
    for_administrators("accounts:user-create"),
    for_administrators("accounts:user-create", 422, method="POST", data={"name": "x"}),
    Row("accounts:user-detail", own=403, foreign=404, administrator=200, args=the_person),
    Row("accounts:user-link", method="POST", own=403, foreign=404, administrator=200, args=the_person),
    Row("accounts:user-disable", method="POST", own=403, foreign=404, administrator=303, args=the_person),
    Row("accounts:user-enable", method="POST", own=403, foreign=404, administrator=303, args=the_person),
]
