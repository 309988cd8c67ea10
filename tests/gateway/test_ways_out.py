"""By which server our own mail and what is released leaves: the router table's, a relay, or back to a Postfix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import Domain, DomainName, Mailbox
from domains.policy.facts import Direction
from domains.policy.policy import Policy, QuarantineProps
from domains.services.lists.settings import create_list, update_list
from domains.services.lists.subscribing import add_subscribers
from domains.services.profiles import set_absence
from gateway.bounces.sending import routes_to
from gateway.models import Message, QueueItem, Recipient
from gateway.services import quarantine
from gateway.services.routes import create_route
from gateway.services.spamfight import _routes as routes_of_report
from tests.domains.factories import make_mailbox_in
from tests.gateway.factories import held_for
from tests.gateway.intake.test_intake import served
from tests.gateway.lists.test_lists import post
from tests.gateway.making import make_queued
from tests.gateway.rules.test_delivery import deliver

SYSTEM = Actor.system()
BACK, SMART = "127.0.0.1:10026", "smart.example:2525"
BOB, EVE = "bob@friends.example", "eve@friends.example"

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain(db: None) -> Domain:
    return served()


@pytest.fixture
def ada(domain: Domain) -> Mailbox:
    return make_mailbox_in(domain, "ada")


@pytest.fixture
def behind_postfix(settings: Any) -> None:
    settings.GATEWAY = replace(settings.GATEWAY, filter_next=BACK)


def released(row: Recipient) -> str:
    sent = quarantine.release(SYSTEM, row)
    return QueueItem.objects.get(message=sent).destination


@pytest.mark.usefixtures("behind_postfix")
def test_what_postfix_brought_is_released_to_postfix(ada: Mailbox) -> None:
    Message.objects.filter(pk=held_for(ada).message_id).update(door="filter")
    assert released(Recipient.objects.get()) == f"route:{BACK}"  # its relay might be that Postfix, and its filter


@pytest.mark.usefixtures("behind_postfix")
def test_without_a_relay_what_is_released_goes_to_the_postfix_in_front(domain: Domain, ada: Mailbox) -> None:
    relay = domain.relays.get()
    assert released(held_for(ada)) == f"relay:{relay.pk}"
    relay.delete()
    assert [released(held_for(who)) for who in (ada, (domain, "nobody"))] == [f"route:{BACK}"] * 2


def test_what_is_released_goes_where_the_router_table_leads_it(ada: Mailbox) -> None:
    create_route(SYSTEM, {"pattern": "ada@example.org", "kind": "relay", "target": SMART})
    row = held_for(ada)
    assert released(row) == f"route:{SMART}"


def test_what_is_released_without_a_mailbox_takes_its_domains_relay_and_not_our_own_mx(domain: Domain) -> None:
    DomainName.objects.create(name="example.net", domain=domain, is_alias=True)
    rows = [held_for((domain, "nobody")) for _each in range(3)]
    for row, address in zip(rows, ("nobody@example.org", "nobody@example.net", "nobody@far.example"), strict=True):
        Recipient.objects.filter(pk=row.pk).update(address=address)
        row.refresh_from_db()
    relay = f"relay:{domain.relays.get().pk}"
    assert [released(row) for row in rows] == [relay, relay, "mx:far.example"]


def test_what_was_kept_from_leaving_comes_in_for_others_of_ours(domain: Domain, ada: Mailbox) -> None:
    ben = make_mailbox_in(domain, "ben")
    held = Policy(name="out", outgoing=True, quarantine=True, quarantine_props=QuarantineProps(store_virus=True))
    row = held_for(ada, direction=Direction.OUTGOING, to=[ben.address], virus="Eicar", policy=held, sender=ada.address)
    sent = quarantine.release(SYSTEM, row, reason="it is a test")
    rows = sent.recipients.order_by("direction").values_list("direction", "mailbox__address")
    assert list(rows) == [("incoming", ben.address), ("outgoing", ada.address)]
    item = QueueItem.objects.get(message=sent)  # by MX it would come back to us
    assert (item.address, item.destination) == (ben.address, f"relay:{domain.relays.get().pk}")


@pytest.mark.parametrize("way", [BACK, SMART])
def test_every_mail_of_our_own_to_somebody_elsewhere_leaves_by_the_same_way(
    way: str, domain: Domain, ada: Mailbox, request: pytest.FixtureRequest
) -> None:
    if way == BACK:
        request.getfixturevalue("behind_postfix")
    else:
        create_route(SYSTEM, {"pattern": "*@friends.example", "kind": "relay", "target": SMART})
    news = create_list(SYSTEM, domain, email="news@example.org", owner=ada, posting="anybody")
    add_subscribers(SYSTEM, news, [EVE])
    post()
    assert QueueItem.objects.get(address=EVE).destination == f"route:{way}"  # a copy of a list
    update_list(SYSTEM, news, {"max_message_bytes": 10})
    post()
    set_absence(SYSTEM, ada, on=True, text="Back in May", subject="Gone")
    deliver([ada.address])
    to_bob = QueueItem.objects.filter(address=BOB).values_list("destination", flat=True)
    assert list(to_bob) == [f"route:{way}"] * 2  # that it was too big, and that Ada is away
    (item,) = make_queued([ada.address], domain=domain)
    assert [route.transport for route in routes_to(BOB, item)] == [way]
    assert [route.transport for route in routes_of_report(BOB, held_for(ada))] == [way]
