"""Between the end of the data and our 250: who gets it, what is answered, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection

from accounts.actors import Actor
from accounts.services.people import disable_user
from domains.models import DlpRule, Domain, Mailbox, SenderRule
from domains.services import policies, relays
from domains.services.aliases import add_alias
from domains.services.domain_names import add_names
from domains.services.domain_settings import update_domain
from domains.services.domain_states import disable_domain
from domains.services.forwards import set_forwarding
from domains.services.groups import create_group
from gateway import committing, content, intake
from gateway.directory import CHANNEL
from gateway.flow import Answer, Asked, Client, Door, Sending
from gateway.ip_table import DENIED, Entry, IpTable
from gateway.models import Content, Message, QueueItem, Recipient, RepositoryItem
from gateway.queue.storing import ERROR, REFUSED, store
from gateway.reception.host import DENIED_ANSWER, Reception
from gateway.resolving import resolve
from gateway.router import Rule
from gateway.selectors.quarantine import list_own
from gateway.services import repositories
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.flows import CLIENT, RAW, incoming
from tests.gateway.making import make_queued

SYSTEM = Actor.system()
RELAY = {"name": "inside", "transport_dest": "mail.inside.example", "transport_type": "SMTP", "transport_port": 25}
BROKEN = RAW.replace(b"Subject:", b"From: eve@odd.example\r\nSubject:")  # two authors


def served(name: str = "example.org") -> Domain:
    """A domain whose mail goes somewhere, and whose policy keeps things."""
    domain = make_domain(name)
    relays.create_relay(SYSTEM, domain, RELAY)
    policy = domain.default_policy
    assert policy is not None
    values = {"quarantine": True, "retention": True, "outgoing": True, "archive": True}
    policies.update_policy(SYSTEM, policy, values)
    return domain


def through(*asked: Callable[[], Awaitable[Answer]]) -> list[Answer]:
    """The answers of one process's intake, asked one after the other."""

    async def run() -> list[Answer]:
        intake.start()
        try:
            return [await each() for each in asked]
        finally:
            await intake.stop()

    return asyncio.run(run())


def take(raw: bytes = RAW, **values: Any) -> Callable[[], Awaitable[Answer]]:
    return lambda: intake.take(incoming(raw, **values))


def may(to: str, sender: str = "bob@friends.example", client: Client = CLIENT) -> Callable[[], Awaitable[Answer]]:
    return lambda: intake.rcpt(client, Sending(sender), Asked(to))


@pytest.mark.django_db(transaction=True)
def test_mail_for_people_of_ours_is_taken_judged_and_filed() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    add_alias(SYSTEM, ada, email="lovelace@example.org")
    create_group(SYSTEM, domain, email="team@example.org", members=[ada.address, ben.address, "out@far.example"])
    SenderRule.objects.create(domain=domain, value="evil.example", type=SenderRule.Type.BLOCK)
    answers = through(
        may(ada.address),
        may("nobody@example.org"),
        may("somebody@far.example"),
        may("no address"),
        take(to=["Lovelace@Example.org", ada.address]),
        take(to=["team@example.org"]),
        take(BROKEN, to=[ben.address]),
        take(to=[ada.address], sender=Sending("eve@evil.example")),
        take(b"Received: from a by b; now\r\n" * 101 + RAW, to=[ada.address]),
    )
    assert [answer.code for answer in answers] == [250, 550, 550, 553, 250, 250, 250, 550, 554]
    assert "no such address" in answers[1].text and "takes no mail from this sender" in answers[7].text
    messages = list(Message.objects.order_by("pk"))
    assert [answer.text.rpartition(" ")[2].strip("()") for answer in answers[4:8]] == [each.key for each in messages]
    rows = [[(row.address, row.state) for row in message.recipients.order_by("address")] for message in messages]
    assert rows == [
        [(ada.address, "queued")],  # asked for by two names, gets it once
        [(ada.address, "queued"), (ben.address, "queued"), ("out@far.example", "queued")],
        [(ben.address, "held")],
        [(ada.address, "refused")],
    ]
    assert Recipient.objects.filter(message=messages[0]).get().way == ["lovelace@example.org", ada.address]
    relay = domain.relays.get()
    gone_on = QueueItem.objects.filter(message=messages[1]).order_by("address").values_list("destination", flat=True)
    assert list(gone_on) == [f"relay:{relay.pk}", f"relay:{relay.pk}", "mx:far.example"]


@pytest.mark.django_db
def test_mail_to_an_alias_name_of_a_domain_is_its_mailboxes_by_their_policy_and_relay() -> None:
    domain = served()
    ada = make_mailbox_in(domain, "ada")
    add_names(SYSTEM, domain, ["example.net"])
    set_forwarding(SYSTEM, ada, ["out@far.example"], keep_copy=True)
    own, sent_on = resolve("ada@example.net", "").routes
    assert (own.address, own.mailbox_id, own.policy_of, own.relay_id) == (
        ada.address,
        ada.pk,
        ada.pk,
        domain.relays.get().pk,
    )
    assert own.way == ("ada@example.net", ada.address)
    assert sent_on.way == ("ada@example.net", ada.address, "out@far.example")


def _signed_in(box: Mailbox) -> Client:
    return replace(CLIENT, user_id=box.user_id, user_name=box.address, door=Door.SUBMISSION)


@pytest.mark.django_db(transaction=True)
def test_mail_of_people_of_ours_goes_out_under_their_policy_and_comes_in_for_others_of_ours() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    update_domain(SYSTEM, domain, {"outgoing_subnets": ["198.51.100.0/24"]})
    inside = replace(CLIENT, address="198.51.100.9")
    signed = _signed_in(ada)
    sent: dict[str, Any] = {"sender": Sending(ada.address), "client": signed, "door": Door.SUBMISSION}
    undated = RAW.replace(b"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n", b"")  # it gets a date, and Ben's policy too
    answers = through(
        may("x@far.example", ada.address, signed),
        may("x@far.example", ben.address, signed),
        may("x@far.example", "anybody@example.org", inside),
        may("x@far.example", "anybody@example.org"),
        may("x@far.example", "bob@friends.example", inside),
        take(undated.replace(b"bob@friends.example", b"ada@example.org"), to=["x@far.example", ben.address], **sent),
    )
    assert [answer.code for answer in answers] == [250, 550, 250, 550, 550, 250]
    rows = Message.objects.get().recipients.order_by("direction", "address")
    assert [(row.direction, row.address, row.mailbox, row.state) for row in rows] == [
        ("incoming", ben.address, ben, "queued"),
        ("outgoing", ben.address, ada, "delivered"),
        ("outgoing", "x@far.example", ada, "queued"),
    ]
    assert QueueItem.objects.filter(recipient=rows[1]).count() == 0  # Ben gets it once


@pytest.mark.django_db(transaction=True)
def test_who_is_shut_out_sends_nothing_more_over_the_connection_they_have() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    of_ada, of_ben = _signed_in(ada), _signed_in(ben)

    def codes() -> list[int]:
        tries = ((ada.address, of_ada), (ben.address, of_ben))
        return [each.code for each in through(*(may("x@far.example", sender, client) for sender, client in tries))]

    assert codes() == [250, 250]
    assert ada.user is not None
    heard: list[str] = []
    connection.cursor().execute(f"LISTEN {CHANNEL}")  # by which every process forgets what it remembers
    connection.connection.add_notify_handler(lambda notice: heard.append(notice.channel))
    disable_user(SYSTEM, ada.user)
    connection.cursor().execute("SELECT 1")
    assert heard == [CHANNEL]
    connection.close()  # with what it listens to
    assert codes() == [550, 250]
    disable_domain(SYSTEM, domain)
    assert codes() == [550, 550]


@pytest.mark.django_db(transaction=True)
def test_what_postfix_hands_over_goes_back_to_it_and_is_never_refused(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    ben = make_mailbox_in(served(), "ben")
    client = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    filtered: dict[str, Any] = {"client": client, "door": Door.FILTER}
    answers = through(
        may("nobody@example.org", client=client),
        take(to=[ben.address, "nobody@example.org", "list@far.example"], **filtered),
        take(BROKEN, to=[ben.address], **filtered),
    )
    assert [answer.code for answer in answers] == [250, 250, 250]
    assert set(QueueItem.objects.values_list("destination", flat=True)) == {"route:127.0.0.1:10026"}
    assert QueueItem.objects.count() == 3
    assert Recipient.objects.get(state="held").mailbox == ben


@pytest.mark.django_db(transaction=True)
def test_without_a_relay_the_way_back_to_postfix_is_the_way_of_a_served_domain(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    domain = served()
    domain.relays.all().delete()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    for box in (ada, ben):
        SenderRule.objects.create(domain=domain, mailbox=box, value="evil.example", type=SenderRule.Type.BLOCK)
    set_forwarding(SYSTEM, ben, ["ben@far.example"], keep_copy=True)
    assert [route.transport for route in resolve(ben.address, "").routes] == ["127.0.0.1:10026"] * 2
    client = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    filtered: dict[str, Any] = {"client": client, "door": Door.FILTER, "sender": Sending("eve@evil.example")}
    broken = take(BROKEN, to=[ada.address], client=client, door=Door.FILTER)
    through(take(to=[ada.address, ben.address], **filtered), broken)
    rows = Recipient.objects.filter(message__sender="eve@evil.example").order_by("address")
    assert ada.user is not None
    assert [(row.mailbox, row.category) for row in rows] == [
        (ada, "blocked_sender"),
        (ben, "blocked_sender"),
        (None, "clean"),  # his forward, which is the domain's, as at every door
    ]
    held = Recipient.objects.filter(state="held", mailbox=ada)  # nobody can be refused any more
    assert held.count() == 2 and set(list_own(Actor.for_user(ada.user))) == set(held)


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_behind_postfix_is_held_or_lies_in_a_repository(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    keeps, keeps_not = served(), served("other.example")
    assert keeps_not.default_policy is not None
    policies.update_policy(SYSTEM, keeps_not.default_policy, {"quarantine": False})
    ada, ben = make_mailbox_in(keeps, "ada"), make_mailbox_in(keeps_not, "ben")
    for domain in (keeps, keeps_not):
        SenderRule.objects.create(domain=domain, value="friends.example", type=SenderRule.Type.BLOCK)
    client = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    (answer,) = through(take(to=[ada.address, ben.address], client=client, door=Door.FILTER))
    assert answer.code == 250
    rows = {row.address: row for row in Recipient.objects.all()}
    assert {address: row.state for address, row in rows.items()} == {ada.address: "held", ben.address: "stored"}
    assert rows[ada.address].kept.filter(folder="Quarantine").count() == 1
    item = RepositoryItem.objects.get()
    assert (item.recipient, item.repository.name, item.sender) == (rows[ben.address], REFUSED, "bob@friends.example")
    assert item.attributes["destination"] == "route:127.0.0.1:10026"
    assert not QueueItem.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_goes_in_circles_behind_postfix_makes_no_bounce(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    ada = make_mailbox_in(served(), "ada")
    client = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    looping = b"Received: from a by b; now\r\n" * 101 + RAW
    (answer,) = through(take(looping, to=[ada.address], client=client, door=Door.FILTER))
    assert (answer.code, Recipient.objects.get().state) == (250, "stored")
    item = RepositoryItem.objects.get()
    assert (item.repository.name, item.why) == (REFUSED, intake.LOOPING.text) and not QueueItem.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_ip_lists_and_the_router_table_refuse_nothing_to_postfix(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    postfix = Client("127.0.0.1", door=Door.FILTER)
    named = replace(CLIENT, door=Door.FILTER, via="127.0.0.1")
    sending = Sending("bob@friends.example")
    refuses = Rule(1, ada.address, "refuse", "Not here")

    async def ask(reception: Reception, table: IpTable) -> list[int]:
        async def rows() -> tuple[IpTable, tuple[Rule, ...]]:
            return table, (refuses,)

        reception._rows = rows  # type: ignore[method-assign]
        said = await reception.connect(postfix)
        assert said is None
        answers = [await reception.rcpt(postfix, sending, Asked(box.address)) for box in (ada, ben)]
        answers.append(await reception.take(incoming(to=[ada.address, ben.address], client=named, door=Door.FILTER)))
        return [answer.code for answer in answers]

    async def run() -> list[list[int]]:
        intake.start()
        reception = Reception(intake)
        try:
            denied = [IpTable([Entry(1, DENIED, address)]) for address in ("127.0.0.1/32", f"{CLIENT.address}/32")]
            return [await ask(reception, table) for table in (IpTable([]), *denied)]
        finally:
            reception.stop()
            await intake.stop()

    assert asyncio.run(run()) == [[250, 250, 250]] * 3
    rows = Recipient.objects.order_by("message_id", "address").values_list("address", "state")
    refused, taken = (ada.address, "stored"), (ben.address, "queued")
    assert list(rows) == [refused, taken, refused, taken, refused, (ben.address, "stored")]
    assert set(RepositoryItem.objects.values_list("addresses__0", "why")) == {
        (ada.address, "Not here"), (ada.address, DENIED_ANSWER.text), (ben.address, DENIED_ANSWER.text),
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_may_not_leave_behind_postfix_is_lost_for_nobody(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next="127.0.0.1:10026")
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    DlpRule.objects.create(domain=domain, identifier="bridge", expression="It stands", targets_content=True)
    client = replace(_signed_in(ada), door=Door.FILTER)
    raw = RAW.replace(b"bob@friends.example", b"ada@example.org")
    to = ["x@far.example", ben.address]
    (answer,) = through(take(raw, to=to, sender=Sending(ada.address), client=client, door=Door.FILTER))
    assert answer.code == 250
    assert [(row.address, row.mailbox, row.state) for row in Recipient.objects.order_by("address")] == [
        (ben.address, ada, "held"),
        ("x@far.example", ada, "held"),
    ]


@pytest.mark.django_db(transaction=True)
def test_when_it_cant_be_made_durable_the_sender_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ben = make_mailbox_in(served(), "ben")
    lonely = make_domain("lonely.example.org")
    eve = make_mailbox_in(lonely, "eve")

    def full(*_args: object) -> None:
        raise DatabaseError("could not extend file: No space left on device")

    monkeypatch.setattr(committing, "file_batch", full)
    answers = through(take(to=[ben.address]), may(eve.address), take(to=[eve.address]))
    assert [answer.code for answer in answers] == [451, 451, 451]
    assert "Nobody has said yet where" in answers[1].text
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_a_group_with_chosen_senders_is_asked_for_each_sender() -> None:
    domain = served()
    ada = make_mailbox_in(domain, "ada")
    create_group(SYSTEM, domain, email="board@example.org", members=[ada.address], senders="members")
    assert resolve("board@example.org", ada.address).routes
    refused = resolve("board@example.org", "bob@friends.example")
    assert refused.refusal is not None and refused.refusal.code == 550 and refused.depends_on_sender


def test_a_loop_is_seen_by_our_own_name_long_before_a_hundred_hops() -> None:
    ours = b"Received: from x (x [192.0.2.1])\r\n\tby mx.example.org with ESMTP id 1;\r\n\tnow\r\n"
    assert not intake.is_looping(ours * 3 + RAW, "mx.example.org")
    assert intake.is_looping(ours * 6 + RAW, "mx.example.org")
    assert not intake.is_looping(RAW + ours * 200, "mx.example.org")  # in the body it is only a quotation


@pytest.mark.django_db(transaction=True)
def test_what_is_processed_again_is_linked_filed_once_and_held_up_by_no_damage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = make_mailbox_in(served(), "ada")
    stored: list[RepositoryItem] = []
    for _each in range(3):
        [item] = make_queued([ada.address], data=RAW, sender="bob@friends.example", door="mx")
        stored += store([(item, ERROR, "550 no")], item.created_at)
        item.delete()
    damaged, killed, good = stored
    Content.objects.filter(pk=damaged.content_id).update(data=b"something else")

    def end(*_args: object, **_more: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken, pytest.raises(SystemExit):
        broken.setattr(repositories, "step_of", end)  # as if it were killed once it was filed
        repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.filter(pk=killed.pk))
    assert not Message.objects.filter(door=Door.REPROCESS).exists()
    done = repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.all())
    assert done.count == 2 and [damaged.key in why for why in done.refused] == [True]
    assert list(RepositoryItem.objects.values_list("pk", flat=True)) == [damaged.pk]
    for lay in (killed, good):
        row = lay.recipient
        assert row is not None
        row.refresh_from_db()
        assert row.state == "released" and row.followed_by is not None
        assert row.followed_by.recipients.get().state == "queued"
    assert Message.objects.filter(door=Door.REPROCESS).count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_lies_in_a_repository_is_taken_again_as_new_mail_and_stays_where_it_is_refused() -> None:
    domain = served()
    ada = make_mailbox_in(domain, "ada")
    for address in (ada.address, "nobody@example.org"):
        [item] = make_queued([address], data=RAW, sender="bob@friends.example", door="mx")
        store([(item, ERROR, "550 no")], item.created_at)
        item.delete()
    lost = RepositoryItem.objects.get(addresses=["nobody@example.org"])
    done = repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.all())
    assert done.count == 1 and list(done.refused) and "550" in next(iter(done.refused))
    assert list(RepositoryItem.objects.values_list("pk", flat=True)) == [lost.pk]
    again = Message.objects.get(door=Door.REPROCESS, recipients__address=ada.address)
    queued = QueueItem.objects.get(message=again)
    assert (queued.address, queued.sender) == (ada.address, "bob@friends.example")
    assert queued.content is not None
    assert b"".join(content.body_of(queued.content).chunks()) == RAW
