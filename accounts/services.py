"""Writes about people: making, inviting, changing, shutting out, and their tokens.

Every function takes the actor first, checks the right, writes in one transaction and leaves an audit event. Signing
in is in `signing_in`; what a one-time link looks like is in `links`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import audit, links, throttle
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import (
    AddressTaken,
    BadLink,
    BadPassword,
    Forbidden,
    LastAdministrator,
    UnknownUser,
    WrongPassword,
)
from accounts.models import ApiToken, OneTimeLink, User
from accounts.permissions import EndUserRight, Right
from accounts.secrets import new_token, token_hash

_FIRST_ADMINISTRATOR_LOCK = 0x706B6661  # "pkfa": makes "is there one yet?" and making it one step
_ADMINISTRATORS_LOCK = 0x706B6164  # "pkad": two administrators can't disable each other at once


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
    Raises: BadAddress, AddressTaken, BadPassword, Forbidden.
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
    actor.require(Right.MANAGE_USERS, user)
    if administrator and not actor.is_administrator:
        raise Forbidden("only system administrators make system administrators")
    if password is None:
        user.set_unusable_password()
    else:
        _check_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            audit.record(actor, "user.create", user, administrator=administrator)
    except IntegrityError as error:
        raise AddressTaken(user.email) from error
    return user


def settle(user: User, *, home_domain_id: int | None, home_customer_id: int | None) -> None:
    """Where a person belongs from now on. For the app that knows domains, which asked the rights."""
    User.objects.filter(pk=user.pk).update(home_domain_id=home_domain_id, home_customer_id=home_customer_id)
    user.home_domain_id, user.home_customer_id = home_domain_id, home_customer_id


def invite(actor: Actor, user: User, *, base_url: str | None = None) -> str:
    """A link with which the person chooses their first password; shown once. Raises: Forbidden."""
    return _issue_link(actor, user, OneTimeLink.Kind.INVITATION, base_url)


def issue_reset_link(actor: Actor, user: User, *, base_url: str | None = None) -> str:
    """A link with which the person chooses a new password; the old one works until then. Raises: Forbidden."""
    return _issue_link(actor, user, OneTimeLink.Kind.RESET, base_url)


def _issue_link(actor: Actor, user: User, kind: OneTimeLink.Kind, base_url: str | None) -> str:
    _require_over(actor, user, Right.SET_PASSWORDS)
    if not user.is_active:
        raise Forbidden("a link for somebody who may not sign in")
    with transaction.atomic():
        audit.record(actor, f"user.{kind.value}_link", user)
        return links.issue(kind, user, base_url=base_url)


def accept_link(link: OneTimeLink, *, password: str) -> User:
    """The person behind an invitation or reset link sets their password: whoever holds the link is them.

    Raises: BadLink (also when somebody else used it in between), BadPassword.
    """
    user = link.user
    if user is None:
        raise BadLink("not a link of a person")
    _check_password(password, user)
    with transaction.atomic():
        links.use_up(link)
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(Actor.for_user(user), "user.set_password", user, by=link.kind)
    return user


def set_password(actor: Actor, user: User, *, password: str) -> None:
    """Set somebody's password without asking for the old one (shell). Raises: BadPassword, Forbidden."""
    _require_over(actor, user, Right.SET_PASSWORDS)
    _store_password(actor, user, password)


def change_password(actor: Actor, *, old: str, new: str) -> User:
    """The person's own password; all their other sessions end.

    Guessing the old one (at a screen left open) is slowed down like signing in.
    Raises: WrongPassword, BadPassword, TooManyAttempts, Forbidden.
    """
    if actor.user is None:
        raise Forbidden("nobody's password")
    actor.require_in_person()
    actor.require_own(EndUserRight.CHANGE_PASSWORD)
    user = User.objects.get(pk=actor.user.pk)
    attempt = throttle.own_password_counters(user)
    throttle.admit(attempt)
    if not user.check_password(old):
        raise WrongPassword("the present password is another one")
    throttle.forgive(attempt)
    _store_password(actor, user, new)
    return user


def _store_password(actor: Actor, user: User, password: str) -> None:
    _check_password(password, user)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        audit.record(actor, "user.set_password", user)


def set_preferences(
    actor: Actor, *, name: str | None = None, language: str | None = None, theme: str | None = None
) -> User:
    """The person's own name, language ("" = the browser's) and appearance; None leaves as is. Raises: Forbidden."""
    if actor.user is None:
        raise Forbidden("nobody's preferences")
    user = actor.user
    wanted = {"name": name, "language": language, "theme": theme}
    changes = audit.changes_of(user, {key: value for key, value in wanted.items() if value is not None})
    for key, (_old, value) in changes.items():
        setattr(user, key, value)
    user.full_clean(exclude=["password", "email"])
    if changes:
        with transaction.atomic():
            user.save(update_fields=list(changes))
            audit.record(actor, "user.set_preferences", user, changes=changes)
    return user


def disable_user(actor: Actor, user: User) -> None:
    """Shut somebody out: their sessions, links and tokens stop working at once.

    Raises: LastAdministrator, Forbidden.
    """
    _require_over(actor, user, Right.MANAGE_USERS)
    with transaction.atomic():
        _lock(_ADMINISTRATORS_LOCK)
        others = User.objects.filter(is_administrator=True, is_active=True).exclude(pk=user.pk)
        if user.is_administrator and not others.exists():
            raise LastAdministrator(user.email)
        user.is_active = False
        user.save(update_fields=["is_active"])
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        audit.record(actor, "user.disable", user)


def enable_user(actor: Actor, user: User) -> None:
    """Let somebody in again, with the password they had. Raises: Forbidden."""
    _require_over(actor, user, Right.MANAGE_USERS)
    with transaction.atomic():
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.record(actor, "user.enable", user)


def create_token(actor: Actor, user: User, *, name: str) -> str:
    """A token for a program that acts as `user`; the value is returned here and never again.

    Everybody may make their own. Raises: Forbidden.
    """
    actor.require_in_person()
    if not actor.owns(user):
        _require_over(actor, user, Right.MANAGE_USERS)
    value = "pk_" + new_token()
    with transaction.atomic():
        ApiToken.objects.create(user=user, name=name[:100], token_hash=token_hash(value))
        audit.record(actor, "token.create", user, name=name)
    return value


def find_user(address: str) -> User:
    """The person with this address, for the shell. Raises: BadAddress, UnknownUser."""
    canonical = str(parse_address(address))
    user = User.objects.filter(email=canonical).first()
    if user is None:
        raise UnknownUser(f"nobody has the address {canonical}")
    return user


def forget_expired() -> None:
    """Delete sessions, links and throttle counters that count for nothing any more (the clock calls this)."""
    SessionStore.clear_expired()
    OneTimeLink.objects.filter(expires_at__lt=timezone.now()).delete()
    throttle.purge()


def first_administrator_link(base_url: str) -> str | None:
    """The link with which the first administrator makes themselves, or None when there is one.

    Issued again at each start while there is none: only the newest works.
    """
    with transaction.atomic():
        _lock(_FIRST_ADMINISTRATOR_LOCK)
        if _has_administrator():
            return None
        return links.issue(OneTimeLink.Kind.FIRST_ADMINISTRATOR, None, base_url=base_url)


def accept_first_administrator_link(link: OneTimeLink, *, email: str, name: str, password: str) -> User:
    """Whoever holds the link of the first start makes the first administrator.

    Raises: BadLink (also when there is an administrator by now), BadAddress, BadPassword.
    """
    with transaction.atomic():
        _lock(_FIRST_ADMINISTRATOR_LOCK)
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
        _lock(_FIRST_ADMINISTRATOR_LOCK)
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
        _check_password(password, user)
        user.set_password(password)
    user.save()
    audit.record(actor, "user.make_administrator", user)
    return user


def _has_administrator() -> bool:
    return User.objects.filter(is_administrator=True).exists()


def _require_over(actor: Actor, user: User, right: Right) -> None:
    """The right on this person, from somebody who holds all that the person holds. Raises: Forbidden."""
    actor.require(right, user)
    if not actor.dominates(user):
        raise Forbidden(f"{user} holds rights that {actor.label} doesn't")


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadPassword(error.messages) from error


def _lock(number: int) -> None:
    """Hold everybody else who asks for this number until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
