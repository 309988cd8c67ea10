"""What was kept for long enough goes: out of the stores, unless a hold keeps it, with the reason in their journals.

What people deleted goes the same way; they only bring the day nearer. Killed at any moment, the rest is due still. Not
for archived mail that a policy of retention says something about: that keeps it here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from archive.services.passing import Going, Staying, keeps_strangers_mail, remove_copies
from domains.policy.facts import Direction
from gateway.keeping.moving import lock
from gateway.models import Folder, Kept, Recipient, Step
from gateway.services.held import end_requests
from gateway.steps import Kind, step

BATCH_ROWS = 500
BY = "gateway"
State = Kept.State


@dataclass(frozen=True, slots=True)
class Passed:
    """What one batch did, and where the next one begins (None: that was all that is due)."""

    expired: int = 0
    staying: int = 0
    after: tuple[datetime, int] | None = None


def expire_due(after: tuple[datetime, int] | None = None, *, now: datetime | None = None) -> Passed:
    """Take out the next batch of what is due. Raises: DatabaseError; what is gone by then is found gone."""
    moment = now or timezone.now()
    with transaction.atomic():
        lock(exclusive=True)
        rows = _due(after, moment)
        if not rows:
            return Passed()
        stored = [row for row in rows if row.store_id is not None and row.mailbox_id is not None]
        staying = remove_copies(
            [_going(row, rows, moment) for row in stored],
            reason="its time in the gateway's folders is over",
            by=BY,
        )
        lone = [row for row in rows if row not in stored]
        if lone and keeps_strangers_mail():
            staying |= {row.pk: Staying.HELD for row in lone}
        gone = [row for row in rows if row.pk not in staying]
        _leave([row for row in rows if row.pk in staying], staying)
        _finish(gone, moment)
    last = rows[-1]
    assert last.until is not None
    following = (last.until, last.pk) if len(rows) == BATCH_ROWS else None
    return Passed(len(gone), len(staying), following)


def _due(after: tuple[datetime, int] | None, moment: datetime) -> list[Kept]:
    due = Kept.objects.filter(state=State.KEPT, until__lte=moment)
    if after is not None:
        due = due.filter(until__gte=after[0]).filter(Q(until__gt=after[0]) | Q(pk__gt=after[1]))
    return list(
        due.select_related("recipient__message")
        .defer("recipient__decision", "recipient__message__facts")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("until", "pk")[:BATCH_ROWS]
    )


def _going(row: Kept, batch: Sequence[Kept], moment: datetime) -> Going:
    assert row.store_id is not None and row.mailbox_id is not None
    digest = row.sha256 if row.sha256 is not None else row.recipient.message.sha256
    return Going(
        key=row.pk,
        store_id=row.store_id,
        sha256=bytes(digest),
        mailbox=row.mailbox_id,
        folder=row.path,
        passes=row.folder != Folder.ARCHIVE,
        shared=_is_shared(row, moment),
    )


def _is_shared(row: Kept, moment: datetime) -> bool:
    """The same bytes came twice for the same mailbox: the other one's time isn't over."""
    same = Kept.objects.filter(store_id=row.store_id, number=row.number, mailbox=row.mailbox_id)
    same = same.filter(folder=row.folder, place=row.place)
    living = same.filter(state=State.KEPT).filter(Q(until=None) | Q(until__gt=moment))
    return living.exclude(pk=row.pk).exists()


def _leave(rows: Sequence[Kept], staying: dict[int, Staying]) -> None:
    said = {
        Staying.HELD: _("A legal hold or a policy of retention keeps it."),
        Staying.PROTECTED: _("Its store is write-protected."),
        Staying.UNAVAILABLE: _("Its store can't be opened."),
    }
    changed = []
    for row in rows:
        if row.problem != said[staying[row.pk]]:
            row.problem = said[staying[row.pk]]
            changed.append(row)
    Kept.objects.bulk_update(changed, ["problem"])


def _finish(rows: Sequence[Kept], moment: datetime) -> None:
    for row in rows:
        row.state, row.content, row.problem = State.GONE, None, ""
    Kept.objects.bulk_update(rows, ["state", "content", "problem"])
    told = [row for row in rows if row.recipient.state != Recipient.State.DELETED]
    Step.objects.bulk_create(
        [step(Kind.EXPIRED, row.recipient.message, row.recipient, data={"folder": row.folder}) for row in told]
    )
    held = [row for row in rows if row.folder == Folder.QUARANTINE]
    # of what somebody sent to many there is one copy, in the first row
    end_requests([row.recipient_id for row in held])
    sent = {row.recipient.message_id for row in held if row.recipient.direction == Direction.OUTGOING}
    Recipient.objects.filter(
        Q(pk__in=[row.recipient_id for row in held]) | Q(message__in=sent, direction=Direction.OUTGOING.value),
        state=Recipient.State.HELD,
    ).update(state=Recipient.State.EXPIRED, state_at=moment)
