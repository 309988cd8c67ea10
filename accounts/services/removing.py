"""Removing people for good. Taking rights is `grants`; shutting out, which can be taken back, is `people`."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import ApiToken, Grant, OneTimeLink, OptionValue, User
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from accounts.services import locks
from accounts.services.grants import require_another_administrator
from accounts.services.leaving import leave_many


def remove_person(actor: Actor, user: User, *, asked: bool = False) -> bool:
    """Delete a person with their grants, tokens, links and options; their sessions end. True when the row is gone.

    Where evidence names them (whose archive they opened), the row stays as a name alone (`leaving`). What they did
    stays in the audit trail.
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
        if user.is_administrator:
            User.objects.filter(pk=user.pk).update(is_administrator=False)
        Grant.objects.filter(user=user).delete()
        ApiToken.objects.filter(user=user).delete()
        OneTimeLink.objects.filter(user=user).delete()
        OptionValue.objects.filter(level=Level.USER, object_id=user.pk).delete()
        audit.record(actor, "user.delete", user)
        left = leave_many(User.objects.filter(pk=user.pk), ScopeRef(Level.USER, user.pk))
        return left.removed == 1
