"""The first administrator of a server, and making one from its shell."""

from __future__ import annotations

from django.db import transaction

from accounts import audit, links
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadLink
from accounts.models import OneTimeLink, User
from accounts.permissions import Right
from accounts.services import locks
from accounts.services.password_keeping import put
from accounts.services.passwords import check_password
from accounts.services.people import create_user


def first_administrator_link(base_url: str) -> str | None:
    """The link with which the first administrator makes themselves, or None when there is one.

    Issued again at each start while there is none: only the newest works.
    """
    with transaction.atomic():
        locks.hold(locks.FIRST_ADMINISTRATOR)
        if _has_administrator():
            return None
        return links.issue(OneTimeLink.Kind.FIRST_ADMINISTRATOR, None, base_url=base_url)


def accept_first_administrator_link(link: OneTimeLink, *, email: str, name: str, password: str) -> User:
    """Whoever holds the link of the first start makes the first administrator.

    Raises: BadLink (also when there is an administrator by now), BadAddress, BadPassword.
    """
    with transaction.atomic():
        locks.hold(locks.FIRST_ADMINISTRATOR)
        if link.kind != OneTimeLink.Kind.FIRST_ADMINISTRATOR or _has_administrator():
            raise BadLink("unknown, used or expired")
        user = _make_administrator(Actor.system(), email, name, password)
        links.use_up(link)
        return user


def ensure_first_administrator(email: str, password: str) -> User | None:
    """Make the first administrator without asking; None, and nothing done, when there is one.

    Raises: BadAddress, BadPassword.
    """
    with transaction.atomic():
        locks.hold(locks.FIRST_ADMINISTRATOR)
        if _has_administrator():
            return None
        OneTimeLink.objects.filter(user=None, used_at=None).delete()
        return _make_administrator(Actor.system(), email, "", password)


def ensure_administrator(actor: Actor, *, email: str, name: str = "", password: str | None = None) -> User:
    """An administrator at this address: a new person, or the one who has it, made one.

    Raises: BadAddress, BadPassword, Forbidden.
    """
    actor.require(Right.MANAGE_SERVER)
    with transaction.atomic():
        return _make_administrator(actor, email, name, password)


def _make_administrator(actor: Actor, email: str, name: str, password: str | None) -> User:
    """A new administrator, or the person of that address (an import may have made them) made one."""
    user = User.objects.filter(email=str(parse_address(email))).first()
    if user is None:
        return create_user(actor, email=email, name=name, administrator=True, password=password)
    user.is_administrator = user.is_active = True
    user.name = name.strip() or user.name
    if password is not None:
        check_password(password, user)
        put(user, password)
    user.save()
    audit.record(actor, "user.make_administrator", user)
    return user


def _has_administrator() -> bool:
    return User.objects.filter(is_administrator=True).exists()
