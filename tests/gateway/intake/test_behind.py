"""Domains whose recipients only the mail server behind knows: who is taken, judged, kept, asked about, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.actors import Actor
from config.kit import heartbeat
from domains.errors import Invalid
from domains.expansion import expand
from domains.models import Domain, Mailbox, SenderRule
from domains.services import relays
from domains.services.domain_names import add_names
from domains.services.domain_settings import update_domain
from domains.services.groups import create_group
from domains.services.mailbox_states import set_status
from domains.services.throttles import set_throttle
from gateway import intake
from gateway.bounces.deciding import give_up
from gateway.delivery.said import End, Outcome
from gateway.flow import Door, Sending
from gateway.models import Kept, Message, QueueItem, Recipient, RepositoryItem
from gateway.queue.tried import Tried
from gateway.reception import throttles
from gateway.resolving import resolve
from gateway.selectors.quarantine import list_managed
from gateway.selectors.tracking import get_passport, list_tracked
from gateway.services import quarantine, sender_marks
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.flows import CLIENT, incoming
from tests.gateway.intake.test_intake import BROKEN, SYSTEM, may, served, take, through
from tests.smtp_server import Behaviour, SmtpServer, running_server

TAKE, ASK_OR_TAKE, ASK_OR_WAIT = Domain.Unknown.TAKE, Domain.Unknown.ASK_OR_TAKE, Domain.Unknown.ASK_OR_WAIT


def behind(how: str = TAKE, name: str = "example.org") -> Domain:
    domain = served(name)
    update_domain(SYSTEM, domain, {"unknown_recipients": how})
    return domain


@pytest.mark.django_db(transaction=True)
def test_whom_the_directory_does_not_know_is_taken_and_judged_by_the_domains_policy() -> None:
    domain = behind()
    ada, away = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "away")
    set_status(SYSTEM, away, "disabled")
    SenderRule.objects.create(domain=domain, value="evil.example", type=SenderRule.Type.BLOCK)
    SenderRule.objects.create(domain=domain, mailbox=ada, value="friends.example", type=SenderRule.Type.BLOCK)
    answers = through(
        may("kim@example.org"),
        may(away.address),
        take(to=["kim@example.org"]),
        take(to=[ada.address]),
        take(BROKEN, to=["kim@example.org"]),
        take(to=["kim@example.org"], sender=Sending("eve@evil.example")),
    )
    # who is known keeps what they are: away takes nothing, and Ada's own rule is hers alone
    assert [answer.code for answer in answers] == [250, 550, 250, 550, 250, 550]
    rows = Recipient.objects.order_by("pk").values_list("address", "mailbox", "domain_id", "state")
    assert list(rows) == [
        ("kim@example.org", None, domain.pk, "queued"),
        (ada.address, ada.pk, domain.pk, "refused"),
        ("kim@example.org", None, domain.pk, "held"),
        ("kim@example.org", None, domain.pk, "refused"),
    ]
    assert QueueItem.objects.get().destination == f"relay:{domain.relays.get().pk}"
    assert set(Kept.objects.filter(recipient__state="queued").values_list("folder", flat=True)) == {
        "Retention", "Archive",
    }  # fmt: skip


@pytest.mark.django_db
def test_administrators_of_the_domain_look_after_what_is_held_for_nobodys_address() -> None:
    domain = behind()
    desk = Actor.for_user(make_delegate(domain, role="help_desk"))
    owner = Actor.for_user(make_delegate(domain))
    stranger = Actor.for_user(make_delegate(make_domain("other.example")))
    answer, _message = intake.take_now(incoming(BROKEN, to=["kim@example.org"]))
    assert answer.code == 250
    row = list_managed(desk).get()
    assert (row.address, row.state) == ("kim@example.org", "held") and not list_managed(stranger).exists()
    assert list_tracked(desk).get() == row == get_passport(desk, row.pk)
    assert not list_tracked(stranger).exists()
    sent = quarantine.release(desk, row, reason="they wait for it")
    assert QueueItem.objects.get(message=sent).destination == f"relay:{domain.relays.get().pk}"
    assert sender_marks.block_sender(owner, row) == "bob@friends.example"
    assert SenderRule.objects.get().domain == domain


@pytest.mark.django_db
def test_such_addresses_are_reached_by_every_way_and_a_catch_all_comes_first() -> None:
    domain = behind()
    add_names(SYSTEM, domain, ["example.net"])
    (route,) = resolve("kim@example.net", "").routes
    assert (route.address, route.unknown, route.way) == (
        "kim@example.org",
        "take",
        ("kim@example.net", "kim@example.org"),
    )
    (step,) = expand("kim@example.org").steps
    assert (step.outcome, step.kind) == ("behind", "")
    ada = make_mailbox_in(domain, "ada")
    update_domain(SYSTEM, domain, {"catch_all": ada.address})
    assert [each.mailbox_id for each in resolve("kim@example.org", "").routes] == [ada.pk]
    update_domain(SYSTEM, domain, {"catch_all": "", "unknown_recipients": None})
    assert resolve("kim@example.org", "").routes == ()  # nothing said is what it was: refused
    with pytest.raises(Invalid):
        update_domain(SYSTEM, domain, {"unknown_recipients": "perhaps"})


@pytest.mark.django_db
def test_without_a_relay_nobody_knows_where_it_goes_and_the_domains_throttle_counts_it() -> None:
    domain = make_domain("example.org")
    update_domain(SYSTEM, domain, {"unknown_recipients": TAKE})
    refusal = resolve("kim@example.org", "").refusal
    assert refusal is not None and refusal.code == 451
    relays.create_relay(SYSTEM, domain, {"name": "in", "transport_dest": "mx.in.example", "transport_type": "SMTP",
                                         "transport_port": 25})  # fmt: skip
    set_throttle(SYSTEM, domain, direction="inbound", period_s=60, limits={"max_messages": 5})
    counts = throttles.counts_of(["kim@example.org", "lee@example.org"], Sending("bob@friends.example"), None, 10)
    assert [(each.messages, each.size_bytes) for each in counts] == [(2, 20)]


@pytest.mark.django_db
def test_what_the_server_behind_refuses_after_our_250_makes_no_bounce_to_a_forged_sender() -> None:
    behind()
    _answer, message = intake.take_now(incoming(to=["kim@example.org"]))  # nothing proves who sent it
    assert message is not None
    item = QueueItem.objects.select_related("message", "recipient__mailbox").get()
    no = Outcome(End.FAILED, "5.1.1", "no such mailbox", 550, is_remote=True)
    assert give_up([Tried(item, no)], timezone.now()) == []
    assert Message.objects.count() == 1
    assert RepositoryItem.objects.get().recipient_id == message.recipients.get().pk


# --- asking the server behind ---


@pytest.fixture
def server(settings: Any) -> Iterator[SmtpServer]:
    settings.ALLOWED_RELAYS = (ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset(range(1024, 65536))
    replies = {
        "RCPT TO:<GONE@": "550 5.1.1 no mailbox here",
        "RCPT TO:<FULL@": "552 5.2.2 full",
        "RCPT TO:<GREY@": "450 4.2.0 come again",
    }
    with running_server(Behaviour(replies=replies)) as running:
        yield running
    for key in heartbeat.broker().scan_iter("postkeep:behind:*"):
        heartbeat.broker().delete(key)


def asked_of(server: SmtpServer, how: str) -> Domain:
    domain = behind(how)
    domain.relays.update(transport_dest="127.0.0.1", transport_port=server.port)
    return domain


@pytest.mark.django_db(transaction=True)
def test_the_server_behind_says_who_is_there_and_is_asked_once(server: SmtpServer) -> None:
    domain = asked_of(server, ASK_OR_WAIT)
    ada = make_mailbox_in(domain, "ada")
    names = ["kim", "gone", "full", "kim", "gone", "ada"]
    answers = through(*(may(f"{name}@example.org") for name in names))
    assert [(answer.code, answer.enhanced) for answer in answers] == [
        (250, "2.0.0"), (550, "5.1.1"), (550, "5.2.2"), (250, "2.0.0"), (550, "5.1.1"), (250, "2.0.0"),
    ]  # fmt: skip
    asked = [line for line in server.said if line.startswith(("MAIL", "RCPT", "DATA"))]
    # who is known here isn't asked about, the others once, from nobody, and nothing is sent
    assert [line for line in asked if line.startswith("RCPT")] == [
        f"RCPT TO:<{name}@example.org>" for name in ("kim", "gone", "full")
    ]
    assert asked.count("MAIL FROM:<>") == 3 and "DATA" not in asked and ada.address not in "".join(asked)
    lives = sorted(heartbeat.broker().ttl(key) for key in heartbeat.broker().scan_iter("postkeep:behind:*"))
    assert [round(each / 60) for each in lives] == [15, 15, 720]  # minutes: refusals are asked about sooner again


@pytest.mark.django_db(transaction=True)
def test_behind_postfix_nobody_is_asked_and_the_domains_policy_judges(server: SmtpServer, settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    domain = asked_of(server, ASK_OR_WAIT)
    client = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    filtered: dict[str, Any] = {"to": ["gone@example.org"], "client": client, "door": Door.FILTER}
    answers = through(may("gone@example.org", client=client), take(**filtered), take(BROKEN, **filtered))
    # Postfix has taken it: what its own server says of the recipient, it will say to Postfix
    assert [answer.code for answer in answers] == [250, 250, 250] and server.connections == 0
    rows = [(row.mailbox, row.domain_id, row.state) for row in Recipient.objects.order_by("pk")]
    assert rows == [(None, domain.pk, "queued"), (None, domain.pk, "held")]
    assert QueueItem.objects.get().destination == "route:127.0.0.1:10026"


@pytest.mark.parametrize(("how", "code"), [(ASK_OR_TAKE, 250), (ASK_OR_WAIT, 451)])
@pytest.mark.django_db(transaction=True)
def test_without_an_answer_that_holds_it_is_as_the_domain_says(server: SmtpServer, how: str, code: int) -> None:
    asked_of(server, how)
    assert [answer.code for answer in through(may("grey@example.org"), may("kim@example.org"))] == [code, 250]
    server.behaviour.replies["MAIL"] = "550 5.7.1 no mail from nobody"
    spoken = server.connections
    answers = through(may("lee@example.org"), may("max@example.org"), may("kim@example.org"))
    # what it said before counts still; once it gives no answer it is left alone for a while
    assert [answer.code for answer in answers] == [code, code, 250] and server.connections == spoken + 1


@pytest.mark.django_db(transaction=True)
def test_members_of_a_group_are_not_asked_about_and_a_dead_broker_only_costs_time(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_of(server, ASK_OR_WAIT)
    members = ["gone@example.org", "kim@example.org"]
    create_group(SYSTEM, Domain.objects.get(), email="team@example.org", members=members)
    assert [answer.code for answer in through(may("team@example.org"))] == [250] and server.connections == 0
    with monkeypatch.context() as dead:
        dead.setattr(heartbeat, "broker", lambda: redis.Redis(port=1, retry=Retry(NoBackoff(), 0)))
        answers = through(may("kim@example.org"), may("gone@example.org"))
    assert [answer.code for answer in answers] == [250, 550] and server.connections == 2


@pytest.mark.django_db(transaction=True)
def test_who_is_known_behind_gets_a_mailbox_where_the_domain_makes_them_by_themselves(server: SmtpServer) -> None:
    domain = asked_of(server, ASK_OR_TAKE)
    server.behaviour.replies["RCPT TO:<NOBODY-"] = "550 5.1.1 no mailbox here"
    assert [each.code for each in through(may("kim@example.org"))] == [250] and not Mailbox.objects.exists()
    update_domain(SYSTEM, domain, {"auto_provisioning": True})
    names = ["kim", "gone", "grey", "kim+news", "kim"]
    answers = through(*(may(f"{name}@example.org") for name in names), take(BROKEN, to=["kim@example.org"]))
    assert [each.code for each in answers] == [250, 550, 250, 250, 250, 250]
    kim = Mailbox.objects.get()  # not for who is refused, for whom there was no answer, or for a part of an address
    assert (kim.address, kim.status) == ("kim@example.org", "enabled")
    assert [(row.mailbox_id, row.state) for row in Recipient.objects.all()] == [(kim.pk, "held")]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_takes_anybody_makes_nobody_a_mailbox(server: SmtpServer) -> None:
    update_domain(SYSTEM, asked_of(server, ASK_OR_TAKE), {"auto_provisioning": True})
    assert [each.code for each in through(may("kim@example.org"))] == [250]
    assert not Mailbox.objects.exists()
