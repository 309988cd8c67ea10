"""People as the lowest level of scopes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from accounts import places, selectors
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import Reach


def register() -> None:
    places.register(Level.USER, places.Keeper(User, _get, _labels, _within, _find, "accounts:user-detail"))


def _get(actor: Actor, user_id: int, need: Right) -> User:
    return selectors.get_user(actor, user_id, need=need)


def _labels(ids: Iterable[int]) -> dict[int, str]:
    return dict(User.objects.filter(pk__in=set(ids)).values_list("pk", "email"))


def _within(reach: Reach) -> QuerySet[User]:
    return User.objects.filter(selectors.users_within(reach))


def _find(name: str) -> int | None:
    try:
        email = str(parse_address(name))
    except BadAddress:
        return None
    return User.objects.filter(email=email).values_list("pk", flat=True).first()
