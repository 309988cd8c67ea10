"""Whose call it is: an access token, or an address with its password, as an actor whose `via` is the dialect.

Guesses are slowed down as at every other door: tokens as in API v1 (per token and network), passwords as at the sign-in
page. A right password is remembered for a minute by a keyed hash, in this process only: clients of dialects send it
with every call, and a slow hash each time would be felt. Who signs in with a second factor needs a token (or a password
of a program) here. Not for what a dialect's header is called.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import replace

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from accounts import factors
from accounts.actors import Actor
from accounts.app_passwords import looks_like_one
from accounts.errors import TooManyAttempts, WrongPassword
from accounts.models import User
from accounts.sessions import may_enter
from accounts.signing_in import sign_in_caller
from accounts.tokens import actor_for_token
from api import limits
from api.auth import TOKEN_MAX_CHARACTERS
from api.dialects.call import Call
from api.errors import TooManyRequests, Unauthenticated

REMEMBERED_S = 60.0
MOST_REMEMBERED = 1_000
_KEY = secrets.token_bytes(32)
_remembered: dict[bytes, tuple[float, int, str]] = {}


def by_token(call: Call, value: str) -> Actor:
    """The actor of an access token. Raises: Unauthenticated, TooManyRequests."""
    return token_actor(call.dialect.name, value, call.address)


def by_password(call: Call, email: str, password: str) -> Actor:
    """The actor of an address and its password, or one of its tokens in the password's place.

    Raises: Unauthenticated, TooManyRequests.
    """
    return password_actor(call.dialect.name, email, password, call.address)


def token_actor(via: str, value: str, address: str) -> Actor:
    """The same without a call, for protocols that aren't HTTP."""
    if not value or len(value) > TOKEN_MAX_CHARACTERS or not value.isascii() or not value.isprintable():
        raise Unauthenticated(_("This is no token of ours."), invalid=True)
    count = limits.count_request(value, address)
    if count.is_guessing:
        raise TooManyRequests(_("Too many tokens from this network open nothing."), count.wait_s)
    if count.is_over:
        raise TooManyRequests(_("This token has asked too often in this minute."), count.wait_s)
    actor = actor_for_token(value, address=address)
    if actor is None:
        limits.note_wrong(value, address)
        raise Unauthenticated(_("The token is unknown, revoked or expired, or its person is shut out."), invalid=True)
    return replace(actor, via=via)


def password_actor(via: str, email: str, password: str, address: str) -> Actor:
    """The same without a call."""
    person = _remembered_person(email, password)
    if person is not None:
        _count(f"{via} {person.pk}", address)
        return caller(person, via=via, address=address)
    nobody = Actor.for_user(AnonymousUser(), address=address, via=via)
    try:
        actor = sign_in_caller(nobody, email=email[:254], password=password[:1000])
    except WrongPassword as error:
        text = _("Name and password don't belong together, or this person's sign-in needs more than a password.")
        raise Unauthenticated(text) from error
    except TooManyAttempts as error:
        raise TooManyRequests(_("Too many attempts; wait a moment."), error.retry_after_s) from error
    _count(f"{via} {actor.label}", address)
    if actor.token_id is None and actor.user is not None and not looks_like_one(password):  # those cost nothing anyway
        _remember(email, password, actor.user)
    return replace(actor, via=via)


def caller(person: User, *, via: str, address: str) -> Actor:
    """A person through a program: all their rights but personal ones."""
    return Actor.for_user(person, address=address, via=via).restricted(None)


def _count(who: str, address: str) -> None:
    """Requests by password are limited like those by token. Raises: TooManyRequests."""
    count = limits.count_request(f"password {who}", address)
    if count.is_over:
        raise TooManyRequests(_("Too many requests in this minute."), count.wait_s)


def _digest(email: str, password: str) -> bytes:
    return hmac.new(_KEY, f"{email}\0{password}".encode("utf-8", "replace"), hashlib.sha256).digest()


def _remember(email: str, password: str, person: User) -> None:
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[_digest(email, password)] = (time.monotonic() + REMEMBERED_S, person.pk, person.password)


def _remembered_person(email: str, password: str) -> User | None:
    """Whose these were a moment ago, if nothing about their sign-in has changed since."""
    digest = _digest(email, password)
    until, key, kept = _remembered.get(digest, (0.0, 0, ""))
    if until < time.monotonic():
        _remembered.pop(digest, None)
        return None
    person = User.objects.filter(pk=key, is_active=True, password=kept).first()
    if person is None or factors.has_second_factor(person) or not may_enter(Actor.for_user(person), "api"):
        _remembered.pop(digest, None)
        return None
    return person
