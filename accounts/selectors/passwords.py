"""Reads of passwords: how it stands with somebody's, and with those of everybody who belongs somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts import password_age, places
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from accounts.services.password_wishes import people_of


@dataclass(frozen=True, slots=True)
class PasswordFacts:
    """How it stands with somebody's password. is_here: whether one that is kept here counts."""

    is_here: bool
    since: datetime | None
    standing: password_age.Standing


def get_password(actor: Actor, user: User) -> PasswordFacts:
    """For who sets passwords there. Raises: Forbidden."""
    actor.require(Right.SET_PASSWORDS, user)
    if not password_age.is_kept_here(user):
        return PasswordFacts(False, None, password_age.NONE)
    return PasswordFacts(True, user.password_changed_at, password_age.standing_of(user))


@dataclass(frozen=True, slots=True)
class CrowdFacts:
    """Of how many people of a scope there is a password here, and of how many a new one is wanted."""

    people: int
    wanted: int


def count_passwords(actor: Actor, scope: ScopeRef) -> CrowdFacts:
    """Of the server, a customer or a domain. Raises: Http404, Forbidden, BadGrant."""
    places.get(actor, scope, Right.SET_PASSWORDS)
    people = people_of(scope)
    return CrowdFacts(people.count(), people.filter(password_wanted=True).count())


def has_people(scope: ScopeRef) -> bool:
    """Whether new passwords can be wanted of everybody there."""
    return scope.level in (Level.SERVER, Level.CUSTOMER, Level.DOMAIN)
