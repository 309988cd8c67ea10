"""Whether a password is somebody's, asked by a program that knows only that. Slowed down like signing in."""

from __future__ import annotations

from accounts import audit, throttle
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.services.source_sign_in import by_password


def verify_password(actor: Actor, user: User, password: str) -> bool:
    """Whether this is the person's password; somebody who may not sign in has none that counts.

    Counted as a guess at the account. Raises: Forbidden, TooManyAttempts, SourceUnavailable.
    """
    actor.require(Right.SET_PASSWORDS, user)
    attempt = throttle.counters(user.email, actor.address, None)
    throttle.admit(attempt)
    proved = by_password(user.email, password)
    right = proved is not None and proved.user.pk == user.pk
    if right:
        throttle.forgive(attempt)
    audit.record(actor, "user.verify_password", user, right=right)
    return right
