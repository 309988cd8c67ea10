"""The whole way behind a real Postfix: mail comes in, is held, told of, released and sent, and its passports say so."""

from __future__ import annotations

import re
import smtplib
import time
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.facts import AuthResult
from domains.services import policies
from gateway.judging.authentication import dkim as verifying
from gateway.judging.authentication.canonical import Signable
from gateway.models import Message, Recipient, Step
from gateway.selectors.quarantine import list_own
from gateway.services import digests, signature_rules
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.digests.mails import links_in
from tests.gateway.judging.world import NOW, RSA, Names, signed
from tests.gateway.outgoing.test_dkim import signing, verified
from tests.gateway.postfix import Sink, needs_postfix, running_postfix, running_sink
from tests.gateway.reception.gateways import running_gateway
from tests.gateway.reception.test_postfix import running_delivery
from tests.ports import free_port

SYSTEM = Actor.system()
HEAD = "From: {0}\r\nTo: {1}\r\nSubject: {2}\r\nMessage-ID: <{2}@{3}>\r\nDate: Mon, 30 Nov 2026 09:00:00 +0000\r\n\r\n"
ADA, BOB, SHOP, FAR = "ada@example.org", "bob@friends.example", "offers@shop.example", "dan@far.example"


def text(sender: str, to: str, subject: str) -> bytes:
    return (HEAD.format(sender, to, subject, sender.partition("@")[2]) + f"About {subject}.\r\n").encode()


def arrived(sink: Sink, subject: str) -> tuple[str, bytes]:
    """Where the sink's mail of this subject went, and its bytes; waits for it."""

    def found() -> list[str]:
        return [mail for mail in sink.mails() if re.search(rf"^Subject: {subject}", mail, re.M)]

    def is_whole() -> bool:
        before = found()
        time.sleep(0.05)  # smtp-sink is done with a file that doesn't grow any more
        return bool(before) and before == found()

    wait_until(is_whole, patience_s=15)
    (mail,) = found()
    lines = mail.replace("\r\n", "\n").split("\n")
    (to,) = (line[13:].partition(">")[0].strip("<") for line in lines if line.startswith("X-Rcpt-Args: "))
    start = next(at for at, line in enumerate(lines) if line.startswith("Received: from "))
    return to, "\r\n".join(lines[start:]).rstrip("\r\n").encode() + b"\r\n"


def said(subject: str, door: str) -> list[str]:
    """The steps of its passport."""
    steps = Step.objects.filter(message__subject=subject, message__door=door)
    return list(steps.order_by("at", "pk").values_list("kind", flat=True))


def served() -> Mailbox:
    """Somebody who blocks the shop, in a domain without a relay, which signs what leaves and keeps what is held."""
    domain = make_domain("example.org")
    assert domain.default_policy is not None
    policies.update_policy(
        SYSTEM,
        domain.default_policy,
        {"quarantine": True, "quarantine_props.store_blacklisted": True, "outgoing": True},
    )
    Domain.objects.filter(pk=domain.pk).update(outgoing_subnets=["127.0.0.0/8"])  # where this test's clients are
    signing(domain, "rsa")
    ada = make_mailbox_in(domain, "ada", name="Ada Lovelace")
    SenderRule.objects.create(domain=domain, mailbox=ada, value="shop.example", type=SenderRule.Type.BLOCK)
    place = ScopeRef(Level.DOMAIN, domain.pk)
    house = signature_rules.create_template(SYSTEM, place, {"name": "House", "html": "<p>{{name}}, Engineer</p>"})
    signature_rules.create_rule(SYSTEM, place, {"name": "All", "template_id": house.pk})
    return ada


@needs_postfix
@pytest.mark.django_db(transaction=True)
def test_mail_is_delivered_held_told_of_released_and_sent_behind_postfix(
    process_environment: dict[str, str], settings: Any
) -> None:
    ada = served()
    assert ada.user is not None
    port, filter_port, back_port, sink_port = (free_port() for _each in range(4))
    back = f"127.0.0.1:{back_port}"
    settings.GATEWAY = replace(settings.GATEWAY, filter_next=back)
    environment = process_environment | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "POSTKEEP_FILTER_PORT": str(filter_port),
        "POSTKEEP_FILTER_NEXT": back,
        "POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8",
        "POSTKEEP_ALLOWED_PORTS": str(back_port),
    }
    ports = {"port": port, "filter_port": filter_port, "back_port": back_port, "onward": sink_port}
    offer = signed(text(SHOP, ADA, "offer"), "shop.example", RSA)
    with (
        running_delivery(environment), running_sink(sink_port) as sink,
        running_postfix(**ports), running_gateway(environment),
    ):  # fmt: skip
        with smtplib.SMTP("127.0.0.1", port, "client.example.net", timeout=20) as client:
            client.sendmail(BOB, [ADA], text(BOB, ADA, "lunch"))
            client.sendmail(SHOP, [ADA], offer)
            client.sendmail(ADA, [FAR], text(ADA, FAR, "plans"))
        assert arrived(sink, "lunch")[0] == ADA
        own = Actor.for_user(ada.user)
        wait_until(lambda: list_own(own).exists())
        held = list_own(own).get()
        assert (held.message.subject, held.category) == ("offer", "blocked_sender")
        assert digests.send_own(own, ada) == 1
        to, raw = arrived(sink, "1 new message")
        digest = message_from_bytes(raw, policy=default)
        assert to == ADA and isinstance(digest, EmailMessage)
        (link,) = links_in(digest)
        browser = Client()
        assert f"Release it to {ADA}" in browser.get(link).content.decode()
        assert browser.post(link, {"do": "release"}).status_code == 303
        to, released = arrived(sink, "offer")
        sent_to, sent = arrived(sink, "plans")
        wait_until(lambda: not Recipient.objects.filter(state="queued").exists())
    key = Names({"s1._domainkey.shop.example TXT": (RSA.record,)})
    (signature,) = verifying.verify(Signable.of(released), key.ask, NOW.timestamp())
    assert (to, signature.domain, signature.result) == (ADA, "shop.example", AuthResult.PASS)
    assert sent_to == FAR and verified(sent) == [("example.org", "rsa")] and b"Ada Lovelace, Engineer" in sent
    assert Message.objects.filter(subject="offer", door="filter").count() == 1  # it wasn't judged again
    assert said("lunch", "filter") == ["received", "judged", "delivered"]
    assert said("offer", "filter") == ["received", "judged", "released"]
    assert said("offer", "release") == ["received", "judged", "delivered"]
    assert said("plans", "filter") == ["received", "judged", "signature", "signed", "delivered"]
    assert Recipient.objects.get(message__door="own").state == "delivered"  # the digest
