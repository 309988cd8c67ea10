"""Mail leaves: by relays, routes and MX, in few transactions, each try written down with the server's own words."""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from domains.diagnosis.lookups import Resolver
from domains.models import Relay
from domains.policy.facts import Direction
from gateway import content
from gateway.delivery import loop
from gateway.delivery.reaching import Contexts
from gateway.delivery.said import End, Outcome
from gateway.models import DestinationHour, Message, QueueItem, QueueSettings, Recipient, RepositoryItem, Step
from gateway.queue.claiming import worker_name
from gateway.queue.settings import forget
from gateway.queue.tried import Tried
from gateway.steps import Kind, step_of
from tests.certificates import make_authority, make_certificate
from tests.dns_server import DnsServer
from tests.domains.factories import make_domain
from tests.gateway.making import TEXT, make_queued
from tests.gateway.queue.conftest import reacher, run_until
from tests.smtp_server import Behaviour, SmtpServer, running_server

pytestmark = pytest.mark.django_db(transaction=True)
PIPELINING = ("SIZE 52428800", "8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES")
State = Recipient.State


def at(server: SmtpServer) -> str:
    return f"127.0.0.1:{server.port}"


def said(server: SmtpServer, verb: str) -> list[str]:
    return [line for line in server.said if line.upper().startswith(verb)]


def has_said(server: SmtpServer, verb: str, times: int) -> bool:
    return len(said(server, verb)) >= times


def last_step() -> Step:
    return Step.objects.order_by("at", "pk").last() or pytest.fail("no step")


def test_recipients_of_a_message_share_a_transaction_and_connections_are_used_again() -> None:
    QueueSettings.objects.create(pk=1, per_destination=1)
    with running_server(Behaviour(extensions=PIPELINING)) as server:
        make_queued(["a@example.net", "b@example.net"], transport=at(server), subject_prefix="[X]", headers=["X-A: b"])
        make_queued(["c@example.net"], transport=at(server), data=TEXT.replace(b"Good", b".Good"))
        run_until(lambda: len(server.mails) == 2, reacher(server.port))
    assert not QueueItem.objects.exists()
    assert server.connections == 1
    assert len(said(server, "MAIL FROM:<ADA@EXAMPLE.ORG> SIZE=")) == 2
    first = next(mail for mail in server.mails if "[X]" in mail)
    lines = first.split("\n")
    assert lines[0] == "Received: from laptop ([192.0.2.7])"
    assert "X-A: b" in lines
    assert "Subject: [X] hello" in lines
    assert "for <" not in first  # two recipients: neither is told of the other
    assert "for <c@example.net>" in next(mail for mail in server.mails if "\n.Good" in mail)
    assert set(Recipient.objects.values_list("state", flat=True)) == {State.DELIVERED}
    data = last_step().data
    assert (data["ok"], data["address"], data["code"], data["reply"]) == (True, "127.0.0.1", 250, "taken")
    counted = DestinationHour.objects.get()
    assert (counted.delivered, counted.failed) == (3, 0)


def test_a_large_message_is_streamed_whole() -> None:
    data = TEXT + b"0123456789abcdef\r\n" * 17_000
    with running_server(Behaviour(extensions=PIPELINING)) as server:
        [item] = make_queued(transport=at(server), data=data)
        assert item.content.data is None
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
    assert server.mails[0].partition("\n\n")[2].replace("\n", "\r\n") + "\r\n" == data.decode().partition("\r\n\r\n")[2]


def test_each_recipient_hears_its_own_answer() -> None:
    answers = {
        "RCPT TO:<GONE": "550 5.1.1 no such mailbox",
        "RCPT TO:<FULL": "452 4.2.2 mailbox full",
    }
    with running_server(Behaviour(extensions=PIPELINING, replies=answers)) as server:
        make_queued(["ok@example.net", "gone@example.net", "full@example.net"], transport=at(server))
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
    states = dict(Recipient.objects.filter(message__door="submission").values_list("address", "state"))
    assert states == {
        "ok@example.net": State.DELIVERED, "gone@example.net": State.BOUNCED, "full@example.net": State.QUEUED,
    }  # fmt: skip
    waiting = QueueItem.objects.get(address="full@example.net")
    assert (waiting.attempts, waiting.last_reply) == (1, "452 4.2.2 mailbox full")
    assert waiting.claimed_until is None
    assert QueueItem.objects.filter(message__door="own", sender="").exists()  # the bounce


def test_an_answer_that_never_came_is_a_possible_duplicate() -> None:
    with running_server(Behaviour(vanishes=True)) as server:
        make_queued(transport=at(server))
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
    assert QueueItem.objects.get().attempts == 1
    assert last_step().data["possible_duplicate"] is True


def test_what_was_in_hand_of_a_process_that_died_is_tried_again_and_counted() -> None:
    with running_server(Behaviour()) as server:
        [item] = make_queued(transport=at(server))
        until = timezone.now() + timedelta(minutes=5)
        machine = _worker_of_a_dead_process()
        QueueItem.objects.filter(pk=item.pk).update(claimed_by=machine, claimed_until=until)
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
    assert Step.objects.get(kind="attempt").data["possible_duplicate"] is True
    assert last_step().kind == "delivered"


def _worker_of_a_dead_process() -> str:
    machine, _, _, chance = worker_name().split("|")
    return f"{machine}|4194303|1|{chance}"


def test_a_destination_that_answers_nobody_defers_all_and_is_left_alone() -> None:
    with running_server(Behaviour()) as server:
        port = server.port
    QueueSettings.objects.create(pk=1, per_destination=1)
    for _ in range(3):
        make_queued(transport=f"127.0.0.1:{port}")
    began = timezone.now()
    run_until(lambda: (timezone.now() - began).total_seconds() > 1.0, reacher(port))
    assert QueueItem.objects.filter(attempts=1).count() == 1  # one was tried, the others only hear of it
    assert QueueItem.objects.filter(next_at__gt=timezone.now() + timedelta(seconds=5)).count() == 3
    assert "refused the connection" in QueueItem.objects.exclude(attempts=1)[0].last_reply


def test_mail_older_than_its_time_is_given_up_and_its_sender_told() -> None:
    with running_server(Behaviour(replies={"MAIL": "451 4.3.0 try later"})) as server:
        make_queued(transport=at(server), age=timedelta(days=6))
        run_until(lambda: bool(said(server, "MAIL")), reacher(server.port))
    assert Recipient.objects.get(message__door="submission").state == State.BOUNCED
    notice = Message.objects.get(door="own")
    assert "Status: 5.3.0" in b"".join(content.chunks_of(notice.content)).decode()  # type: ignore[arg-type]


def test_a_sender_hears_once_of_a_delay_and_of_a_success_only_where_it_was_asked_for() -> None:
    with running_server(Behaviour(replies={"MAIL": "451 4.3.0 try later"})) as server:
        make_queued(transport=at(server), age=timedelta(hours=5))
        for tries in (1, 2):
            run_until(partial(has_said, server, "MAIL", tries), reacher(server.port))
            QueueItem.objects.filter(address="bob@example.net").update(next_at=timezone.now())
    [notice] = Message.objects.filter(door="own")
    text = b"".join(content.chunks_of(notice.content)).decode()  # type: ignore[arg-type]
    assert "Action: delayed" in text and "Will-Retry-Until:" in text
    waits = QueueItem.objects.get(message=notice)
    assert (waits.sender, waits.address) == ("", "ada@example.org")
    QueueItem.objects.all().delete()
    with running_server(Behaviour()) as plain, running_server(Behaviour(extensions=(*PIPELINING, "DSN"))) as able:
        for server in (plain, able):
            make_queued(transport=at(server), parameters={"NOTIFY": "SUCCESS"})
            make_queued(["quiet@example.net"], transport=at(server))
        run_until(lambda: len(plain.mails) == len(able.mails) == 2, reacher(plain.port, able.port))
    [relayed] = Message.objects.filter(door="own").exclude(pk=notice.pk)
    text = b"".join(content.chunks_of(relayed.content)).decode()  # type: ignore[arg-type]
    assert "Action: relayed" in text and "bob@example.net" in text
    assert "RCPT TO:<bob@example.net> NOTIFY=SUCCESS" in able.said


def test_a_relay_signs_in_over_checked_tls_only(tmp_path: Path) -> None:
    authority = make_authority()
    trusting = ssl.create_default_context(cadata=authority.pem)
    server_side = make_certificate("127.0.0.1", by=authority).context(tmp_path)
    behaviour = Behaviour(tls=server_side, auth="PLAIN LOGIN", users={"relay": "geheim"})
    with running_server(behaviour) as server:
        relay = Relay.objects.create(
            domain=make_domain("example.net"), name="out", transport_dest="127.0.0.1", transport_port=server.port,
            transport_type="SMTPS_ENCRYPT", username="relay", password="geheim",
        )  # fmt: skip
        make_queued(relay=relay)
        run_until(lambda: bool(said(server, "STARTTLS")), reacher(server.port))
        assert not server.mails
        assert "certificate" in QueueItem.objects.get().last_reply
        QueueItem.objects.update(next_at=timezone.now())
        by = reacher(server.port, contexts=Contexts(checking=trusting))
        run_until(lambda: len(server.mails) == 1, by)
    assert last_step().data["tls"].startswith("TLSv1.3")
    assert "geheim" not in str(list(Step.objects.values_list("data", flat=True)))


def test_the_second_server_of_a_relay_is_used_when_the_first_isnt_there() -> None:
    with running_server(Behaviour()) as gone:
        port = gone.port
    with running_server(Behaviour()) as server:
        relay = Relay.objects.create(
            domain=make_domain("example.net"), name="out", transport_dest="127.0.0.1", transport_port=port,
            transport_type="SMTP", fallback_dest="127.0.0.1", fallback_port=server.port, fallback_type="SMTP",
        )  # fmt: skip
        make_queued(relay=relay)
        run_until(lambda: len(server.mails) == 1, reacher(port, server.port))
    assert not QueueItem.objects.exists()


def test_without_relay_dns_says_where_mail_goes(dns_server: DnsServer) -> None:
    dns_server.add_zone("example.net", "@ MX 10 mx\n@ MX 5 gone\nmx A 127.0.0.1\ngone A 127.0.0.2")
    dns_server.add_zone("null.example", "@ MX 0 .")
    dns_server.add_zone("private.example", "@ MX 0 mx\nmx A 10.0.0.1")
    dns_server.add_zone("plain.example", "@ A 127.0.0.1")
    dns_server.fail("broken.example")
    names = ["example.net", "null.example", "private.example", "plain.example", "broken.example", "unknown.example"]
    with running_server(Behaviour()) as server:
        for name in names:
            make_queued([f"bob@{name}"])
        by = reacher(server.port, resolver=Resolver([dns_server.endpoint]), mx_port=server.port)
        run_until(lambda: len(server.mails) == 2 and len(dns_server.asked) > 8, by)
    states = dict(Recipient.objects.filter(message__door="submission").values_list("address", "state"))
    assert states == {
        "bob@example.net": State.DELIVERED, "bob@plain.example": State.DELIVERED, "bob@null.example": State.BOUNCED,
        "bob@private.example": State.BOUNCED, "bob@unknown.example": State.BOUNCED, "bob@broken.example": State.QUEUED,
    }  # fmt: skip
    why = dict(Step.objects.filter(kind="bounced").values_list("recipient__address", "data__status"))
    assert why["bob@null.example"] == "5.1.10"
    assert why["bob@unknown.example"] == "5.1.2"
    assert "10.0.0.1" not in str(list(Step.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("extensions", "data", "address", "status"),
    [
        (("SIZE 100", "8BITMIME"), TEXT, "bob@example.net", "5.3.4"),
        ((), TEXT.replace(b"Good", b"G\xc3\xbcten"), "bob@example.net", "5.6.3"),
        (("8BITMIME",), TEXT, "bürger@example.net", "5.6.7"),
        (("8BITMIME",), TEXT, "bob@exam>ple.net", "5.1.3"),
    ],
)
def test_what_a_server_cant_take_comes_back_with_the_reason(
    extensions: tuple[str, ...], data: bytes, address: str, status: str
) -> None:
    with running_server(Behaviour(extensions=extensions)) as server:
        make_queued([address], transport=at(server), data=data)
        run_until(lambda: server.connections == 1, reacher(server.port))
        assert not said(server, "MAIL")
    assert Step.objects.get(kind="bounced").data["status"] == status


def test_what_is_held_back_stays() -> None:
    with running_server(Behaviour()) as server:
        make_queued(transport=at(server))
        QueueItem.objects.update(state=QueueItem.State.HELD)
        make_queued(["other@example.net"], transport=at(server))
        run_until(lambda: len(server.mails) == 1, reacher(server.port))
    assert QueueItem.objects.get().state == QueueItem.State.HELD


def test_numbers_that_are_in_use_hold_nothing_back() -> None:
    delivered = Outcome(End.DELIVERED, "2.0.0", "Ok", 250)
    first, second = make_queued(["bob@example.net", "eve@example.net"])
    loop._settle_singly([Tried(first, delivered)])
    used = Step.objects.order_by("pk").last() or pytest.fail("no step")
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('gateway_step', 'id'), %s)", [used.pk])
    step_of(second, Kind.ATTEMPT).save()  # with a number that is kept here too
    with pytest.raises(IntegrityError):
        loop._settle([Tried(second, delivered)])
    loop._settle_singly([Tried(second, delivered)])
    assert not QueueItem.objects.exists()
    assert set(Recipient.objects.values_list("state", flat=True)) == {State.DELIVERED}


def test_who_lost_its_lease_frees_nothing_of_who_has_the_item_now() -> None:
    item, sent = make_queued(["bob@example.net", "eve@example.net"])
    QueueItem.objects.update(claimed_by="second", claimed_until=timezone.now() + timedelta(minutes=5))
    item.claimed_by = sent.claimed_by = "first"
    for outcome in (
        Outcome(End.RETURNED, "4.0.0", "not tried"),
        Outcome(End.DEFERRED, "4.2.1", "busy", 450),
        Outcome(End.FAILED, "5.1.1", "no such user", 550),
    ):
        loop._settle_singly([Tried(item, outcome)])
        now = QueueItem.objects.get(pk=item.pk)
        assert (now.claimed_by, now.claimed_until is None, now.attempts, now.last_reply) == ("second", False, 0, "")
    assert Recipient.objects.get(address="bob@example.net").state == State.QUEUED
    assert list(Step.objects.values_list("kind", flat=True)) == ["attempt", "attempt"]
    assert not Message.objects.filter(door="own").exists()  # no bounce of what may be delivered yet
    loop._settle_singly([Tried(sent, Outcome(End.DELIVERED, "2.0.0", "Ok", 250))])
    assert QueueItem.objects.get() == item  # what the other server has is not sent again


def test_mail_from_elsewhere_that_fails_is_stored_unless_its_sender_is_proven() -> None:
    proven = {"spf": {"result": "pass", "domain": "example.org"}}
    with running_server(Behaviour(replies={"RCPT": "550 5.7.1 no"})) as server:
        common: dict[str, Any] = {"transport": at(server), "direction": Direction.INCOMING, "door": "mx"}
        make_queued(["forged@example.net"], **common)
        make_queued(["proven@example.net"], facts=proven, **common)
        make_queued(["bounce@example.net"], sender="", facts=proven, **common)
        run_until(lambda: len(said(server, "RCPT")) == 3, reacher(server.port))
    stored = {item.addresses[0]: item.repository.name for item in RepositoryItem.objects.all()}
    assert stored == {"forged@example.net": "var/mail/relay-denied", "bounce@example.net": "var/mail/relay-denied"}
    assert Message.objects.filter(door="own").count() == 1
    assert Recipient.objects.get(address="forged@example.net").state == State.STORED


def test_settings_of_the_queue_are_read_within_seconds() -> None:
    QueueSettings.objects.create(pk=1, lifetime_hours=1)
    forget()
    [item] = make_queued()
    assert item.expires_at - item.created_at == timedelta(hours=1)
