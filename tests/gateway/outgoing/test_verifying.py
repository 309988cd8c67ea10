"""Who may send as whom, what the world is told of them, and that nobody else hears of what went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import DlpRule, Domain
from domains.services import policies
from domains.services.aliases import add_alias
from domains.services.domain_settings import update_domain
from gateway.delivery.tracing import changes_for
from gateway.flow import Sending
from gateway.models import Message, QueueItem, Recipient
from gateway.release_options import Way, way_for
from gateway.services import quarantine
from gateway.services.routes import create_route
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import CLIENT
from tests.gateway.intake.test_intake import served, take, through
from tests.gateway.outgoing.test_dkim import LETTER, leaving, sent_by, signing, verified
from tests.gateway.queue.conftest import reacher, run_until
from tests.smtp_server import Behaviour, running_server

SYSTEM = Actor.system()
pytestmark = pytest.mark.django_db(transaction=True)


def written_as(*authors: str) -> bytes:
    return LETTER.replace(b"Ada <ada@example.org>", ", ".join(authors).encode())


def verdicts() -> list[tuple[str, str]]:
    rows = Recipient.objects.filter(direction="outgoing").order_by("pk")
    return [(row.category, row.state) for row in rows]


def keeping(domain: Domain) -> None:
    policy = domain.default_policy
    assert policy is not None
    policies.update_policy(SYSTEM, policy, {"quarantine_props.store_sender_verify": True})


def test_people_write_as_themselves_and_their_aliases_and_as_nobody_else() -> None:
    domain = served()
    ada, _ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    add_alias(SYSTEM, ada, email="lovelace@example.org")
    said = ["ada@example.org", "Countess <Lovelace@example.org>", "ben@example.org", "boss@far.example"]
    answers = through(
        *(sent_by(ada, written_as(each)) for each in said),
        sent_by(ada, written_as("ada@example.org", "ben@example.org")),
    )
    assert [answer.code for answer in answers] == [250, 250, 550, 550, 550]
    assert verdicts() == [("clean", "queued")] * 2 + [("sender_verify", "refused")] * 3
    keeping(domain)
    through(sent_by(ada, written_as("ben@example.org")))
    held = Recipient.objects.select_related("message", "mailbox").get(state="held")
    assert way_for(held, infected=False) is Way.REQUEST  # nobody lets go what they weren't allowed to send
    update_domain(SYSTEM, domain, {"sender_verify": False})
    assert through(sent_by(ada, written_as("ben@example.org")))[0].code == 250


def test_servers_of_a_domain_write_as_any_address_of_it_only() -> None:
    domain, other = served(), served("other.example")
    update_domain(SYSTEM, domain, {"outgoing_subnets": ["198.51.100.0/24"]})
    inside: dict[str, Any] = {"client": replace(CLIENT, address="198.51.100.9"), "sender": Sending("app@example.org")}
    answers = through(
        take(written_as("printer@example.org"), to=["x@far.example"], **inside),
        take(written_as(f"boss@{other.name}"), to=["x@far.example"], **inside),
    )
    assert [answer.code for answer in answers] == [250, 550]


def test_the_world_isnt_told_where_people_write_from() -> None:
    domain = served()
    update_domain(SYSTEM, domain, {"outgoing_subnets": ["198.51.100.0/24"]})
    ada = make_mailbox_in(domain, "ada")
    server_client = replace(CLIENT, address="198.51.100.9", name="app.example.org", helo="app.example.org", tls=None)
    with running_server(Behaviour()) as server:
        create_route(SYSTEM, {"pattern": "*@far.example", "kind": "relay", "target": f"127.0.0.1:{server.port}"})
        through(
            sent_by(ada),
            take(LETTER, to=["y@far.example"], client=server_client, sender=Sending("ada@example.org")),
        )
        run_until(lambda: len(server.mails) == 2, reacher(server.port))
    first, second = sorted(server.mails, key=lambda mail: "app.example.org" in mail)
    assert "192.0.2.7" not in first and CLIENT.helo not in first
    assert first.startswith("Received: by ") and "with ESMTPSA (TLSv1.3 AES256)" in first.replace("\n", "")
    assert "from app.example.org (app.example.org [198.51.100.9])" in second
    assert Message.objects.earliest("pk").client_address == "192.0.2.7"  # the passport knows


def test_a_leak_is_kept_back_and_leaves_signed_when_somebody_lets_it_go() -> None:
    domain = served()
    signing(domain, "ed25519")
    ada = make_mailbox_in(domain, "ada")
    DlpRule.objects.create(domain=domain, expression="stands", targets_content=True)
    assert through(sent_by(ada))[0].code == 250
    row = Recipient.objects.select_related("message", "mailbox").get(direction="outgoing")
    assert (row.category, row.state) == ("dlp", "held") and not QueueItem.objects.exists()
    quarantine.release(SYSTEM, row, reason="the bridge is public")
    (raw,) = leaving()
    assert verified(raw) == [("example.org", "ed25519")]
    assert changes_for(QueueItem.objects.get(), only=True).without_bcc


def test_what_came_from_elsewhere_is_released_byte_for_byte_and_unsigned() -> None:
    domain = served()
    signing(domain, "ed25519")
    ada = make_mailbox_in(domain, "ada")
    came = LETTER.replace(b"ada@example.org", b"odd@friends.example, eve@friends.example")
    through(take(came.replace(b"Subject:", b"From: odd@friends.example\r\nSubject:"), to=[ada.address]))
    row = Recipient.objects.select_related("message", "mailbox").get(state="held")
    quarantine.release(SYSTEM, row, reason="")
    item = QueueItem.objects.select_related("content").get()
    assert bytes(item.content.data or b"") == came.replace(b"Subject:", b"From: odd@friends.example\r\nSubject:")
    assert not any("DKIM" in line for line in item.headers)
    assert not changes_for(item, only=True).without_bcc
