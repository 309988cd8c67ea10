"""What administrators do with queues and repositories, by pages and commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OptionValue, User
from accounts.permissions import Level
from config.kit.templatetags.kit import exact_time
from domains.errors import Invalid, Taken
from domains.models import Relay
from domains.policy.facts import Direction
from gateway.keeping.clearing import DAYS
from gateway.models import Message, QueueItem, QueueSettings, Recipient, Repository, RepositoryItem, Step
from gateway.queue.storing import ERROR, store
from gateway.selectors import queues as found
from gateway.selectors.queues import Wanted
from gateway.services import queues, repositories
from jobs.dispatching import make_built_in
from jobs.models import Job, Task
from jobs.services import run_waiting, start
from tests.domains.factories import make_domain
from tests.gateway.making import TEXT, make_queued

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User | None], Client]
SYSTEM = Actor.system()


def all_items() -> queues.Rows:
    return QueueItem.objects.all()


def ran(name: str, values: dict[str, object]) -> dict[str, object]:
    task = start(SYSTEM, name, values)
    run_waiting(task.pk)
    task.refresh_from_db()
    assert task.state == Task.State.COMPLETED, task.error
    return dict(task.result or {})


def store_one(**more: object) -> RepositoryItem:
    [item] = make_queued(**more)  # type: ignore[arg-type]
    [made] = store([(item, ERROR, "550 5.0.0 no")], timezone.now())
    item.delete()
    return made


def test_held_mail_waits_and_is_let_go_at_once() -> None:
    [item] = make_queued()
    QueueItem.objects.update(next_at=timezone.now() + timedelta(hours=1))
    assert queues.hold_items(SYSTEM, all_items()) == 1
    assert queues.hold_items(SYSTEM, all_items()) == 0
    assert queues.flush_items(SYSTEM, all_items()) == 0
    assert queues.free_items(SYSTEM, all_items()) == 1
    item.refresh_from_db()
    assert item.next_at <= timezone.now()
    assert list(Step.objects.order_by("pk").values_list("kind", flat=True)) == ["held", "freed"]
    assert AuditEvent.objects.filter(action="queue.hold").get().details["count"] == 1


def test_rejected_mail_goes_back_with_the_reason_or_without_a_word() -> None:
    make_queued(["told@example.net"])
    make_queued(["untold@example.net"])
    assert queues.reject_items(SYSTEM, found.find_items(SYSTEM, Wanted(recipient="told@example.net")), notice=True,
                               text="Too late") == 1  # fmt: skip
    [notice] = QueueItem.objects.filter(message__door="own")
    assert (notice.sender, notice.address) == ("", "ada@example.org")
    assert b"Too late" in bytes(notice.content.data or b"")
    rows = found.find_items(SYSTEM, Wanted(recipient="untold@example.net"))
    assert queues.reject_items(SYSTEM, rows, notice=False) == 1
    assert Message.objects.filter(door="own").count() == 1
    states = Recipient.objects.filter(message__door="submission").values_list("state", flat=True)
    assert set(states) == {Recipient.State.BOUNCED}


def test_rejected_mail_of_unproven_senders_goes_into_a_repository() -> None:
    make_queued(direction=Direction.INCOMING, door="mx")
    queues.reject_items(SYSTEM, all_items(), notice=True)
    assert RepositoryItem.objects.get().repository.name == ERROR
    assert not QueueItem.objects.exists()


def test_deleted_mail_is_gone_by_sender_recipient_or_name() -> None:
    make_queued(["a@example.net"], sender="")
    make_queued(["B@example.net"])
    make_queued(["c@example.net"], age=timedelta(days=2))
    make_queued(["d@example.net"])
    for wanted in (Wanted(sender="<>"), Wanted(recipient="B@example.net"), Wanted(older_than=timedelta(days=1))):
        assert queues.delete_items(SYSTEM, found.find_items(SYSTEM, wanted)) == 1
    name = QueueItem.objects.get().message.key
    assert queues.delete_items(SYSTEM, found.find_items(SYSTEM, Wanted(name=name))) == 1
    assert set(Recipient.objects.values_list("state", flat=True)) == {Recipient.State.DELETED}


def test_only_who_manages_queues_gets_near(user: User) -> None:
    make_queued()
    actor = Actor.for_user(user)
    for order in (queues.flush_items, queues.hold_items, queues.free_items, queues.delete_items):
        with pytest.raises(Forbidden):
            order(actor, all_items())
    with pytest.raises(Forbidden):
        queues.reject_items(actor, all_items(), notice=False)
    with pytest.raises(Forbidden):
        queues.set_settings(actor, {"lifetime_hours": 3})
    with pytest.raises(Forbidden):
        repositories.create_repository(actor, "mine")
    assert QueueItem.objects.get().state == "waiting"


def test_settings_keep_within_their_limits() -> None:
    assert queues.set_settings(SYSTEM, {"lifetime_hours": 48}).lifetime_hours == 48
    for wrong in ({"lifetime_hours": 0}, {"lifetime_hours": True}, {"colour": 3}, {"first_retry_s": 80_000}):
        with pytest.raises(Invalid):
            queues.set_settings(SYSTEM, wrong)
    assert QueueSettings.objects.get().first_retry_s == 120


def test_the_pages_of_the_queue_say_what_waits_and_why(administrator: User, client_for: ClientFor) -> None:
    client = client_for(administrator)
    [item] = make_queued()
    QueueItem.objects.update(last_reply="450 4.2.0 greylisted", attempts=2)
    assert "greylisted" in client.get(reverse("gateway:queue")).content.decode()
    page = client.get(reverse("gateway:queue-item", args=[item.pk])).content.decode()
    assert "greylisted" in page and "bob@example.net" in page
    assert "example.net" in client.get(reverse("gateway:destinations") + "?q=EXAMPLE").content.decode()
    client.post(reverse("gateway:queue-item-turn", args=[item.pk]), {"do": "hold"})
    assert QueueItem.objects.get().state == "held"
    bulk = f"{reverse('gateway:queue-bulk')}?do=delete&chosen={item.pk}"
    assert "Delete 1 message" in client.get(bulk).content.decode()
    assert client.post(bulk, {"expected": "1", "typed": "1"}).status_code == 303
    assert not QueueItem.objects.exists()
    values = {**{name: str(least) for name, (least, most) in queues.LIMITS.items()}, "version": "1"}
    assert client.post(reverse("gateway:queue-settings"), values).status_code == 303
    assert client.post(reverse("gateway:queue-settings"), values | {"version": "9"}).status_code == 422


def test_what_lies_in_a_repository_goes_back_into_a_queue_as_it_was() -> None:
    domain = make_domain("example.net")
    old = Relay.objects.create(domain=domain, name="old", transport_dest="old.example.net")
    made = store_one(relay=old, domain=domain, headers=["X-A: b"], subject_prefix="[X]")
    old.delete()
    new = Relay.objects.create(domain=domain, name="new", transport_dest="new.example.net", is_default=True)
    done = repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.all(), queue="later")
    assert done.count == 1
    item = QueueItem.objects.get()
    assert (item.queue, item.destination, item.headers, item.subject_prefix) == (
        "later", f"relay:{new.pk}", ["X-A: b"], "[X]",
    )  # fmt: skip
    assert item.recipient is not None and item.recipient.state == Recipient.State.QUEUED
    assert not RepositoryItem.objects.filter(pk=made.pk).exists()
    with pytest.raises(Invalid):
        repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.all(), queue="No Name")


def test_a_repository_is_made_once_and_forgotten_only_when_it_is_empty() -> None:
    made = repositories.create_repository(SYSTEM, "/var/mail/later/")
    assert made.name == "var/mail/later"
    for name, error in (("var/mail/later", Taken), ("../etc", Invalid), ("", Invalid)):
        with pytest.raises(error):
            repositories.create_repository(SYSTEM, name)
    item = store_one()
    with pytest.raises(Invalid):
        repositories.delete_repository(SYSTEM, item.repository)
    assert repositories.delete_stored(SYSTEM, RepositoryItem.objects.all()).count == 1
    repositories.delete_repository(SYSTEM, made)
    assert not Repository.objects.filter(name="var/mail/later").exists()


def test_what_has_lain_in_a_repository_for_long_is_removed_by_the_clock(
    administrator: User, client_for: ClientFor
) -> None:
    old, new = store_one(), store_one()
    now = timezone.now()
    RepositoryItem.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=31))
    page = client_for(administrator).get(reverse("gateway:stored", args=[new.pk])).content.decode()
    assert "Lies here until" in page and exact_time(new.created_at + timedelta(days=30)) in page
    make_built_in()
    assert Job.objects.get(built_in="expire-repositories").command == "ExpireRepositories"
    assert ran("ExpireRepositories", {}) == {"removed": 1}
    assert RepositoryItem.objects.get() == new
    event = AuditEvent.objects.get(action="repository.expire")
    assert (event.details["count"], event.details["days"]) == (1, 30)
    assert old.recipient is not None
    old.recipient.refresh_from_db()
    assert old.recipient.state == Recipient.State.DELETED  # its passport says so
    OptionValue.objects.create(level=Level.SERVER, name=DAYS, value=0)
    assert repositories.expire_stored(SYSTEM, now=now + timedelta(days=4000)).count == 0


def test_content_takes_a_reason_and_leaves_an_event(administrator: User, client_for: ClientFor) -> None:
    item, client = store_one(), client_for(administrator)
    assert "550 5.0.0 no" in client.get(reverse("gateway:stored", args=[item.pk])).content.decode()
    url = reverse("gateway:stored-read", args=[item.pk])
    assert client.post(url, {"reason": " "}).status_code == 303
    assert not AuditEvent.objects.filter(action="repository.read").exists()
    answer = client.post(url, {"reason": "the sender asks"})
    assert b"".join(answer.streaming_content) == TEXT  # type: ignore[attr-defined]
    assert AuditEvent.objects.get(action="repository.read").reason == "the sender asks"


def test_the_commands_do_the_same() -> None:
    make_queued(["a@example.net"])
    make_queued(["b@example.net"])
    assert ran("HoldQueue", {"recipient": "a@example.net"})["held"] == 1
    assert ran("FreeQueue", {})["freed"] == 1
    assert ran("FlushQueue", {})["tried"] == 2
    numbers = ran("QueueStatistics", {})
    assert numbers["queues"] == [{"name": "outgoing", "waiting": 2, "held": 0, "bytes": 2 * len(TEXT)}]
    deleted = ran("DeleteFromQueue", {"recipient": "b@example.net"})
    assert deleted == {"initialCount": 1, "remainingCount": 0, "deleted": 1}
    assert ran("RejectFromQueue", {"queue": "outgoing", "notice": False})["rejected"] == 1
    store_one()
    store_one()
    key = RepositoryItem.objects.order_by("pk")[0].key
    again = ran("ReprocessRepository", {"repository": ERROR, "key": key, "queue": "outgoing"})
    assert (again["initialCount"], again["remainingCount"]) == (1, 0)
    cleared = ran("ClearRepository", {"repository": f"{ERROR}/"})
    assert (cleared["initialCount"], cleared["remainingCount"]) == (1, 0)
