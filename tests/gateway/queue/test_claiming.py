"""What is taken from the queue: in which order, with everything that delivery needs, and as whose."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.forms.models import model_to_dict
from django.utils import timezone

from domains.models import Relay
from gateway.delivery.said import End, Outcome
from gateway.models import Content, DestinationHour, Message, QueueItem, Recipient, Step
from gateway.queue import claiming
from gateway.queue.settling import settle
from gateway.queue.tried import Tried
from gateway.selecting import columns_of
from tests.domains.factories import make_domain
from tests.gateway.making import TEXT, make_queued

pytestmark = pytest.mark.django_db

HERE, THERE = "127.0.0.1:25", "127.0.0.2:25"
TAKEN = Outcome(End.DELIVERED, "2.0.0", "taken", 250)
_due = partial(make_queued, age=timedelta(minutes=1))  # the database's now is when the test's transaction began


def test_the_urgent_leave_first_then_the_oldest_and_no_more_than_there_is_room_for() -> None:
    now = timezone.now()
    made = [_due([f"{name}@example.net"], transport=HERE)[0] for name in "abcdef"]
    other = _due(["x@example.net"], transport=THERE)[0]
    for item, priority, minutes in zip(made, (5, 5, 9, 0, 5, 0), (-2, -3, -9, -1, -1, 1), strict=True):
        next_at = now + timedelta(minutes=minutes)
        QueueItem.objects.filter(pk=item.pk).update(priority=priority, next_at=next_at)
    QueueItem.objects.filter(pk=made[4].pk).update(state=QueueItem.State.HELD)
    rooms = {made[0].destination: 3, other.destination: 3}
    first = claiming.claim("one", rooms)
    assert [each.item.address[0] for each in first if each.item.destination == made[0].destination] == ["d", "b", "a"]
    assert [each.item.address for each in first if each.item.destination == other.destination] == ["x@example.net"]
    second = claiming.claim("two", rooms)  # f is due later, e is held back, the others are in another's hand
    assert [each.item.address[0] for each in second] == ["c"]
    assert {each.item.claimed_by for each in (*first, *second)} == {"one", "two"}


def test_what_is_taken_has_all_that_a_query_set_gives() -> None:
    domain = make_domain("example.net")
    relay = Relay.objects.create(domain=domain, name="behind", transport_dest="mail.example.net")
    items = _due(["a@example.net", "b@example.net"], parameters={"RET": "HDRS"}, headers=["X-A: b"])
    QueueItem.objects.update(relay=relay)
    large = _due(["c@example.net"], transport=HERE, data=TEXT + b"0123456789abcdef\r\n" * 17_000)[0]
    taken = claiming.claim("one", {items[0].destination: 9, large.destination: 9})
    assert len(taken) == 3
    for each in taken:
        there = QueueItem.objects.select_related("message", "content", "relay").get(pk=each.item.pk)
        for mine, theirs in (
            (each.item, there),
            (each.item.message, there.message),
            (each.item.content, there.content),
        ):
            assert model_to_dict(mine) == model_to_dict(theirs)
            assert mine == theirs
            assert not mine._state.adding
        assert each.item.created_at == there.created_at and each.item.message.received_at == there.message.received_at
        assert (each.item.relay is None) == (there.relay is None)
        assert each.data == (None if each.item.pk == large.pk else bytes(there.content.data or b""))
    first, second = (each.item for each in taken if each.item.relay is not None)
    assert first.relay is second.relay and first.relay is not None
    assert model_to_dict(first.relay) == model_to_dict(relay)


def test_what_is_left_out_is_read_when_it_is_asked_for() -> None:
    [item] = _due(transport=HERE)
    [taken] = claiming.claim("one", {item.destination: 1})
    assert "data" not in taken.item.content.__dict__ and "facts" not in taken.item.message.__dict__
    assert bytes(taken.item.content.data or b"") == bytes(Content.objects.get().data or b"")
    assert taken.item.message.facts == Message.objects.get().facts
    assert "data" not in columns_of(Content, "c", without="data").names


def test_what_was_delivered_is_gone_from_the_queue_and_stands_in_its_passport() -> None:
    """Also where somebody took it out meanwhile, or holds it: it is with the other server."""
    items = _due(["a@example.net", "b@example.net", "c@example.net"], transport=HERE)
    taken = claiming.claim("one", {items[0].destination: 9})
    QueueItem.objects.filter(pk=items[1].pk).delete()
    QueueItem.objects.filter(pk=items[2].pk).update(claimed_by="another")
    Recipient.objects.filter(address="b@example.net").update(state=Recipient.State.DISCARDED)
    assert settle([Tried(each.item, TAKEN) for each in taken]) == []
    assert not QueueItem.objects.exists()
    states = dict(Recipient.objects.values_list("address", "state"))
    delivered = Recipient.State.DELIVERED
    assert states == {
        "a@example.net": delivered, "b@example.net": Recipient.State.DISCARDED, "c@example.net": delivered,
    }  # fmt: skip
    assert Step.objects.filter(kind="delivered").count() == 3
    assert DestinationHour.objects.get().delivered == 3
