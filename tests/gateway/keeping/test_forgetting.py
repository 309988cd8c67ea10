"""Passports end with their time; what waits or is kept keeps its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OptionValue
from accounts.permissions import Level
from gateway.keeping import forgetting
from gateway.keeping.forgetting import DAYS, forget_old
from gateway.models import Kept, Message, QueueItem, Recipient, Repository, RepositoryItem, Step
from gateway.steps import Kind, step_of
from tests.gateway.making import make_queued

pytestmark = pytest.mark.django_db


def aged(days: int) -> QueueItem:
    """A message of then that is delivered, with its last step; its place in the queue, unsaved."""
    (item,) = make_queued(age=timedelta(days=days))
    step_of(item, Kind.DELIVERED).save()
    Recipient.objects.filter(message=item.message).update(state=Recipient.State.DELIVERED)
    QueueItem.objects.all().delete()
    item.pk = None
    return item


def row_of(item: QueueItem) -> Recipient:
    assert item.recipient is not None
    return item.recipient


def test_what_is_old_goes_with_its_recipients_and_steps_unless_it_waits_or_is_kept() -> None:
    old, new = aged(401), aged(399)
    queued, kept, gone, held, stored = (aged(401) for _number in range(5))
    queued.save()
    Kept.objects.create(recipient=row_of(kept), folder="Archive", state="kept")
    Kept.objects.create(recipient=row_of(gone), folder="Retention", state="gone")
    Recipient.objects.filter(pk=row_of(held).pk).update(state="held")
    repository = Repository.objects.create(name="var/mail/test")
    RepositoryItem.objects.create(repository=repository, message=stored.message, content=stored.content)
    done = forget_old()
    assert (done.messages, done.after) == (2, None)
    left = {new.message_id, queued.message_id, kept.message_id, held.message_id, stored.message_id}
    assert set(Message.objects.values_list("id", flat=True)) == left
    assert set(Recipient.objects.values_list("message_id", flat=True)) == left
    assert set(Step.objects.values_list("message_id", flat=True)) == left
    assert old.message_id not in left and forget_old().messages == 0


def test_a_pass_goes_on_behind_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BATCH_ROWS", 1)
    staying, going = aged(500), aged(450)
    staying.save()
    first = forget_old()
    assert first.messages == 0 and first.after is not None
    assert forget_old(first.after).messages == 1
    assert not Message.objects.filter(pk=going.message_id).exists()


def test_the_server_says_for_how_long_or_never() -> None:
    aged(30)
    option = OptionValue.objects.create(level=Level.SERVER, name=DAYS, value=0)
    assert forget_old(now=timezone.now() + timedelta(days=5000)).messages == 0
    option.value = 29
    option.save()
    assert forget_old().messages == 1
