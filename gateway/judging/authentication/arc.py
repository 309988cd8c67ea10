"""ARC: what servers on the way saw before they changed a message, and whether that chain holds. Read, never written.

Source: RFC 8617 §4 (header fields), §5.2 (validating).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domains.policy.facts import AuthResult
from gateway.judging.authentication import dkim
from gateway.judging.authentication.canonical import HeaderField, Signable
from gateway.judging.authentication.dkim import Ask, Unsound
from gateway.judging.authentication.names import NoAnswer

MOST_SETS = 50
MOST_CHECKED = 10  # signatures of seals that are looked up; a longer chain is none
_INSTANCE = re.compile(rb"^\s*i\s*=\s*([0-9]{1,3})\s*;")
_SEAL, _SIGNATURE, _RESULTS = b"arc-seal", b"arc-message-signature", b"arc-authentication-results"


@dataclass(frozen=True, slots=True)
class ArcAnswer:
    """NONE without a chain. `domains`: who sealed, the first to touch it first. `results`: what the first one saw."""

    result: AuthResult
    domains: tuple[str, ...] = ()
    results: str = ""
    why: str = ""


def verify(message: Signable, ask: Ask, now: float) -> ArcAnswer:
    """Never raises."""
    try:
        sets = _sets(message)
        if not sets:
            return ArcAnswer(AuthResult.NONE)
        seals = [dkim.read_tags(each[_SEAL]) for each in sets]
        _check_chain_values(seals)
        _check_message(message, sets[-1][_SIGNATURE], ask, now)
        for number in range(len(sets), 0, -1):
            _check_seal(sets[:number], seals[number - 1], ask, now)
    except Unsound as error:
        return ArcAnswer(AuthResult.FAIL, why=str(error)[:200])
    except NoAnswer as error:
        return ArcAnswer(AuthResult.TEMPERROR, why=str(error)[:200])
    seen = sets[0][_RESULTS].value.decode("utf-8", "replace").partition(";")[2]
    return ArcAnswer(AuthResult.PASS, tuple(tags["d"].lower() for tags in seals), " ".join(seen.split())[:1000])


def _sets(message: Signable) -> list[dict[bytes, HeaderField]]:
    """The sets in order, each whole. Raises: Unsound."""
    found: dict[int, dict[bytes, HeaderField]] = {}
    for each in message.fields:
        if each.name in (_SEAL, _SIGNATURE, _RESULTS):
            instance = _INSTANCE.match(each.value)
            if instance is None:
                raise Unsound("a field of the chain has no number")
            if found.setdefault(int(instance[1]), {}).setdefault(each.name, each) is not each:
                raise Unsound("a field of the chain stands there twice")
    if len(found) > min(MOST_SETS, MOST_CHECKED):
        raise Unsound("the chain is too long")
    numbers = sorted(found)
    if numbers != list(range(1, len(numbers) + 1)) or any(len(each) != 3 for each in found.values()):
        raise Unsound("the chain has gaps")
    return [found[number] for number in numbers]


def _check_chain_values(seals: list[dict[str, str]]) -> None:
    for number, tags in enumerate(seals, 1):
        if tags.get("cv", "").lower() != ("none" if number == 1 else "pass"):
            raise Unsound(f"seal {number} says that the chain was broken")


def _check_message(message: Signable, signature: HeaderField, ask: Ask, now: float) -> None:
    """The newest ARC-Message-Signature: as DKIM's, without v=, and never over seals."""
    tags = dkim.read_tags(signature)
    dkim.check_tags(tags, now, needed=("a", "b", "bh", "d", "h", "s"))
    if _SEAL in dkim.signed_names(tags):
        raise Unsound("the message's signature covers a seal")
    dkim.check_body(message, tags)
    form = tags.get("c", "simple/simple").lower().partition("/")[0].strip()
    data = message.chosen(dkim.signed_names(tags), form) + signature.without_signature().canonical(form)
    dkim.check_signature(tags, dkim.find_key(tags, ask), data)


def _check_seal(sets: list[dict[bytes, HeaderField]], tags: dict[str, str], ask: Ask, now: float) -> None:
    """A seal over all sets up to its own, the seal itself last and without its b=."""
    dkim.check_tags(tags, now, needed=("a", "b", "d", "s"))
    if "h" in tags:
        raise Unsound("a seal names header fields")
    pieces = []
    for number, each in enumerate(sets, 1):
        pieces += [each[name].canonical("relaxed") + b"\r\n" for name in (_RESULTS, _SIGNATURE)]
        if number < len(sets):
            pieces.append(each[_SEAL].canonical("relaxed") + b"\r\n")
    pieces.append(sets[-1][_SEAL].without_signature().canonical("relaxed"))
    dkim.check_signature(tags, dkim.find_key(tags, ask), b"".join(pieces))
