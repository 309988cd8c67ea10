"""Asking a sender's server whether it knows the sender: what is learnt, and that nobody can make us ask too often."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any
from unittest import mock

import pytest

from accounts.actors import Actor
from domains.diagnosis.lookups import Resolver
from domains.policy.facts import AuthResult, Direction, SenderVerify
from domains.services.domain_settings import update_domain
from gateway.judging import inspecting
from gateway.judging.authentication.names import NameCache, Questions
from gateway.judging.callouts import MOST_PER_DOMAIN, Callouts, mail_hosts
from gateway.judging.inspecting import inspect_now
from gateway.judging.settings import ScannerSettings
from tests.dns_server import DnsServer
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.judging.world import came_in
from tests.smtp_server import Behaviour, SmtpServer, running_server


@pytest.fixture
def server(settings: Any) -> Iterator[SmtpServer]:
    settings.ALLOWED_RELAYS = (ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset(range(1024, 65536))
    with running_server(Behaviour()) as running:
        yield running


@pytest.fixture
def questions(dns_server: DnsServer) -> Questions:
    dns_server.add_zone(
        "friends.example",
        "@ MX 20 later\n@ MX 10 mail\nmail A 127.0.0.1\nlater A 127.0.0.2\n"
        "none MX 0 .\nbare A 127.0.0.1\nwrong MX 10 nowhere",
    )
    return Questions(NameCache(Resolver([dns_server.endpoint], attempt_s=0.5)), timeout_s=5)


def test_who_takes_mail_for_a_domain(questions: Questions) -> None:
    assert mail_hosts("friends.example", questions) == ["mail.friends.example", "later.friends.example"]
    assert mail_hosts("bare.friends.example", questions) == ["bare.friends.example"]
    assert mail_hosts("none.friends.example", questions) == []
    assert mail_hosts("gone.friends.example", questions) == []


@pytest.mark.parametrize(
    ("replies", "found"),
    [
        ({}, SenderVerify.PASSED),
        ({"RCPT": "550 5.1.1 unknown"}, SenderVerify.FAILED),
        ({"RCPT": "450 4.2.0 later"}, SenderVerify.UNKNOWN),
        ({"MAIL": "550 no bounces"}, SenderVerify.UNKNOWN),
    ],
)
def test_its_server_is_asked_with_an_empty_sender_and_once(
    server: SmtpServer, questions: Questions, replies: dict[str, str], found: SenderVerify
) -> None:
    server.behaviour.replies = replies
    callouts = Callouts("mx.example.org", port=server.port)
    assert callouts.verify("ada@friends.example", questions) is found
    assert callouts.verify("ada@friends.example", questions) is found
    assert server.connections == 1
    assert "MAIL FROM:<>" in server.said
    assert not server.mails


def test_a_domain_without_mail_has_no_senders_and_one_out_of_reach_is_unknown(
    server: SmtpServer, questions: Questions, settings: Any
) -> None:
    callouts = Callouts("mx.example.org", port=server.port)
    assert callouts.verify("ada@none.friends.example", questions) is SenderVerify.FAILED
    assert callouts.verify("ada@wrong.friends.example", questions) is SenderVerify.UNKNOWN
    settings.ALLOWED_RELAYS = ()
    assert callouts.verify("bob@friends.example", questions) is SenderVerify.UNKNOWN
    assert server.connections == 0


def test_nobody_is_asked_more_than_a_few_times_a_minute(server: SmtpServer, questions: Questions) -> None:
    callouts = Callouts("mx.example.org", port=server.port)
    found = [callouts.verify(f"person{number}@friends.example", questions) for number in range(MOST_PER_DOMAIN + 5)]
    assert found == [SenderVerify.PASSED] * MOST_PER_DOMAIN + [SenderVerify.UNKNOWN] * 5
    assert server.connections == MOST_PER_DOMAIN


@pytest.mark.django_db(transaction=True)
def test_only_recipients_who_want_it_have_their_senders_verified(
    server: SmtpServer, dns_server: DnsServer, questions: Questions, settings: Any
) -> None:
    settings.DNS_SERVERS = (dns_server.endpoint,)
    server.behaviour.replies = {"RCPT": "550 5.1.1 unknown"}
    domain = make_domain()
    box = make_mailbox_in(domain)
    workers = inspecting._Workers()
    workers.callouts = Callouts("mx.example.org", port=server.port)

    def verified(**changed: Any) -> SenderVerify:
        wanted = ScannerSettings(**{"verify_senders": True, **changed})
        return inspect_now(came_in(to=(box.address,)), Direction.INCOMING, wanted).facts.sender_verify

    with mock.patch.object(inspecting, "_workers", workers):
        assert verified(verify_senders=False) is SenderVerify.NOT_DONE
        update_domain(Actor.system(), domain, {"sender_verify": False})
        assert verified() is SenderVerify.NOT_DONE
        update_domain(Actor.system(), domain, {"sender_verify": True})
        assert verified() is SenderVerify.FAILED
        assert server.connections == 1
        # what is proved to be forged isn't asked about
        dns_server.add_zone("friends.example", '@ TXT "v=spf1 -all"\n@ MX 10 mail\nmail A 127.0.0.1')
        workers._names = NameCache(Resolver([dns_server.endpoint]))
        forged = inspect_now(came_in(to=(box.address,)), Direction.INCOMING, ScannerSettings(verify_senders=True))
        assert forged.facts.authentication.spf is AuthResult.FAIL
        assert forged.facts.sender_verify is SenderVerify.NOT_DONE
