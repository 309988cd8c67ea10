"""DMARC: does the domain that people see in From stand behind the message, and what does it want done if not?

The organisation of a domain is found by walking up the tree of names, as `domains.diagnosis.dmarc` does and the
successor of RFC 7489 says; no list of public suffixes is needed.

Source: RFC 7489 §3.1 (alignment), §6.3 (tags), §6.6.2; draft-ietf-dmarc-dmarcbis §4.10 (tree walk).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domains.dkim_keys import BadRecord, parse_tags
from domains.policy.facts import AuthResult
from gateway.judging.authentication.names import Found, NoAnswer

Ask = Callable[[str, str], Found]
MOST_STEPS = 8
POLICIES = ("none", "quarantine", "reject")
_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|$)")


@dataclass(frozen=True, slots=True)
class DmarcAnswer:
    """`policy`: what the domain wants done with what fails ("" without a record). `domain`: From's."""

    result: AuthResult
    domain: str = ""
    policy: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    tags: dict[str, str]


def evaluate(from_domains: Iterable[str], spf_domain: str, dkim_domains: Iterable[str], ask: Ask) -> DmarcAnswer:
    """spf_domain and dkim_domains: those that passed ("" for none). Never raises."""
    domains = list(dict.fromkeys(domain.lower().rstrip(".") for domain in from_domains))
    if len(domains) != 1 or "." not in domains[0]:
        return DmarcAnswer(AuthResult.NONE, why="From does not name one domain")
    domain = domains[0]
    try:
        return _evaluate(domain, spf_domain.lower(), [each.lower() for each in dkim_domains], ask)
    except NoAnswer as error:
        return DmarcAnswer(AuthResult.TEMPERROR, domain, why=str(error)[:200])


def _evaluate(domain: str, spf_domain: str, dkim_domains: list[str], ask: Ask) -> DmarcAnswer:
    records = _walk(domain, ask)
    if not records:
        return DmarcAnswer(AuthResult.NONE, domain, why="no record")
    own = records[0] if records[0].name == domain else None
    record = own or _organisations(records)
    tags = record.tags
    name = "p" if own else ("sp" if "sp" in tags else "p")
    policy = tags.get(name, "none").lower()
    if policy not in POLICIES:
        return DmarcAnswer(AuthResult.PERMERROR, domain, why=f"{name}= is {policy[:20]}")
    organisation = _organisations(records).name
    strict_spf, strict_dkim = (tags.get(tag, "r").lower() == "s" for tag in ("aspf", "adkim"))
    if spf_domain and _is_aligned(domain, spf_domain, organisation, ask, strict=strict_spf):
        return DmarcAnswer(AuthResult.PASS, domain, policy, "spf")
    if any(_is_aligned(domain, each, organisation, ask, strict=strict_dkim) for each in dkim_domains if each):
        return DmarcAnswer(AuthResult.PASS, domain, policy, "dkim")
    return DmarcAnswer(AuthResult.FAIL, domain, policy, "neither SPF nor DKIM speaks for it")


def _is_aligned(domain: str, other: str, organisation: str, ask: Ask, *, strict: bool) -> bool:
    if domain == other:
        return True
    if strict or not (other == organisation or other.endswith("." + organisation)):
        return False
    # Below our organisation there may be another one of its own (psd=n).
    records = _walk(other, ask)
    return not records or _organisations(records).name == organisation


def _walk(domain: str, ask: Ask) -> list[_Record]:
    """The records from the domain upwards, never of a single label; a long name skips its middle."""
    labels = domain.split(".")
    names = [".".join(labels[at:]) for at in range(len(labels) - 1)]
    found = []
    for name in [*names[:1], *names[1:][-(MOST_STEPS - 1) :]]:
        record = _record(name, ask)
        if record is not None:
            found.append(record)
            if record.tags.get("psd", "").lower() == "n":
                break
    return found


def _record(name: str, ask: Ask) -> _Record | None:
    texts = [text for text in ask(f"_dmarc.{name}", "TXT").records if _VERSION.match(text)]
    if len(texts) != 1:
        return None  # several are as good as none, RFC 7489 §6.6.3
    try:
        return _Record(name, parse_tags(texts[0][:5000]))
    except BadRecord:
        return None


def _organisations(records: list[_Record]) -> _Record:
    """The record of the organisation: the highest, but a public suffix's (psd=y) only where there is no other."""
    own = [record for record in records if record.tags.get("psd", "").lower() != "y"]
    return (own or records)[-1]
