"""Whose call it is: a JWT (RS256) whose subject is a person here, an access token, or a token in the header `Password`.

A JWT counts where its public key is set; it must say `"admin": true` and when it ends, and stands for the person whose
address is its subject, with that person's rights and no more. The three plain sentences of 401 are those that clients
compare.
Source: WebAdmin's manual, "Authentication"; RFC 7519; RFC 8725 §3.1 (one algorithm, never the token's choice).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from accounts import program_sessions, ties
from accounts.actors import Actor
from accounts.models import User
from accounts.sessions import may_enter
from accounts.signing_in import were_sessions_ended
from api import limits
from api.dialects import credentials
from api.dialects.call import Call
from api.errors import TooManyRequests, Unauthenticated

KEY = "jwtPublicKey"
LONGEST = 8_000
LONGEST_S = 10 * 366 * 86400.0  # an end further away is none that a date has


def clean_key(text: str) -> str:
    """A public RSA key as PEM, or nothing. Raises: ValueError with a sentence for people."""
    text = text.strip()
    if not text:
        return ""
    try:
        key = RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError) as error:
        raise ValueError(_("This is no public RSA key in PEM form.")) from error
    if key.is_private:
        raise ValueError(_("This is a private key. Keep it where tokens are made, and give the public one here."))
    if key.raw_value.key_size < 2048:
        raise ValueError(_("The key is shorter than 2048 bits."))
    return text


def actor_of(call: Call) -> Actor:
    """Raises: Unauthenticated, TooManyRequests."""
    password = call.header("Password")
    if password:
        return credentials.by_token(call, password)
    scheme, _space, value = call.header("Authorization").partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value:
        raise Unauthenticated("No Bearer header.")
    if value.count(".") == 2 and call.settings.get(KEY):
        return _by_jwt(call, value)
    try:
        return credentials.by_token(call, value)
    except Unauthenticated as error:
        raise Unauthenticated("Invalid token.", invalid=True) from error


def _by_jwt(call: Call, value: str) -> Actor:
    count = limits.count_request(value, call.address)
    if count.is_guessing or count.is_over:
        raise TooManyRequests("Too many requests in this minute.", count.wait_s)
    claims = _claims(call, value)
    if claims is None:
        limits.note_wrong(value, call.address)
        raise Unauthenticated("Invalid token.", invalid=True)
    person = _person(str(claims.get("sub", ""))) if claims.get("admin") is True else None
    if person is not None and "exp" not in claims:  # it would count for ever; said after who is none anyway
        raise Unauthenticated("Invalid token.", invalid=True)
    if person is None or not may_enter(Actor.for_user(person), "api"):
        raise Unauthenticated("Non authorized user.")
    if not _was_not_ended(call, value, claims, person):
        raise Unauthenticated("Invalid token.", invalid=True)
    return credentials.caller(person, via=call.dialect.name, address=call.address)


def _was_not_ended(call: Call, value: str, claims: dict[str, Any], person: User) -> bool:
    """Whether it was made after the person's sessions were ended last, where it says when, and nobody ended its use."""
    made = claims.get("iat")
    if isinstance(made, int | float) and were_sessions_ended(person, made + 1):  # whole seconds, mostly
        return False
    ends_at = datetime.fromtimestamp(min(float(claims["exp"]), time.time() + LONGEST_S), UTC)
    agent = call.header("User-Agent")
    return program_sessions.token_counts(value, person, address=call.address, agent=agent, ends_at=ends_at)


def _claims(call: Call, value: str) -> dict[str, Any] | None:
    """What the token says, if our key signed it and now is its time."""
    if len(value) > LONGEST:
        return None
    try:
        token = jwt.decode(value, RSAKey.import_key(call.settings[KEY]), algorithms=["RS256"])
        claims = dict(token.claims)
        now = time.time()
        if ("exp" in claims and float(claims["exp"]) <= now) or float(claims.get("nbf", 0)) > now:
            return None
    except (JoseError, KeyError, ValueError, TypeError, AttributeError):
        return None
    return claims


def _person(address: str) -> User | None:
    address = address.strip().lower()[:254]
    main = ties.main_address_of(address)
    return User.objects.filter(email=main or address, is_active=True).first()
