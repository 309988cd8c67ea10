"""DMARC: whose record counts, what it asks for, and whether its reports will arrive."""

from __future__ import annotations

from typing import Any

import pytest

from domains.diagnosis import CheckResult, CheckType, Code, Severity
from tests.dns_server import DnsServer
from tests.domains.diagnosis.looking import check, codes

GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"


def dmarc(server: DnsServer, *records: str, domain: str = "example.org", **expected: Any) -> CheckResult:
    server.add_zone("example.org", "\n".join(f'_dmarc TXT "{record}"' for record in records))
    return check(CheckType.DMARC, server, domain, **expected)


def test_a_strict_policy_with_reports_is_fine(dns_server: DnsServer) -> None:
    result = dmarc(dns_server, GOOD, "unrelated")
    assert (result.result, codes(result)) == ("OK", [Code.DMARC_OK]) and "reject" in result.words


def test_no_record_is_missing_with_one_to_begin_with(dns_server: DnsServer) -> None:
    result = dmarc(dns_server, "v=DMARC2; p=none")
    assert (result.result, result.severity) == ("ERROR_DMARC_MISSING_ENTRY", Severity.ERROR)
    record = result.publish[0]
    assert (record.name, record.type) == ("_dmarc.example.org", "TXT")
    assert record.value == "v=DMARC1; p=none; rua=mailto:postmaster@example.org"
    told = dmarc(dns_server, report_to="reports@example.net")
    assert "mailto:reports@example.net" in told.publish[0].value


def test_two_records_are_as_good_as_none(dns_server: DnsServer) -> None:
    assert dmarc(dns_server, GOOD, GOOD.replace("reject", "none")).result == "ERROR_DMARC_MULTIPLE"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("v=DMARC1", "no tag p="),
        ("v=DMARC1; p=drop", "p= must be"),
        ("v=DMARC1; p=none; sp=all", "sp= must be"),
        ("v=DMARC1; p=none; pct=200", "pct="),
        ("v=DMARC1; p=none; adkim=x", "adkim="),
        ("v=DMARC1; p=none; p=none", "twice"),
        ("v=DMARC1; p=none; rua=dmarc@example.org", "rua="),
        ("v=DMARC1; p=none rua=mailto:a@example.org", "p= must be"),
    ],
)
def test_a_record_that_can_not_be_understood_says_why(dns_server: DnsServer, record: str, why: str) -> None:
    result = dmarc(dns_server, record.replace(";", "\\;"))
    assert result.result == "ERROR_DMARC_SYNTAX" and why in result.words


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (GOOD.replace("reject", "none"), [Code.WARNING_DMARC_NONE]),
        ("v=DMARC1; p=reject", [Code.WARNING_DMARC_NO_REPORTS, Code.DMARC_OK]),
        (GOOD + "; pct=20", [Code.WARNING_DMARC_PERCENT, Code.DMARC_OK]),
        (GOOD + "; sp=none", [Code.WARNING_DMARC_SUBDOMAINS, Code.DMARC_OK]),
        (GOOD + "; sp=reject; aspf=s; fo=1; ruf=mailto:f@example.org!10m", [Code.DMARC_OK]),
        ("v=DMARC1; p=QUARANTINE; rua=mailto:a@example.org!10m,mailto:b@example.org", [Code.DMARC_OK]),
    ],
)
def test_what_is_weak_is_a_warning(dns_server: DnsServer, record: str, expected: list[Code]) -> None:
    result = dmarc(dns_server, record)
    assert codes(result) == expected
    assert (result.severity is Severity.OK) == (expected == [Code.DMARC_OK])


def test_the_next_step_is_written_out(dns_server: DnsServer) -> None:
    watching = dmarc(dns_server, GOOD.replace("reject", "none"))
    assert watching.publish[0].value == GOOD.replace("reject", "quarantine")
    blind = dmarc(dns_server, "v=DMARC1; p=reject;")
    assert blind.publish[0].value == "v=DMARC1; p=reject; rua=mailto:postmaster@example.org"


# --- whose record ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["mail.example.org", "a.b.c.d.e.f.g.h.i.j.example.org"])
def test_a_subdomain_has_the_record_of_the_organisation(dns_server: DnsServer, domain: str) -> None:
    result = dmarc(dns_server, GOOD + "; sp=quarantine", domain=domain)
    assert codes(result)[0] == Code.DMARC_INHERITED and "example.org" in result.words
    assert result.findings[-1].params == {"policy": "quarantine"}
    assert "_dmarc.org" not in dns_server.names_asked()
    assert len([name for name in dns_server.names_asked() if name.startswith("_dmarc.")]) <= 8


def test_the_record_of_a_public_suffix_counts_only_where_there_is_no_other(dns_server: DnsServer) -> None:
    dns_server.add_zone("co.example", '_dmarc TXT "v=DMARC1; p=reject; psd=y; rua=mailto:x@co.example"')
    dns_server.add_zone("firm.co.example", '_dmarc TXT "v=DMARC1; p=none; rua=mailto:x@firm.co.example"')
    inherited = check(CheckType.DMARC, dns_server, "mail.firm.co.example")
    assert inherited.findings[0].params == {"name": "firm.co.example"}
    other = check(CheckType.DMARC, dns_server, "other.co.example")
    assert other.findings[0].params == {"name": "co.example"}


# --- reports to somebody else ------------------------------------------------------------------------------------


def reports_to(server: DnsServer, target: str) -> CheckResult:
    return dmarc(server, GOOD.replace("dmarc@example.org", f"dmarc@{target}"))


def test_reports_to_a_foreign_domain_need_its_consent(dns_server: DnsServer) -> None:
    dns_server.add_zone("reports.example", "")
    result = reports_to(dns_server, "reports.example")
    assert codes(result) == [Code.WARNING_DMARC_REPORTS_REFUSED, Code.DMARC_OK]
    record = result.publish[0]
    assert (record.name, record.value) == ("example.org._report._dmarc.reports.example", "v=DMARC1")
    dns_server.add_zone("reports.example", 'example.org._report._dmarc TXT "v=DMARC1;"')
    assert reports_to(dns_server, "reports.example").result == "OK"


@pytest.mark.parametrize("target", ["example.org", "reports.example.org", "EXAMPLE.ORG"])
def test_reports_within_the_organisation_need_none(dns_server: DnsServer, target: str) -> None:
    assert reports_to(dns_server, target).result == "OK"


def test_two_subdomains_of_one_organisation_need_none_either(dns_server: DnsServer) -> None:
    record = '"v=DMARC1; p=reject; rua=mailto:x@other.example.org"'
    dns_server.add_zone("example.org", f"_dmarc TXT {record}\n_dmarc.mail TXT {record}\nother A 192.0.2.1")
    assert check(CheckType.DMARC, dns_server, "mail.example.org").result == "OK"


def test_silence_about_the_consent_is_not_a_refusal(dns_server: DnsServer) -> None:
    dns_server.fail("reports.example")
    assert reports_to(dns_server, "reports.example").result == "NOT_CHECKED"
