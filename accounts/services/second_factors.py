"""Switching off the second factors of somebody who lost them. Setting one up needs the person themselves."""

from __future__ import annotations

from django.db import transaction

from accounts import audit, factors
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Right


def remove_second_factors(actor: Actor, user: User) -> bool:
    """The person signs in with their password alone from now on; False where they did already.

    By who resets passwords there, never for oneself: whoever holds a token could. Raises: Forbidden.
    """
    if not factors.has_second_factor(user):
        return False
    actor.require_writing()
    if actor.acting is not None or actor.owns(user):
        raise Forbidden("one's own second factor is switched off in person")
    actor.require_over(Right.SET_PASSWORDS, user)
    with transaction.atomic():
        factors.remove_all(user)
        audit.record(actor, "user.remove_second_factors", user)
    return True
