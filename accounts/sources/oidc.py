"""OpenID Connect: where to send a browser, and what may be believed of what comes back.

Only the authorization code flow with PKCE. Which signatures count is configured and never read from a token; issuer,
audience, authorized party, nonce and times are checked, times with a minute of skew. What a provider publishes is kept
for an hour; its keys are read again when a token names one that isn't known, once a minute at most. Not for whom it
lets in.

Source: OpenID Connect Core 1.0 §3.1.2, §3.1.3.7, §5.3.2; Discovery 1.0 §4; RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 9700
§2.1 and §4.4 (mix-up).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from accounts.sources import web
from accounts.sources.errors import Denied, NotFresh, SourceMisconfigured, SourceUnavailable
from accounts.sources.reaching import is_loopback

SKEW_S = 60
OLDEST_S = 600  # a token that was made longer ago isn't the answer to a question of now
KEPT_S = 3_600.0
RELOAD_S = 60.0
RETRY_S = 5.0
MOST_KEPT = 200
LONGEST_TOKEN = 64 << 10
LONGEST_WAYS = 200
MOST_GROUPS = 20_000
_KINDS = {"R": "RSA", "P": "RSA", "E": "EC"}


@dataclass(slots=True)
class _Published:
    """What a provider says of itself, and when it was asked."""

    metadata: dict[str, Any]
    at: float
    keys: list[dict[str, Any]] = field(default_factory=list)
    keys_at: float = -KEPT_S


_published: dict[tuple[str, str], _Published] = {}
_lock = threading.Lock()


def forget_all() -> None:
    """Ask every provider anew."""
    with _lock:
        _published.clear()


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of a browser's way to the provider; kept with its browser, used once.

    since: where somebody is to sign in there anew, however they are signed in there: the moment before which they
    didn't (seconds since 1970). None: it doesn't matter when they did.
    """

    state: str
    nonce: str
    verifier: str
    since: float | None = None

    @classmethod
    def new(cls, *, anew: bool = False) -> Question:
        since = time.time() if anew else None
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), since)


class Lack(StrEnum):
    """Why a provider didn't say all groups of somebody."""

    TOO_MANY = "too many"
    ELSEWHERE = "elsewhere"  # Entra names a place of its own for them beyond 200
    AWAY = "away"  # the place where the token lets them be asked for didn't answer


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider vouches for.

    groups: None where it didn't say them all; groups_lack then says why, where the provider has them elsewhere or they
    are too many. said: how they signed in there, the values of amr and acr with spaces between.
    """

    issuer: str
    subject: str
    address: str
    is_verified: bool
    name: str
    groups: tuple[str, ...] | None
    said: str = ""
    groups_lack: Lack | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider as it was configured."""

    settings: Mapping[str, Any]
    secret: str = field(default="", repr=False)
    who: str = ""

    @property
    def _key(self) -> tuple[str, str]:
        return self.settings["issuer"], self.settings["ca_pem"]

    def metadata(self) -> dict[str, Any]:
        """Raises: SourceUnavailable, SourceMisconfigured."""
        return self._look().metadata

    def keys(self) -> list[dict[str, Any]]:
        """The public keys it publishes. Raises: SourceUnavailable, SourceMisconfigured."""
        return self._look().keys

    def address_to_ask(self, question: Question, *, redirect_uri: str, hint: str = "") -> str:
        """Where the browser goes. Raises: SourceUnavailable, SourceMisconfigured."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(question.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings["client_id"],
            "redirect_uri": redirect_uri,
            "scope": self.settings["scopes"],
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if hint:
            asked["login_hint"] = hint
        if question.since is not None:
            asked |= {"prompt": "login", "max_age": "0"}
        endpoint = str(self.metadata()["authorization_endpoint"])
        return endpoint + ("&" if urlsplit(endpoint).query else "?") + urlencode(asked, quote_via=quote)

    def answer(self, question: Question, given: Mapping[str, str], *, redirect_uri: str) -> Claims:
        """What came back with a browser, if it may be believed; whoever asks used the question up before.

        Raises: Denied, SourceUnavailable, SourceMisconfigured.
        """
        metadata = self.metadata()
        issuer = given.get("iss", "")
        if (issuer or metadata.get("authorization_response_iss_parameter_supported") is True) and (
            issuer != metadata["issuer"]
        ):
            raise Denied("the answer is another provider's")
        if not secrets.compare_digest(given.get("state", "").encode(), question.state.encode()):
            raise Denied("the answer belongs to another question")
        if given.get("error"):
            raise Denied(f"the provider says {_word(given['error'])}")
        if not given.get("code"):
            raise Denied("the answer has no code")
        tokens = self._exchange(given["code"], question, redirect_uri)
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise Denied("the provider gives no ID token")
        claims = self.verify(token, nonce=question.nonce)
        if question.since is not None:
            _require_anew(claims, question.since)
        return self._read(claims, tokens.get("access_token"))

    def verify(self, token: str, *, nonce: str) -> dict[str, Any]:
        """The claims of an ID token. Raises: Denied, SourceUnavailable, SourceMisconfigured."""
        if len(token) > LONGEST_TOKEN:
            raise Denied("the token is too long")
        allowed = str(self.settings["algorithms"]).split()
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise Denied("the token can't be read") from error
        algorithm = header.get("alg")
        if algorithm not in allowed:
            raise Denied(f"tokens signed with {_word(algorithm)} don't count here")
        key = self._key_for(header.get("kid"), str(algorithm))
        try:
            found = jwt.decode(token, JWKRegistry.import_key(key), algorithms=[str(algorithm)])
        except (JoseError, ValueError) as error:
            raise Denied(f"the token's signature is wrong: {type(error).__name__}") from error
        claims = dict(found.claims)
        self._check(claims, nonce)
        return claims

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core §3.1.3.7. Raises: Denied."""
        now, client = time.time(), self.settings["client_id"]
        if claims.get("iss") != self.metadata()["issuer"]:
            raise Denied("the token is another issuer's")
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or client not in audiences:
            raise Denied("the token is for somebody else")
        party = claims.get("azp")
        if (len(audiences) > 1 and party is None) or (party is not None and party != client):
            raise Denied("the token was given to somebody else")
        expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
        if expires is None or expires <= now - SKEW_S:
            raise Denied("the token has expired")
        if issued is None or not now - OLDEST_S - SKEW_S <= issued <= now + SKEW_S:
            raise Denied("the token isn't of now: does a clock go wrong?")
        before = _seconds(claims.get("nbf"))
        if before is not None and before > now + SKEW_S:
            raise Denied("the token doesn't count yet")
        said = claims.get("nonce")
        if not isinstance(said, str) or not secrets.compare_digest(said.encode(), nonce.encode()):
            raise Denied("the token answers another question")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
            raise Denied("the token names nobody")

    def _read(self, claims: dict[str, Any], access_token: object) -> Claims:
        """What the claims say; what isn't in the token is asked with it, of the same person only."""
        wanted, of_groups = self.settings["address_claim"], self.settings["groups_claim"]
        lacks_address = not isinstance(claims.get(wanted), str)
        lacks_groups = bool(of_groups) and of_groups not in claims and not _are_elsewhere(claims, of_groups)
        is_known = bool(of_groups)
        if (lacks_address or lacks_groups) and isinstance(access_token, str) and access_token:
            try:
                more = self._person(access_token)
            except SourceUnavailable:
                if lacks_address:
                    raise
                more, is_known = {"sub": claims["sub"]}, False  # nobody loses their roles because it didn't answer
            if (more or lacks_address) and more.get("sub") != claims["sub"]:
                raise Denied("the provider answers about somebody else")
            claims = {**more, **claims}
        address, name = claims.get(wanted), claims.get(self.settings["name_claim"] or "name")
        return Claims(
            issuer=str(self.metadata()["issuer"]),
            subject=str(claims["sub"]),
            address=address if isinstance(address, str) else "",
            is_verified=claims.get("email_verified") is True,
            name=" ".join(name.split())[:200] if isinstance(name, str) and name.isprintable() else "",
            groups=_groups(claims, of_groups) if is_known else None,
            said=_ways(claims),
            groups_lack=_lack(claims, of_groups) if is_known else Lack.AWAY if of_groups else None,
        )

    def _person(self, access_token: str) -> dict[str, Any]:
        """What it says of whose token this is; nothing where it has no such place. Raises: SourceUnavailable."""
        endpoint = self.metadata().get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not access_token.isascii() or not access_token.isprintable():
            return {}
        status, answer = self._ask(endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if status >= 500:
            raise SourceUnavailable(f"the provider answers {status}")
        return answer if status == 200 else {}

    def _exchange(self, code: str, question: Question, redirect_uri: str) -> dict[str, Any]:
        """Tokens for a code. Raises: Denied, SourceUnavailable, SourceMisconfigured."""
        metadata, client = self.metadata(), self.settings["client_id"]
        form = {
            "grant_type": "authorization_code",
            "code": code[:4_096],
            "redirect_uri": redirect_uri,
            "code_verifier": question.verifier,
        }
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        headers: dict[str, str] = {}
        if self.secret and "client_secret_basic" in ways:
            pair = f"{quote(client, safe='')}:{quote(self.secret, safe='')}"  # RFC 6749 §2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self.secret:
            form |= {"client_id": client, "client_secret": self.secret}
        else:
            form["client_id"] = client
        status, answer = self._ask(str(metadata["token_endpoint"]), form=form, headers=headers)
        if status == 200:
            return answer
        said = _word(answer.get("error"))
        if status in (400, 401) and said in ("invalid_client", "unauthorized_client"):
            raise SourceMisconfigured(f"the provider doesn't take our client ID and secret: {said}")
        if status >= 500:
            raise SourceUnavailable(f"the provider answers {status}")
        raise Denied(f"the provider gives no token: {said}")

    def _key_for(self, kid: object, algorithm: str) -> dict[str, Any]:
        """The public key a token names, of the family that its algorithm takes. Raises: Denied, SourceUnavailable."""
        known = self._look()
        for is_fresh in (False, True):
            if is_fresh and not self._reload_keys(known):
                break
            fitting = [each for each in known.keys if _fits(each, kid, algorithm)]
            if len(fitting) == 1 or (fitting and kid is not None):
                return fitting[0]
        raise Denied("the token is signed with a key that the provider doesn't publish")

    def _look(self) -> _Published:
        """What is known of the provider, read anew where that is too old. Raises: SourceUnavailable, …Misconfigured."""
        now = time.monotonic()
        with _lock:
            known = _published.get(self._key)
        if known is None or known.at < now - KEPT_S:
            fresh = _Published(self._discover(), now)
            if known is not None:
                fresh.keys, fresh.keys_at = known.keys, known.keys_at
            known = fresh
            with _lock:
                if len(_published) >= MOST_KEPT:
                    _published.clear()
                _published[self._key] = known
        if known.keys_at < now - KEPT_S:
            self._reload_keys(known)
        return known

    def _reload_keys(self, known: _Published) -> bool:
        """Read the keys again, unless that was done less than a minute ago."""
        now = time.monotonic()
        with _lock:
            if known.keys_at > now - RELOAD_S:
                return False
            known.keys_at = now
        try:
            status, answer = self._ask(str(known.metadata["jwks_uri"]))
            keys = answer.get("keys")
            if status != 200 or not isinstance(keys, list):
                raise SourceUnavailable("the provider's keys can't be read")
        except SourceUnavailable:
            known.keys_at = now - RELOAD_S + RETRY_S  # not a minute without any
            raise
        known.keys = [each for each in keys[:100] if isinstance(each, dict)]
        return True

    def _discover(self) -> dict[str, Any]:
        issuer = str(self.settings["issuer"])
        status, found = self._ask(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if status != 200:
            text = "there is no provider at this address"
            raise SourceMisconfigured(text, detail=f"{text}: it answers {status}")
        if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise SourceMisconfigured("the provider calls itself otherwise than the issuer that was configured")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            url = found.get(name)
            if not isinstance(url, str) or not _is_safe(url, issuer):
                raise SourceMisconfigured(f"the provider names no safe {name}")
        return found

    def _ask(self, url: str, **how: Any) -> tuple[int, dict[str, Any]]:
        said = self.settings
        return web.ask(url, ca_pem=said["ca_pem"], timeout_s=float(said["timeout_s"]), who=self.who, **how)


def _require_anew(claims: Mapping[str, Any], since: float) -> None:
    """That somebody signed in after they were sent there: a provider may take no notice of `prompt`, but the one that
    knows `max_age` says `auth_time`.

    Source: OpenID Connect Core §2, §3.1.2.1 (max_age), §3.1.3.7 (13). Raises: NotFresh.
    """
    signed_in = _seconds(claims.get("auth_time"))
    if signed_in is None:
        raise NotFresh("the token doesn't say when somebody signed in there (auth_time)")
    if not since - SKEW_S <= signed_in <= time.time() + SKEW_S:
        raise NotFresh("the provider asked nobody anew: the token's auth_time is of another moment")


def _ways(claims: Mapping[str, Any]) -> str:
    """How somebody signed in there, as the token says (RFC 8176): bounded, without what can't be a value of ours."""
    used = claims.get("amr")
    values = [*(used if isinstance(used, list) else [used]), claims.get("acr")]
    words = [each for each in values if isinstance(each, str) and each.isprintable() and each.split() == [each]]
    found = ""
    for word in dict.fromkeys(words):
        if len(found) + len(word) < LONGEST_WAYS:
            found = f"{found} {word}".strip()
    return found


def _lack(claims: Mapping[str, Any], name: str) -> Lack | None:
    """Why somebody's groups aren't known, where they were asked for."""
    said = claims.get(name)
    if isinstance(said, list):
        return Lack.TOO_MANY if len(said) > MOST_GROUPS else None
    return Lack.ELSEWHERE if _are_elsewhere(claims, name) else None


def _are_elsewhere(claims: Mapping[str, Any], name: str) -> bool:
    """Whether a provider says that somebody's groups are too many for a token (Entra: `_claim_names`, `hasgroups`).

    Source: OpenID Connect Core §5.6.2 (distributed claims).
    """
    names = claims.get("_claim_names")
    return (isinstance(names, dict) and name in names) or claims.get("hasgroups") in (True, "true")


def _groups(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Somebody's groups; none where the claim isn't there, since most providers leave out a list that is empty. None
    where they lack (`_lack`): half of them would take roles from people. One alone may come as a text.
    """
    if _lack(claims, name) is not None:
        return None
    said = claims.get(name)
    if isinstance(said, list):
        return tuple(map(str, said))
    return (said,) if isinstance(said, str) and said else ()


def _is_safe(url: str, issuer: str) -> bool:
    """https; http only at a provider on this machine, which was configured so."""
    parts = urlsplit(url)
    if parts.username or parts.password or not parts.hostname:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and issuer.startswith("http://") and is_loopback(parts.hostname)
    )


def _fits(key: Mapping[str, Any], kid: object, algorithm: str) -> bool:
    """Whether a published key may have signed: named by the token (or the token names none), for signatures, and of
    the family of the algorithm: a public RSA key never checks an HMAC.
    """
    if kid is not None and key.get("kid") != kid:
        return False
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    family = "OKP" if algorithm == "EdDSA" else _KINDS.get(algorithm[0], "")
    return key.get("kty") == family


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _word(value: object) -> str:
    """What another side calls something, bounded and printable."""
    text = str(value or "nothing")
    return "".join(each if each.isprintable() else "?" for each in text)[:80]
