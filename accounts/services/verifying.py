"""Whether a password is somebody's, asked by a program that knows only that. Slowed down like signing in."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password, make_password

from accounts import audit, throttle
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right


def verify_password(actor: Actor, user: User, password: str) -> bool:
    """Whether this is the person's password; somebody who may not sign in has none that counts.

    Counted as a guess at the account. Raises: Forbidden, TooManyAttempts.
    """
    actor.require(Right.SET_PASSWORDS, user)
    attempt = throttle.counters(user.email, actor.address, None)
    throttle.admit(attempt)
    if not user.has_usable_password():
        make_password(password)  # the same time as for a wrong one
        right = False
    else:
        right = check_password(password, user.password) and user.is_active
    if right:
        throttle.forgive(attempt)
    audit.record(actor, "user.verify_password", user, right=right)
    return right
