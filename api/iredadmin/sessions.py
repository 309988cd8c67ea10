"""Sessions of programs: a login with address and password (or token), then a cookie that stands for it.

Kept in the broker, sealed with a key that only the cookie holds, so whoever reads it there can call nothing. A session
ends half an hour after its last use, after half a day, when somebody ends it (it is listed among those of browsers),
or when what was shown for it opens nothing any more
(`api.dialects.credentials.present`); it counts only from the address that began it. Each process remembers for a minute
what it read, and asks about the person with every call. The cookie is the only one an answer sets: clients take the
first.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import redis
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.http import HttpResponse

from accounts import program_sessions
from accounts.actors import Actor
from accounts.errors import PasswordDue, TooManyAttempts, WrongPassword
from accounts.signing_in import CallerWay
from api.dialects import credentials
from api.dialects.call import Call
from api.dialects.credentials import Entered
from api.errors import TooManyRequests, Unauthenticated, Unavailable
from config.kit.heartbeat import broker

COOKIE = "iRedAdmin-Pro-MYSQL"
COOKIES = (COOKIE, "iRedAdmin-Pro-PGSQL", "iRedAdmin-Pro-LDAP")
IDLE_S, LONGEST_S = 30 * 60, 12 * 3600
IDLE = timedelta(seconds=IDLE_S)
REMEMBERED_S = 60.0
MOST_REMEMBERED = 1_000
LONGEST_COOKIE = 100


NONCE = bytes(12)  # each key seals one text


@dataclass(frozen=True, slots=True)
class _Session:
    """until: epoch seconds."""

    entered: Entered
    address: str
    until: float


_remembered: dict[str, tuple[float, _Session]] = {}


def begin(call: Call, email: str, password: str) -> str:
    """The value of a new session's cookie. Raises: Unauthenticated, TooManyRequests, Unavailable."""
    try:
        call.actor, entered = credentials.enter(call.dialect.name, email, password, call.address)
    except PasswordDue as error:
        raise Unauthenticated(str(error)) from error
    except WrongPassword as error:
        raise Unauthenticated("Name and password don't belong together, or more is needed.") from error
    except TooManyAttempts as error:
        raise TooManyRequests("Too many attempts; wait a moment.", error.retry_after_s) from error
    _count(call, call.actor)
    value = secrets.token_urlsafe(32)
    agent = call.header("User-Agent")
    credentials.begin_session(call.actor, entered, how=program_sessions.IREDADMIN, agent=agent, idle=IDLE)
    kept = [entered.way, entered.person, entered.kept, entered.value, call.address, entered.since, entered.session]
    sealed = AESGCM(_key(value)).encrypt(NONCE, json.dumps(kept).encode(), None)
    try:
        broker().set(_place(value), sealed, ex=IDLE_S)
    except redis.RedisError as error:
        raise _away() from error
    return value


def set_cookie(call: Call, response: HttpResponse, value: str) -> None:
    """Never for pages of other sites, and encrypted where the login was; for both prefixes, since clients mix them."""
    secure = call.request.is_secure()
    response.set_cookie(COOKIE, value, httponly=True, samesite="Strict", secure=secure)


def actor_of(call: Call) -> Actor:
    """Whoever began the session whose cookie came. Raises: Unauthenticated, TooManyRequests, Unavailable."""
    value = next((call.request.COOKIES[name] for name in COOKIES if name in call.request.COOKIES), "")
    if not value or len(value) > LONGEST_COOKIE:
        raise Unauthenticated("Log in first.")
    now, place = time.monotonic(), _place(value)
    until, session = _remembered.get(place, (0.0, None))
    if session is None or until < now:
        session = _read(call, value)
        if session is not None:
            if len(_remembered) >= MOST_REMEMBERED:
                _remembered.clear()
            _remembered[place] = (now + REMEMBERED_S, session)
    is_good = session is not None and session.address == call.address and session.until > time.time()
    actor = credentials.present(session.entered, call.address) if session is not None and is_good else None
    if actor is None:
        _remembered.pop(place, None)
        raise Unauthenticated("Log in first.")
    _count(call, actor)
    return actor


def _count(call: Call, actor: Actor) -> None:
    """Requests are limited like those by token. Raises: TooManyRequests."""
    credentials.count(f"{call.dialect.name} {actor.token_id or actor.label}", call.address)


def _read(call: Call, value: str) -> _Session | None:
    """What is kept, for another half hour. Raises: Unavailable."""
    try:
        sealed = cast("bytes | None", broker().getex(_place(value), ex=IDLE_S))
    except redis.RedisError as error:
        raise _away() from error
    if sealed is None:
        return None
    try:
        way, person, kept, shown, address, since, number = json.loads(AESGCM(_key(value)).decrypt(NONCE, sealed, None))
    except (InvalidTag, ValueError):
        return None
    # asked in whole first: another process may have done so long ago
    entered = Entered(call.dialect.name, CallerWay(way), person, kept, shown, float("-inf"), since, number, IDLE)
    return _Session(entered, address, since + LONGEST_S)


def _key(value: str) -> bytes:
    return _digest("key", value).digest()


def _place(value: str) -> str:
    return f"postkeep:iredadmin:session:3:{_digest('place', value).hexdigest()}"


def _digest(purpose: str, value: str) -> hashlib._Hash:
    return hashlib.sha256(f"{purpose} of {value}".encode("utf-8", "replace"))


def _away() -> Unavailable:
    return Unavailable("Sessions can't be kept at the moment; try again in a while.")
