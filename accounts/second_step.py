"""The second step of signing in, and proving once more who it is: which methods somebody has, and trying one.

Guesses count before they are looked at, per account (or known device) and network, in counters of their own that a
right password doesn't clear; nobody is told why a code was refused. Who comes to the second step has given the right
password, so after some wrong codes the person is told by mail. Keeping the state between the two steps is
`half_way`'s, sessions are `sessions`'.
"""

from __future__ import annotations

from typing import Literal

from accounts import audit, mails, responsible, throttle
from accounts.actors import Actor
from accounts.errors import Forbidden, WrongCode, WrongPassword
from accounts.models import AuthenticatorApp, Identity, Passkey, Source, User
from accounts.services import passkeys
from accounts.services.authenticators import use_code
from accounts.services.blocks import note_failure
from accounts.services.passkeys import use_passkey
from accounts.services.recovery_codes import count_left, use_recovery_code
from accounts.services.source_sign_in import by_password, confirm
from accounts.sources.errors import Denied, SourceUnavailable
from accounts.sources.oidc import Claims

Method = Literal["totp", "passkey", "recovery", "password", "provider"]
TOTP, PASSKEY, RECOVERY, PASSWORD = "totp", "passkey", "recovery", "password"  # names
PROVIDER = "provider"  # signing in anew at the identity provider of one's domain
TRUSTED = "trusted"  # the browser stood in for it
TOLD_AFTER = 5


def methods_of(user: User) -> list[str]:
    """What somebody can show, the usual first; [] without a second factor."""
    found = []
    if AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).exists():
        found.append(TOTP)
    if Passkey.objects.filter(user=user, rp_id=passkeys.host()).exists() and passkeys.is_possible():
        found.append(PASSKEY)
    if user.second_factor_at is not None and (count_left(user) or not found):
        found.append(RECOVERY)  # the way that is left, also where none is: the page must say something
    return found


def ways_to_prove(user: User) -> list[str]:
    """By what somebody proves once more who they are, the usual first: their factors, else where they sign in; at
    least one, which may lead nowhere (`has_password`).
    """
    found = methods_of(user)
    if found:
        return found
    ways = [PROVIDER] if proves_at(user) is not None else []
    return [*ways, PASSWORD] if not ways or has_password(user) else ways


def proves_at(user: User) -> Source | None:
    """The identity provider by which somebody without a factor here proves who they are: their domain's, if they are
    bound to it and it speaks for all that they hold.
    """
    if user.second_factor_at is not None or user.authentication == responsible.LOCAL_ONLY:
        return None
    source = responsible.source_for(user.email)
    if source is None or not source.kind_of.is_web or not responsible.speaks_for(source, user):
        return None
    return source if Identity.objects.filter(source=source, user=user).exists() else None


def pass_second_step(
    actor: Actor, user: User, *, method: str, value: str, challenge: bytes = b"", device: str | None = None
) -> None:
    """The factor that follows a right password; `actor` is nobody yet. Raises: WrongCode, TooManyAttempts."""
    attempt = throttle.factor_counters(user, actor.address, device)
    throttle.admit(attempt)
    if not _is_right(user, method, value, challenge):
        _note_wrong(actor, user, method)
        if throttle.failures(attempt[0]) == TOLD_AFTER:
            mails.post_notice(user, "guessed")
        raise WrongCode("not the person's factor")
    throttle.forgive(attempt)
    if method == RECOVERY:
        _note_recovery(actor, user)


def prove(actor: Actor, *, method: str, value: str, challenge: bytes = b"") -> None:
    """A signed-in person proves once more who they are: with a factor, or the password where they have none.

    Raises: WrongCode, WrongPassword, TooManyAttempts, Forbidden.
    """
    actor.require_in_person()
    actor.require_writing()
    assert actor.user is not None
    user = User.objects.get(pk=actor.user.pk)
    if user.second_factor_at is None:
        attempt = throttle.own_password_counters(user)
        throttle.admit(attempt)
        if method != PASSWORD or not _is_password(user, value):
            _note_wrong(actor, user, PASSWORD)
            raise WrongPassword("the present password is another one")
    else:
        attempt = throttle.own_factor_counters(user)
        throttle.admit(attempt)
        if not _is_right(user, method, value, challenge):
            _note_wrong(actor, user, method)
            raise WrongCode("not the person's factor")
    throttle.forgive(attempt)
    if method == RECOVERY:
        _note_recovery(actor, user)


def prove_by_provider(actor: Actor, source: Source, claims: Claims) -> None:
    """The same by an answer of the person's provider, of which whoever asked saw to it that it is fresh.

    Raises: OtherAccount, Denied, Forbidden (they have a factor here, or another source).
    """
    actor.require_in_person()
    actor.require_writing()
    assert actor.user is not None
    user = User.objects.get(pk=actor.user.pk)
    if proves_at(user) != source:
        raise Forbidden("this provider isn't asked for the person")
    try:
        confirm(source, user, claims)
    except Denied as error:
        audit.record(actor, "user.second_step_failed", user, method=PROVIDER, source=source.name, why=str(error))
        raise


def has_password(user: User) -> bool:
    """Whether somebody has a password that `prove` could check: one kept here that counts, or at a source that takes
    passwords.
    """
    source = responsible.source_for(user.email)
    if source is not None and not source.kind_of.is_web:
        return True
    return user.has_usable_password() and responsible.takes_password_here(source, user)


def _is_password(user: User, value: str) -> bool:
    """Wherever it is checked; a source that doesn't answer says no."""
    try:
        proved = by_password(user.email, value)
    except SourceUnavailable:
        return False
    return proved is not None and proved.user.pk == user.pk


def _is_right(user: User, method: str, value: str, challenge: bytes) -> bool:
    if method == TOTP:
        return use_code(user, value)
    if method == RECOVERY:
        return use_recovery_code(user, value)
    if method == PASSKEY and challenge:
        return use_passkey(user, answer=value, challenge=challenge) is not None
    return False


def _note_wrong(actor: Actor, user: User, method: str) -> None:
    audit.record(actor, "user.second_step_failed", user, method=method)
    note_failure(actor.address, user.email, "web", user)


def _note_recovery(actor: Actor, user: User) -> None:
    audit.record(actor, "factor.use_code", user, left=count_left(user))
    mails.post_notice(user, "recovery")
