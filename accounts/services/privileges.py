"""Writes of privileges: what somebody may do with their own things beyond what their domain says, by which doors they
come in, and against what their password is checked.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, privileges, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden
from accounts.models import User
from accounts.permissions import Right
from accounts.services import locks
from accounts.services.grants import require_another_administrator, set_system_administrator
from accounts.services.sessions import drop_sessions
from config.kit import versions


def set_privileges(actor: Actor, user: User, values: Iterable[str]) -> versions.Changes:
    """Set what somebody may do; what isn't named is taken from them. `admin` and `none` stand alone.

    `admin` makes a system administrator, who has all the others; anything else makes them one no more.
    Raises: Forbidden, BadGrant, LastAdministrator.
    """
    wanted = privileges.parse(values, privileges.USER_PRIVILEGES, alone=(privileges.NONE, privileges.ADMIN))
    require_setting(actor, user)
    is_administrator = privileges.ADMIN in wanted
    denied = set() if is_administrator else {right.value for right in privileges.denied_by(wanted)}
    others = set(user.denied_rights) - {right.value for right in privileges.DENIES.values()}
    with transaction.atomic():
        if user.is_administrator != is_administrator:
            set_system_administrator(actor, user, is_administrator)
        return _change(actor, user, {"privileges": wanted, "denied_rights": sorted(denied | others)})


def set_login_privileges(actor: Actor, user: User, values: Iterable[str]) -> versions.Changes:
    """Set by which doors somebody comes in; `none` shuts all. Raises: Forbidden, BadGrant, LastAdministrator."""
    wanted = privileges.parse(values, privileges.LOGIN_PRIVILEGES)
    require_setting(actor, user)
    with transaction.atomic():
        if "web" not in wanted:
            locks.hold(locks.ADMINISTRATORS)
            require_another_administrator(user)
        return _change(actor, user, {"login_privileges": wanted})


def reset_login_privileges(actor: Actor, user: User) -> versions.Changes:
    """Let somebody in by every door again. Raises: Forbidden."""
    require_setting(actor, user)
    with transaction.atomic():
        return _change(actor, user, {"login_privileges": None})


def set_authentication(actor: Actor, user: User, authentication: str) -> versions.Changes:
    """Against what the person's password is checked: here, or in the organisation's directory.

    Where no directory is connected, nobody of the second kind comes in. Raises: Forbidden, BadGrant,
    LastAdministrator.
    """
    if authentication not in privileges.AUTHENTICATION:
        known = ", ".join(privileges.AUTHENTICATION)
        raise BadGrant(_("It is one of: %(known)s.") % {"known": known}, field="authentication")
    require_setting(actor, user)
    with transaction.atomic():
        if authentication != "integrated":
            locks.hold(locks.ADMINISTRATORS)
            require_another_administrator(user)
        return _change(actor, user, {"authentication": authentication}, "user.set_authentication")


def set_distinguished_name(actor: Actor, user: User, name: str) -> versions.Changes:
    """Where the person stands in the organisation's directory; "" for nowhere. Raises: Forbidden, BadGrant."""
    name = name.strip()
    if len(name) > 500 or not name.isprintable():
        raise BadGrant(_("This may have 500 characters at most, on one line."), field="distinguished_name")
    require_setting(actor, user)
    with transaction.atomic():
        return _change(actor, user, {"distinguished_name": name}, "user.set_authentication")


def require_setting(actor: Actor, user: User) -> None:
    """Nobody sets their own, nor those of who holds more. Raises: Forbidden, ProofNeeded."""
    actor.require_writing()
    if actor.acting is not None or actor.owns(user):
        raise Forbidden("privileges are set by somebody else, in person")
    actor.require_over(Right.MANAGE_USERS, user)
    proving.require_recent(actor)


def _change(
    actor: Actor, user: User, values: dict[str, object], action: str = "user.set_privileges"
) -> versions.Changes:
    changes = versions.change(user, values)
    if changes:
        drop_sessions([user.pk])  # they sign in again, with what is theirs now
        audit.record(actor, action, user, changes=changes)
    return changes
