"""DNSSEC with really signed zones, before a resolver that verifies and one that doesn't."""

from __future__ import annotations

import pytest

from domains.diagnosis import CheckType, Code, Severity
from tests.dns_server import DnsServer, Signing
from tests.domains.diagnosis.looking import check, codes, look

ZONE = "@ MX 10 mx\nmx A 192.0.2.1\nwww A 192.0.2.2\na.deep.below A 192.0.2.3\nalias CNAME www\n"


@pytest.mark.parametrize("validates", [True, False])
@pytest.mark.parametrize(
    ("signing", "verified", "unverified"),
    [
        (Signing.GOOD, Code.DNSSEC_SECURE, Code.DNSSEC_SECURE_HERE),
        (Signing.NONE, Code.DNSSEC_UNSIGNED, Code.DNSSEC_UNSIGNED),
        (Signing.NO_DS, Code.WARNING_DNSSEC_NOT_LINKED, Code.WARNING_DNSSEC_NOT_LINKED),
        (Signing.EXPIRED, Code.ERROR_DNSSEC_BOGUS, Code.ERROR_DNSSEC_BOGUS),
        (Signing.FOREIGN_DS, Code.ERROR_DNSSEC_BOGUS, Code.ERROR_DNSSEC_BOGUS),
    ],
)
def test_each_state_is_told_with_either_kind_of_resolver(
    dns_server: DnsServer, validates: bool, signing: Signing, verified: Code, unverified: Code
) -> None:
    dns_server.validates = validates
    dns_server.add_zone("example.org", ZONE, signing=signing)
    assert codes(check(CheckType.DNSSEC, dns_server)) == [verified if validates else unverified]


@pytest.mark.parametrize(
    ("signing", "why"), [(Signing.EXPIRED, "expired"), (Signing.FOREIGN_DS, "no key matches the DS record")]
)
def test_what_is_wrong_is_said(dns_server: DnsServer, signing: Signing, why: str) -> None:
    dns_server.validates = False
    dns_server.add_zone("example.org", ZONE, signing=signing)
    assert why in check(CheckType.DNSSEC, dns_server).words


def test_forged_answers_make_the_other_checks_unchecked_and_not_missing(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", ZONE, signing=Signing.EXPIRED)
    diagnosis = look(dns_server)
    assert diagnosis.of(CheckType.MX).severity is Severity.UNKNOWN
    assert not diagnosis.ok, "a bogus zone is an error by itself"


def test_the_ds_record_for_the_registrar_is_written_out(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", ZONE, signing=Signing.NO_DS)
    (record,) = check(CheckType.DNSSEC, dns_server).publish
    tag, algorithm, digest, text = record.value.split()
    assert (record.name, record.type, algorithm, digest) == ("example.org", "DS", "15", "2")
    assert tag.isdecimal() and len(text) == 64
    assert record.zone_line() == f"example.org. IN DS {record.value}"


@pytest.mark.parametrize("name", ["www.example.org", "deep.below.example.org", "alias.example.org"])
@pytest.mark.parametrize("validates", [True, False])
def test_a_name_inside_a_zone_is_judged_by_its_zone(dns_server: DnsServer, name: str, validates: bool) -> None:
    dns_server.validates = validates
    dns_server.add_zone("example.org", ZONE, signing=Signing.GOOD)
    result = check(CheckType.DNSSEC, dns_server, name)
    assert result.severity is Severity.OK and result.findings[0].params == {"zone": "example.org"}


def test_a_domain_that_does_not_exist_is_not_taken_for_the_zone_above_it(dns_server: DnsServer) -> None:
    dns_server.add_zone("org", "", signing=Signing.GOOD)
    assert codes(check(CheckType.DNSSEC, dns_server, "nowhere.org")) == [Code.DNSSEC_NO_DOMAIN]


def test_a_failing_server_is_not_taken_for_forged_signatures(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", ZONE)
    dns_server.fail("example.org")
    assert check(CheckType.DNSSEC, dns_server).result == "NOT_CHECKED"
