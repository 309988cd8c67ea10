"""With a Postfix in front: addresses of the directory are followed, and who signed in there is themselves here."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import Address, Throttle
from domains.policy.facts import Direction
from domains.services.aliases import add_alias
from domains.services.forwards import set_forwarding
from domains.services.groups import create_group
from domains.services.lists.settings import create_list
from domains.services.objects import set_enabled
from gateway import intake
from gateway.flow import Answer, Client, Door, Incoming, Sending
from gateway.models import ListPosting, Message, QueueItem, Recipient, RepositoryItem
from gateway.queue.storing import REFUSED
from gateway.reception.host import Reception
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import CLIENT, RAW, incoming
from tests.gateway.intake.test_intake import served

SYSTEM = Actor.system()
BACK = "127.0.0.1:10026"
POSTFIX = replace(CLIENT, door=Door.FILTER, via="127.0.0.1", number="4F2A1")
BOB = "bob@friends.example"
SIGNED = (
    b"Received: from client.example.net (localhost [127.0.0.1])\r\n\t(Authenticated sender: %s)\r\n"
    b"\tby front.example.org (Postfix) with ESMTPA id 4F2A1;\r\n\tMon, 30 Nov 2026 13:50:00 +0000 (UTC)\r\n"
)


@pytest.fixture(autouse=True)
def behind_postfix(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next=BACK)


def received(*messages: Incoming) -> list[Answer]:
    """What the reception of one process answers to them."""

    async def run() -> list[Answer]:
        intake.start()
        reception = Reception(intake)
        try:
            return [await reception.take(each) for each in messages]
        finally:
            reception.stop()
            await intake.stop()

    return asyncio.run(run())


def over(to: list[str], raw: bytes = RAW, sender: str = BOB, client: Client = POSTFIX) -> Incoming:
    return incoming(raw, to=to, sender=Sending(sender), client=client, door=Door.FILTER)


@pytest.mark.django_db(transaction=True)
def test_what_the_directory_knows_is_followed_and_the_rest_goes_back_as_it_came() -> None:
    domain = served()
    ada, ben, cy = (make_mailbox_in(domain, name) for name in ("ada", "ben", "cy"))
    add_alias(SYSTEM, ada, email="lovelace@example.org")
    create_group(SYSTEM, domain, email="team@example.org", members=[ada.address, ben.address, "out@far.example"])
    set_forwarding(SYSTEM, cy, ["cy@far.example"], keep_copy=False)
    create_list(SYSTEM, domain, email="news@example.org", owner=ada, posting="anybody")
    asked = ["lovelace@example.org", "Team@example.org", cy.address, "news@example.org", "unknown@example.org"]
    (answer,) = received(over(asked))
    assert answer.code == 250
    gone = QueueItem.objects.order_by("address").values_list("address", "recipient__asked", "destination")
    assert list(gone) == [
        (ada.address, "lovelace@example.org", f"route:{BACK}"),  # once, though the group has her too
        (ben.address, "Team@example.org", f"route:{BACK}"),
        ("cy@far.example", cy.address, f"route:{BACK}"),
        ("out@far.example", "Team@example.org", f"route:{BACK}"),
        ("unknown@example.org", "unknown@example.org", f"route:{BACK}"),  # Postfix may know it
    ]
    assert ListPosting.objects.get().list.address.text == "news@example.org"
    assert Message.objects.get().facts["number"] == "4F2A1"


@pytest.mark.django_db(transaction=True)
def test_what_the_directory_refuses_is_refused_behind_postfix_too() -> None:
    domain = served()
    ada = make_mailbox_in(domain, "ada")
    create_group(SYSTEM, domain, email="team@example.org", members=[ada.address], senders=Address.Senders.DOMAIN)
    create_list(SYSTEM, domain, email="news@example.org", owner=ada, posting="owner")
    alias = add_alias(SYSTEM, ada, email="old@example.org")
    set_enabled(SYSTEM, alias, enabled=False)
    (answer,) = received(over(["team@example.org", "news@example.org", "old@example.org", ada.address]))
    assert answer.code == 250  # and nobody hears of it in SMTP
    assert set(Recipient.objects.values_list("address", "state")) == {
        ("team@example.org", "stored"), ("news@example.org", "stored"), ("old@example.org", "stored"),
        (ada.address, "queued"),
    }  # fmt: skip
    assert set(RepositoryItem.objects.values_list("repository__name", "why")) == {
        (REFUSED, "You may not send to this address"), (REFUSED, "You may not post to this mailing list"),
        (REFUSED, "This address is disabled"),
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_who_signed_in_at_postfix_sends_as_themselves_and_others_do_not() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    Throttle.objects.create(mailbox=ada, direction=Throttle.Direction.OUTBOUND, period_s=3600, max_messages=2)
    raw = RAW.replace(BOB.encode(), ada.address.encode())
    undated = raw.replace(b"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\n", b"")
    to_both = [ben.address, "zoe@far.example"]
    by_ada, by_nobody = SIGNED % ada.address.upper().encode() + raw, SIGNED % b"nobody@example.org" + raw
    forged = replace(POSTFIX, number="4F2A2")  # Postfix's own field says no login: this came with the message
    answers = received(
        over(to_both, by_ada.replace(raw, undated), ada.address),
        over(to_both, by_ada, ada.address),
        over([ben.address], by_nobody, ada.address),
        over([ben.address], by_ada, ada.address, forged),
    )
    assert [answer.code for answer in answers] == [250, 452, 250, 250]  # her throttle counts each recipient
    first, second, third = Message.objects.order_by("pk")
    assert (first.person, first.direction) == (ada.user, "outgoing")
    rows = list(
        first.recipients.order_by("address", "direction").values_list("address", "direction", "mailbox", "state")
    )
    assert rows == [
        (ben.address, "incoming", ben.pk, "queued"),
        (ben.address, "outgoing", ada.pk, "delivered"),
        ("zoe@far.example", "outgoing", ada.pk, "queued"),
    ]
    dated = QueueItem.objects.filter(message=first).values_list("headers", flat=True)
    assert [any(line.startswith("Date: ") for line in lines) for lines in dated] == [True, True]  # Postfix adds none
    for message in (second, third):
        assert (message.person, message.direction) == (None, "incoming")
    assert [each.facts["user"] for each in (first, second, third)] == [ada.address.upper(), "nobody@example.org", ""]
    bytes_of = {
        item.message_id: bytes(item.content.data or b"") for item in QueueItem.objects.select_related("content")
    }
    assert [b"Authenticated sender" in bytes_of[each.pk] for each in (first, second, third)] == [False, False, True]


@pytest.mark.django_db(transaction=True)
def test_who_signed_in_at_postfix_may_not_write_to_others_as_somebody_else() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    raw = RAW.replace(BOB.encode(), ada.address.encode())
    (answer,) = received(over(["zoe@far.example"], SIGNED % ada.address.encode() + raw, ben.address))
    assert answer.code == 250
    row = Recipient.objects.get(message__door=Door.FILTER)
    assert (row.state, row.direction, row.mailbox) == ("refused", Direction.OUTGOING, ada)
    told = QueueItem.objects.get()  # who signed in, not whom they name
    assert (told.address, told.sender) == (ada.address, "")
    assert not RepositoryItem.objects.exists()


@pytest.mark.django_db
def test_what_is_not_in_use_yet_waits_at_postfix() -> None:
    domain, other = served(), served("other.example")
    box = make_mailbox_in(domain, "ada")
    type(domain).objects.filter(pk=domain.pk).update(status="pending")
    answer = intake.may_go(POSTFIX, BOB, box.address)
    assert (answer.code, intake.may_go(POSTFIX, BOB, f"unknown@{other.name}").code) == (450, 250)
