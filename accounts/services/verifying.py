"""Whether a password is somebody's, asked by a program that knows only that. Slowed down like signing in."""

from __future__ import annotations

from accounts import audit, password_age, throttle
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from accounts.services.source_sign_in import by_password

# A mail server asks for everybody, and its people mistype: it waits after far more guesses, and shorter.
PROGRAM = throttle.Policy(free=100, longest_wait_s=60)


def _asker(actor: Actor) -> str:
    if actor.token_id is not None:
        return f"token:{actor.token_id}"
    return actor.kind if actor.user is None else f"user:{actor.user.pk}"


def verify_password(actor: Actor, user: User, password: str) -> bool:
    """Whether this is the person's password; somebody who may not sign in has none that counts.

    For who may set it. Counted as a guess at the account, and for the program that asks, by its token; never for its
    network, which it may share with people who sign in. Raises: Forbidden, TooManyAttempts, SourceUnavailable.
    """
    actor.require_writing()
    actor.require_over(Right.SET_PASSWORDS, user)
    attempt = [*throttle.at_account(user.email, _asker(actor)), throttle.Counter(f"verify:{_asker(actor)}", PROGRAM)]
    throttle.admit(attempt)
    proved = by_password(user.email, password)
    right = proved is not None and proved.user.pk == user.pk
    if right:
        throttle.forgive(attempt)
    audit.record(actor, "user.verify_password", user, right=right)
    return right


def opens_doors(actor: Actor, user: User, password: str) -> bool:
    """The same for programs that let somebody in by the answer and can't be told more: not one that has expired, or of
    whose person a new one is wanted. Raises: Forbidden, TooManyAttempts, SourceUnavailable.
    """
    return verify_password(actor, user, password) and not password_age.standing_of(user).is_due
