"""Where mail goes: MX records, their hosts, and whether that is us."""

from __future__ import annotations

from typing import Any

import pytest

from domains.diagnosis import CheckResult, CheckType, Code, Severity
from tests.dns_server import DnsServer
from tests.domains.diagnosis.looking import check, codes

HOSTS = (
    "mx1 A 203.0.114.1\nmx1 AAAA 2a00::1\nmx2 A 203.0.114.2\nold A 198.51.99.9\nalias CNAME mx1\ninside A 10.0.0.1\n"
)


def mx(server: DnsServer, zone: str = "", domain: str = "example.org", **expected: Any) -> CheckResult:
    server.add_zone("example.org", HOSTS + zone)
    return check(CheckType.MX, server, domain, **expected)


def test_mail_servers_with_addresses_are_fine(dns_server: DnsServer) -> None:
    result = mx(dns_server, "@ MX 20 mx2\n@ MX 10 mx1\n")
    assert (result.result, result.severity, codes(result)) == ("OK", Severity.OK, [Code.MX_OK])
    assert "mx1.example.org, mx2.example.org" in result.words
    assert result.output[0] == "Lookup for MX entry in DNS for example.org"
    assert "example.org MX: 10 mx1.example.org" in result.output
    assert "mx1.example.org AAAA: 2a00::1" in result.output
    assert result.output[-1] == "Passed"


def test_no_mx_record_is_missing_with_the_record_to_publish(dns_server: DnsServer) -> None:
    result = mx(dns_server, mx=("mx1.example.net", "mx2.example.net", "203.0.114.7"))
    assert (result.result, result.severity) == ("ERROR_MX_MISSING_ENTRY", Severity.ERROR)
    assert result.output == (
        "Lookup for MX entry in DNS for example.org",
        "example.org MX: no such record",
        "Fail: No MX entry found",
    )
    lines = [record.zone_line() for record in result.publish]
    assert lines == ["example.org. IN MX 10 mx1.example.net.", "example.org. IN MX 20 mx2.example.net."]


def test_a_domain_that_does_not_exist_is_said_to_be_so(dns_server: DnsServer) -> None:
    result = check(CheckType.MX, dns_server, "nowhere.example")
    assert (result.result, codes(result)) == ("ERROR_MX_MISSING_ENTRY", [Code.ERROR_MX_DOMAIN_UNKNOWN])
    assert result.output[-1] == "Fail: No MX entry found"


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ("@ MX 10 missing\n", Code.ERROR_MX_NO_ADDRESS),
        ("@ MX 10 203.0.114.1.\n", Code.ERROR_MX_IS_ADDRESS),
        ("@ MX 0 .\n@ MX 10 mx1\n", Code.ERROR_MX_NULL_AMONG_OTHERS),
        ("@ MX 0 .\n", Code.ERROR_MX_NULL),
    ],
)
def test_records_that_can_not_work_are_invalid(dns_server: DnsServer, records: str, code: Code) -> None:
    result = mx(dns_server, records)
    assert (result.result, codes(result)) == ("ERROR_MX_INVALID_ENTRY", [code])


def test_a_domain_that_takes_no_mail_may_say_so(dns_server: DnsServer) -> None:
    result = mx(dns_server, "@ MX 0 .\n", receives=False)
    assert (result.result, codes(result)) == ("OK", [Code.MX_NULL])


@pytest.mark.parametrize(("host", "code"), [("alias", Code.WARNING_MX_ALIAS), ("inside", Code.WARNING_MX_NOT_PUBLIC)])
def test_hosts_that_not_everybody_reaches_are_a_warning(dns_server: DnsServer, host: str, code: Code) -> None:
    result = mx(dns_server, f"@ MX 10 {host}\n")
    assert (result.result, result.severity, codes(result)) == (code, Severity.WARNING, [code])
    assert f"{host}.example.org" in result.words


# --- is it us? ---------------------------------------------------------------------------------------------------


US = [
    ("mx1.example.org",),
    ("MX1.example.org.", "other.example.org"),
    ("203.0.114.0/24", "2a00::/16"),
    ("same.example.net",),
]


@pytest.mark.parametrize("expected", US)
def test_it_is_us_by_name_by_network_and_by_the_addresses_of_our_name(
    dns_server: DnsServer, expected: tuple[str, ...]
) -> None:
    dns_server.add_zone("example.net", "same A 203.0.114.1\nsame AAAA 2a00::1\n")
    assert mx(dns_server, "@ MX 10 mx1\n", mx=expected).result == "OK"


def test_mail_that_goes_elsewhere_is_invalid_and_says_where_and_where_to(dns_server: DnsServer) -> None:
    result = mx(dns_server, "@ MX 10 old\n", mx=("mx1.example.org", "203.0.114.0/24"))
    assert result.result == "ERROR_MX_INVALID_ENTRY"
    assert "Required: mx1.example.org, 203.0.114.0/24" in result.output
    assert result.output[-1] == "Fail"
    assert "old.example.org" in result.words and "mx1.example.org" in result.words
    assert [record.value for record in result.publish] == ["10 mx1.example.org."]


def test_a_second_way_past_the_gateway_is_a_warning(dns_server: DnsServer) -> None:
    result = mx(dns_server, "@ MX 10 mx1\n@ MX 20 old\n", mx=("mx1.example.org",))
    assert codes(result) == [Code.WARNING_MX_BYPASS]
    assert "old.example.org" in result.words and "mx1" not in result.words


def test_one_address_elsewhere_makes_a_host_somebody_elses(dns_server: DnsServer) -> None:
    result = mx(dns_server, "@ MX 10 both\nboth A 203.0.114.1\nboth A 198.51.99.1\n", mx=("203.0.114.0/24",))
    assert result.result == "ERROR_MX_INVALID_ENTRY"


# --- nobody answers ----------------------------------------------------------------------------------------------


def test_a_silent_resolver_means_not_checked_and_never_missing(dns_server: DnsServer) -> None:
    dns_server.silence("example.org")
    result = mx(dns_server, "@ MX 10 mx1\n", timeout_s=1.0)
    assert (result.result, result.severity) == ("NOT_CHECKED", Severity.UNKNOWN)
    assert "no answer" in result.output[1] and "Passed" not in result.output


def test_a_host_nobody_answers_about_is_not_called_missing_or_foreign(dns_server: DnsServer) -> None:
    dns_server.fail("mx2.example.org")
    result = mx(dns_server, "@ MX 10 mx1\n@ MX 20 mx2\n", mx=("mx1.example.org",))
    assert (result.severity, codes(result)) == (Severity.UNKNOWN, [Code.NOT_CHECKED])
    assert "mx2.example.org" in result.words
    alone = mx(dns_server, "@ MX 20 mx2\n", mx=("mx1.example.org",))
    assert codes(alone) == [Code.NOT_CHECKED]
