"""Whether the DKIM key of one selector is published, is ours and is any good.

Source: RFC 6376 §3.6, RFC 8301 (key sizes, SHA-256), RFC 8463; reading keys is `domains.dkim_keys`.
"""

from __future__ import annotations

from domains.diagnosis.expectations import ExpectedKey
from domains.diagnosis.lookups import Lookups, Trace
from domains.diagnosis.results import DnsRecord, Finding, found
from domains.diagnosis.words import Code
from domains.dkim_keys import (
    GOOD_BITS,
    SMALLEST_BITS,
    BadRecord,
    KeyRecord,
    algorithm_of,
    bits_of,
    is_same_key,
    parse_record,
)


def look(domain: str, key: ExpectedKey, lookups: Lookups, trace: Trace) -> list[Finding]:
    """Raises: Unanswered; BadRecord when the record that the caller expects is none."""
    trace.say(f"Lookup for dkim entry in DNS for {domain}")
    name = f"{key.selector}._domainkey.{domain}"
    publish = [DnsRecord(name, "TXT", key.record)] if key.record else []
    texts = lookups.texts(trace, name)
    if not texts:
        line = f'Fail: DKIM DNS entry not found for domain "{domain}" and selector "{key.selector}"'
        return [found(Code.ERROR_DKIM_MISSING_ENTRY, *publish, line=line, selector=key.selector)]
    records, problem = _read(texts)
    if not records:
        return [found(Code.ERROR_DKIM_INVALID_ENTRY, *publish, selector=key.selector, why=problem)]
    if len(records) > 1:
        return [found(Code.ERROR_DKIM_MULTIPLE, *publish, selector=key.selector, count=len(records))]
    return _judge(records[0], key, publish)


def _read(texts: list[str]) -> tuple[list[KeyRecord], str]:
    """The key records among the texts, and why the last other one is none."""
    records, problem = [], ""
    for text in texts:
        try:
            records.append(parse_record(text))
        except BadRecord as error:
            problem = str(error)
    return records, problem


def _judge(record: KeyRecord, key: ExpectedKey, publish: list[DnsRecord]) -> list[Finding]:
    if record.public is None:
        return [found(Code.ERROR_DKIM_REVOKED, *publish, selector=key.selector)]
    ours = parse_record(key.record).public if key.record else None
    if ours is not None and not is_same_key(record, ours):
        line = "Fail: DKIM key defined in DNS does not match with private part"
        return [found(Code.ERROR_DKIM_INVALID_COUPLE, *publish, line=line, selector=key.selector)]
    algorithm, bits, findings = algorithm_of(record.public), bits_of(record.public), list[Finding]()
    if algorithm == "rsa" and bits < SMALLEST_BITS:
        findings.append(found(Code.ERROR_DKIM_WEAK_KEY, selector=key.selector, bits=bits))
    elif algorithm == "rsa" and bits < GOOD_BITS:
        findings.append(found(Code.WARNING_DKIM_SHORT_KEY, selector=key.selector, bits=bits))
    if record.hashes and "sha256" not in record.hashes:
        hashes = ":".join(sorted(record.hashes))
        findings.append(found(Code.ERROR_DKIM_HASH, *publish, selector=key.selector, hashes=hashes))
    if record.is_testing:
        findings.append(found(Code.WARNING_DKIM_TESTING, *publish, selector=key.selector))
    named = f"RSA {bits}" if algorithm == "rsa" else "Ed25519"
    return findings or [found(Code.DKIM_OK, selector=key.selector, key=named)]
