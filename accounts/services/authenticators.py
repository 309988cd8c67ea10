"""Authenticator apps: one-time codes of six digits from a seed that a phone and this server share (TOTP).

A code counts in its own step of 30 seconds and the one before and after, since clocks differ, and never twice: the
newest step that was taken is kept, and older ones are refused with it. Setting up is begun, shown as a QR code, and
confirmed by a code; until then the old app works. Not for what is asked at sign-in (`accounts.second_step`).
Source: RFC 6238 §4, §5.2; the address of the QR code: Google Authenticator's "Key URI Format".
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyotp
import segno
from django.db import transaction
from django.utils import timezone

from accounts import audit, links, proving, throttle
from accounts.actors import Actor
from accounts.errors import Forbidden, WrongCode
from accounts.models import AuthenticatorApp, User
from accounts.services import second_factors
from accounts.services.recovery_codes import ensure_codes

STEP_S, DIGITS, SEED_CHARACTERS = 30, 6, 32
_NO_DIGITS = re.compile(r"[\s-]")


@dataclass(frozen=True, slots=True)
class SetUp:
    """What somebody's app needs: a QR code as an image in a `data:` address, and the seed to type instead."""

    qr: str
    seed: str


def begin_app(actor: Actor) -> None:
    """A new seed, not in force before a code confirms it; one begun earlier is forgotten.

    Raises: Forbidden, ProofNeeded: who finds a session open doesn't lock its person out.
    """
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    with transaction.atomic():
        second_factors.lock(user)
        AuthenticatorApp.objects.filter(user=user, confirmed_at=None).delete()
        AuthenticatorApp.objects.create(user=user, seed=pyotp.random_base32(SEED_CHARACTERS))
        audit.record(actor, "factor.begin_app", user)


def app_in_set_up(actor: Actor) -> SetUp | None:
    """What to scan, while a set-up is going on. Raises: Forbidden."""
    user = second_factors.require_own(actor)
    app = AuthenticatorApp.objects.filter(user=user, confirmed_at=None).first()
    if app is None:
        return None
    seed = app.seed.reveal()
    issuer = f"Postkeep {urlsplit(links.public_url()).hostname or ''}".strip()
    address = pyotp.TOTP(seed).provisioning_uri(name=user.email, issuer_name=issuer)
    qr = segno.make(address, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")
    return SetUp(qr, " ".join(seed[start : start + 4] for start in range(0, len(seed), 4)))


def confirm_app(actor: Actor, *, code: str) -> list[str]:
    """Put the app into force, in the place of an earlier one. The recovery codes made with it, [] where there are some.

    Raises: Forbidden (also where none was begun), ProofNeeded, WrongCode, TooManyAttempts.
    """
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    attempt = throttle.own_factor_counters(user)
    throttle.admit(attempt)
    with transaction.atomic():
        second_factors.lock(user)
        app = AuthenticatorApp.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if app is None:
            raise Forbidden("no app is being set up")
        step = matching_step(app.seed.reveal(), code)
        if step is None:
            raise WrongCode("not the app's code")
        AuthenticatorApp.objects.filter(user=user).exclude(pk=app.pk).delete()
        now = timezone.now()
        AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed_at=now, last_used_at=now, last_step=step)
        second_factors.settle(user)
        audit.record(actor, "factor.add_app", user)
        second_factors.tell(actor, user, "added")
        codes = ensure_codes(user)
    throttle.forgive(attempt)
    return codes


def remove_app(actor: Actor) -> None:
    """Raises: Forbidden, ProofNeeded, FactorDemanded (the last one where one is demanded)."""
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    with transaction.atomic():
        second_factors.lock(user)
        second_factors.require_another(user, without_app=True)
        deleted, _rows = AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).delete()
        second_factors.settle(user)
        if deleted:
            audit.record(actor, "factor.remove_app", user)
            second_factors.tell(actor, user, "removed")


def use_code(user: User, code: str) -> bool:
    """Whether this is a code of the person's app that wasn't used before; then it is used up."""
    with transaction.atomic():
        app = AuthenticatorApp.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).first()
        step = None if app is None else matching_step(app.seed.reveal(), code, after=app.last_step)
        if app is None or step is None:
            return False
        AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=step, last_used_at=timezone.now())
    return True


def matching_step(seed: str, code: str, *, after: int = 0) -> int | None:
    """The step within the window, later than `after`, whose code this is."""
    typed = _NO_DIGITS.sub("", code)
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    now = int(timezone.now().timestamp()) // STEP_S
    totp, found = pyotp.TOTP(seed), None
    for step in (now - 1, now, now + 1):  # all three are looked at, so that the time says nothing
        if hmac.compare_digest(totp.generate_otp(step), typed) and step > after:
            found = step
    return found
