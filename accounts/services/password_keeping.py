"""Keeping a new password: the one place that writes one, whoever chose it and by whichever door it came.

Whether it may be kept is asked before (`services.passwords`). Former ones are kept as hashes, as many as the option
PASSWORD_HISTORY needs, and none where it needs none.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts import options, password_age
from accounts.actors import Actor
from accounts.models import FormerPassword, User
from accounts.password_rules import HISTORY, HISTORY_MAX
from accounts.services import other_secrets

FIELDS = ["password", "password_changed_at", "password_wanted", "password_told_at"]


def put(user: User, password: str, *, is_wanted: bool = False) -> None:
    """Into the row, which the caller saves. is_wanted: they shall choose another one at their next sign-in."""
    user.set_password(password)
    user.password_changed_at = timezone.now()
    user.password_wanted = is_wanted
    user.password_told_at = None


def keep(user: User, password: str, *, is_wanted: bool = False) -> None:
    """Into the row of somebody who is there, and the one before among the former ones; what a protocol took in its
    place goes. In the caller's transaction.
    """
    last = min(int(options.value(HISTORY, user)), HISTORY_MAX)
    before = user.password if user.has_usable_password() else ""
    put(user, password, is_wanted=is_wanted)
    user.save(update_fields=FIELDS)
    other_secrets.drop([user.pk])
    if before and last > 1:
        FormerPassword.objects.create(user=user, encoded=before)
    kept = FormerPassword.objects.filter(user=user).values_list("pk", flat=True)[: max(0, last - 1)]
    FormerPassword.objects.filter(user=user).exclude(pk__in=list(kept)).delete()


def is_changed_next(actor: Actor, user: User, wanted: bool | None = None) -> bool:
    """Whether somebody shall choose another password than the one that the actor sets: always where the option says
    so, else as the actor wants it; never of their own.
    """
    if actor.owns(user):
        return False
    return bool(wanted) or bool(options.value(password_age.AFTER_RESET, user))


def told(is_wanted: bool) -> dict[str, Any]:
    """Details for the audit trail."""
    return {"change_next": True} if is_wanted else {}
