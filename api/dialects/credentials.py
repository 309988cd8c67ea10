"""Whose call it is: an access token, or an address with its password, as an actor whose `via` is the dialect.

One rule for the dialects over HTTP and for sessions that last (PWD): `enter` looks at what was sent, `present` asks
again whether it still opens anything. Guesses are slowed down as at every other door: tokens as in API v1 (per token
and network), passwords as at the sign-in page. A right password is remembered for a minute by a keyed hash, in this
process only: clients of dialects send it with every call, and a slow hash each time would be felt. Who signs in with a
second factor needs a token or an app password here. Not for what a dialect's header is called, nor for which networks
may come at all (`api.dialects.clients`).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import program_sessions
from accounts.actors import Actor
from accounts.errors import PasswordDue, TooManyAttempts, WrongPassword
from accounts.models import User
from accounts.signing_in import CallerWay, let_caller_in, still_lets_caller_in, were_sessions_ended
from accounts.tokens import actor_for_token
from api import limits
from api.auth import TOKEN_MAX_CHARACTERS
from api.dialects.call import Call
from api.errors import TooManyRequests, Unauthenticated
from config.kit import counters
from config.kit.fixed import Fixed

CHECKED_EVERY_S = 1.0  # whether doors are open to somebody; who they are and their rights are read each time
REMEMBERED_S = 60.0
MOST_REMEMBERED = 1_000
_KEY = secrets.token_bytes(32)
_PERSON = Fixed(lambda key: User.objects.filter(pk=key), int)


@dataclass(slots=True)
class Entered:
    """How somebody came in, and what must still be so. value: the token or app password; "" of a person's password.

    kept: the hash of their password as it was; it ends with any change, whatever they came in with. since: when they
    came in, in epoch seconds; it ends where all their sessions are ended after that. session: its id among the sessions
    that are listed, where it is one; it ends with that, or so long after its last use (idle).
    """

    via: str
    way: CallerWay
    person: int
    kept: str
    value: str
    checked_at: float
    since: float = field(default_factory=time.time)
    session: int = 0
    idle: timedelta = timedelta(0)
    session_asked_at: float = -math.inf


_remembered: dict[bytes, tuple[float, Entered]] = {}


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
    digest = _digest(email, password)
    until, entered = _remembered.get(digest, (0.0, None))
    actor = present(entered, address) if entered is not None and until > time.monotonic() else None
    if actor is not None:
        count(f"{via} {actor.label}", address)
        return replace(actor, via=via)
    _remembered.pop(digest, None)
    try:
        actor, entered = enter(via, email, password, address)
    except PasswordDue as error:
        raise Unauthenticated(str(error)) from error
    except WrongPassword as error:
        text = _("Name and password don't belong together, or this person's sign-in needs more than a password.")
        raise Unauthenticated(text) from error
    except TooManyAttempts as error:
        raise TooManyRequests(_("Too many attempts; wait a moment."), error.retry_after_s) from error
    count(f"{via} {actor.label}", address)
    if entered.way is CallerWay.PASSWORD:  # the others cost nothing anyway
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[digest] = (time.monotonic() + REMEMBERED_S, entered)
    return actor


def enter(via: str, email: str, password: str, address: str) -> tuple[Actor, Entered]:
    """Whoever these belong to, and how to ask again. Raises: WrongPassword, TooManyAttempts, SourceUnavailable."""
    nobody = Actor.for_user(AnonymousUser(), address=address, via=via)
    actor, way = let_caller_in(nobody, email=email[:254], password=password[:1000])
    assert actor.user is not None
    value = "" if way is CallerWay.PASSWORD else password
    entered = Entered(via, way, actor.user.pk, actor.user.password, value, time.monotonic())
    return replace(actor, via=via), entered


def present(entered: Entered, address: str) -> Actor | None:
    """The person now, with the rights they hold now; None where what they came in with opens nothing any more."""
    if entered.way is CallerWay.TOKEN:
        actor = actor_for_token(entered.value, address=address)
        if actor is None or actor.user is None or _is_thrown_out(actor.user, entered):
            return None
        return replace(actor, via=entered.via)
    person = _PERSON.first(entered.person)
    if person is None or not person.is_active or person.password != entered.kept or _is_thrown_out(person, entered):
        return None
    actor = Actor.for_user(person, address=address, via=entered.via)
    now = time.monotonic()
    if now - entered.checked_at > CHECKED_EVERY_S:
        if not still_lets_caller_in(actor, entered.way, entered.value):
            return None
        entered.checked_at = now
    return actor.restricted(None)


def begin_session(actor: Actor, entered: Entered, *, how: str, agent: str, idle: timedelta) -> None:
    """From now on it is a session among those of "who is signed in", which ends with its row there.

    It counts as a sign-in, and as the person's last one unless a token of theirs came in their place.
    """
    assert actor.user is not None
    counters.count(user=actor.user.pk, domain=actor.user.home_domain_id, logins=1)
    if entered.way is not CallerWay.TOKEN:
        User.objects.filter(pk=actor.user.pk).update(last_login=timezone.now())
    entered.session = program_sessions.begin(actor.user, how=how, address=actor.address, agent=agent, idle=idle)
    entered.idle, entered.session_asked_at = idle, time.monotonic()


def _is_thrown_out(person: User, entered: Entered) -> bool:
    """Whether somebody's sessions were ended since they came in, all of them or this one."""
    if were_sessions_ended(person, entered.since):
        return True
    now = time.monotonic()
    if not entered.session or now - entered.session_asked_at <= CHECKED_EVERY_S:
        return False
    entered.session_asked_at = now
    return not program_sessions.lasts(entered.session, person.pk, entered.idle)


def caller(person: User, *, via: str, address: str) -> Actor:
    """A person through a program: all their rights but personal ones."""
    return Actor.for_user(person, address=address, via=via).restricted(None)


def count(who: str, address: str) -> None:
    """Requests by password are limited like those by token. Raises: TooManyRequests."""
    count = limits.count_request(f"password {who}", address)
    if count.is_over:
        raise TooManyRequests(_("Too many requests in this minute."), count.wait_s)


def _digest(email: str, password: str) -> bytes:
    return hmac.new(_KEY, f"{email}\0{password}".encode("utf-8", "replace"), hashlib.sha256).digest()
