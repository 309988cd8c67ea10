"""What people do with the queues: try now, hold back, let go, send back, delete; and the settings.

Each takes items as a query, works through them in small transactions and answers how many it did. What is being
delivered at this very moment may still arrive; its passport then says so. Every order is one audit event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.versions import change
from domains.errors import Invalid
from gateway import bounces
from gateway.delivery.said import End, Outcome
from gateway.models import QueueItem, QueueSettings, Recipient, Step
from gateway.queue import settings as queue_settings
from gateway.queue.adding import notify
from gateway.queue.tried import Tried
from gateway.steps import Kind, step_of
from gateway.storable import storable

BATCH = 200
Rows = QuerySet[QueueItem]
Told = Callable[[int], None]
State = QueueItem.State
LIMITS = {  # least, most
    "lifetime_hours": (1, 24 * 30),
    "warning_hours": (0, 24 * 30),
    "first_retry_s": (5, 86_400),
    "longest_retry_s": (60, 7 * 86_400),
    "per_destination": (1, 200),
    "connections": (1, 500),
    "most_recipients": (1, 1_000),
}


def flush_items(actor: Actor, rows: Rows, *, about: Mapping[str, object] | None = None) -> int:
    """Try what waits now, whatever its time; what is held stays held. Raises: Forbidden."""
    _require(actor)

    def work(items: list[QueueItem]) -> int:
        due = [item for item in items if item.state == State.WAITING]
        QueueItem.objects.filter(pk__in=[item.pk for item in due]).update(next_at=timezone.now())
        notify(destinations={item.destination for item in due})
        return len(due)

    return _each(actor, "queue.flush", rows, work, about)


def hold_items(actor: Actor, rows: Rows, *, about: Mapping[str, object] | None = None) -> int:
    """Keep them from being tried until somebody lets them go; their time runs on. Raises: Forbidden."""
    _require(actor)
    return _each(actor, "queue.hold", rows, lambda items: _turn(actor, items, State.HELD, Kind.HELD), about)


def free_items(actor: Actor, rows: Rows, *, about: Mapping[str, object] | None = None) -> int:
    """Let go what was held back: it is tried now. Raises: Forbidden."""
    _require(actor)
    return _each(actor, "queue.free", rows, lambda items: _turn(actor, items, State.WAITING, Kind.FREED), about)


def reject_items(
    actor: Actor, rows: Rows, *, notice: bool, text: str = "", about: Mapping[str, object] | None = None
) -> int:
    """Give them up. notice: tell their senders why (text), where a notice may be sent; else nobody hears of it.

    With notice, what nobody may be told of goes into a repository. Raises: Forbidden.
    """
    _require(actor)
    said = storable(" ".join(text.split()), 300) or "An administrator of this server stopped the message"

    def work(items: list[QueueItem]) -> int:
        now, outcome = timezone.now(), Outcome(End.FAILED, "5.0.0", said)
        data = outcome.as_data() | {"notice": notice}
        Step.objects.bulk_create(step_of(item, Kind.BOUNCED, actor=actor, data=data) for item in items)
        _mark(items, Recipient.State.BOUNCED)
        if notice:
            bounces.give_up([Tried(item, outcome) for item in items], now)
        QueueItem.objects.filter(pk__in=[item.pk for item in items]).delete()
        return len(items)

    return _each(actor, "queue.reject", rows, work, {**(about or {}), "notice": notice})


def delete_items(
    actor: Actor, rows: Rows, *, about: Mapping[str, object] | None = None, told: Told | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Delete them; nobody is told. told: how many are done so far. Raises: Forbidden."""
    _require(actor)

    def work(items: list[QueueItem]) -> int:
        Step.objects.bulk_create(step_of(item, Kind.DELETED, actor=actor, data={"why": "queue"}) for item in items)
        _mark(items, Recipient.State.DELETED)
        QueueItem.objects.filter(pk__in=[item.pk for item in items]).delete()
        return len(items)

    return _each(actor, "queue.delete", rows, work, about, told=told, stop=stop)


def set_settings(actor: Actor, values: Mapping[str, Any], *, expected: int | None = None) -> QueueSettings:
    """Change what is said; the rest stays. Raises: Forbidden, Invalid, ChangedMeanwhile."""
    _require(actor)
    fields = {name: _number(name, value) for name, value in values.items()}
    with transaction.atomic():
        row = QueueSettings.objects.select_for_update().first()
        if row is None:
            row = QueueSettings.objects.create(pk=1)
            expected = None if expected == QueueSettings().version else expected
        changes = change(row, fields, expected=expected)
        if row.first_retry_s > row.longest_retry_s:
            raise Invalid(_("The first wait can't be longer than the longest."), field="first_retry_s")
        if changes:
            audit.record(actor, "queue.settings", None, changes=changes)
    queue_settings.forget()
    return row


def _number(name: str, value: Any) -> int:
    if name not in LIMITS:
        raise Invalid(_("There is no setting %(name)s.") % {"name": name}, field=name)
    least, most = LIMITS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(_("A whole number from %(least)d to %(most)d.") % {"least": least, "most": most}, field=name)
    return value


def _require(actor: Actor) -> None:
    actor.require(Right.MANAGE_QUEUES)
    actor.require_writing()


def _turn(actor: Actor, items: list[QueueItem], state: State, kind: Kind) -> int:
    changed = [item for item in items if item.state != state]
    now = timezone.now()
    fields: dict[str, Any] = {"state": state} | ({"next_at": now} if state == State.WAITING else {})
    QueueItem.objects.filter(pk__in=[item.pk for item in changed]).update(**fields)
    Step.objects.bulk_create(step_of(item, kind, actor=actor, data={"queue": item.queue}) for item in changed)
    if state == State.WAITING:
        notify(destinations={item.destination for item in changed})
    return len(changed)


def _mark(items: list[QueueItem], state: Recipient.State) -> None:
    ids = [item.recipient_id for item in items if item.recipient_id is not None]
    Recipient.objects.filter(pk__in=ids, state=Recipient.State.QUEUED).update(state=state, state_at=timezone.now())


def _each(
    actor: Actor, action: str, rows: Rows, work: Callable[[list[QueueItem]], int],
    about: Mapping[str, object] | None, *, told: Told | None = None, stop: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Batch by batch, each in a transaction of its own; what is noted at the end is what was done."""
    done = 0
    try:
        for ids in _in_batches(rows):
            if stop():
                break
            with transaction.atomic():
                found = QueueItem.objects.select_for_update(of=("self",)).select_related("message", "content")
                done += work(list(found.filter(pk__in=ids).order_by("pk")))
            if told is not None:
                told(done)
    finally:
        if done:
            audit.record(actor, action, None, count=done, **dict[str, Any](about or {}))
    return done


def _in_batches(rows: Rows) -> Iterator[list[int]]:
    """The ids as they are now, in order; what is added meanwhile isn't meant."""
    last_of_all = rows.order_by("-pk").values_list("pk", flat=True).first()
    after = 0
    while last_of_all is not None:
        found = rows.filter(pk__gt=after, pk__lte=last_of_all).order_by("pk").values_list("pk", flat=True)
        ids = list(found[:BATCH])
        if not ids:
            return
        yield ids
        after = ids[-1]
