"""People as the lowest level of scopes, and administrators in the palette."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import places, selectors
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Level, Right
from accounts.scopes import Reach
from accounts.selectors import administrators
from config.kit.finding import Found, register_objects


def register() -> None:
    places.register(Level.USER, places.Keeper(User, _get, _labels, _within, _find, "accounts:user-detail"))
    register_objects(_("Administrator"), "key", find_administrators, order=60)


def find_administrators(actor: Any, text: str, limit: int) -> Iterable[Found]:
    for person in administrators.find_administrators(actor, text, limit):
        name = person.display_name if person.display_name != person.email else ""
        yield Found(person.email, reverse("accounts:administrator-detail", args=[person.pk]), name)


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
