"""DKIM keys as published: there, ours, and good enough."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from domains.diagnosis import CheckResult, CheckType, Code, ExpectedKey, Severity
from domains.dkim_keys import DkimKey, KeyKind, generate, split_strings
from tests.dns_server import DnsServer
from tests.domains.diagnosis.looking import check, codes, look

OURS, OTHER = generate(KeyKind.RSA_2048), generate(KeyKind.ED25519)
RSA_512 = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANqga72oVRzpVrG+BKQs7sVch1vlP8UQBD4bHG+2o6fovjFiHn+3QTHTppwbquN+WDfKCggnikY6"
    "oXDsig2PlWsCAwEAAQ=="
)


def txt(text: str) -> str:
    return " ".join(f'"{string}"' for string in split_strings(text))


def dkim(server: DnsServer, *records: str, record: str = OURS.record, **expected: Any) -> CheckResult:
    server.add_zone("example.org", "\n".join(f"s1._domainkey TXT {txt(each)}" for each in records))
    return check(CheckType.DKIM, server, dkim=(ExpectedKey("s1", record),), **expected)


@pytest.mark.parametrize("key", [OURS, OTHER], ids=["RSA", "Ed25519"])
def test_our_published_key_is_fine(dns_server: DnsServer, key: DkimKey) -> None:
    result = dkim(dns_server, key.record, record=key.record)
    assert (result.result, codes(result), result.subject) == ("OK", [Code.DKIM_OK], "s1")
    assert ("RSA 2048" if key is OURS else "Ed25519") in result.words
    assert result.output[0] == "Lookup for dkim entry in DNS for example.org" and result.output[-1] == "Passed"


def test_a_key_that_is_not_published_is_missing_with_its_record(dns_server: DnsServer) -> None:
    result = dkim(dns_server)
    assert (result.result, result.severity) == ("ERROR_DKIM_MISSING_ENTRY", Severity.ERROR)
    assert result.output[-1] == 'Fail: DKIM DNS entry not found for domain "example.org" and selector "s1"'
    assert (result.publish[0].name, result.publish[0].value) == ("s1._domainkey.example.org", OURS.record)
    assert result.publish[0].zone_line().count('"') == 4, "a long record goes into two strings"


def test_another_key_than_ours_is_an_invalid_couple(dns_server: DnsServer) -> None:
    result = dkim(dns_server, OTHER.record)
    assert result.result == "ERROR_DKIM_INVALID_COUPLE"
    assert result.output[-1] == "Fail: DKIM key defined in DNS does not match with private part"
    assert result.publish[0].value == OURS.record


SMALL = DkimKey(rsa.generate_private_key(65537, 1024))


@pytest.mark.parametrize(
    ("record", "ours", "code"),
    [
        ("v=DKIM1; k=rsa; p=", OURS.record, Code.ERROR_DKIM_REVOKED),
        ("v=DKIM1; p=AAAA", OURS.record, Code.ERROR_DKIM_INVALID_ENTRY),
        ("hello", OURS.record, Code.ERROR_DKIM_INVALID_ENTRY),
        (f"v=DKIM1; t=y; p={OURS.public_text}", OURS.record, Code.WARNING_DKIM_TESTING),
        (f"v=DKIM1; h=sha1; p={OURS.public_text}", OURS.record, Code.ERROR_DKIM_HASH),
        (f"v=DKIM1; h=sha1:sha256; p={OURS.public_text}", OURS.record, Code.DKIM_OK),
        (SMALL.record, SMALL.record, Code.WARNING_DKIM_SHORT_KEY),
        (f"v=DKIM1; p={RSA_512}", "", Code.ERROR_DKIM_WEAK_KEY),
        (OTHER.record, "", Code.DKIM_OK),
    ],
    ids=["revoked", "short", "no record", "testing", "sha1 only", "sha1 too", "small", "weak", "a stranger's"],
)
def test_what_is_wrong_with_a_record_is_told_apart(dns_server: DnsServer, record: str, ours: str, code: Code) -> None:
    result = dkim(dns_server, record, record=ours)
    assert codes(result) == [code] and "s1" in result.words


def test_two_keys_for_one_selector_are_a_mistake_and_a_stray_text_is_none(dns_server: DnsServer) -> None:
    assert dkim(dns_server, OURS.record, OTHER.record).result == "ERROR_DKIM_MULTIPLE"
    assert dkim(dns_server, OURS.record, "a remark").result == "OK"


def test_a_selector_may_be_an_alias_at_a_provider(dns_server: DnsServer) -> None:
    dns_server.add_zone("provider.example", f"k TXT {txt(OURS.record)}")
    dns_server.add_zone("example.org", "s1._domainkey CNAME k.provider.example.")
    result = check(CheckType.DKIM, dns_server, dkim=(ExpectedKey("s1", OURS.record),))
    assert result.result == "OK"


def test_each_selector_has_its_own_result(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", f"new._domainkey TXT {txt(OTHER.record)}")
    diagnosis = look(dns_server, dkim=(ExpectedKey("old", OURS.record), ExpectedKey("new", OTHER.record)))
    results = {each.subject: each.result for each in diagnosis.checks if each.type is CheckType.DKIM}
    assert results == {"old": "ERROR_DKIM_MISSING_ENTRY", "new": "OK"}
    assert diagnosis.of(CheckType.DKIM, "new").result == "OK"


def test_a_domain_without_any_key_is_warned_that_it_does_not_sign(dns_server: DnsServer) -> None:
    result = check(CheckType.DKIM, dns_server)
    assert (result.severity, codes(result)) == (Severity.WARNING, [Code.WARNING_DKIM_NO_KEY])


def test_a_silent_resolver_means_not_checked(dns_server: DnsServer) -> None:
    dns_server.silence("_domainkey.example.org")
    assert dkim(dns_server, OURS.record, timeout_s=0.8).result == "NOT_CHECKED"
