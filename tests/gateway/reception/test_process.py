"""The real processes of `manage.py gateway`: who may send to whom, and how they end."""

from __future__ import annotations

import os
import signal
import smtplib
import socket

import pytest

from accounts.actors import Actor
from accounts.services.passwords import set_password
from accounts.services.tokens import create_token
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.reception.gateways import Gateway, running_gateway, untrusting


@pytest.mark.django_db(transaction=True)
def test_the_gateway_from_its_start_to_its_end(process_environment: dict[str, str]) -> None:
    domain = make_domain("example.com")
    ada = make_mailbox_in(domain, "ada").user
    assert ada is not None
    set_password(Actor.system(), ada, password="correct horse battery")
    token = create_token(Actor.for_user(ada), ada, name="mail program").value
    with running_gateway(process_environment) as gateway:
        _asks_the_directory(gateway)
        _takes_mail_of_people_who_sign_in(gateway, token)
        _outlives_the_death_of_a_process(gateway)
        with gateway.client() as waiting:
            waiting.ehlo()
            assert gateway.stop() == 0
            assert waiting.getreply()[0] == 421
        with pytest.raises(OSError):
            gateway.client()


def _asks_the_directory(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert client.starttls(context=untrusting())[0] == 220
        client.ehlo()
        client.mail("somebody@example.net")
        assert client.rcpt("nobody@example.com") == (550, b"5.1.1 There is no such address here")
        assert client.rcpt("somebody@elsewhere.example")[1].startswith(b"5.7.1")
        assert client.rcpt("nonsense")[0] == 501


def _takes_mail_of_people_who_sign_in(gateway: Gateway, token: str) -> None:
    for password in ("correct horse battery", token):
        with gateway.client(gateway.submission_port) as client:
            client.ehlo()
            assert client.mail("ada@example.com")[0] == 530
            client.starttls(context=untrusting())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("ada@example.com", "wrong")
            client.login("ada@example.com", password)
            client.mail("ada@example.com")
            assert client.rcpt("somebody@elsewhere.example")[0] == 250
            client.rset()
            client.mail("boss@example.com")
            assert client.rcpt("somebody@elsewhere.example")[0] == 550


def _outlives_the_death_of_a_process(gateway: Gateway) -> None:
    before = {child.pid for child in gateway.children()}
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len({child.pid for child in gateway.children()} - {min(before)}) == 2)
    for _ in range(6):
        with gateway.client() as client:
            assert client.noop()[0] == 250


@pytest.mark.django_db(transaction=True)
def test_a_port_is_never_shared_with_another_program(process_environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        gateway = Gateway(process_environment, POSTKEEP_SMTP_PORT=str(other.getsockname()[1]))
        assert gateway.process.wait(60) == 1
