"""Writes of administrators: people who hold rights, whether they have a mailbox here or not.

Source of the shapes: AdminAdd and AdminUpdate of the Cleanmail API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, following, places, proving, ties
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import AddressTaken, BadGrant, Forbidden
from accounts.models import Grant, OneTimeLink, User
from accounts.password_rules import require_new
from accounts.permissions import Level, Right
from accounts.services import locks
from accounts.services.grants import (
    Bundle,
    add_grant,
    relabel,
    remove_grant,
    require_another_administrator,
    require_granting,
)
from accounts.services.password_keeping import is_changed_next, keep, put, told
from accounts.services.passwords import check_password, require_setting
from accounts.services.people import require_address
from accounts.services.removing import remove_person
from accounts.services.sessions import drop_sessions
from config.kit.versions import change

CHANGEABLE = frozenset({"email", "name", "first_name", "last_name", "language", "is_active", "password"})


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account to make for somebody who has none here; without a password they are invited."""

    email: str
    name: str = ""
    language: str = ""
    password: str | None = None
    is_active: bool = True


def create_administrator(
    actor: Actor,
    obj: object,
    who: User | NewPerson,
    bundle: Bundle,
    *,
    expires_at: datetime | None = None,
) -> Grant:
    """Let somebody administer a scope's object: a person who is here, or a new one.

    A new person whose address somebody has already is that person, and stays as they are: only somebody the actor sees
    (`grants.require_knowing`). A new one belongs to where they administer, so that whoever made them may change and
    remove them again.
    Raises: BadAddress, BadPassword, GrantExists, BadGrant, Forbidden.
    """
    with transaction.atomic():
        user = who if isinstance(who, User) else User.objects.filter(email=str(parse_address(who.email))).first()
        if user is not None:
            return add_grant(actor, user, obj, bundle, expires_at=expires_at)
        assert isinstance(who, NewPerson)
        return add_grant(actor, _person(actor, obj, who, bundle), obj, bundle, expires_at=expires_at, is_new=True)


def update_administrator(actor: Actor, user: User, changes: Mapping[str, Any], *, expected: int | None = None) -> User:
    """Change an account: email, name, first_name, last_name, language, is_active, password.

    Raises: Forbidden, BadAddress, AddressTaken, BadPassword, BadGrant, LastAdministrator, ChangedMeanwhile.
    """
    wanted = _cleaned(changes)
    if unknown := wanted.keys() - CHANGEABLE:
        raise TypeError(f"not changeable: {unknown}")
    actor.require_writing()
    actor.require_over(Right.MANAGE_USERS, user)
    password = wanted.pop("password", None)
    if password is not None:
        require_setting(actor, user)
        if actor.acting is not None:
            raise Forbidden("no passwords are set while acting as somebody")
        check_password(password, user)
        if actor.owns(user):
            require_new(password, user, differs=user.password_wanted)
    if "email" in wanted:
        wanted["email"] = _new_email(actor, user, wanted["email"])
    if password is not None or wanted.get("email", user.email) != user.email:
        proving.require_recent(actor)
    try:
        with transaction.atomic():
            if wanted.get("is_active") is False:
                locks.hold(locks.ADMINISTRATORS)
                require_another_administrator(User.objects.get(pk=user.pk))
            done = change(user, wanted, expected=expected)
            if password is not None:
                wanted_anew = is_changed_next(actor, user)
                keep(user, password, is_wanted=wanted_anew)
                audit.record(actor, "user.set_password", user, **told(wanted_anew))
            if password is not None or "email" in done or not user.is_active:  # what was sent before counts no more
                OneTimeLink.objects.filter(user=user, used_at=None).delete()
            if password is not None or not user.is_active:
                drop_sessions([user.pk], keep=actor.session_id)
            if "email" in done:
                relabel(user)
            if done:
                audit.record(actor, "user.change", user, changes=done)
                following.told(user)
    except IntegrityError as error:
        raise AddressTaken(str(wanted.get("email"))) from error
    return user


def revoke_administrator(actor: Actor, user: User, obj: object) -> bool:
    """Take what somebody holds on a scope's object. True when the person went with it: nothing was left of them here.

    Raises: Forbidden; Grant.DoesNotExist.
    """
    scope = places.scope_of(obj)
    with transaction.atomic():
        grant = Grant.objects.select_related("role", "user").get(user=user, level=scope.level, object_id=scope.id)
        remove_grant(actor, grant)
        return _remove_if_nothing_is_left(actor, user)


def delete_administrator(actor: Actor, user: User) -> bool:
    """Take everything somebody administers, and the account where nothing else ties them to this server.

    True when the account is gone. Raises: Forbidden (also for oneself), LastAdministrator.
    """
    actor.require_writing()
    if actor.owns(user):
        raise Forbidden("nobody deletes their own account")
    with transaction.atomic():
        if user.is_administrator:
            if not actor.is_administrator:
                raise Forbidden("only system administrators delete system administrators")
            locks.hold(locks.ADMINISTRATORS)
            require_another_administrator(user)
            User.objects.filter(pk=user.pk).update(is_administrator=False)
            user.is_administrator = False
            drop_sessions([user.pk])
            audit.record(actor, "user.unmake_administrator", user)
        grants = list(Grant.objects.filter(user=user).select_related("role", "user"))
        if not grants:
            actor.require_over(Right.MANAGE_USERS, user)
        for grant in grants:
            remove_grant(actor, grant)
        return _remove_if_nothing_is_left(actor, user)


def _person(actor: Actor, obj: object, who: NewPerson, bundle: Bundle) -> User:
    email = str(parse_address(who.email))
    cleaned = _cleaned({"name": who.name, "language": who.language})
    scopes = {ref.level: ref.id for ref in places.chain(places.scope_of(obj))}
    user = User(
        email=email,
        name=cleaned["name"],
        language=cleaned["language"],
        is_active=who.is_active,
        home_domain_id=scopes.get(Level.DOMAIN),
        home_customer_id=scopes.get(Level.CUSTOMER),
    )
    require_address(actor, email)
    require_granting(actor, user, obj, bundle)  # the right to make administrators is the right to make this person
    if who.password:
        check_password(who.password, user)
        put(user, who.password, is_wanted=is_changed_next(actor, user))
    else:
        user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise AddressTaken(email) from error
    audit.record(actor, "user.create", user, administrator=False)
    return user


def _new_email(actor: Actor, user: User, text: str) -> str:
    email = str(parse_address(text))
    if email != user.email:
        if actor.owns(user):
            actor.require_in_person()  # links to choose a password go there
        if ties.of(user):
            raise BadGrant(_("This address is a mailbox here; rename the mailbox instead."), field="email")
        require_address(actor, email)
    return email


def _cleaned(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Raises: BadGrant."""
    wanted = dict(changes)
    for name, most in (("name", 200), ("first_name", 100), ("last_name", 100)):
        if name in wanted:
            wanted[name] = " ".join(str(wanted[name] or "").replace("\0", "").split())
            if len(wanted[name]) > most:
                text = _("This may have %(most)d characters at most.") % {"most": most}
                raise BadGrant(text, field=name)
    if "language" in wanted and wanted["language"] not in {key for key, _label in User.Language.choices}:
        raise BadGrant(_("There is no such language."), field="language")
    return wanted


def _remove_if_nothing_is_left(actor: Actor, user: User) -> bool:
    """Whoever holds nothing any more, has no mailbox and never was more than an administrator, goes.

    Only where they belong to what the actor administers: others' people stay, and are theirs to remove.
    """
    left = User.objects.get(pk=user.pk)
    if actor.owns(user) or left.is_administrator or Grant.objects.filter(user=user).exists() or ties.of(left):
        return False
    if not (actor.has(Right.GRANT_RIGHTS, left) or actor.has(Right.MANAGE_USERS, left)):
        return False
    return remove_person(actor, left, asked=True)
