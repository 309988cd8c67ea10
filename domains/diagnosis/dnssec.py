"""Whether answers about a domain are signed, and the signatures right.

What the resolver has verified is believed (its AD bit). Where it verifies nothing, the zone's own signatures are
checked here against the DS record above it: that finds the usual faults, though it doesn't prove the chain up to the
root. What only resolves with checking disabled is bogus.

Source: RFC 4035 §3.2 (AD, CD), §5 (validation), RFC 6840 §5.8.
"""

from __future__ import annotations

import time
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.dnssecalgs import get_algorithm_cls

from domains.diagnosis.lookups import Answer, Lookups, Status, Trace, Unanswered
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.words import Code

SECURE_ENTRY_POINT = 0x0001
MOST_LEVELS = 10
DIGESTS = {1, 2, 4}  # SHA-1, SHA-256, SHA-384


def look(domain: str, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Raises: Unanswered, also where nobody answers with checking disabled."""
    trace.say(f"Lookup for DNSSEC of {domain}")
    answer = lookups.ask_softly(trace, domain, "SOA")
    if answer.status is Status.UNANSWERED:
        return _bogus_or_silent(domain, answer, lookups, trace)
    if answer.status is Status.NO_NAME:
        return [found(Code.DNSSEC_NO_DOMAIN)]
    zone, soa = _zone_of(domain, answer, lookups, trace)
    if soa.is_verified:
        return [found(Code.DNSSEC_SECURE, zone=zone)]
    vouchers = lookups.ask(trace, zone, "DS")
    keys = lookups.ask(trace, zone, "DNSKEY")
    if not vouchers.records:
        return [_not_linked(zone, keys) if keys.records else found(Code.DNSSEC_UNSIGNED, zone=zone)]
    usable = [ds for ds in vouchers.records if ds.digest_type in DIGESTS and _is_known(ds.algorithm)]
    if not usable:
        return [found(Code.DNSSEC_NOT_VERIFIED, zone=zone, why="its algorithms are unknown here")]
    problem = _problem(zone, usable, keys, soa)
    if problem:
        return [found(Code.ERROR_DNSSEC_BOGUS, zone=zone, why=problem)]
    return [found(Code.DNSSEC_SECURE_HERE, zone=zone)]


def _bogus_or_silent(domain: str, answer: Answer, lookups: Lookups, trace: Trace) -> list[Finding]:
    unchecked = lookups.ask_softly(trace, domain, "SOA", unchecked=True)
    if unchecked.status is Status.UNANSWERED:
        raise Unanswered(answer)
    trace.say("the resolver answers only when it need not verify")
    return [found(Code.ERROR_DNSSEC_BOGUS, zone=domain, why="the resolver refuses them")]


def _zone_of(domain: str, answer: Answer, lookups: Lookups, trace: Trace) -> tuple[str, Answer]:
    """The zone that the domain lies in, and its SOA. A name without one lies in a zone above."""
    name = domain
    for _ in range(MOST_LEVELS):
        if answer.records and answer.canonical == name:
            break
        name = name.partition(".")[2]
        if not name:
            return domain, answer
        answer = lookups.ask(trace, name, "SOA")
    return name, answer


def _not_linked(zone: str, keys: Answer) -> Finding:
    """The DS records to hand to the registrar."""
    publish = [
        DnsRecord(zone, "DS", dns.dnssec.make_ds(dns.name.from_text(zone), key, "SHA256").to_text())
        for key in keys.records
        if key.flags & SECURE_ENTRY_POINT
    ]
    return found(Code.WARNING_DNSSEC_NOT_LINKED, *publish, zone=zone)


def _is_known(algorithm: int) -> bool:
    try:
        get_algorithm_cls(algorithm)
    except dns.exception.UnsupportedAlgorithm:
        return False
    return True


def _problem(zone: str, vouchers: list[Any], keys: Answer, soa: Answer) -> str:
    """What is wrong between DS, keys and signatures, "" when nothing is."""
    name = dns.name.from_text(zone)
    if not keys.records:
        return "there is a DS record and no key"
    trusted = [key for key in keys.records if any(_is_vouched(name, key, ds) for ds in vouchers)]
    if not trusted:
        return "no key matches the DS record"
    every = dns.rrset.from_rdata_list(name, 300, list(keys.records))
    return _fault(name, keys, dns.rdatatype.DNSKEY, dns.rrset.from_rdata_list(name, 300, trusted)) or _fault(
        name, soa, dns.rdatatype.SOA, every
    )


def _is_vouched(zone: dns.name.Name, key: Any, ds: Any) -> bool:
    try:
        return bool(dns.dnssec.make_ds(zone, key, ds.digest_type, validating=True) == ds)
    except dns.exception.DNSException:
        return False


def _fault(name: dns.name.Name, answer: Answer, kind: dns.rdatatype.RdataType, keys: dns.rrset.RRset) -> str:
    """What is wrong with the signatures of one answer, "" when one of them is right."""
    assert answer.message is not None
    section, internet = answer.message.answer, dns.rdataclass.IN
    rrset = answer.message.get_rrset(section, name, internet, kind)
    signatures: Any = answer.message.get_rrset(section, name, internet, dns.rdatatype.RRSIG, kind)
    if rrset is None or not signatures:
        return "signatures are missing"
    if all(signature.expiration < time.time() for signature in signatures):
        return "the signatures have expired"
    try:
        dns.dnssec.validate(rrset, signatures, {name: keys})
    except (dns.exception.DNSException, ValueError) as error:
        return str(error) or "a signature doesn't verify"
    return ""
