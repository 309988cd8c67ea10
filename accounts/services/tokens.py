"""Writes of access tokens: what programs sign in with in a person's place.

A token never does more than its person, and may be narrowed to some rights and to reading. It is shown once, has a name
of its own, and goes with the person, and with the token that made it. People make their own, signed in with their
password; in the API a program may make one no wider and no longer than the one it came with, and who runs the server
makes tokens for others who hold no more than they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, options, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NameTaken
from accounts.models import ApiToken, User
from accounts.permissions import PERSONAL_RIGHTS, EndUserRight, Right, known_rights
from accounts.secrets import new_token, token_hash
from accounts.services.grants import Bundle

TOKENS_MAX = 100


class NewToken(NamedTuple):
    """A token and its value, which is never shown again."""

    token: ApiToken
    value: str


def create_token(
    actor: Actor,
    user: User,
    *,
    name: str,
    rights: Iterable[str] | None = None,
    read_only: bool = False,
    expires_at: datetime | None = None,
    is_short: bool = False,
) -> NewToken:
    """A token for a program that acts as `user`.

    rights: the names of those it is narrowed to, None for all that the person has. The option TOKEN_DAYS of where the
    person belongs bounds how long it lives. is_short: a password was changed into it, with which it ends; so does what
    is made with such a one. Raises: Forbidden, BadGrant, NameTaken.
    """
    require_making_tokens(actor, user)
    proving.require_recent(actor)
    narrowed = None if rights is None else Bundle.of_rights(rights).rights - PERSONAL_RIGHTS
    expires_at = _bounded(user, expires_at)
    if actor.token_id is not None:
        is_short |= _require_no_wider(actor.token_id, narrowed, read_only, expires_at).is_short
    name = _checked_name(name)
    if ApiToken.objects.filter(user=user).count() >= TOKENS_MAX:
        raise BadGrant(
            _("A person has at most %(most)d tokens; revoke one first.") % {"most": TOKENS_MAX}, field="name"
        )
    value = "pk_" + new_token()
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                user=user,
                name=name,
                token_hash=token_hash(value),
                rights=None if narrowed is None else sorted(narrowed),
                read_only=read_only,
                expires_at=expires_at,
                parent_id=actor.token_id,
                is_short=is_short,
            )
            audit.record(
                actor,
                "token.create",
                user,
                name=name,
                rights=token.rights,
                read_only=read_only,
                expires_at=expires_at.isoformat() if expires_at else None,
            )
    except IntegrityError as error:
        raise NameTaken(_("There is a token “%(name)s” already.") % {"name": name}) from error
    return NewToken(token, value)


def revoke_token(actor: Actor, token: ApiToken) -> None:
    """The token opens nothing any more, nor those made with it; of one's own, or of somebody whose account the actor
    manages. Raises: Forbidden.
    """
    actor.require_writing()
    require_over_tokens(actor, token.user)
    with transaction.atomic():
        deleted, _rows = ApiToken.objects.filter(pk=token.pk).delete()
        if deleted:
            audit.record(actor, "token.revoke", token.user, name=token.name)


def revoke_all_tokens(actor: Actor, user: User) -> int:
    """All of a person's tokens at once; how many there were. Raises: Forbidden."""
    actor.require_writing()
    require_over_tokens(actor, user)
    with transaction.atomic():
        names = list(ApiToken.objects.filter(user=user).values_list("name", flat=True))
        ApiToken.objects.filter(user=user).delete()
        if names:
            audit.record(actor, "token.revoke_all", user, names=names)
    return len(names)


def require_over_tokens(actor: Actor, user: User) -> None:
    """Who may see and revoke somebody's tokens: they themselves, and who manages their account. Raises: Forbidden."""
    if actor.acting is not None:
        raise Forbidden("no tokens are touched while acting as somebody")
    if not actor.owns(user):
        actor.require_over(Right.MANAGE_USERS, user)
    elif actor.allowed is not None and not actor.allowed:
        raise Forbidden("not through a temporary link")


def require_making_tokens(actor: Actor, user: User) -> None:
    """Who may make a token for somebody: they themselves, and who runs the server and holds all that they hold.

    Raises: Forbidden.
    """
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no tokens are made while acting as somebody")
    if actor.owns(user):
        if actor.token_id is None:
            actor.require_in_person()
        if not actor.administers:
            actor.require_own(EndUserRight.CREATE_TOKENS)
    else:
        actor.require_over(Right.MANAGE_SERVER, user)
    if not user.is_active:
        raise Forbidden("a token for somebody who may not sign in")


def _require_no_wider(
    token_id: int, rights: frozenset[Right] | None, read_only: bool, expires_at: datetime | None
) -> ApiToken:
    """The token a program came with, which what it makes may not outdo. Raises: Forbidden."""
    own = ApiToken.objects.filter(pk=token_id).first()
    if own is None:
        raise Forbidden("the token is gone")
    if own.rights is not None and (rights is None or not rights <= known_rights(own.rights)):
        raise Forbidden("a token makes none with more rights than its own")
    if own.read_only and not read_only:
        raise Forbidden("a token that may only read makes none that may write")
    if own.expires_at is not None and (expires_at is None or expires_at > own.expires_at):
        raise Forbidden("a token makes none that outlives it")
    return own


def _bounded(user: User, expires_at: datetime | None) -> datetime | None:
    """Raises: BadGrant."""
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise BadGrant(_("The end must lie in the future."), field="expires_at")
    days = int(options.value("TOKEN_DAYS", user))
    if days == 0:
        return expires_at
    latest = now + timedelta(days=days)
    return latest if expires_at is None else min(expires_at, latest)


def _checked_name(name: str) -> str:
    """Raises: BadGrant."""
    cleaned = " ".join(name.replace("\0", "").split())
    if not cleaned or len(cleaned) > 100:
        raise BadGrant(_("Give the token a name of at most 100 characters."), field="name")
    return cleaned
