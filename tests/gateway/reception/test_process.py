"""The real processes of `manage.py gateway`: who may send to whom, and how they end."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import ssl

import pytest

from accounts.actors import Actor
from accounts.services.passwords import set_password
from accounts.services.tokens import create_token
from domains.certificates import read_certificate
from domains.models import Domain
from domains.services.throttles import set_throttle
from gateway.services.certificates import save_certificate
from gateway.services.ip_lists import add_ip, block_ip
from gateway.services.routes import create_route
from tests.certificates import make_certificate
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.reception.gateways import Gateway, running_gateway, untrusting
from tests.gateway.reception.pems import key_of


@pytest.mark.django_db(transaction=True)
def test_the_gateway_from_its_start_to_its_end(process_environment: dict[str, str]) -> None:
    domain = make_domain("example.com")
    ada = make_mailbox_in(domain, "ada").user
    assert ada is not None
    set_password(Actor.system(), ada, password="correct horse battery")
    token = create_token(Actor.for_user(ada), ada, name="mail program").value
    with running_gateway(process_environment, POSTKEEP_SMTP_XCLIENT="127.0.0.0/8") as gateway:
        _asks_the_directory(gateway)
        _takes_mail_of_people_who_sign_in(gateway, token)
        _keeps_to_the_ip_lists(gateway)
        _follows_the_router_table(gateway)
        _counts_against_throttles(gateway, domain)
        _shows_new_certificates_without_a_restart(gateway)
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


def _as_client(gateway: Gateway, address: str) -> tuple[smtplib.SMTP, int]:
    client = gateway.client()
    client.ehlo()
    code, _text = client.docmd(f"XCLIENT ADDR={address}")
    if code == 220:
        client.ehlo()
    return client, code


def _keeps_to_the_ip_lists(gateway: Gateway) -> None:
    system = Actor.system()
    for name, network in (
        ("denied", "192.0.2.0/24"),
        ("white_hole", "192.0.2.9"),
        ("blacklisted", "198.51.100.0/24"),
        ("client", "203.0.113.5"),
    ):
        add_ip(system, list=name, network=network)
    block_ip(system, address="203.0.113.99", seconds=600)
    wait_until(lambda: _as_client(gateway, "203.0.113.99")[1] == 421)
    assert _as_client(gateway, "192.0.2.8")[1] == 554
    assert _as_client(gateway, "192.0.2.9")[1] == 220
    client, _code = _as_client(gateway, "198.51.100.1")
    client.mail("somebody@example.net")
    assert client.rcpt("ada@example.com")[1].startswith(b"5.7.1 Your address is blacklisted")
    assert client.rcpt("postmaster@example.com")[1].startswith(b"5.1.1")
    for address, code in (("203.0.113.5", 250), ("203.0.113.6", 550)):
        client, _code = _as_client(gateway, address)
        client.mail("ada@example.com")
        assert client.rcpt("somebody@elsewhere.example")[0] == code
    block_ip(system, address="203.0.113.99", seconds=0)
    wait_until(lambda: _as_client(gateway, "203.0.113.99")[1] == 220)


def _follows_the_router_table(gateway: Gateway) -> None:
    system = Actor.system()
    create_route(system, {"pattern": "*@old.example", "kind": "rewrite", "target": "*@example.com"})
    create_route(system, {"pattern": "boss@example.com", "kind": "refuse", "target": "The boss has left"})
    create_route(system, {"pattern": "trash@example.com", "kind": "discard"})

    def said(address: str) -> bytes:
        with gateway.client() as client:
            client.ehlo()
            client.mail("somebody@example.net")
            return client.rcpt(address)[1]

    wait_until(lambda: said("trash@old.example") == b"2.0.0 Ok")
    assert said("boss@old.example") == b"5.7.1 The boss has left"
    assert said("nobody@old.example") == b"5.1.1 There is no such address here"
    with gateway.client() as client:
        assert client.sendmail("somebody@example.net", ["trash@old.example"], "x") == {}


def _counts_against_throttles(gateway: Gateway, domain: Domain) -> None:
    limits = {"max_messages": 0, "max_message_bytes": 5000}
    set_throttle(Actor.system(), domain, direction="outbound", period_s=600, limits=limits)

    def said(*recipients: str, size: int = 100) -> int:
        client, _code = _as_client(gateway, "203.0.113.5")
        client.mail("ada@example.com", [f"SIZE={size}"])
        codes = [client.rcpt(each)[0] for each in recipients]
        return codes[-1] if codes[-1] >= 400 else client.data("x")[0]

    wait_until(lambda: said("a@elsewhere.example", size=6000) == 552)
    wait_until(lambda: said("a@elsewhere.example") == 452)


def _shows_new_certificates_without_a_restart(gateway: Gateway) -> None:
    def shown(name: str) -> str:
        context = untrusting()
        with gateway.client() as client:
            client._host = name  # type: ignore[attr-defined]  # the name that is asked for
            client.starttls(context=context)
            assert isinstance(client.sock, ssl.SSLSocket)
            facts = read_certificate(client.sock.getpeercert(binary_form=True) or b"")
        return facts.names[0] if facts is not None else ""

    before = shown("mx.example.org")
    for name, is_default in (("mail.example.org", True), ("*.example.net", False)):
        made = make_certificate(name)
        values = {"name": name, "chain": made.pem, "private_key": key_of(made), "is_default": is_default}
        save_certificate(Actor.system(), None, values)
    wait_until(lambda: all(shown("other.example.com") == "mail.example.org" for _ in range(6)))
    assert before == "mx.example.org"
    assert shown("smtp.example.net") == "*.example.net"


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
