"""Writes of passwords of programs: made by their person, deleted by them and by who manages their account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import app_passwords, audit, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NameTaken
from accounts.models import AppPassword, User
from accounts.permissions import EndUserRight, Right
from accounts.services import other_secrets
from accounts.services.sessions import end_short_tokens

MOST = 50


class NewAppPassword(NamedTuple):
    """One just made and its value, which is never shown again."""

    row: AppPassword
    value: str


def create_app_password(
    actor: Actor, user: User, *, name: str, protocols: Iterable[str], expires_at: datetime | None = None
) -> NewAppPassword:
    """A password for one program of one's own. Only by the person, signed in: never through a token or another.

    Raises: Forbidden, ProofNeeded, BadGrant, NameTaken.
    """
    require_making(actor, user)
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > 100:
        raise BadGrant(_("Give the program a name of at most 100 characters."), field="name")
    wanted = [each for each in AppPassword.Protocol.values if each in set(protocols)]
    if not wanted:
        raise BadGrant(_("Choose at least one thing it is for."), field="protocols")
    if expires_at is not None and expires_at <= timezone.now():
        raise BadGrant(_("The end must lie in the future."), field="expires_at")
    value = app_passwords.new_app_password()
    try:
        with transaction.atomic():
            list(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values("pk"))
            if AppPassword.objects.filter(user=user).count() >= MOST:
                text = _("A person has at most %(most)d app passwords; delete one first.") % {"most": MOST}
                raise BadGrant(text, field="name")
            row = AppPassword.objects.create(
                user=user, name=name, protocols=wanted, secret_hash=app_passwords.keep(value), expires_at=expires_at
            )
            ends = expires_at.isoformat() if expires_at else None
            audit.record(actor, "apppassword.create", user, name=name, protocols=wanted, expires_at=ends)
    except IntegrityError as error:
        raise NameTaken(_("There is an app password “%(name)s” already.") % {"name": name}) from error
    return NewAppPassword(row, value)


def delete_app_password(actor: Actor, row: AppPassword) -> None:
    """It opens nothing any more, nor do the tokens of some hours that it was changed into. Raises: Forbidden."""
    actor.require_writing()
    require_over(actor, row.user)
    with transaction.atomic():
        deleted, _rows = AppPassword.objects.filter(pk=row.pk).delete()
        if deleted:
            end_short_tokens([row.user_id])
            audit.record(actor, "apppassword.delete", row.user, name=row.name)


def delete_all_app_passwords(actor: Actor, user: User) -> int:
    """All of a person's at once, and the secrets of a protocol that are like them; how many there were.

    Raises: Forbidden.
    """
    actor.require_writing()
    require_over(actor, user)
    with transaction.atomic():
        names = list(AppPassword.objects.filter(user=user).values_list("name", flat=True))
        AppPassword.objects.filter(user=user).delete()
        others = other_secrets.drop([user.pk])
        if names or others:
            end_short_tokens([user.pk])
            audit.record(actor, "apppassword.delete_all", user, names=names, others=others)
    return len(names) + others


def list_app_passwords(actor: Actor, user: User) -> QuerySet[AppPassword]:
    """Somebody's, without their values. Raises: Forbidden."""
    require_over(actor, user)
    return AppPassword.objects.filter(user=user).select_related("user")


def get_app_password(actor: Actor, user: User, row_id: int) -> AppPassword:
    """Raises: Http404, Forbidden."""
    found = list_app_passwords(actor, user).filter(pk=row_id).first()
    if found is None:
        raise Http404("no such app password")
    return found


def require_over(actor: Actor, user: User) -> None:
    """Who may see and delete somebody's: they themselves, and who manages their account. Raises: Forbidden."""
    if actor.acting is not None:
        raise Forbidden("no app passwords are touched while acting as somebody")
    if not actor.owns(user):
        actor.require_over(Right.MANAGE_USERS, user)
    elif actor.allowed is not None and not actor.allowed:
        raise Forbidden("not through a temporary link")


def require_making(actor: Actor, user: User) -> None:
    """Asked before the form, too, so that nothing typed is lost. With a fresh proof: it goes past the second factor.

    Raises: Forbidden, ProofNeeded.
    """
    actor.require_writing()
    actor.require_in_person()
    if not actor.owns(user):
        raise Forbidden("everybody makes their own app passwords")
    if not actor.administers:
        actor.require_own(EndUserRight.CREATE_TOKENS)
    proving.require_recent(actor)
