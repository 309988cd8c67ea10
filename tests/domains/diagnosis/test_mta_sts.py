"""MTA-STS and TLS reports: the records, and the policy file read from a real web server through the gate."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from config.kit.net import Gate
from domains.diagnosis import CheckResult, CheckType, Code, Expectations, Severity, diagnose, policy_file
from domains.diagnosis.policy_file import BadPolicy, Policy
from tests.certificates import make_authority, make_certificate
from tests.dns_server import DnsServer
from tests.domains.diagnosis.looking import check, codes, resolver_of

AUTHORITY = make_authority()
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmx: *.mail.example.org\nmax_age: 604800\n"
ZONE = '_mta-sts TXT "v=STSv1; id=20260101"\nmta-sts A 127.0.0.1\n@ MX 10 mx1\n@ MX 20 a.mail\nmx1 A 192.0.2.1'


@contextmanager
def web_server(
    folder: Path,
    body: bytes,
    *,
    host: str,
    status: int = 200,
    kind: str = "text/plain",
    to: str = "",
    by: Any = AUTHORITY,
) -> Iterator[tuple[int, list[str]]]:
    """An HTTPS server on loopback: its port, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']}{self.path}")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if to:
                self.send_header("Location", to)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context: ssl.SSLContext = make_certificate(host, by=by).context(folder)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def sts(dns_server: DnsServer, folder: Path, policy: str, **served: Any) -> CheckResult:
    """The check, with this policy on a web server that is what the name mta-sts.example.org leads to."""
    dns_server.add_zone("example.org", served.pop("zone", ZONE))
    host = served.pop("host", "mta-sts.example.org")
    with web_server(folder, policy.encode(), host=host, **served) as (port, asked):
        gate = Gate((ip_network("127.0.0.0/8"),), frozenset({port}), lambda *_: ["127.0.0.1"])
        known = ssl.create_default_context()
        known.load_verify_locations(cadata=AUTHORITY.pem)

        def fetch(name: str, timeout_s: float) -> str:
            return policy_file.fetch(name, timeout_s=timeout_s, gate=gate, port=port, context=known)

        expected = Expectations(mx=())
        diagnosis = diagnose("example.org", expected, resolver_of(dns_server), fetch=fetch)
        assert set(asked) <= {"mta-sts.example.org/.well-known/mta-sts.txt"}
        assert len(asked) <= 1
    return diagnosis.of(CheckType.MTA_STS)


def test_an_enforced_policy_that_names_all_mail_servers_is_fine(dns_server: DnsServer, tmp_path: Path) -> None:
    result = sts(dns_server, tmp_path, POLICY)
    assert (result.result, codes(result)) == ("OK", [Code.MTA_STS_OK])
    assert "mta-sts.example.org: mode: enforce" in result.output


def test_a_mail_server_the_policy_leaves_out_is_an_error_once_enforced(dns_server: DnsServer, tmp_path: Path) -> None:
    zone = ZONE + "\n@ MX 30 mx3\n@ MX 40 deep.a.mail"
    result = sts(dns_server, tmp_path, POLICY, zone=zone)
    assert codes(result) == [Code.ERROR_MTA_STS_MX]
    assert "mx3.example.org, deep.a.mail.example.org" in result.words
    testing = sts(dns_server, tmp_path, POLICY.replace("enforce", "testing"), zone=zone)
    assert codes(testing) == [Code.MTA_STS_TESTING, Code.WARNING_MTA_STS_MX]


def test_a_policy_that_enforces_nothing_says_so(dns_server: DnsServer, tmp_path: Path) -> None:
    for mode in ("testing", "none"):
        result = sts(dns_server, tmp_path, POLICY.replace("enforce", mode))
        assert (result.result, codes(result)) == ("OK", [Code.MTA_STS_TESTING]) and mode in result.words


@pytest.mark.parametrize(
    ("served", "why"),
    [
        ({"status": 404}, "status 404"),
        ({"status": 302, "to": "https://example.net/"}, "status 302"),
        ({"kind": "text/html"}, "text/html"),
        ({"host": "www.example.org"}, "mismatch"),
        ({"by": None}, "self-signed"),
    ],
)
def test_a_file_that_is_served_wrongly_can_not_be_used(
    dns_server: DnsServer, tmp_path: Path, served: dict[str, Any], why: str
) -> None:
    result = sts(dns_server, tmp_path, POLICY, **served)
    assert codes(result) == [Code.ERROR_MTA_STS_POLICY] and why in result.words


def test_an_endless_file_is_given_up(dns_server: DnsServer, tmp_path: Path) -> None:
    result = sts(dns_server, tmp_path, POLICY + "x: y\n" * 50_000)
    assert codes(result) == [Code.ERROR_MTA_STS_POLICY] and "64 KiB" in result.words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version"),
        ("hello", "not a line"),
        (POLICY.replace("STSv1", "STSv2"), "version"),
        (POLICY.replace("enforce", "force"), "mode"),
        (POLICY.replace("604800", "for ever"), "max_age"),
        (POLICY.replace("604800", "99999999"), "max_age"),
        ("version: STSv1\nmode: enforce\nmax_age: 1\n", "no mx"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(BadPolicy, match=why):
        policy_file.parse(text)


def test_a_star_in_a_policy_stands_for_one_label() -> None:
    policy = Policy("enforce", ("mx.example.org", "*.example.net"), 60)
    names = ("mx.example.org", "a.example.net", "b.a.example.net", "example.net", "xexample.net")
    assert list(map(policy.names, names)) == [True, True, False, False, False]
    assert policy_file.parse("version: STSv1\r\nmode:none\r\nmax_age: 0").mx == ()


# --- the gate ----------------------------------------------------------------------------------------------------


def test_without_an_open_port_the_policy_is_truthfully_not_checked(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", ZONE)
    result = check(CheckType.MTA_STS, dns_server)
    assert (result.result, result.severity) == ("NOT_CHECKED", Severity.UNKNOWN)
    assert "POSTKEEP_ALLOWED_PORTS" in result.words


def test_a_policy_host_inside_the_network_is_never_asked(dns_server: DnsServer, tmp_path: Path) -> None:
    dns_server.add_zone("example.org", ZONE)
    with web_server(tmp_path, POLICY.encode(), host="mta-sts.example.org") as (port, asked):
        gate = Gate((), frozenset({port}), lambda *_: ["127.0.0.1"])
        fetch = partial(policy_file.fetch, gate=gate, port=port)
        diagnosis = diagnose(
            "example.org",
            Expectations(mx=()),
            resolver_of(dns_server),
            fetch=lambda host, timeout_s: fetch(host, timeout_s=timeout_s),
        )
        assert asked == []
    assert codes(diagnosis.of(CheckType.MTA_STS)) == [Code.MTA_STS_POLICY_NOT_CHECKED]


# --- the records -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ("", Code.MTA_STS_UNUSED),
        ('_mta-sts TXT "hello"', Code.MTA_STS_UNUSED),
        ('_mta-sts TXT "v=STSv1; id="', Code.ERROR_MTA_STS_SYNTAX),
        ('_mta-sts TXT "v=STSv1; id=2026-01-01"', Code.ERROR_MTA_STS_SYNTAX),
        ('_mta-sts TXT "v=STSv1"', Code.ERROR_MTA_STS_SYNTAX),
        ('_mta-sts TXT "v=STSv1; id=1"\n_mta-sts TXT "v=STSv1; id=2"', Code.ERROR_MTA_STS_MULTIPLE),
        ('_mta-sts TXT "v=STSv1; id=1"', Code.ERROR_MTA_STS_NO_HOST),
    ],
)
def test_the_record_is_read(dns_server: DnsServer, zone: str, code: Code) -> None:
    dns_server.add_zone("example.org", zone)
    assert codes(check(CheckType.MTA_STS, dns_server)) == [code]


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ("", Code.TLS_RPT_UNUSED),
        ('_mta-sts TXT "v=STSv1; id=1"', Code.WARNING_TLS_RPT_MISSING),
        ('_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@example.org"', Code.TLS_RPT_OK),
        ('_smtp._tls TXT "v=TLSRPTv1;rua=mailto:tls@example.org,https://reports.example/v1"', Code.TLS_RPT_OK),
        ('_smtp._tls TXT "v=TLSRPTv1; rua=tls@example.org"', Code.ERROR_TLS_RPT_SYNTAX),
        ('_smtp._tls TXT "v=TLSRPTv1"', Code.ERROR_TLS_RPT_SYNTAX),
        ('_smtp._tls TXT "v=TLSRPTv1; rua=mailto:a@b.example"\n_smtp._tls TXT "v=TLSRPTv1; rua=mailto:c@b.example"',
         Code.ERROR_TLS_RPT_MULTIPLE),
    ],
)  # fmt: skip
def test_the_record_for_reports_is_read(dns_server: DnsServer, zone: str, code: Code) -> None:
    dns_server.add_zone("example.org", zone)
    result = check(CheckType.TLS_RPT, dns_server, report_to="tls@example.net")
    assert codes(result) == [code]
    if code in (Code.TLS_RPT_UNUSED, Code.WARNING_TLS_RPT_MISSING, Code.ERROR_TLS_RPT_SYNTAX):
        assert result.publish[0].value == "v=TLSRPTv1; rua=mailto:tls@example.net"


def test_silence_means_not_checked(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.org", ZONE)
    dns_server.fail("_mta-sts.example.org", "_tls.example.org")
    for kind in (CheckType.MTA_STS, CheckType.TLS_RPT):
        assert check(kind, dns_server).result == "NOT_CHECKED"
