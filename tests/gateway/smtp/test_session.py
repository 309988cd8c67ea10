"""Conversations with a real server over real sockets: order, limits, hostile clients, TLS, AUTH, proxies."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.flow import Answer, Door, InFile
from gateway.smtp.door import Bare, Limits, Settings
from tests.certificates import make_certificate
from tests.gateway.smtp.doors import Door as OpenDoor
from tests.gateway.smtp.doors import Remembering, Talk, open_door

LIMITS = Limits(message_bytes=300_000, memory_bytes=20_000, recipients=50, refused_recipients=30, errors=5, messages=20)
LOOPBACK = (ip_network("127.0.0.0/8"),)
MAIL = (b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.com>")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return make_certificate("mx.example.org").context(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def door(context: ssl.SSLContext) -> Iterator[OpenDoor]:
    with open_door(Settings("test", tls=lambda: context, limits=LIMITS)) as opened:
        yield opened


@pytest.fixture
def talk(door: OpenDoor) -> Iterator[Talk]:
    client = Talk(door)
    yield client
    client.close()


def test_a_message_comes_as_it_was_sent(door: OpenDoor) -> None:
    text = b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n.one\r\n..two\r\nlast without end"
    with smtplib.SMTP(door.address, door.port, local_hostname="client.example.org") as client:
        client.ehlo()
        assert {"pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "dsn", "starttls"} <= set(
            client.esmtp_features
        )
        assert "auth" not in client.esmtp_features
        refused = client.sendmail(
            "a@example.org",
            ["b@example.com", "unknown@example.com"],
            text,
            ["BODY=8BITMIME", "RET=HDRS"],
            ["NOTIFY=NEVER"],
        )
        assert set(refused) == {"unknown@example.com"}
        client.sendmail("", ["c@example.com"], b"x\r\n")
    first, second = door.host.taken
    assert first.data == text + b"\r\n"
    assert first.incoming.sender.parameter("RET") == "HDRS"
    assert first.incoming.recipients[0].parameters == (("NOTIFY", "NEVER"),)
    assert (first.incoming.client.helo, first.incoming.client.address) == ("client.example.org", "127.0.0.1")
    assert (first.incoming.door, second.sender, second.recipients) == (Door.MX, "", ["c@example.com"])
    assert first.incoming.key != second.incoming.key


def test_commands_that_come_together_are_answered_in_order(talk: Talk, door: OpenDoor) -> None:
    talk.hello()
    answers = talk.ask(*MAIL, b"RCPT TO:<unknown@example.com>", b"RCPT TO:<later@example.com>", b"DATA")
    assert [answer[:3] for answer in answers] == ["250", "250", "550", "450", "354"]
    talk.send(b"one\r\n.\r\nRSET\r\n" + b"\r\n".join(MAIL) + b"\r\nNOOP\r\n")
    assert [talk.reply()[:3] for _ in range(5)] == ["250"] * 5
    assert talk.ask(b"DATA")[0].startswith("354")
    talk.send(b"two\r\n.\r\nQUIT\r\n")
    assert [talk.reply()[:3] for _ in range(2)] == ["250", "221"]
    assert talk.is_over()
    assert [taken.data for taken in door.host.taken] == [b"one\r\n", b"two\r\n"]


@pytest.mark.parametrize(
    "early",
    [
        b"DATA\r\nhidden\r\n.\r\n",
        b"EHLO a.example\r\nMAIL FROM:<a@example.org>\r\n",
        b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n",
        b"HELO a.example\r\nNOOP\r\n",
    ],
)
def test_who_does_not_wait_where_one_must_is_sent_away(talk: Talk, early: bytes) -> None:
    talk.hello()
    assert all(answer.startswith("250") for answer in talk.ask(*MAIL))
    talk.send(early)
    assert talk.reply().startswith("554 5.5.0")
    assert talk.is_over()


def test_speaking_before_the_greeting_or_in_another_protocol_ends_it(door: OpenDoor) -> None:
    for said in (b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n"):
        talk = Talk(door)
        talk.send(said)
        assert talk.reply().startswith("421")
        assert talk.is_over()


def test_the_order_of_things_is_kept(talk: Talk) -> None:
    said = talk.ask(b"MAIL FROM:<a@example.org>")
    said += talk.hello().ask(b"RCPT TO:<b@example.com>", b"NOOP x", b"VRFY root", b"HELP")
    said += talk.ask(MAIL[0], MAIL[0])
    assert [answer[:3] for answer in said] == ["503", "503", "250", "252", "214", "250", "503"]
    assert talk.ask(b"DATA")[0].startswith("554")
    assert talk.ask(b"BDAT 5 LAST")[0].startswith("502")
    assert talk.ask(b"FROBNICATE")[0].startswith("500")
    assert talk.reply().startswith("421")
    assert talk.is_over()


def test_lines_of_commands_have_limits(talk: Talk) -> None:
    talk.hello()
    assert talk.ask(b"NOOP " + b"x" * 9000)[0].startswith("500")
    talk.send(b"NOOP\n")
    assert talk.reply().startswith("500 5.5.2 Lines end")
    assert talk.ask(b"NOOP\r\x00")[0].startswith("500")
    assert talk.ask(b"NOOP")[0].startswith("250")
    talk.send(b"x" * 700_000)
    assert talk.reply().startswith("421")


def test_ten_thousand_recipients_are_told_the_limit(talk: Talk, door: OpenDoor) -> None:
    talk.hello().ask(MAIL[0])
    answers = [
        answer for _ in range(10) for answer in talk.ask(*[b"RCPT TO:<b%d@example.com>" % n for n in range(1000)])
    ]
    assert [answer[:9] for answer in answers[:51]] == ["250 2.0.0"] * 50 + ["452 4.5.3"]
    assert {answer[:3] for answer in answers[50:]} == {"452"}
    assert talk.ask(b"DATA")[0].startswith("354")
    talk.send(b"x\r\n.\r\n")
    assert talk.reply().startswith("250")
    assert len(door.host.taken[0].recipients) == 50


def test_guessing_recipients_ends_the_connection(talk: Talk) -> None:
    talk.hello().ask(MAIL[0])
    answers = talk.ask(*[b"RCPT TO:<unknown%d@example.com>" % n for n in range(30)])
    assert {answer[:3] for answer in answers} == {"550"}
    assert talk.reply().startswith("421 4.7.0")
    assert talk.is_over()


def test_idle_commands_and_garbage_end_the_connection(door: OpenDoor) -> None:
    talk = Talk(door).hello()
    talk.send(b"NOOP\r\n" * 200)
    said = [talk.reply()[:3] for _ in range(105)]
    assert said == ["250"] * 103 + ["421", ""]
    garbage = Talk(door)
    garbage.send(bytes(range(256)).replace(b"\n", b"") * 3 + b"\r\n" + b"\xff\xfe\r\n" * 50)
    assert [garbage.reply()[:3] for _ in range(6)] == ["500"] * 5 + ["421"]


def test_too_large_is_said_early_and_late(talk: Talk, door: OpenDoor) -> None:
    talk.hello()
    assert talk.ask(b"MAIL FROM:<a@example.org> SIZE=300001")[0].startswith("552 5.3.4")
    assert [answer[:3] for answer in talk.ask(*MAIL)] == ["250", "250"]
    talk.ask(b"DATA")
    talk.send(b"0123456789abcdef\r\n" * 17_000 + b".\r\n")
    assert talk.reply().startswith("552 5.3.4")
    assert [answer[:3] for answer in talk.ask(*MAIL)] == ["250", "250"]
    talk.ask(b"DATA")
    talk.send(b"0123456789abcdef\r\n" * 6_000 + b".\r\n")
    assert talk.reply().startswith("250")
    assert isinstance(door.host.taken[0].incoming.body, InFile)
    assert len(door.host.taken[0].data) == 18 * 6_000


def test_smuggling_is_refused_and_nothing_of_it_runs(door: OpenDoor) -> None:
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n\x00.\r\n"):
        talk = Talk(door).begin()
        talk.send(b"Subject: x\r\n\r\nhello" + end + b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.com>\r\n")
        talk.send(b"DATA\r\nsmuggled\r\n.\r\n")
        assert talk.reply().startswith("550 5.6.0")
        assert talk.ask(b"NOOP")[0].startswith("250")
        talk.close()
    assert door.host.taken == []


def test_bare_ends_are_mended_where_that_is_wanted() -> None:
    with open_door(Settings("test", bare=Bare.FIX, limits=LIMITS)) as door:
        talk = Talk(door).begin()
        talk.send(b"one\ntwo\r\r\n.\nthree\n.\r\nfour\r\n.\r\n")
        assert talk.reply().startswith("250")
        assert door.host.taken[0].data == b"one\r\ntwo\r\n\r\n\r\nthree\r\n.\r\nfour\r\n"
        talk.send(b"NOOP\n")
        assert talk.reply().startswith("250")


def test_slow_clients_are_sent_away() -> None:
    limits = replace(LIMITS, command_s=0.3, data_s=0.25, data_grace_s=0.3, data_rate=100_000)
    with open_door(Settings("test", limits=limits)) as door:
        talk, slow, silent = Talk(door), Talk(door).begin(), Talk(door).begin()
        began = time.monotonic()
        with suppress(ConnectionError):
            for _ in range(8):
                slow.send(b"x\r\n")
                talk.send(b"N")
                time.sleep(0.05)
        assert talk.reply().startswith("421 4.4.2")
        assert slow.reply().startswith("421 4.4.2")
        assert silent.reply().startswith("421 4.4.2")
        assert time.monotonic() - began < 3
        assert door.host.taken == []


def test_a_host_that_breaks_costs_the_message_only(talk: Talk, door: OpenDoor) -> None:
    talk.begin(sender=b"boom@example.org").send(b"x\r\n.\r\n")
    assert talk.reply().startswith("451 4.3.0")
    assert [answer[:3] for answer in talk.ask(*MAIL, b"DATA")] == ["250", "250", "354"]
    talk.send(b"y\r\n.\r\n")
    assert talk.reply().startswith("250")


def test_who_is_not_welcome_hears_it_instead_of_the_greeting() -> None:
    host = Remembering(welcome=Answer(554, "5.7.1", "Not you"))
    with open_door(Settings("test"), host) as door:
        talk = Talk(door, greeted=False)
        assert talk.reply() == "554 5.7.1 Not you"
        assert talk.is_over()
    assert host.closed_clients == []


def test_the_end_of_the_door_waits_for_a_message_in_progress(context: ssl.SSLContext) -> None:
    host = Remembering(delay_s=0.3)
    with open_door(Settings("test", limits=LIMITS), host) as door:
        idle, busy, half = Talk(door).hello(), Talk(door).begin(), Talk(door).begin()
        busy.send(b"x\r\n.\r\n")
        time.sleep(0.1)
        door.stop(patience_s=0.5)
        assert idle.reply().startswith("421 4.3.2")
        assert busy.reply().startswith("250")
        assert busy.reply().startswith("421 4.3.2")
        assert half.reply().startswith("421 4.3.2")
        with pytest.raises(OSError):
            Talk(door)
    assert len(host.taken) == 1


def test_tls_forgets_what_came_before_and_allows_signing_in(door: OpenDoor) -> None:
    talk = Talk(door).hello()
    assert talk.ask(b"AUTH PLAIN AGEAcmlnaHQ=")[0].startswith("538")
    talk.start_tls()
    assert talk.ask(MAIL[0])[0].startswith("503")
    features = talk.ask(b"EHLO client.example.org")[0]
    assert "STARTTLS" not in features
    assert "AUTH PLAIN LOGIN" in features
    assert talk.ask(b"STARTTLS")[0].startswith("503")
    assert talk.ask(b"AUTH PLAIN " + base64.b64encode(b"\0me@example.com\0wrong"))[0].startswith("535")
    assert talk.ask(b"AUTH CRAM-MD5")[0].startswith("504")
    assert talk.ask(b"AUTH LOGIN")[0] == "334 VXNlcm5hbWU6"
    assert talk.ask(base64.b64encode(b"me@example.com"))[0] == "334 UGFzc3dvcmQ6"
    assert talk.ask(base64.b64encode(b"right"))[0].startswith("235")
    assert [answer[:3] for answer in talk.ask(*MAIL, b"DATA")] == ["250", "250", "354"]
    talk.send(b"x\r\n.\r\n")
    assert talk.reply().startswith("250")
    incoming = door.host.taken[0].incoming
    assert (incoming.door, incoming.client.user_id, incoming.client.user_name) == (Door.SUBMISSION, 7, "me@example.com")
    assert incoming.client.tls is not None
    assert incoming.client.tls.version.startswith("TLSv1.")


def test_the_host_is_told_with_each_message_what_opened_the_connection(door: OpenDoor) -> None:
    """So that it can refuse one whose password was taken back meanwhile."""
    talk = Talk(door).hello().start_tls().hello()
    assert talk.ask(b"AUTH PLAIN " + base64.b64encode(b"\0gone\0right"))[0].startswith("235")
    assert talk.ask(MAIL[0])[0].startswith("530")


def test_guessing_passwords_ends_the_connection(door: OpenDoor) -> None:
    talk = Talk(door).hello().start_tls().hello()
    for _ in range(3):
        assert talk.ask(b"AUTH PLAIN")[0].startswith("334")
        assert talk.ask(base64.b64encode(b"\0me\0wrong"))[0].startswith("535")
    assert talk.reply().startswith("421")
    other = Talk(door).hello().start_tls().hello()
    other.ask(b"AUTH PLAIN")
    assert other.ask(b"*")[0].startswith("501")
    assert other.ask(b"AUTH PLAIN " + base64.b64encode(b"boss\0me\0right"))[0].startswith("535")


def test_submission_wants_a_sign_in_and_may_be_encrypted_at_once(context: ssl.SSLContext, tmp_path: Path) -> None:
    settings = Settings("test", Door.SUBMISSION, tls=lambda: context, tls_at_once=True, needs_auth=True)
    with open_door(settings) as door:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP_SSL(door.address, door.port, local_hostname="c.example.org", context=trust) as client:
            client.ehlo()
            assert "starttls" not in client.esmtp_features
            assert client.mail("a@example.org")[0] == 530
            client.login("me@example.com", "right")
            client.sendmail("a@example.org", ["b@example.com"], "x")
    assert door.host.taken[0].incoming.door is Door.SUBMISSION


PROXY_V2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes([192, 0, 2, 9, 127, 0, 0, 1, 0x30, 0x39, 0, 25])


@pytest.mark.parametrize("header", [b"PROXY TCP4 192.0.2.9 127.0.0.1 12345 25\r\n", PROXY_V2])
def test_a_proxy_says_who_the_client_is(header: bytes) -> None:
    with open_door(Settings("test", proxies=LOOPBACK)) as door:
        talk = Talk(door, greeted=False)
        talk.send(header[:9])
        time.sleep(0.02)
        talk.send(header[9:])
        assert talk.reply().startswith("220")
        client = door.host.clients[0]
        assert (client.address, client.port, client.via) == ("192.0.2.9", 12345, "127.0.0.1")
        for wrong in (b"EHLO a.example\r\n", b"PROXY TCP4 nobody 1.1.1.1 1 1\r\n"):
            other = Talk(door, greeted=False)
            other.send(wrong)
            assert other.is_over()


def test_others_can_not_claim_to_be_somebody_else(talk: Talk) -> None:
    talk.hello()
    assert talk.ask(b"XCLIENT ADDR=192.0.2.9")[0].startswith("550")
    assert talk.ask(b"XFORWARD ADDR=192.0.2.9")[0].startswith("550")
    assert talk.ask(b"PROXY TCP4 192.0.2.9 127.0.0.1 1 25")[0].startswith("500")


def test_postfix_speaks_for_its_clients() -> None:
    with open_door(Settings("test", Door.FILTER, speakers=LOOPBACK)) as door:
        talk = Talk(door).hello()
        assert talk.ask(b"XFORWARD NAME=mail.example.net ADDR=192.0.2.7 PROTO=ESMTP")[0].startswith("250")
        assert talk.ask(b"XFORWARD HELO=helo.example.net SOURCE=REMOTE IDENT=4F2A")[0].startswith("250")
        assert [answer[:3] for answer in talk.ask(*MAIL, b"DATA")] == ["250", "250", "354"]
        talk.send(b"x\r\n.\r\n")
        assert talk.reply().startswith("250")
        client = door.host.taken[0].incoming.client
        assert (client.address, client.name, client.helo) == ("192.0.2.7", "mail.example.net", "helo.example.net")
        assert client.via == "127.0.0.1"
        assert talk.ask(b"XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::9 PROTO=SMTP")[0].startswith("220")
        assert talk.ask(MAIL[0])[0].startswith("503")
        talk.hello()
        assert (door.host.clients[-1].address, door.host.clients[-1].name) == ("2001:db8::9", "")
        assert talk.ask(b"XCLIENT ADDR=nowhere")[0].startswith("501")


def test_a_proxy_that_is_named_says_who_signed_in_with_it() -> None:
    with open_door(Settings("test", Door.SUBMISSION, needs_auth=True, speakers=LOOPBACK)) as door:
        talk = Talk(door).hello()
        assert talk.ask(b"XCLIENT ADDR=192.0.2.7 LOGIN=known@example.org")[0].startswith("220")
        talk.hello()
        assert [answer[:3] for answer in talk.ask(*MAIL, b"DATA")] == ["250", "250", "354"]
        talk.send(b"x\r\n.\r\n")
        assert talk.reply().startswith("250")
        client = door.host.taken[0].incoming.client
        assert (client.user_id, client.user_name, client.via) == (7, "known@example.org", "127.0.0.1")
        for login in (b"stranger@example.org", b"[UNAVAILABLE]"):
            assert talk.ask(b"XCLIENT LOGIN=" + login)[0].startswith("220")
            talk.hello()
            assert talk.ask(MAIL[0])[0].startswith("530")


def test_the_bytes_of_a_message_are_mended_for_postfix_and_only_too_many_are_refused_for_good() -> None:
    limits = Limits(message_bytes=1000, line_bytes=60, overrun=1000)
    with open_door(Settings("test", Door.FILTER, bare=Bare.FIX, speakers=LOOPBACK, limits=limits)) as door:
        talk = Talk(door).hello()
        for text, code in ((b"one\ntwo\x00\r\n", "250"), (b"x" * 70 + b"\r\n", "250"), (b"y\r\n" * 500, "552")):
            talk.ask(*MAIL, b"DATA")
            talk.send(text + b".\r\n")
            assert talk.reply().startswith(code)
