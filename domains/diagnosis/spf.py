"""Who may send for a domain: its SPF record, what following it costs, and whether our own mail passes.

Source: RFC 7208; the following itself is in `spf_records`.
"""

from __future__ import annotations

import re

from domains.diagnosis.expectations import Expectations, plain
from domains.diagnosis.lookups import Lookups, Trace
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.spf_records import (
    MOST_LOOKUPS,
    MOST_VOID_LOOKUPS,
    WALK_ENDS_AT,
    BadSpf,
    Branch,
    Term,
    Walk,
    is_spf,
    parse,
)
from domains.diagnosis.words import Code


def look(domain: str, expected: Expectations, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Raises: Unanswered, when nobody says whether there is a record."""
    trace.say(f"Lookup for SPF entry in DNS for {domain}")
    texts = [text for text in lookups.texts(trace, domain) if is_spf(text)]
    if not texts:
        return [found(Code.ERROR_SPF_MISSING_ENTRY, DnsRecord(domain, "TXT", _proposed(expected)))]
    if len(texts) > 1:
        return [found(Code.ERROR_SPF_MULTIPLE, count=len(texts))]
    try:
        terms = parse(texts[0])
    except BadSpf as error:
        return [found(Code.ERROR_SPF_SYNTAX, name=domain, term=str(error))]
    walk = Walk(lookups, trace)
    branch = walk.follow(domain, texts[0])
    trace.say(f"{walk.count} lookups of {MOST_LOOKUPS}, {len(walk.void)} of them void")
    findings = [*_limits(walk), *_ending(terms), *_authorised(domain, texts[0], branch, walk, expected)]
    findings += [found(Code.SPF_NOT_CHECKED_IN_PART, name=name) for name in walk.silent[:1]]
    return findings or [found(Code.SPF_OK, lookups=walk.count)]


def _limits(walk: Walk) -> list[Finding]:
    """What makes receivers give up."""
    findings = [found(Code.ERROR_SPF_SYNTAX, name=name, term=term) for name, term in walk.syntax[:3]]
    findings += [found(Code.ERROR_SPF_BROKEN_INCLUDE, name=name) for name in dict.fromkeys(walk.broken)]
    if walk.count > MOST_LOOKUPS:
        count = f"{WALK_ENDS_AT}+" if walk.count > WALK_ENDS_AT else str(walk.count)
        findings.append(found(Code.ERROR_SPF_TOO_MANY_LOOKUPS, lookups=count))
    if len(walk.void) > MOST_VOID_LOOKUPS:
        names = ", ".join(dict.fromkeys(walk.void[:5]))
        findings.append(found(Code.ERROR_SPF_TOO_MANY_VOID_LOOKUPS, count=len(walk.void), names=names))
    if walk.uses_ptr:
        findings.append(found(Code.WARNING_SPF_PTR))
    return findings


def _ending(terms: list[Term]) -> list[Finding]:
    """How the record treats everybody else."""
    names = [term.name for term in terms]
    if "all" not in names:
        return [] if "redirect" in names else [found(Code.WARNING_SPF_NEUTRAL)]
    at = names.index("all")
    findings = []
    if terms[at].qualifier == "+":
        findings.append(found(Code.WARNING_SPF_PASS_ALL))
    if terms[at].qualifier == "?":
        findings.append(found(Code.WARNING_SPF_NEUTRAL))
    ignored = [term.text for term in terms[at + 1 :] if not term.is_modifier or term.name == "redirect"]
    if ignored:
        findings.append(found(Code.WARNING_SPF_AFTER_ALL, terms=" ".join(ignored)[:200]))
    return findings


def _authorised(domain: str, text: str, branch: Branch, walk: Walk, expected: Expectations) -> list[Finding]:
    """Whether everybody that mail leaves from is let send. What nobody answered about is not held against it."""
    if walk.silent:
        return []
    missing = [f"include:{plain(name)}" for name in expected.spf_includes if plain(name) not in walk.included]
    missing += [_mechanism(str(each)) for each in expected.sending_networks() if not branch.allows(each)]
    if not missing:
        return []
    who = ", ".join(term.partition(":")[2] for term in missing)
    return [found(Code.ERROR_SPF_NOT_AUTHORISED, DnsRecord(domain, "TXT", _with_terms(text, missing)), who=who)]


def _mechanism(network: str) -> str:
    """ip4: or ip6:, a single address without its length."""
    text = network.removesuffix("/32") if ":" not in network else network.removesuffix("/128")
    return f"ip6:{text}" if ":" in text else f"ip4:{text}"


def _with_terms(text: str, missing: list[str]) -> str:
    """The record with these terms before the one that decides about everybody else."""
    words = text.split()
    ends = [at for at, word in enumerate(words) if _ENDS.fullmatch(word)]
    at = ends[0] if ends else len(words)
    return " ".join([*words[:at], *missing, *words[at:]])


_ENDS = re.compile(r"[+\-~?]?all|redirect=.*", re.IGNORECASE)


def _proposed(expected: Expectations) -> str:
    """A record to begin with: everybody we know of, the others marked."""
    terms = [f"include:{plain(name)}" for name in expected.spf_includes]
    terms += [_mechanism(str(network)) for network in expected.sending_networks()]
    return " ".join(["v=spf1", *(terms or ["mx"]), "~all"])
