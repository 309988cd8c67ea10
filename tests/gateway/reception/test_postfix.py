"""A real Postfix in front, set up with the lines of deploy/postfix, and a real smtp-sink behind."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.kit import paths
from domains.models import SenderRule
from gateway.models import Message, Recipient, RepositoryItem
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.postfix import needs_postfix, running_postfix, running_sink
from tests.gateway.reception.gateways import running_gateway
from tests.ports import free_port

HEAD = "From: Bob <bob@friends.example>\r\nSubject: {}\r\nMessage-ID: <{}@friends.example>\r\n"
TEXT = HEAD + "\r\nGood morning.\r\n.dot\r\n"


@contextmanager
def running_delivery(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py deliver` as a process of its own."""
    process = subprocess.Popen([sys.executable, "manage.py", "deliver"], cwd=paths.BASE_DIR, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@needs_postfix
@pytest.mark.django_db(transaction=True)
def test_postfix_hands_over_what_it_took_and_gets_back_what_may_go_on(process_environment: dict[str, str]) -> None:
    domain = make_domain("example.org")
    ada = make_mailbox_in(domain, "ada")
    SenderRule.objects.create(domain=domain, mailbox=ada, value="evil.example", type=SenderRule.Type.BLOCK)
    port, filter_port, back_port, sink_port = (free_port() for _each in range(4))
    environment = process_environment | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "POSTKEEP_FILTER_PORT": str(filter_port),
        "POSTKEEP_FILTER_NEXT": f"127.0.0.1:{back_port}",
        "POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8",
        "POSTKEEP_ALLOWED_PORTS": str(back_port),
    }
    ports = {"port": port, "filter_port": filter_port, "back_port": back_port, "onward": sink_port}
    with running_sink(sink_port) as sink, running_postfix(**ports) as postfix:
        with smtplib.SMTP("127.0.0.1", port, "client.example.net", timeout=20) as client:
            client.sendmail("bob@friends.example", ["ada@example.org"], TEXT.format("one", "one"))
            client.sendmail("eve@evil.example", ["ada@example.org"], TEXT.format("two", "two"))
        wait_until(lambda: "Connection refused" in (postfix / "log").read_text())  # nobody is there: Postfix keeps it
        with running_gateway(environment), running_delivery(environment):
            wait_until(lambda: Recipient.objects.filter(state__in=("delivered", "stored")).count() == 2)
            wait_until(lambda: bool(sink.mails()))
            (mail,) = sink.mails()
    assert "Subject: one" in mail and "X-Rcpt-Args: <ada@example.org>" in mail and "\n.dot\n" in mail.replace("\r", "")
    message = Message.objects.get(message_id="<one@friends.example>")
    assert (message.door, message.client_address, message.helo) == ("filter", "127.0.0.1", "client.example.net")
    assert message.facts["via"] == "127.0.0.1"
    delivered = message.recipients.get()
    assert (delivered.state, delivered.mailbox) == (Recipient.State.DELIVERED, ada)  # though its domain has no relay
    blocked = Recipient.objects.get(message__message_id="<two@friends.example>")
    # there is no quarantine, and nothing proves who wrote: it lies where an administrator finds it, and nothing bounced
    assert (blocked.category, blocked.state, blocked.mailbox) == ("blocked_sender", "stored", ada)
    assert RepositoryItem.objects.get(recipient=blocked).repository.name == "var/mail/refused"
