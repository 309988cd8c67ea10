"""Digest mails: who gets one, what stands in it, and that each moment has one mail at most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OptionValue
from accounts.permissions import Level
from domains.models import Mailbox, Relay, Status
from gateway.digests import command
from gateway.digests.command import COMMAND, DigestArguments
from gateway.digests.making import Outcome, Reader, due_digest
from gateway.digests.options import plans_of
from gateway.models import Digest, DigestClock, DigestLink, Message, QueueItem, Recipient
from gateway.services import digests, quarantine
from jobs.models import Task, TaskLog
from jobs.services import run_here
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.digests.mails import links_in, queued, text_of
from tests.gateway.factories import held_for, spam

pytestmark = pytest.mark.django_db

SEVEN = datetime(2026, 11, 30, 7, tzinfo=UTC)


@pytest.fixture
def ada(db: None) -> Mailbox:
    domain = make_domain("example.org")
    Relay.objects.create(domain=domain, name="inside", transport_dest="mail.example.org", is_default=True)
    return make_mailbox_in(domain, "ada")


def choose(box: Mailbox, **values: object) -> None:
    assert box.user_id is not None
    for name, value in values.items():
        OptionValue.objects.update_or_create(
            level=Level.USER, object_id=box.user_id, name=name, defaults={"value": value}
        )


def earlier(minutes: int = 60) -> datetime:
    return timezone.now() - timedelta(minutes=minutes)


def send(*, days: int = 0) -> dict[str, Any]:
    """The task of a whole day that ends now (or so many days later)."""
    until = timezone.now() + timedelta(days=days)
    arguments = DigestArguments((until - timedelta(days=1)).isoformat(), until.isoformat())
    task = run_here(Actor.system(), COMMAND, arguments)
    assert task.state == "completed", task.error
    found: dict[str, Any] = task.result or {}
    return found


def test_what_is_new_is_mailed_once_in_the_readers_language_with_a_link_for_each(ada: Mailbox) -> None:
    assert ada.user is not None
    ada.user.name = "Ada Lovelace"
    ada.user.save()
    row = held_for(ada, received_at=earlier(), raw=spam("You <b>have</b> won"))
    Message.objects.filter(pk=row.message_id).update(
        subject="You <b>have</b> won\n  Release: http://evil\u202e.example"
    )
    held_for(ada, received_at=earlier(90), virus="Eicar", raw=spam("An infected one"))
    assert send() == {"sent": 1, "nothing": 0, "before": 0, "nowhere": 0, "failed": 0}
    (mail,) = queued()
    assert mail["Subject"] == "2 new messages in quarantine" and "ada@example.org" in mail["To"]
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page = text_of(mail), text_of(mail, "html")
    assert "You <b>have</b> won Release: http://evil .example" in text and "You &lt;b&gt;have&lt;/b&gt; won" in page
    for part in (text, page):
        assert "prizes@lottery.example" in part and "An infected one" in part and "bounces@lottery.example" in part
        assert "Its spam score is 9.0; spam begins at 5.0." in part
        assert "Only an administrator can release it." in part
    assert len(links_in(mail)) == 1
    assert DigestLink.objects.get().token_hash not in text + page
    item = QueueItem.objects.get(message__door="own")
    assert item.recipient is not None
    assert (item.sender, item.address, item.recipient.mailbox) == ("", "ada@example.org", ada)
    assert send() == {"sent": 0, "nothing": 0, "before": 1, "nowhere": 0, "failed": 0}
    assert send(days=1)["nothing"] == 1 and len(queued()) == 1


def test_the_next_mail_has_only_what_came_since(ada: Mailbox) -> None:
    held_for(ada, received_at=earlier(), raw=spam("The first"))
    fresh = held_for(ada, received_at=earlier(5), raw=spam("Too fresh to be counted on"))
    assert send()["sent"] == 1
    assert "Too fresh" not in text_of(queued()[0])
    Recipient.objects.filter(pk=fresh.pk).update(received_at=timezone.now() - timedelta(minutes=14))
    Digest.objects.update(covers_until=earlier(20), made_at=earlier(5))
    Recipient.objects.filter(pk=fresh.pk).update(received_at=earlier(18))
    gone = held_for(ada, received_at=earlier(17), raw=spam("Released before"))
    assert ada.user is not None
    quarantine.release(Actor.for_user(ada.user), gone)
    assert send(days=1)["sent"] == 1
    second = text_of(queued()[1])
    assert "Too fresh" in second and "The first" not in second and "Released before" not in second


def test_nobody_is_written_to_who_does_not_want_it_or_may_not_release_or_is_shut_out(ada: Mailbox) -> None:
    people = [make_mailbox_in(ada.domain, name) for name in ("off", "denied", "shut", "disabled")]
    for box in people:
        held_for(box, received_at=earlier())
        assert box.user is not None
    choose(people[0], QUARANTINE_DIGEST="off")
    people[1].user.denied_rights = ["release_quarantine"]  # type: ignore[union-attr]
    people[2].user.is_active = False  # type: ignore[union-attr]
    people[1].user.save()  # type: ignore[union-attr]
    people[2].user.save()  # type: ignore[union-attr]
    Mailbox.objects.filter(pk=people[3].pk).update(status=Status.DISABLED)
    assert send() == {"sent": 0, "nothing": 0, "before": 0, "nowhere": 0, "failed": 0}


def test_who_has_nowhere_to_get_mail_loses_nothing(ada: Mailbox) -> None:
    box = make_mailbox_in(make_domain("lost.example"), "bob")
    held_for(box, received_at=earlier())
    assert send()["nowhere"] == 1 and not Digest.objects.exists()
    Relay.objects.create(domain=box.domain, name="inside", transport_dest="mail.example.org", is_default=True)
    assert send()["sent"] == 1


def test_a_long_list_is_cut_and_says_so(ada: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.digests.items.MOST_LISTED", 2)
    for _number in range(5):
        held_for(ada, received_at=earlier())
    assert send()["sent"] == 1
    (mail,) = queued()
    assert mail["Subject"].startswith("5 new") and "And 3 more." in text_of(mail) and len(links_in(mail)) == 2
    assert send(days=1)["nothing"] == 1


def test_many_people_are_written_to_in_turn_and_a_broken_off_task_goes_on(
    ada: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "AT_ONCE", 2)
    boxes = [ada, *(make_mailbox_in(ada.domain, f"p{number}") for number in range(4))]
    for box in boxes:
        held_for(box, received_at=earlier())
    until = timezone.now()
    arguments = DigestArguments((until - timedelta(days=1)).isoformat(), until.isoformat())
    real, made = due_digest, list[Outcome]()

    def dies(reader: Reader, due_at: datetime) -> Outcome:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(real(reader, due_at))
        return made[-1]

    monkeypatch.setattr(command, "due_digest", dies)
    with pytest.raises(KeyboardInterrupt):
        run_here(Actor.system(), COMMAND, arguments)
    assert len(queued()) == 3
    broken = Task.objects.get()
    assert broken.state == "interrupted" and (broken.kept or {})["done"] == 2
    monkeypatch.setattr(command, "due_digest", real)
    assert (run_here(Actor.system(), COMMAND, arguments).result or {})["sent"] == 2
    addresses = [mail["To"] for mail in queued()]
    assert len(addresses) == 5 and len(set(addresses)) == 5


def test_one_that_cannot_be_made_stops_no_other_and_is_made_up_for(
    ada: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = make_mailbox_in(ada.domain, "bob")
    for box in (ada, bob):
        held_for(box, received_at=earlier())
    real = due_digest

    def stumbles(reader: Reader, due_at: datetime) -> Outcome:
        if reader.mailbox == ada:
            raise ValueError("a header nobody can write")
        return real(reader, due_at)

    monkeypatch.setattr(command, "due_digest", stumbles)
    result = send()
    assert (result["sent"], result["failed"]) == (1, 1) and "bob@" in queued()[0]["To"]
    (said,) = TaskLog.objects.filter(text__contains="could not be made").values_list("text", flat=True)
    assert "ada@example.org" in said and "a header nobody can write" in said
    monkeypatch.setattr(command, "due_digest", real)
    assert send(days=1)["sent"] == 1 and "ada@" in queued()[1]["To"]


def test_a_database_that_is_gone_ends_the_task(ada: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    held_for(ada, received_at=earlier())

    def gone(_reader: Reader, _due_at: datetime) -> Outcome:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(command, "due_digest", gone)
    until = timezone.now()
    arguments = DigestArguments((until - timedelta(days=1)).isoformat(), until.isoformat())
    assert run_here(Actor.system(), COMMAND, arguments).state == "failed"


def test_a_mail_and_the_note_that_it_was_made_are_one(ada: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    held_for(ada, received_at=earlier())
    assert ada.user is not None
    reader = Reader(ada, plans_of([ada.user])[0])

    def dies(**values: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gateway.digests.making.post", dies)
        with pytest.raises(KeyboardInterrupt):
            due_digest(reader, SEVEN)
    assert not Digest.objects.exists() and not DigestLink.objects.exists()
    assert due_digest(reader, timezone.now()) is Outcome.SENT


def test_the_clock_asks_for_what_is_due_and_only_then(ada: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 30, 6, 50, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    command.tick()  # begins to count
    assert not Task.objects.exists()
    now += timedelta(minutes=10)
    command.tick()
    command.tick()
    (task,) = Task.objects.all()
    assert task.type == COMMAND and task.arguments["until"] == "2026-11-30T07:00:00+00:00"
    now += timedelta(hours=3)
    command.tick()
    assert Task.objects.count() == 1 and DigestClock.objects.get().until.hour == 10
    choose(ada, QUARANTINE_DIGEST_HOUR=11)
    now += timedelta(hours=1)
    command.tick()
    assert Task.objects.count() == 2
    now += timedelta(days=3)
    command.tick()
    latest = Task.objects.latest("pk").arguments
    assert (latest["since"], latest["until"]) == ("2026-12-02T11:00:00+00:00", "2026-12-03T11:00:00+00:00")


def test_what_nobody_needs_any_more_is_cleared_away(ada: Mailbox) -> None:
    held_for(ada, received_at=earlier())
    send()
    command.clear()
    assert DigestLink.objects.count() == 1
    DigestLink.objects.update(expires_at=earlier(1))
    command.clear()
    assert not DigestLink.objects.exists() and Digest.objects.count() == 1
    Digest.objects.update(made_at=timezone.now() - timedelta(days=101))
    command.clear()
    assert not Digest.objects.exists() and Message.objects.filter(door="own").count() == 1


def test_somebody_who_asks_gets_a_mail_at_once_about_all_that_lies_there(ada: Mailbox) -> None:
    assert ada.user is not None
    me = Actor.for_user(ada.user)
    with pytest.raises(digests.NotMailed, match="Nothing is in your quarantine"):
        digests.send_own(me, ada)
    held_for(ada)
    assert digests.send_own(me, ada) == 1
    with pytest.raises(digests.NotMailed, match="Wait a minute"):
        digests.send_own(me, ada)
    assert AuditEvent.objects.get(action="digest.send").details["items"] == 1
    Recipient.objects.update(received_at=earlier())
    assert send()["sent"] == 1  # the schedule goes on as ever


def test_people_set_their_own_times_and_who_manages_quarantine_sets_those_of_others(ada: Mailbox) -> None:
    other = make_mailbox_in(ada.domain, "eve")
    assert ada.user is not None and other.user is not None
    me = Actor.for_user(ada.user)
    digests.set_schedule(me, ada.user, {"QUARANTINE_DIGEST": "weekly", "QUARANTINE_DIGEST_WEEKDAY": "Friday"})
    (plan,) = plans_of([ada.user])
    assert (plan.often, plan.weekday, plan.hour) == ("weekly", "Friday", 7)
    digests.set_schedule(me, ada.user, {"QUARANTINE_DIGEST": None})
    assert plans_of([ada.user])[0].often == "daily"
    for obj in (other.user, ada.domain):
        with pytest.raises(Forbidden):
            digests.set_schedule(me, obj, {"QUARANTINE_DIGEST": "off"})
