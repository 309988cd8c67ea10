"""The SMTP client against a real server: what arrives is what was sent."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from archive.remote.connecting import Login, Security, Server
from archive.remote.errors import LoginRefused
from archive.remote.smtp import MessageRefused, Smtp, stuffed
from tests.certificates import make_authority, make_certificate
from tests.smtp_server import Behaviour, SmtpServer, running_server

RAW = b"Subject: dots\n\n.\n..two\nend"


def at(settings: Settings, server: SmtpServer, security: Security = Security.NONE, ca_pem: str = "") -> Server:
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({server.port})
    return Server("127.0.0.1", server.port, security, ca_pem=ca_pem)


def test_messages_arrive_one_after_the_other_on_one_connection(settings: Settings) -> None:
    with running_server(Behaviour()) as server, Smtp(at(settings, server), None, helo="me.example") as client:
        for _ in range(2):
            client.send("a@example.org", ["b@example.net", "c@example.net"], len(RAW), [RAW[:16], RAW[16:]])
    assert server.mails == ["Subject: dots\n\n.\n..two\nend"] * 2
    assert server.connections == 1
    assert "RCPT TO:<c@example.net>" in server.said


def test_starttls_and_a_password(settings: Settings, tmp_path: Path) -> None:
    authority = make_authority()
    tls = make_certificate("127.0.0.1", by=authority).context(tmp_path)
    behaviour = Behaviour(tls=tls, auth="PLAIN LOGIN", users={"me": "secret"})
    with running_server(behaviour) as server:
        server_at = at(settings, server, Security.STARTTLS, authority.pem)
        with Smtp(server_at, Login("me", "secret"), helo="me.example") as client:
            client.send("a@example.org", ["b@example.net"], len(RAW), [RAW])
        with pytest.raises(LoginRefused):
            Smtp(server_at, Login("me", "mistyped"), helo="me.example")
    assert len(server.mails) == 1


def test_a_refused_recipient_does_not_end_the_connection(settings: Settings) -> None:
    behaviour = Behaviour(replies={"RCPT TO:<NO@": "550 5.1.1 nobody", "RCPT TO:<LATER@": "451 4.2.0 later"})
    with running_server(behaviour) as server, Smtp(at(settings, server), None, helo="me.example") as client:
        with pytest.raises(MessageRefused, match="nobody") as refused:
            client.send("a@example.org", ["no@example.net"], len(RAW), [RAW])
        assert refused.value.permanent
        with pytest.raises(MessageRefused) as later:
            client.send("a@example.org", ["later@example.net"], len(RAW), [RAW])
        assert not later.value.permanent
        client.send("a@example.org", ["yes@example.net"], len(RAW), [RAW])
    assert len(server.mails) == 1


def test_what_is_too_large_for_the_server_is_not_tried(settings: Settings) -> None:
    with (
        running_server(Behaviour(extensions=("SIZE 10",))) as server,
        Smtp(at(settings, server), None, helo="me.example") as client,
        pytest.raises(MessageRefused),
    ):
        client.send("a@example.org", ["b@example.net"], len(RAW), [RAW])
    assert not any(line.startswith("MAIL") for line in server.said)


@given(st.lists(st.text(alphabet=".\r\nx", max_size=6).map(str.encode), max_size=6))
def test_dots_are_doubled_and_lines_end_in_crlf_however_a_message_is_cut(pieces: list[bytes]) -> None:
    sent = b"".join(stuffed(pieces))
    assert sent.endswith(b".\r\n")
    body = sent[: -len(b".\r\n")]
    assert body == b"" or body.endswith(b"\r\n")
    lines = body.split(b"\r\n")[:-1]
    assert all(b"\r" not in line and b"\n" not in line for line in lines)
    assert all(line[:2] == b".." for line in lines if line.startswith(b"."))
    got = b"\r\n".join(line.removeprefix(b".") for line in lines)
    whole = b"".join(pieces).replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert got == whole.removesuffix(b"\r\n")
