"""The whole way: the digest arrives at a real server, its reader clicks and confirms, the message arrives as it was."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import default

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from domains.models import Relay
from gateway.digests.command import COMMAND, DigestArguments
from gateway.models import Recipient
from jobs.services import run_here
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.digests.mails import links_in
from tests.gateway.factories import held_for, spam
from tests.gateway.queue.conftest import reacher, run_until
from tests.smtp_server import Behaviour, running_server

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_is_told_of_released_by_its_link_and_delivered_byte_for_byte() -> None:
    raw = spam("The bill", body="Byte for byte\n")
    with running_server(Behaviour()) as server:
        domain = make_domain("example.org")
        Relay.objects.create(
            domain=domain, name="inside", transport_dest="127.0.0.1", transport_port=server.port,
            transport_type="SMTP", is_default=True,
        )  # fmt: skip
        ada = make_mailbox_in(domain, "ada")
        row = held_for(ada, raw=raw, received_at=timezone.now() - timedelta(hours=1))
        until = timezone.now()
        arguments = DigestArguments((until - timedelta(days=1)).isoformat(), until.isoformat())
        assert (run_here(Actor.system(), COMMAND, arguments).result or {})["sent"] == 1
        by = reacher(server.port)
        run_until(lambda: len(server.mails) == 1, by)
        digest = message_from_string(server.mails[0], policy=default)
        assert isinstance(digest, EmailMessage) and digest["Subject"] == "1 new message in quarantine"
        (link,) = links_in(digest)
        browser = Client()
        assert "Release it to ada@example.org" in browser.get(link).content.decode()
        assert browser.post(link, {"do": "release"}).status_code == 303
        run_until(lambda: len(server.mails) == 2, reacher(server.port))
    arrived = server.mails[1].replace("\r\n", "\n")
    assert raw.decode().replace("\r\n", "\n").rstrip() in arrived and "X-Postkeep-Released:" in arrived
    row.refresh_from_db()
    assert row.state == "released"
    states = Recipient.objects.filter(message__door__in=("own", "release")).values_list("state", flat=True)
    assert list(states) == ["delivered", "delivered"]
