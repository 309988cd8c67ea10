"""Removing people for good. Taking rights is `grants`; shutting out, which can be taken back, is `people`."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import ApiToken, Grant, OneTimeLink, OptionValue, User
from accounts.permissions import Level, Right
from accounts.services import locks
from accounts.services.grants import require_another_administrator


def remove_person(actor: Actor, user: User, *, asked: bool = False) -> bool:
    """Delete a person with their grants, tokens, links and options; their sessions end. True when the row is gone.

    Where records of others name them (whose archive they opened), they are closed instead: the address stays theirs,
    so that nobody else is taken for them. What they did stays in the audit trail.
    asked: the caller asked the right by other means. Raises: Forbidden (also for oneself), LastAdministrator.
    """
    if not asked:
        actor.require_writing()
        actor.require_over(Right.MANAGE_USERS, user)
    if actor.owns(user) and actor.kind == "user":
        raise Forbidden("nobody deletes their own account")
    with transaction.atomic():
        locks.hold(locks.ADMINISTRATORS)
        require_another_administrator(user)
        Grant.objects.filter(user=user).delete()
        ApiToken.objects.filter(user=user).delete()
        OneTimeLink.objects.filter(user=user).delete()
        OptionValue.objects.filter(level=Level.USER, object_id=user.pk).delete()
        audit.record(actor, "user.delete", user)
        try:
            with transaction.atomic():
                user.delete()
            return True
        except ProtectedError:
            _close(user)
            return False


def _close(user: User) -> None:
    found = User.objects.select_for_update().get(pk=user.pk)
    found.is_active = found.is_administrator = False
    found.set_unusable_password()
    found.save(update_fields=["is_active", "is_administrator", "password"])
