"""Reads of second factors: one's own, and what administrators see of those of others. Never a seed or a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404
from django.utils import timezone

from accounts import enforcement
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuthenticatorApp, Passkey, Session, TrustedDevice, User
from accounts.permissions import Right
from accounts.services.recovery_codes import COUNT, count_left
from accounts.services.trusted_devices import days_for, stamp_of


@dataclass(frozen=True, slots=True)
class Factors:
    """How it stands with somebody's second factors.

    since: None without one. codes_left, of codes_made. standing: whether one is demanded that they lack. is_met:
    whether their identity provider said of this very session that they showed one there, and that counts here.
    """

    since: datetime | None
    app: AuthenticatorApp | None
    passkeys: list[Passkey]
    codes_left: int
    codes_made: int
    devices: list[TrustedDevice]
    trust_days: int
    is_demanded: bool
    is_wanted: bool
    standing: enforcement.Standing
    is_met: bool


def get_own_factors(actor: Actor) -> Factors:
    """Raises: Forbidden: nobody looks at them in somebody's place."""
    if actor.user is None or actor.acting is not None or (actor.allowed is not None and not actor.allowed):
        raise Forbidden("only the person themselves")
    own = Session.objects.filter(pk=actor.session_id or 0, user=actor.user).first()
    return _factors(actor.user, own)


def get_factors(actor: Actor, user: User) -> Factors:
    """Somebody's, for who resets their password; or one's own. Raises: Forbidden."""
    if actor.owns(user):
        return get_own_factors(actor)
    if actor.acting is not None:
        raise Forbidden("not while acting as somebody")
    actor.require_over(Right.SET_PASSWORDS, user)
    return _factors(user, None)


def get_own_passkey(actor: Actor, passkey_id: int) -> Passkey:
    """Raises: Http404."""
    found = Passkey.objects.filter(pk=passkey_id, user=actor.user).first() if actor.user and not actor.acting else None
    if found is None:
        raise Http404("no such passkey")
    return found


def get_own_device(actor: Actor, device_id: int) -> TrustedDevice:
    """Raises: Http404."""
    rows = TrustedDevice.objects.filter(pk=device_id, user=actor.user).select_related("user")
    found = rows.first() if actor.user and not actor.acting else None
    if found is None:
        raise Http404("no such device")
    return found


def _factors(user: User, session: Session | None) -> Factors:
    now = timezone.now()
    stamp = stamp_of(user)
    devices = TrustedDevice.objects.filter(user=user, expires_at__gt=now)
    return Factors(
        since=user.second_factor_at,
        app=AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).first(),
        passkeys=list(Passkey.objects.filter(user=user)),
        codes_left=count_left(user),
        codes_made=COUNT,
        devices=[each for each in devices if each.stamp == stamp],
        trust_days=days_for(user),
        is_demanded=enforcement.is_demanded(user),
        is_wanted=user.second_factor_wanted,
        standing=enforcement.standing_of(user, session=session),
        is_met=session is not None and not user.second_factor_wanted and enforcement.is_met_by(session),
    )
