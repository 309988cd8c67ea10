"""What all second factors have in common, and what administrators do about those of others.

Setting one up needs the person themselves; initialising, and switching off what somebody lost, is for who resets
passwords there. Each kind of factor has its own module (`authenticators`, `passkeys`, `recovery_codes`).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import audit, enforcement, factors, mails, proving
from accounts.actors import Actor
from accounts.errors import FactorDemanded, Forbidden
from accounts.models import AuthenticatorApp, Passkey, RecoveryCode, TrustedDevice, User
from accounts.permissions import Right
from accounts.services.sessions import end_short_tokens


def initialise(actor: Actor, user: User) -> bool:
    """From their next page on the person must set up a second factor before anything else; True when they had one.

    What they had is gone, with recovery codes and trusted devices: that is also how a factor is renewed for somebody.
    Raises: Forbidden (also for oneself), ProofNeeded.
    """
    _require_over(actor, user)
    proving.require_recent(actor)
    with transaction.atomic():
        had = lock(user).second_factor_at is not None
        drop_all(user)
        User.objects.filter(pk=user.pk).update(second_factor_wanted=True)
        user.second_factor_wanted = True
        audit.record(actor, "user.initialise_second_factor", user, renewed=had)
        tell(actor, user, "initialised")
    return had


def remove_second_factors(actor: Actor, user: User) -> bool:
    """The person signs in with their password alone from now on; False where they did already.

    Where one is demanded of them they must set up another before anything else. By who resets passwords there, never
    for oneself: whoever holds a token could. Raises: Forbidden, ProofNeeded.
    """
    if not factors.has_second_factor(user) and not user.second_factor_wanted:
        return False
    _require_over(actor, user)
    proving.require_recent(actor)
    with transaction.atomic():
        lock(user)
        factors.remove_all(user)
        User.objects.filter(pk=user.pk).update(second_factor_wanted=False)
        user.second_factor_wanted = False
        audit.record(actor, "user.remove_second_factors", user)
        tell(actor, user, "disabled")
    return True


def has_factor(user: User) -> bool:
    """For `factors.register`."""
    return user.second_factor_at is not None


def drop_all(user: User) -> None:
    """For `factors.register`: nothing is left. In the caller's transaction."""
    for model in (AuthenticatorApp, Passkey, RecoveryCode, TrustedDevice):
        model._base_manager.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(second_factor_at=None)
    user.second_factor_at = None


def require_own(actor: Actor) -> User:
    """The person, in person and writing: nobody sets up factors in somebody's place. Raises: Forbidden."""
    if actor.user is None:
        raise Forbidden("nobody's factors")
    actor.require_in_person()
    actor.require_writing()
    return actor.user


def lock(user: User) -> User:
    """Everything about a person's factors happens one after the other. In the caller's transaction."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def settle(user: User) -> None:
    """A factor came or went: whether there is one now, and no device is trusted any more. Under `lock`."""
    apps = AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None)
    has_one = apps.exists() or Passkey.objects.filter(user=user).exists()
    had_since = User.objects.values_list("second_factor_at", flat=True).get(pk=user.pk)
    user.second_factor_at = (had_since or timezone.now()) if has_one else None
    values: dict[str, object] = {"second_factor_at": user.second_factor_at}
    if has_one:
        values |= {"second_factor_wanted": False, "second_factor_asked_at": None}
        user.second_factor_wanted, user.second_factor_asked_at = False, None
    else:
        RecoveryCode.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(**values)
    if has_one and had_since is None:
        end_short_tokens([user.pk])  # programs got them for the password alone
    TrustedDevice.objects.filter(user=user).delete()


def require_another(user: User, *, without_app: bool = False, without_passkey: int | None = None) -> None:
    """That something is left where a factor is demanded. Under `lock`. Raises: FactorDemanded."""
    apps = 0 if without_app else AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).count()
    keys = Passkey.objects.filter(user=user).exclude(pk=without_passkey or 0).count()
    if apps + keys == 0 and enforcement.is_demanded(user):
        raise FactorDemanded("a second factor is demanded of this person")


def tell(actor: Actor, user: User, what: str) -> None:
    """Write to the person that something about their second factors changed, once this is committed."""
    transaction.on_commit(lambda: mails.post_notice(user, what, by=actor.label if not actor.owns(user) else ""))


def may_change(actor: Actor, user: User) -> bool:
    """Whether the actor may do this to somebody else's factors, for what pages offer."""
    try:
        _require_over(actor, user)
    except Forbidden:
        return False
    return True


def _require_over(actor: Actor, user: User) -> None:
    actor.require_writing()
    if actor.acting is not None or actor.owns(user):
        raise Forbidden("one's own second factor is changed in person")
    actor.require_over(Right.SET_PASSWORDS, user)
