"""DKIM: do the signatures of a message hold, and whose are they?

Keys are read by `domains.dkim_keys`. What is old is refused: SHA-1, keys below 1024 bits (RFC 8301). A signature over
the first part of the body only (l=) vouches for nothing that stands behind it and counts as "neutral".

Source: RFC 6376 §3.5 (tags), §6.1 (verifying); RFC 8463 (Ed25519).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from domains.dkim_keys import SMALLEST_BITS, BadRecord, KeyRecord, bits_of, parse_record, parse_tags
from domains.policy.facts import AuthResult
from gateway.judging.authentication.canonical import HeaderField, Signable
from gateway.judging.authentication.names import Found, NoAnswer

Ask = Callable[[str, str], Found]
MOST_SIGNATURES = 5
MOST_KEYS = 3  # records at one selector
_NEEDED = ("v", "a", "b", "bh", "d", "h", "s")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,250}[a-z0-9_])?", re.IGNORECASE)
_FORMS = ("simple", "relaxed")


@dataclass(frozen=True, slots=True)
class DkimAnswer:
    """What became of one signature. `algorithm`, `selector`, `identity` (i=) as it says them."""

    result: AuthResult
    domain: str = ""
    selector: str = ""
    why: str = ""
    algorithm: str = ""
    identity: str = ""


class Unsound(Exception):
    """The signature doesn't hold (`result`), and why."""

    def __init__(self, why: str, result: AuthResult = AuthResult.PERMERROR) -> None:
        super().__init__(why)
        self.result = result


def verify(message: Signable, ask: Ask, now: float) -> tuple[DkimAnswer, ...]:
    """The signatures from the top, five at most; `now` in seconds since 1970. Never raises."""
    fields = message.all(b"dkim-signature")[:MOST_SIGNATURES]
    return tuple(_verify_one(message, each, ask, now) for each in fields)


def _verify_one(message: Signable, signature: HeaderField, ask: Ask, now: float) -> DkimAnswer:
    tags: dict[str, str] = {}
    try:
        tags = read_tags(signature)
        check_tags(tags, now)
        check_body(message, tags)
        record = find_key(tags, ask)
        _check_identity(tags, record)
        data = message.chosen(signed_names(tags), _forms(tags)[0])
        data += signature.without_signature().canonical(_forms(tags)[0])
        check_signature(tags, record, data)
        partial = "l" in tags and int(tags["l"]) < message.body_length(_forms(tags)[1])
        result, why = (AuthResult.NEUTRAL, "signs only a part of the body") if partial else (AuthResult.PASS, "")
    except Unsound as error:
        result, why = error.result, str(error)
    except NoAnswer as error:
        result, why = AuthResult.TEMPERROR, str(error)
    return DkimAnswer(
        result,
        tags.get("d", "").lower()[:253],
        tags.get("s", "")[:100],
        why[:200],
        tags.get("a", "").lower()[:20],
        tags.get("i", "")[:320],
    )


def read_tags(signature: HeaderField) -> dict[str, str]:
    """Raises: Unsound."""
    try:
        text = signature.value.decode("ascii")
        return parse_tags(" ".join(text.split()))
    except (UnicodeError, BadRecord) as error:
        raise Unsound(f"the signature can't be read: {error}") from error


def check_tags(tags: dict[str, str], now: float, *, needed: tuple[str, ...] = _NEEDED) -> None:
    """What must be there and may be said. Raises: Unsound."""
    missing = [name for name in needed if not tags.get(name)]
    if missing:
        raise Unsound(f"the tag {missing[0]}= is missing")
    if tags.get("v", "1") != "1":
        raise Unsound("an unknown version")
    if tags["a"].lower() not in ("rsa-sha256", "ed25519-sha256"):
        raise Unsound(f"signed with {tags['a'][:20]}, which proves nothing")
    if not (_NAME.fullmatch(tags["d"]) and _NAME.fullmatch(tags["s"]) and "." in tags["d"]):
        raise Unsound("no name that DNS can hold")
    if "dns/txt" not in tags.get("q", "dns/txt").lower().split(":"):
        raise Unsound("an unknown way to ask for the key")
    if any(form not in _FORMS for form in _forms(tags)):
        raise Unsound("an unknown form of canonicalisation")
    if any(name in tags and not (tags[name].isdecimal() and len(tags[name]) < 20) for name in ("l", "t", "x")):
        raise Unsound("l=, t= or x= is no number")
    if "x" in tags and (int(tags["x"]) < now or int(tags["x"]) <= int(tags.get("t", "0"))):
        raise Unsound("the signature has expired", AuthResult.FAIL)
    if "h" in needed and "v" in needed and b"from" not in signed_names(tags):
        raise Unsound("the signature doesn't cover From")


def _forms(tags: dict[str, str]) -> tuple[str, str]:
    head, _slash, body = tags.get("c", "simple/simple").lower().partition("/")
    return head.strip(), body.strip() or "simple"


def signed_names(tags: dict[str, str]) -> list[bytes]:
    return [name.strip().lower().encode() for name in tags.get("h", "").split(":")]


def check_body(message: Signable, tags: dict[str, str]) -> None:
    """Raises: Unsound."""
    length = int(tags["l"]) if "l" in tags else None
    form = _forms(tags)[1]
    if length is not None and length > message.body_length(form):
        raise Unsound("the body is shorter than what was signed", AuthResult.FAIL)
    if message.body_hash(form, length) != decoded(tags["bh"]):
        raise Unsound("the body was changed", AuthResult.FAIL)


def decoded(text: str) -> bytes:
    """Raises: Unsound."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Unsound("bh= or b= is no base64") from error


def find_key(tags: dict[str, str], ask: Ask) -> KeyRecord:
    """The published key. Raises: Unsound, NoAnswer."""
    name = f"{tags['s']}._domainkey.{tags['d']}"
    texts = ask(name, "TXT").records[:MOST_KEYS]
    if not texts:
        raise Unsound("no key is published")
    problem = ""
    for text in texts:
        record = _read_key(text)
        if isinstance(record, str):
            problem = problem or record
        elif record.public is None:
            problem = "the key was revoked"
        else:
            return record
    raise Unsound(problem)


@lru_cache(maxsize=2000)
def _read_key(text: str) -> KeyRecord | str:
    try:
        record = parse_record(text[:5000])
    except BadRecord as error:
        return str(error)
    if isinstance(record.public, RSAPublicKey) and bits_of(record.public) < SMALLEST_BITS:
        return f"the key has only {bits_of(record.public)} bits"
    return record


def _check_identity(tags: dict[str, str], record: KeyRecord) -> None:
    if "i" not in tags:
        return
    domain, inner = tags["d"].lower(), tags["i"].rpartition("@")[2].lower()
    if inner != domain and ("s" in record.flags or not inner.endswith("." + domain)):
        raise Unsound("i= is not within d=")


def check_signature(tags: dict[str, str], record: KeyRecord, data: bytes) -> None:
    """Whether b= is the key's signature of `data`. Raises: Unsound."""
    kind, _dash, hashed = tags["a"].lower().partition("-")
    if record.algorithm != kind or (record.hashes and hashed not in record.hashes):
        raise Unsound("the key is not for this algorithm")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    signature, summed, public = decoded(tags["b"]), digest.finalize(), record.public
    assert public is not None  # find_key gives no revoked one
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signature, summed, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        else:
            public.verify(signature, summed)
    except InvalidSignature as error:
        raise Unsound("the signature doesn't fit", AuthResult.FAIL) from error
