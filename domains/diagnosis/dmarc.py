"""What a domain asks receivers to do with forged mail, and whether its reports will be sent.

Source: RFC 7489 §6.3 (tags), §6.6.3 (finding the record), §7.1 (reports to another domain). The organisational domain
is found by walking up the tree to the record with the fewest labels, as the successor of RFC 7489 does, not by the
Public Suffix List: where a suffix has no record, both agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domains.diagnosis.expectations import Expectations, plain
from domains.diagnosis.lookups import Lookups, Trace
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.words import Code
from domains.dkim_keys import BadRecord, parse_tags

POLICIES = ("none", "quarantine", "reject")
MOST_STEPS = 8
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")
_SUFFIX = re.compile(r";\s*psd\s*=\s*y\b")
_MAILTO = re.compile(r"mailto:[^@\s]+@([a-z0-9._-]+?)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Record:
    name: str  # the domain it is of
    texts: tuple[str, ...]


def look(domain: str, expected: Expectations, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Raises: Unanswered."""
    trace.say(f"Lookup for DMARC entry in DNS for {domain}")
    record = _record_for(domain, lookups, trace)
    mailbox = expected.reports_address(domain)
    if record is None:
        proposed = DnsRecord(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:{mailbox}")
        return [found(Code.ERROR_DMARC_MISSING_ENTRY, proposed)]
    if len(record.texts) > 1:
        return [found(Code.ERROR_DMARC_MULTIPLE, count=len(record.texts))]
    try:
        tags = _read(record.texts[0])
    except BadRecord as error:
        return [found(Code.ERROR_DMARC_SYNTAX, why=str(error))]
    is_own = record.name == domain
    findings = [] if is_own else [found(Code.DMARC_INHERITED, name=record.name)]
    policy = tags["p"] if is_own else tags.get("sp", tags["p"])
    findings += _weaknesses(record, tags, policy, mailbox)
    findings += _refused_reports(record.name, tags, lookups, trace)
    return [*findings, found(Code.DMARC_OK, policy=policy)] if policy != "none" else findings


def _record_for(domain: str, lookups: Lookups, trace: Trace) -> _Record | None:
    """The domain's own record, else that of the organisation above it."""
    return next(_records(domain, lookups, trace, first_only=True), None) or _organisation(domain, lookups, trace)


def _organisation(domain: str, lookups: Lookups, trace: Trace) -> _Record | None:
    """The highest record at or above the domain; that of a public suffix (psd=y) only where there is no other."""
    records = list(_records(domain, lookups, trace))
    own = [record for record in records if not _SUFFIX.search(record.texts[0])]
    return (own or records)[-1] if records else None


def _records(domain: str, lookups: Lookups, trace: Trace, *, first_only: bool = False) -> Iterator[_Record]:
    """From the domain upwards, never a single label; a long name skips the middle."""
    labels = domain.split(".")
    names = [".".join(labels[at:]) for at in range(len(labels) - 1)]
    for name in names[:1] if first_only else [*names[:1], *names[1:][-(MOST_STEPS - 1) :]]:
        texts = tuple(text for text in lookups.texts(trace, f"_dmarc.{name}") if _VERSION.match(text.strip()))
        if texts:
            yield _Record(name, texts)


def _read(text: str) -> dict[str, str]:
    """The tags, with policies in lower case. Raises: BadRecord."""
    tags = parse_tags(text)
    if "p" not in tags:
        raise BadRecord("there is no tag p=")
    for name in ("p", "sp", "np"):
        if name in tags:
            tags[name] = tags[name].lower()
            if tags[name] not in POLICIES:
                raise BadRecord(f"{name}= must be none, quarantine or reject")
    for name in ("adkim", "aspf"):
        if tags.get(name, "r").lower() not in ("r", "s"):
            raise BadRecord(f"{name}= must be r or s")
    percent = tags.get("pct", "100")
    if not percent.isdecimal() or not 0 <= int(percent) <= 100:
        raise BadRecord("pct= must be 0 to 100")
    for name in ("rua", "ruf"):
        if name in tags and not all(_URI.fullmatch(uri.strip()) for uri in tags[name].split(",")):
            raise BadRecord(f"{name}= must hold addresses such as mailto:reports@example.org")
    return tags


def _weaknesses(record: _Record, tags: dict[str, str], policy: str, mailbox: str) -> list[Finding]:
    findings = []
    if policy == "none":
        stricter = re.sub(r"\b(s?p)\s*=\s*none", r"\1=quarantine", record.texts[0], flags=re.IGNORECASE)
        findings.append(found(Code.WARNING_DMARC_NONE, DnsRecord(f"_dmarc.{record.name}", "TXT", stricter)))
    if POLICIES.index(tags.get("sp", tags["p"])) < POLICIES.index(tags["p"]):
        findings.append(found(Code.WARNING_DMARC_SUBDOMAINS, policy=tags["sp"]))
    if policy != "none" and int(tags.get("pct", "100")) < 100:
        findings.append(found(Code.WARNING_DMARC_PERCENT, percent=tags["pct"]))
    if "rua" not in tags:
        text = f"{record.texts[0].strip().rstrip(';').rstrip()}; rua=mailto:{mailbox}"
        findings.append(found(Code.WARNING_DMARC_NO_REPORTS, DnsRecord(f"_dmarc.{record.name}", "TXT", text)))
    return findings


def _refused_reports(domain: str, tags: dict[str, str], lookups: Lookups, trace: Trace) -> list[Finding]:
    """Reports to a foreign domain are sent only where that domain says that it wants them."""
    findings = []
    for target in dict.fromkeys(_report_hosts(tags)):
        if _is_same_organisation(domain, target, lookups, trace):
            continue
        name = f"{domain}._report._dmarc.{target}"
        if not any(_VERSION.match(text.strip()) for text in lookups.texts(trace, name)):
            findings.append(found(Code.WARNING_DMARC_REPORTS_REFUSED, DnsRecord(name, "TXT", "v=DMARC1"), name=target))
    return findings


def _report_hosts(tags: dict[str, str]) -> Iterator[str]:
    for uri in tags.get("rua", "").split(","):
        match = _MAILTO.fullmatch(uri.strip())
        if match:
            yield plain(match[1])


def _is_same_organisation(domain: str, other: str, lookups: Lookups, trace: Trace) -> bool:
    if domain == other or domain.endswith(f".{other}") or other.endswith(f".{domain}"):
        return True
    ours, theirs = (_organisation(name, lookups, trace) for name in (domain, other))
    return ours is not None and theirs is not None and ours.name == theirs.name
