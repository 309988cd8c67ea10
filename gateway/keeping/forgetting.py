"""Passports end: what became of a message is told for as long as the server says, and then forgotten, in batches.

Oldest first; what still waits, is kept or lies in a repository stays, however old. Not for bytes: those that nothing
needs any more are swept by `content`. Killed at any moment, the next pass finds the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.options import SERVER_ONLY, define, value
from accounts.optiontypes import OptionType
from gateway.models import Kept, ListPosting, Message, QueueItem, Recipient, RepositoryItem

DAYS = "PASSPORT_DAYS"
BATCH_ROWS = 500
State = Recipient.State


def register() -> None:
    """Define the option; called when the app starts."""
    define(
        DAYS, OptionType.INTEGER, levels=SERVER_ONLY, default=400, minimum=0, maximum=36500, unit=_("days"),
        label=_("Messages can be followed for"), group=_("Follow messages"), restricted=True,
        help=_("Then what became of them is forgotten, unless they are kept or still wait. 0: never."),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one batch did, and where the next one begins (None: that was all that is old enough)."""

    messages: int = 0
    after: tuple[datetime, int] | None = None


def forget_old(after: tuple[datetime, int] | None = None, *, now: datetime | None = None) -> Forgotten:
    """Delete the next batch of passports that are old enough. Raises: DatabaseError."""
    days = value(DAYS)
    if not days:
        return Forgotten()
    old = Message.objects.filter(received_at__lt=(now or timezone.now()) - timedelta(days=days))
    if after is not None:
        old = old.filter(received_at__gte=after[0]).filter(Q(received_at__gt=after[0]) | Q(pk__gt=after[1]))
    with transaction.atomic():
        # locked first: nothing can come to refer to them between the question and the end
        locked = old.select_for_update(skip_locked=True).order_by("received_at", "pk")
        rows = list(locked.values_list("received_at", "pk")[:BATCH_ROWS])
        ids = {key for _at, key in rows}
        gone = ids - _needed(ids)
        Message.objects.filter(pk__in=gone).delete()
    return Forgotten(len(gone), rows[-1] if len(rows) == BATCH_ROWS else None)


def _needed(ids: set[int]) -> set[int | None]:
    """Those that wait, are kept, or lie in a repository."""
    waiting = Q(state__in=(State.QUEUED, State.HELD))
    kept = Q(pk__in=Kept.objects.exclude(state=Kept.State.GONE).filter(recipient__message__in=ids).values("recipient"))
    found: set[int | None] = {
        *QueueItem.objects.filter(message__in=ids).values_list("message_id", flat=True),
        *RepositoryItem.objects.filter(message__in=ids).values_list("message_id", flat=True),
        *RepositoryItem.objects.filter(recipient__message__in=ids).values_list("recipient__message_id", flat=True),
        *ListPosting.objects.filter(message__in=ids, content__isnull=False).values_list("message_id", flat=True),
        *Recipient.objects.filter(waiting | kept, message__in=ids).values_list("message_id", flat=True),
    }
    return found
