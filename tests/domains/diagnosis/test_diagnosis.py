"""The whole diagnosis: all checks at once, in time, over UDP and TCP, kept as JSON, and broken by nothing in DNS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from django.test import override_settings
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.diagnosis import (
    CheckType,
    Code,
    Diagnosis,
    Expectations,
    ExpectedKey,
    Resolver,
    Severity,
    diagnose,
)
from domains.diagnosis.lookups import Status
from domains.diagnosis.words import CODES
from domains.dkim_keys import KeyKind, generate, split_strings
from tests.dns_server import DnsServer, Signing, closed_endpoint, running_dns_server
from tests.domains.diagnosis.looking import look, resolver_of

KEY = generate(KeyKind.RSA_2048)
RECORD = " ".join(f'"{string}"' for string in split_strings(KEY.record))
HEALTHY = f"""
@ MX 10 mx
mx A 203.0.114.1
@ TXT "v=spf1 mx -all"
s1._domainkey TXT {RECORD}
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@example.org"
"""
EXPECTED = Expectations(mx=("mx.example.org",), spf_addresses=("203.0.114.1",), dkim=(ExpectedKey("s1", KEY.record),))


@pytest.fixture
def healthy(dns_server: DnsServer) -> DnsServer:
    dns_server.add_zone("example.org", HEALTHY, signing=Signing.GOOD)
    return dns_server


def test_a_healthy_domain_passes_every_check(healthy: DnsServer) -> None:
    diagnosis = diagnose("Example.ORG.", EXPECTED, resolver_of(healthy))
    assert (diagnosis.domain, diagnosis.ok, diagnosis.severity) == ("example.org", True, Severity.OK)
    assert [(str(check.type), check.result) for check in diagnosis.checks] == [
        *(("MX", "OK"), ("SPF", "OK"), ("DKIM", "OK"), ("DMARC", "OK"), ("MTA_STS", "OK"), ("TLS_RPT", "OK")),
        ("DNSSEC", "OK"),
    ]
    assert all(check.output[-1] == "Passed" for check in diagnosis.checks)


def test_an_empty_domain_has_its_errors_named_as_the_api_names_them(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org")
    diagnosis = look(dns_server, dkim=(ExpectedKey("s1", KEY.record),))
    assert not diagnosis.ok
    results = {str(check.type): check.result for check in diagnosis.checks}
    assert results == {
        "MX": "ERROR_MX_MISSING_ENTRY",
        "SPF": "ERROR_SPF_MISSING_ENTRY",
        "DKIM": "ERROR_DKIM_MISSING_ENTRY",
        "DMARC": "ERROR_DMARC_MISSING_ENTRY",
        "MTA_STS": "OK",
        "TLS_RPT": "OK",
        "DNSSEC": "OK",
    }


def test_publishing_what_is_proposed_heals_the_domain(dns_server: DnsServer) -> None:
    """Two rounds: the zone starts empty, then holds exactly the proposed lines."""
    dns_server.add_zone("example.org")
    sick = diagnose("example.org", EXPECTED, resolver_of(dns_server))
    lines = [record.zone_line() for check in sick.checks for record in check.publish]
    dns_server.add_zone("example.org", "\n".join([*lines, "mx A 203.0.114.1"]))
    healed = diagnose("example.org", EXPECTED, resolver_of(dns_server))
    assert healed.ok, [(check.type, check.words) for check in healed.checks if check.severity is Severity.ERROR]
    assert healed.of(CheckType.DMARC).result == "WARNING_DMARC_NONE"


# --- the resolver ------------------------------------------------------------------------------------------------


def test_answers_too_long_for_udp_come_over_tcp(healthy: DnsServer) -> None:
    healthy.truncates = True
    assert diagnose("example.org", EXPECTED, resolver_of(healthy)).severity is Severity.OK
    assert {transport for _, _, transport in healthy.asked} == {"udp", "tcp"}


def test_a_record_of_several_kilobytes_is_read_whole(dns_server: DnsServer) -> None:
    networks = " ".join(f"ip4:10.{n // 250}.{n % 250}.0/24" for n in range(300))
    strings = " ".join(f'"{string}"' for string in split_strings(f"v=spf1 {networks} -all"))
    dns_server.add_zone("example.org", f"@ TXT {strings}")
    diagnosis = look(dns_server, spf_addresses=("10.1.49.7",))
    assert diagnosis.of(CheckType.SPF).result == "OK"


def test_the_second_name_server_is_asked_when_the_first_is_dead(healthy: DnsServer) -> None:
    resolver = Resolver([closed_endpoint(), healthy.endpoint], attempt_s=0.3)
    assert diagnose("example.org", EXPECTED, resolver).severity is Severity.OK


def test_with_no_name_server_alive_nothing_is_called_missing() -> None:
    diagnosis = diagnose("example.org", EXPECTED, Resolver([closed_endpoint()], attempt_s=0.2), timeout_s=1.0)
    assert {check.result for check in diagnosis.checks} == {"NOT_CHECKED"}
    assert (diagnosis.ok, diagnosis.severity) == (True, Severity.UNKNOWN)


def test_a_silent_name_server_costs_no_more_than_the_time_limit(healthy: DnsServer) -> None:
    healthy.silence("example.org")
    started = time.monotonic()
    diagnosis = diagnose("example.org", EXPECTED, resolver_of(healthy), timeout_s=0.7)
    assert time.monotonic() - started < 3
    assert {check.severity for check in diagnosis.checks} == {Severity.UNKNOWN}


def test_a_check_that_is_not_ready_in_time_says_so_and_the_others_stand(healthy: DnsServer) -> None:
    def fetch(host: str, timeout_s: float) -> str:
        time.sleep(3)
        return ""

    healthy.add_zone("example.org", HEALTHY + '_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 192.0.2.1')
    diagnosis = diagnose("example.org", EXPECTED, resolver_of(healthy), timeout_s=1.0, fetch=fetch)
    late = diagnosis.of(CheckType.MTA_STS)
    assert [finding.code for finding in late.findings] == [Code.NOT_CHECKED_IN_TIME]
    assert diagnosis.of(CheckType.MX).result == "OK"


def test_checks_run_at_the_same_time(healthy: DnsServer) -> None:
    healthy.delay_s = 0.1
    diagnosis = diagnose("example.org", EXPECTED, resolver_of(healthy))
    assert diagnosis.severity is Severity.OK
    assert diagnosis.duration_ms < 100 * len(healthy.asked) * 0.7


def test_the_configured_resolver_is_used(healthy: DnsServer) -> None:
    with override_settings(DNS_SERVERS=(healthy.endpoint,), MX_NAMES=("mx.example.org",)):
        answer = Resolver.configured().ask("mx.example.org", "A")
        assert (answer.status, answer.records[0].address, answer.is_verified) == (Status.FOUND, "203.0.114.1", True)
        diagnosis = diagnose("example.org")
    assert "Required: mx.example.org" in diagnosis.of(CheckType.MX).output


@pytest.mark.parametrize("name", ["x" * 64 + ".example", "a..example", "ä" * 80 + ".example", "\\", "x." * 130])
def test_a_name_that_dns_can_not_hold_is_an_answer_and_no_crash(dns_server: DnsServer, name: str) -> None:
    assert resolver_of(dns_server).ask(name, "A").status is Status.NO_NAME
    assert diagnose(name, EXPECTED, resolver_of(dns_server)).checks


# --- keeping and telling -----------------------------------------------------------------------------------------


def test_a_diagnosis_is_kept_as_json_and_read_in_the_language_of_the_day(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org")
    diagnosis = diagnose("example.org", EXPECTED, resolver_of(dns_server))
    kept = json.loads(json.dumps(diagnosis.as_dict()))
    assert Diagnosis.from_dict(kept) == Diagnosis.from_dict(json.loads(json.dumps(kept)))
    again = Diagnosis.from_dict(kept)
    assert (again.performed_at, again.ok) == (diagnosis.performed_at, False)
    assert [check.words for check in again.checks] == [check.words for check in diagnosis.checks]
    assert [check.publish for check in again.checks] == [check.publish for check in diagnosis.checks]
    kept["checks"][0]["findings"][0]["code"] = "OF_A_LATER_VERSION"
    assert Diagnosis.from_dict(kept).checks[0].findings == ()


def test_the_output_is_english_whoever_asks(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org")
    with translation.override("de"):
        german = look(dns_server)
    assert german.of(CheckType.SPF).output == look(dns_server).of(CheckType.SPF).output


def test_every_code_has_words_and_a_severity_that_its_name_says() -> None:
    assert set(CODES) == set(Code)
    for code, meaning in CODES.items():
        assert str(meaning.words).endswith(".")
        assert code.startswith("ERROR") == (meaning.severity is Severity.ERROR)
        assert code.startswith("WARNING") == (meaning.severity is Severity.WARNING)
        assert (meaning.result == "NOT_CHECKED" or code.startswith("NOT_CHECKED")) == (
            meaning.severity is Severity.UNKNOWN
        )


# --- hostile content ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_server() -> Iterator[DnsServer]:
    with running_dns_server() as server:
        yield server


PIECES = [
    "v=spf1",
    "v=DMARC1",
    "v=DKIM1",
    "v=STSv1",
    "v=TLSRPTv1",
    "p=",
    "rua=",
    "id=",
    "include:",
    "redirect=",
    "ip4:",
]
PIECES += ["ip4:", "mailto:a@b.example", "all", "mx", "none", "%{d}", *";=:,/-%!. ", "..", "x" * 300]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=12).map("".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=2))
def test_nothing_in_a_text_record_breaks_a_diagnosis(hostile_server: DnsServer, texts: list[str]) -> None:
    def strings(text: str) -> str:
        data = text.encode()[:2000] or b" "
        chunks = (data[at : at + 255] for at in range(0, len(data), 255))
        return " ".join('"' + "".join(f"\\{byte:03d}" for byte in chunk) + '"' for chunk in chunks)

    names = ["@", "s1._domainkey", "_dmarc", "_mta-sts", "_smtp._tls"]
    lines = [f"{name} TXT {strings(text)}" for name in names for text in texts]
    hostile_server.add_zone("example.org", "\n".join([*lines, "mta-sts A 192.0.2.1"]))
    diagnosis = diagnose("example.org", EXPECTED, resolver_of(hostile_server), timeout_s=20)
    assert len(diagnosis.checks) == 7
    assert all(check.words and check.output for check in diagnosis.checks)
