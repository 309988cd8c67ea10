"""A real Postfix in front, set up with the lines of deploy/postfix, and a real smtp-sink behind."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from accounts.actors import Actor
from config.kit import paths
from domains.models import SenderRule
from domains.services.policies import update_policy
from gateway.models import Message, QueueItem, Recipient, RepositoryItem
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.dovecot_server import PASSWORD, needs_dovecot, running_dovecot
from tests.gateway.postfix import Sink, needs_postfix, running_postfix, running_sink
from tests.gateway.reception.gateways import running_gateway
from tests.ports import free_port

HEAD = "From: Bob <bob@friends.example>\r\nSubject: {}\r\nMessage-ID: <{}@friends.example>\r\n"
TEXT = HEAD + "\r\nGood morning.\r\n.dot\r\n"
OWN = "From: {0}\r\nSubject: {1}\r\nMessage-ID: <{1}@example.org>\r\n\r\nGood evening.\r\n"
FAR = "zoe@far.example"
# who signs in at Postfix is asked for at Dovecot, as in most houses
SASL = "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:{port}\n"
AUTH_PORT = "service auth {{\n  inet_listener {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n}}\n"


@contextmanager
def running_delivery(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py deliver` as a process of its own."""
    process = subprocess.Popen([sys.executable, "manage.py", "deliver"], cwd=paths.BASE_DIR, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _by_subject(sink: Sink) -> dict[str, str]:
    return {"".join(re.findall(r"^Subject: (.*?)\r?$", mail, re.MULTILINE)[:1]): mail for mail in sink.mails()}


@needs_postfix
@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_postfix_hands_over_what_it_took_and_gets_back_what_may_go_on(process_environment: dict[str, str]) -> None:
    domain = make_domain("example.org")
    assert domain.default_policy is not None
    update_policy(Actor.system(), domain.default_policy, {"outgoing": True})
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    sasl_port = free_port()
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
    with (
        running_dovecot(extra=AUTH_PORT.format(port=sasl_port)),
        running_sink(sink_port) as sink,
        running_postfix(SASL.format(port=sasl_port), **ports) as postfix,
    ):
        with smtplib.SMTP("127.0.0.1", port, "client.example.net", timeout=20) as client:
            client.sendmail("bob@friends.example", ["ada@example.org"], TEXT.format("one", "one"))
            client.sendmail("eve@evil.example", ["ada@example.org"], TEXT.format("two", "two"))
            client.login(ada.address, PASSWORD)
            client.sendmail(ada.address, [ben.address, FAR], OWN.format(ada.address, "three"))
            client.sendmail(ben.address, [FAR], OWN.format(ben.address, "four"))
        wait_until(lambda: "Connection refused" in (postfix / "log").read_text())  # nobody is there: Postfix keeps it
        with running_gateway(environment), running_delivery(environment):
            wait_until(lambda: Message.objects.count() == 5 and not QueueItem.objects.exists(), patience_s=120)
            wait_until(lambda: len(_by_subject(sink)) == 3)
            mails = _by_subject(sink)
    mail = mails["one"]
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
    assert message.person is None
    sent = Message.objects.get(message_id="<three@example.org>")
    assert (sent.door, sent.direction, sent.person) == ("filter", "outgoing", ada.user)
    assert list(sent.recipients.order_by("address", "direction").values_list("address", "direction", "mailbox")) == [
        (ben.address, "incoming", ben.pk),
        (ben.address, "outgoing", ada.pk),  # both policies are asked
        (FAR, "outgoing", ada.pk),
    ]
    assert sent.facts["number"] in mails["three"]  # in the field that Postfix wrote
    assert "Authenticated sender" not in mails["three"]
    # she wrote as somebody else: nobody gets it, and she is told
    other = Recipient.objects.get(message__message_id="<four@example.org>")
    assert (other.state, other.mailbox, other.message.person) == ("refused", ada, ada.user)
    (notice,) = (mail for subject, mail in mails.items() if subject not in ("one", "three"))
    assert f"X-Rcpt-Args: <{ada.address}>" in notice and FAR in notice and "5.7.1" in notice
