"""Trying a relay: what it is, how it encrypts, whom it lets in; and nothing secret in what is shown."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from config.kit.net import Category, Gate
from config.kit.sealed import MASK
from domains import relay_check
from domains.errors import BadAddress
from domains.relay_check import BadCertificate, Credentials, TransportType, check_relay
from domains.relay_result import RelayCheck, State, StepCode
from tests.certificates import Certificate, make_authority, make_certificate
from tests.smtp_server import Behaviour, SmtpServer, running_server

MAY, ENCRYPT, NEVER = TransportType.SMTPS_MAY, TransportType.SMTPS_ENCRYPT, TransportType.SMTP
AUTHORITY = make_authority()
USERS = {"relay@example.org": "geheim & länger"}
LOGIN = Credentials("relay@example.org", USERS["relay@example.org"])


def try_it(server: SmtpServer, transport: TransportType, *, host: str = "localhost", **options: Any) -> RelayCheck:
    gate = Gate((ip_network("127.0.0.0/8"), ip_network("::1/128")), frozenset({server.port}))
    return check_relay(host, server.port, transport, gate=gate, **{"timeout_s": 10.0, **options})


def codes(check: RelayCheck) -> list[StepCode]:
    return [step.code for step in check.steps]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def trusted(folder: Path) -> Iterator[SmtpServer]:
    """Its certificate is signed by the authority of the tests."""
    certificate = make_certificate("localhost", "127.0.0.1", by=AUTHORITY)
    behaviour = Behaviour(tls=certificate.context(folder), auth="PLAIN LOGIN CRAM-MD5", users=USERS)
    with running_server(behaviour) as server:
        yield server


def with_certificate(certificate: Certificate, folder: Path, **options: Any) -> Behaviour:
    return Behaviour(tls=certificate.context(folder), **options)


# --- what is there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_relay_with_a_trusted_certificate_is_fine_and_its_facts_are_told(trusted: SmtpServer, host: str) -> None:
    check = try_it(trusted, ENCRYPT, host=host, ca_pem=AUTHORITY.pem, helo="console.example.org")
    assert (check.ok, check.category) == (True, None)
    assert codes(check) == [
        *(StepCode.CONNECTED, StepCode.GREETED, StepCode.EXTENSIONS, StepCode.TLS_ON, StepCode.CERTIFICATE_TRUSTED)
    ]
    facts = check.facts
    assert facts is not None and facts.certificate is not None
    assert (facts.address, facts.banner) == ("127.0.0.1", "mx.example.org ESMTP ready")
    assert (facts.size_bytes, facts.starttls, facts.auth) == (52428800, True, ("PLAIN", "LOGIN", "CRAM-MD5"))
    assert facts.tls_version in ("TLSv1.2", "TLSv1.3") and facts.cipher
    assert (facts.is_trusted, facts.trust_problem) == (True, "")
    assert (facts.certificate.subject, facts.certificate.issuer) == ("localhost", "Authority of the tests")
    assert facts.certificate.names == ("localhost", "127.0.0.1")
    assert (facts.certificate.days_left, facts.certificate.key) == (30, "EC secp256r1")
    assert trusted.said == ["EHLO console.example.org", "STARTTLS", "EHLO console.example.org", "QUIT"]
    assert trusted.connections == 1
    assert check.transcript[:3] == (
        f"* connected to 127.0.0.1 port {trusted.port}",
        "S: 220 mx.example.org ESMTP ready",
        "C: EHLO console.example.org",
    )
    assert check.transcript[-1] == "S: 221 bye"


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (make_certificate("localhost"), "self-signed"),
        (make_certificate("mx.example.org", by=AUTHORITY), "mismatch"),
        (make_certificate("localhost", by=AUTHORITY, days=-1), "expired"),
        (make_certificate("localhost", by=make_authority("Unknown")), "local issuer"),
    ],
    ids=["self-signed", "other name", "expired", "unknown authority"],
)
@pytest.mark.parametrize("transport", [MAY, ENCRYPT])
def test_an_untrusted_certificate_is_said_with_its_reason_and_refused_where_encryption_is_required(
    folder: Path, certificate: Certificate, reason: str, transport: TransportType
) -> None:
    with running_server(with_certificate(certificate, folder)) as server:
        check = try_it(server, transport, ca_pem=AUTHORITY.pem)
        assert server.connections == 2
    assert check.ok is (transport is MAY)
    assert check.facts is not None and check.facts.certificate is not None
    assert (check.facts.is_trusted, check.facts.tls_version[:5]) == (False, "TLSv1")
    assert reason in check.facts.trust_problem
    assert check.facts.certificate.subject == certificate.certificate.subject.rdns[0].rfc4514_string()[3:]
    said = (codes(check)[-1], check.steps[-1].state)
    if transport is MAY:
        assert said == (StepCode.CERTIFICATE_UNTRUSTED, State.WARNING)
    else:
        assert said == (StepCode.CERTIFICATE_REFUSED, State.ERROR)


def test_a_trusted_certificate_that_ends_soon_is_a_warning(folder: Path) -> None:
    certificate = make_certificate("localhost", by=AUTHORITY, days=5)
    with running_server(with_certificate(certificate, folder)) as server:
        check = try_it(server, MAY, ca_pem=AUTHORITY.pem)
    assert check.ok and codes(check)[-1] == StepCode.CERTIFICATE_EXPIRES


def test_without_encryption_each_transport_means_what_its_name_says(folder: Path) -> None:
    with running_server(Behaviour()) as server:
        needed, wanted, never = (try_it(server, transport) for transport in (ENCRYPT, MAY, NEVER))
    assert (needed.ok, needed.category, codes(needed)[-1]) == (False, Category.TLS, StepCode.TLS_MISSING)
    assert (wanted.ok, codes(wanted)[-1]) == (True, StepCode.TLS_NOT_OFFERED)
    assert (never.ok, codes(never)[-1]) == (True, StepCode.TLS_NOT_OFFERED)
    assert wanted.facts is not None and wanted.facts.is_trusted is None and wanted.facts.certificate is None


def test_a_transport_without_encryption_does_not_encrypt_and_says_what_is_left_out(trusted: SmtpServer) -> None:
    check = try_it(trusted, NEVER)
    assert (check.ok, codes(check)[-1]) == (True, StepCode.TLS_UNUSED)
    assert "STARTTLS" not in trusted.said


@pytest.mark.parametrize("broken", ["handshake", "reply"])
def test_a_broken_starttls_ends_what_needs_it_and_warns_what_would_go_on_without(folder: Path, broken: str) -> None:
    behaviour = with_certificate(make_certificate("localhost"), folder, breaks_tls=broken == "handshake")
    if broken == "reply":
        behaviour.replies["STARTTLS"] = "454 4.7.0 not now"
    with running_server(behaviour) as server:
        needed, wanted = try_it(server, ENCRYPT), try_it(server, MAY)
    assert (needed.ok, needed.category, codes(needed)[-1]) == (False, Category.TLS, StepCode.TLS_FAILED)
    assert (wanted.ok, codes(wanted)[-1]) == (True, StepCode.TLS_LEFT_OUT)
    assert wanted.transcript[-2:] == ("C: QUIT", "S: 221 bye")


def test_tls_comes_first_on_the_port_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for certificate, outcome in (
        (make_certificate("localhost", by=AUTHORITY), StepCode.CERTIFICATE_TRUSTED),
        (make_certificate("localhost"), StepCode.CERTIFICATE_UNTRUSTED),
    ):
        with running_server(with_certificate(certificate, folder, is_implicit=True)) as server:
            monkeypatch.setattr(relay_check, "IMPLICIT_TLS_PORTS", {server.port})
            check = try_it(server, MAY, ca_pem=AUTHORITY.pem)
            assert check.ok and outcome in codes(check), check.transcript
            assert [line for line in server.said if line == "STARTTLS"] == []
    with running_server(Behaviour()) as server:
        monkeypatch.setattr(relay_check, "IMPLICIT_TLS_PORTS", {server.port})
        plain = try_it(server, MAY)
    assert (plain.ok, plain.category) == (False, Category.TLS)
    assert {465} != relay_check.IMPLICIT_TLS_PORTS


def test_what_is_slipped_in_before_tls_is_not_believed_after_it(folder: Path) -> None:
    behaviour = with_certificate(
        make_certificate("localhost"), folder, before_tls=b"250-mx.example.org\r\n250 AUTH PLAIN\r\n"
    )
    with running_server(behaviour) as server:
        check = try_it(server, ENCRYPT, credentials=LOGIN)
    assert (check.ok, check.category) == (False, Category.PROTOCOL)


# --- signing in and recipients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN"])
def test_a_right_password_is_accepted_and_appears_nowhere(folder: Path, mechanisms: str) -> None:
    behaviour = with_certificate(make_certificate("localhost"), folder, auth=mechanisms, users=USERS)
    with running_server(behaviour) as server:
        check = try_it(server, MAY, credentials=LOGIN)
        assert any(line.startswith("AUTH") for line in server.said)
    assert check.ok and codes(check)[-1] == StepCode.LOGGED_IN
    assert any(MASK in line for line in check.transcript)
    shown_nowhere(check, LOGIN.password)


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_a_wrong_password_is_refused_and_masked_even_where_the_server_repeats_it(folder: Path, mechanisms: str) -> None:
    behaviour = with_certificate(make_certificate("localhost"), folder, auth=mechanisms, users=USERS)
    with running_server(behaviour) as server:
        check = try_it(server, MAY, credentials=Credentials("relay@example.org", "mistyped"))
    assert (check.ok, check.category, codes(check)[-1]) == (False, Category.AUTHENTICATION, StepCode.LOGIN_REFUSED)
    assert "535" in check.steps[-1].detail and MASK in check.steps[-1].detail
    shown_nowhere(check, "mistyped")


def shown_nowhere(check: RelayCheck, password: str) -> None:
    text = repr(check) + json.dumps(check.as_dict(), ensure_ascii=False)
    forms = [password, base64.b64encode(password.encode()).decode()]
    forms.append(base64.b64encode(f"\0relay@example.org\0{password}".encode()).decode())
    assert not [form for form in forms if form in text]


def test_a_password_never_goes_in_clear_text(folder: Path) -> None:
    with running_server(Behaviour(auth="PLAIN", users=USERS)) as server:
        for transport in (NEVER, MAY):
            check = try_it(server, transport, credentials=LOGIN)
            assert (check.category, codes(check)[-1]) == (Category.AUTHENTICATION, StepCode.LOGIN_UNSAFE)
        assert not [line for line in server.said if line.startswith("AUTH")]


def test_mechanisms_we_do_not_speak_are_named(folder: Path) -> None:
    behaviour = with_certificate(make_certificate("localhost"), folder, auth="CRAM-MD5 GSSAPI")
    with running_server(behaviour) as server:
        check = try_it(server, MAY, credentials=LOGIN)
    assert codes(check)[-1] == StepCode.LOGIN_NOT_OFFERED and check.steps[-1].detail == "CRAM-MD5 GSSAPI"


@pytest.mark.parametrize(
    ("reply", "ok", "code"),
    [
        ("250 2.1.5 fine", True, StepCode.RECIPIENT_TAKEN),
        ("450 4.2.0 greylisted", True, StepCode.RECIPIENT_LATER),
        ("550 5.1.1 nobody here", False, StepCode.RECIPIENT_REFUSED),
    ],
)
def test_a_recipient_is_asked_for_and_nothing_is_sent(reply: str, ok: bool, code: StepCode) -> None:
    with running_server(Behaviour(replies={"RCPT TO": reply})) as server:
        check = try_it(server, NEVER, recipient="bob@example.org", sender="probe@example.org")
        assert (check.ok, codes(check)[-1], check.steps[-1].detail) == (ok, code, reply)
        assert check.category == (None if ok else Category.REJECTED)
        assert server.said[1:4] == ["MAIL FROM:<probe@example.org>", "RCPT TO:<bob@example.org>", "RSET"]
        assert "DATA" not in server.said


def test_a_recipient_in_other_letters_is_asked_for_as_such() -> None:
    with running_server(Behaviour()) as server:
        assert try_it(server, NEVER, recipient="jürgen@example.org").ok
        assert "MAIL FROM:<> SMTPUTF8" in server.said and "RCPT TO:<jürgen@example.org>" in server.said


@pytest.mark.parametrize("address", ["a@b\r\nDATA", "a@b> SIZE=1", "a b@example.org", "x" * 255, "a\x00@b"])
def test_an_address_can_not_smuggle_a_command(address: str) -> None:
    with running_server(Behaviour()) as server:
        with pytest.raises(BadAddress):
            try_it(server, NEVER, recipient=address)
        with pytest.raises(BadAddress):
            try_it(server, NEVER, recipient="bob@example.org", sender=address)
        assert server.connections == 0


# --- servers that aren't what they should be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "category", "code"),
    [
        (Behaviour(banner="554 5.3.2 go away"), Category.REJECTED, StepCode.GREETING_FAILED),
        (Behaviour(banner="421 4.3.2 too busy"), Category.REJECTED, StepCode.GREETING_FAILED),
        (Behaviour(banner="SSH-2.0-OpenSSH_9.2"), Category.PROTOCOL, StepCode.GREETING_FAILED),
        (Behaviour(banner="220" + "x" * 9_000), Category.PROTOCOL, StepCode.GREETING_FAILED),
        (Behaviour(banner="\r\n".join(["220-more"] * 5_000)), Category.PROTOCOL, StepCode.GREETING_FAILED),
        (Behaviour(replies={"EHLO": "550 no", "HELO": "550 never"}), Category.REJECTED, StepCode.EHLO_FAILED),
        (Behaviour(replies={"EHLO": "999 what"}), Category.PROTOCOL, StepCode.EHLO_FAILED),
    ],
)
def test_a_server_that_refuses_or_babbles_fails_in_its_own_category(
    behaviour: Behaviour, category: Category, code: StepCode
) -> None:
    with running_server(behaviour) as server:
        check = try_it(server, MAY)
    assert (check.ok, check.category, codes(check)[-1]) == (False, category, code)
    assert all(len(line) < 600 for line in check.transcript) and len(check.transcript) < 120


def test_a_server_that_knows_only_helo_is_spoken_to(folder: Path) -> None:
    with running_server(Behaviour(accepts_ehlo=False)) as server:
        check = try_it(server, MAY, helo="console.example.org")
        assert check.ok and server.said[1] == "HELO console.example.org"


def test_a_silent_server_ends_with_the_time_limit() -> None:
    with running_server(Behaviour(delay_s=2)) as server:
        started = time.monotonic()
        check = try_it(server, MAY, timeout_s=0.5)
        assert time.monotonic() - started < 4
    assert (check.ok, check.category, codes(check)[-1]) == (False, Category.TIMEOUT, StepCode.GREETING_FAILED)


def test_a_server_that_answers_slowly_for_ever_ends_with_the_time_limit_too() -> None:
    with running_server(Behaviour(delay_s=0.4, replies={"RCPT": "250-go on\n" * 3 + "250 ok"})) as server:
        check = try_it(server, NEVER, timeout_s=1.0, recipient="bob@example.org")
    assert (check.ok, check.category) == (False, Category.TIMEOUT)


def test_what_a_terminal_would_obey_is_not_in_the_transcript() -> None:
    with running_server(Behaviour(banner="220 \x1b[2Jhello\x07 \u202eevil")) as server:
        check = try_it(server, NEVER)
    assert "\x1b" not in "".join(check.transcript) and "\u202e" not in "".join(check.transcript)


def test_nobody_listening_and_closed_addresses_have_their_categories() -> None:
    with running_server(Behaviour()) as server:
        port = server.port
        closed = check_relay("localhost", port, MAY, gate=Gate(ports=frozenset({port})), timeout_s=5, who="ann")
        assert server.connections == 0
    gate = Gate((ip_network("127.0.0.0/8"),), frozenset({port}))
    nobody = check_relay("127.0.0.1", port, MAY, gate=gate, timeout_s=5)
    assert (closed.category, nobody.category) == (Category.REFUSED_BY_GATE, Category.REFUSED)
    assert check_relay("a b", 25, MAY).category == Category.NAME_UNKNOWN
    assert check_relay("127.0.0.1", 25, MAY).category == Category.REFUSED_BY_GATE


# --- who sees what -----------------------------------------------------------------------------------------------


def test_delegated_administrators_see_what_was_tried_and_nothing_of_the_host(trusted: SmtpServer) -> None:
    trusted.behaviour.replies["RCPT"] = "550 5.1.1 internal-host-7 says no"
    check = try_it(trusted, ENCRYPT, recipient="bob@example.org")
    told = check.without_details()
    assert (told.ok, told.category, codes(told)) == (check.ok, check.category, codes(check))
    text = json.dumps(told.as_dict()) + repr(told)
    assert not [word for word in ("127.0.0.1", "mx.example", "internal-host", str(trusted.port)) if word in text]


def test_every_step_has_a_sentence() -> None:
    with translation.override("en"):
        for code in StepCode:
            assert re.fullmatch(r"[A-Z].+\.", str(code.words)) and code.state in State


def test_the_outcome_can_be_kept_as_json(trusted: SmtpServer) -> None:
    kept = json.loads(json.dumps(try_it(trusted, ENCRYPT).as_dict()))
    assert kept["steps"][0] == {"code": "connected", "state": "ok", "detail": f"127.0.0.1 port {trusted.port}"}
    assert kept["facts"]["certificate"]["subject"] == "localhost"


def test_what_is_no_certificate_to_trust_is_refused() -> None:
    with pytest.raises(BadCertificate):
        check_relay("127.0.0.1", 25, MAY, ca_pem="hello")
