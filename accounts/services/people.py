"""Writes of people: making, finding, changing, shutting out and letting in."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit, following, ties
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import AddressTaken, Forbidden, UnknownUser
from accounts.models import OneTimeLink, User
from accounts.permissions import EndUserRight, Right
from accounts.services import locks
from accounts.services.grants import require_another_administrator
from accounts.services.password_keeping import is_changed_next, put
from accounts.services.passwords import check_password
from accounts.services.sessions import drop_sessions


def create_user(
    actor: Actor,
    *,
    email: str,
    name: str = "",
    administrator: bool = False,
    password: str | None = None,
    active: bool = True,
    home_domain_id: int | None = None,
    home_customer_id: int | None = None,
    **fields: Any,
) -> User:
    """A new person; without a password they can't sign in until they are invited.

    home_…: the domain and customer they belong to, where the right to make them is asked; nowhere: on the server.
    fields: first_name, last_name, language.
    Raises: BadAddress, AddressTaken, BadPassword, Forbidden, ValidationError (a name too long).
    """
    user = User(
        email=str(parse_address(email)),
        name=name.strip(),
        is_administrator=administrator,
        is_active=active,
        home_domain_id=home_domain_id,
        home_customer_id=home_customer_id,
        **fields,
    )
    actor.require_writing()
    actor.require(Right.MANAGE_USERS, user)
    for each in ("name", "first_name", "last_name"):
        User._meta.get_field(each).clean(getattr(user, each), user)  # type: ignore[union-attr]  # they are columns
    require_address(actor, user.email)
    if administrator and not actor.is_administrator:
        raise Forbidden("only system administrators make system administrators")
    if password is None:
        user.set_unusable_password()
    else:
        check_password(password, user)
        put(user, password, is_wanted=is_changed_next(actor, user))
    try:
        with transaction.atomic():
            user.save()
            audit.record(actor, "user.create", user, administrator=administrator)
    except IntegrityError as error:
        raise AddressTaken(user.email) from error
    return user


def require_address(actor: Actor, email: str) -> None:
    """An address in a domain of ours is given to people by who manages people there: else somebody could have an
    account waiting behind an address of others. Raises: Forbidden.
    """
    scope = ties.scope_of_address(email)
    if scope is not None:
        actor.require(Right.MANAGE_USERS, scope)


def settle(user: User, *, home_domain_id: int | None, home_customer_id: int | None) -> None:
    """Where a person belongs from now on. For the app that knows domains, which asked the rights."""
    User.objects.filter(pk=user.pk).update(home_domain_id=home_domain_id, home_customer_id=home_customer_id)
    user.home_domain_id, user.home_customer_id = home_domain_id, home_customer_id


def set_preferences(
    actor: Actor,
    *,
    name: str | None = None,
    language: str | None = None,
    theme: str | None = None,
    rows: str | None = None,
) -> User:
    """The person's own name, language ("" = the browser's), appearance and height of rows; None leaves as is.

    How pages look to them is theirs to say; name and language are their profile. Raises: Forbidden.
    """
    if actor.user is None:
        raise Forbidden("nobody's preferences")
    actor.require_writing()
    user = actor.user
    wanted = {"name": name, "language": language, "theme": theme, "rows": rows}
    changes = audit.changes_of(user, {key: value for key, value in wanted.items() if value is not None})
    if changes.keys() & {"name", "language"} and not actor.administers:
        actor.require_own(EndUserRight.EDIT_PROFILE)
    for key, (_old, value) in changes.items():
        setattr(user, key, value)
    user.full_clean(exclude=["password", "email"])
    if changes:
        with transaction.atomic():
            user.save(update_fields=list(changes))
            audit.record(actor, "user.set_preferences", user, changes=changes)
            following.told(user)
    return user


def disable_user(actor: Actor, user: User, *, told: bool = True) -> None:
    """Shut somebody out: their sessions, links and tokens stop working at once.

    told: false where the caller's own event says it already (the state of a mailbox).
    Raises: LastAdministrator, Forbidden.
    """
    actor.require_writing()
    actor.require_over(Right.MANAGE_USERS, user)
    with transaction.atomic():
        locks.hold(locks.ADMINISTRATORS)
        require_another_administrator(user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        drop_sessions([user.pk])
        if told:
            audit.record(actor, "user.disable", user)


def enable_user(actor: Actor, user: User, *, told: bool = True) -> None:
    """Let somebody in again, with the password they had. told: as in `disable_user`. Raises: Forbidden."""
    actor.require_writing()
    actor.require_over(Right.MANAGE_USERS, user)
    with transaction.atomic():
        user.is_active = True
        user.save(update_fields=["is_active"])
        if told:
            audit.record(actor, "user.enable", user)


def find_user(address: str) -> User:
    """The person with this address, for the shell. Raises: BadAddress, UnknownUser."""
    canonical = str(parse_address(address))
    user = User.objects.filter(email=canonical).first()
    if user is None:
        raise UnknownUser(f"nobody has the address {canonical}")
    return user
