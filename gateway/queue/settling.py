"""Writing down what came of tries: one transaction for many of them.

Delivered and failed items go from the queue, deferred ones get their next time; every try is a step of the passport
and counts for the statistics. What failed becomes a bounce, or goes into a repository, in the same transaction
(`gateway.bounces`). Crash before the commit: the items stay in hand of a dead process and are tried again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from gateway import bounces
from gateway.delivery.said import End, Outcome
from gateway.inserting import Batch
from gateway.lists.bouncing import is_bouncing, note_failure
from gateway.models import QueueItem, QueueSettings, Recipient, Step
from gateway.queue import times
from gateway.queue.settings import read_settings
from gateway.queue.tried import Tried
from gateway.steps import Kind, step_of

SOON = timedelta(seconds=1)
_CHANGED = (
    "claimed_by", "claimed_until", "attempts", "last_reply", "next_at", "was_warned", "created_at", "expires_at",
)  # fmt: skip
State = Recipient.State


def settle(tried: Sequence[Tried]) -> list[QueueItem]:
    """Write it all down; the new items that came of it (bounces).

    An item that somebody took out of the queue meanwhile isn't put back, and one that another process has in hand (our
    lease was over) stays in its hand; what was delivered is written down and done with all the same.
    """
    now, settings = timezone.now(), read_settings()
    if all(each.outcome.end is End.DELIVERED and not bounces.wants_success(each) for each in tried):
        with transaction.atomic():
            _deliver(tried, now)
            _steps(tried, {})
            _count(tried, now)
        return []
    with transaction.atomic():
        ids = sorted({each.item.pk for each in tried})
        rows = QueueItem.objects.select_for_update().filter(pk__in=ids).order_by("pk").only(*_CHANGED)
        holders = {each.item.pk: each.item.claimed_by for each in tried}
        there = {item.pk: item for item in rows if item.claimed_by == holders[item.pk]}
        returned, done = [each for each in tried if each.outcome.end is End.RETURNED], list[Tried]()
        _put_back(returned, there)
        for each in tried:
            if each.outcome.end is not End.RETURNED:
                done.append(_given_up(each, now) if each.item.pk in there else each)
        made = _finish(done, there, now)
        warned = _defer([each for each in done if each.outcome.end is End.DEFERRED], there, settings, now)
        if warned:
            made += bounces.tell_of_delay(warned, now)
        _count(done, now)
    return made


_DELIVER = """
    WITH locked AS MATERIALIZED (
        SELECT id FROM gateway_queueitem WHERE id = ANY(%(items)s) ORDER BY id FOR UPDATE
    ), marked AS (
        UPDATE gateway_recipient SET state = %(delivered)s, state_at = %(now)s
        WHERE id = ANY(%(recipients)s) AND state = %(queued)s AND (SELECT count(*) FROM locked) >= 0
    )
    DELETE FROM gateway_queueitem WHERE id = ANY(%(items)s) AND (SELECT count(*) FROM locked) >= 0
"""


def _deliver(delivered: Sequence[Tried], now: datetime) -> None:
    """Out of the queue and into the passport, as nearly all of it ends; items are locked first, in their order."""
    values: dict[str, Any] = {
        "items": [each.item.pk for each in delivered],
        "recipients": [each.item.recipient_id for each in delivered if each.item.recipient_id is not None],
        "delivered": State.DELIVERED.value,
        "queued": State.QUEUED.value,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DELIVER, values)


def _given_up(tried: Tried, now: datetime) -> Tried:
    """A try that failed for now, after the time is over, failed for good."""
    outcome, item = tried.outcome, tried.item
    if outcome.end is not End.DEFERRED or now < item.expires_at:
        return tried
    status = f"5{outcome.status[1:]}" if outcome.status[:1] == "4" and outcome.status != "4.0.0" else "5.4.7"
    expired = Outcome(
        End.FAILED, status, outcome.text, outcome.code, is_remote=outcome.is_remote, host=outcome.host,
        address=outcome.address, port=outcome.port, tls=outcome.tls, seconds=outcome.seconds,
        may_repeat=outcome.may_repeat,
    )  # fmt: skip
    return Tried(item, expired)


def _finish(done: Sequence[Tried], there: dict[int, QueueItem], now: datetime) -> list[QueueItem]:
    """What is delivered or failed: out of the queue, into the passport; the bounces that are due."""
    ended = [each for each in done if each.outcome.end in (End.DELIVERED, End.FAILED)]
    delivered = [each for each in ended if each.outcome.end is End.DELIVERED]
    failed = [each for each in ended if each.outcome.end is End.FAILED and each.item.pk in there]
    _steps(ended, there)
    _mark(delivered, State.DELIVERED, now)
    _mark(failed, State.BOUNCED, now)
    made: list[QueueItem] = []
    gone = [each.item.pk for each in failed]
    failed = [each for each in failed if not note_failure(each.item.sender, each.outcome.status)]
    if failed:
        made += bounces.give_up(failed, now)
    if any(bounces.wants_success(each) for each in delivered):
        made += bounces.tell_of_success([each for each in delivered if bounces.wants_success(each)], now)
    QueueItem.objects.filter(pk__in=[each.item.pk for each in delivered] + gone).delete()
    return made


def _steps(done: Iterable[Tried], there: dict[int, QueueItem]) -> None:
    """there: what is in our hand still. Nothing else is given up by us, whatever we heard."""
    kinds = {End.DELIVERED: Kind.DELIVERED, End.FAILED: Kind.BOUNCED, End.DEFERRED: Kind.ATTEMPT}
    rows: list[Step] = []
    for each in done:
        if each.item.recipient_id is None and each.outcome.end is not End.FAILED and is_bouncing(each.item.sender):
            continue  # one of a list's many: what goes well is only counted
        data = each.outcome.as_data() | {"destination": each.item.destination, "try": each.item.attempts + 1}
        is_ours = each.item.pk in there or each.outcome.end is End.DELIVERED
        rows.append(step_of(each.item, kinds[each.outcome.end] if is_ours else Kind.ATTEMPT, data=data))
    batch = Batch()
    batch.add(rows)
    batch.write()


def _mark(tried: Sequence[Tried], state: State, now: datetime) -> None:
    ids = [each.item.recipient_id for each in tried if each.item.recipient_id is not None]
    if ids:
        Recipient.objects.filter(pk__in=ids, state=State.QUEUED).update(state=state, state_at=now)


def _put_back(returned: Sequence[Tried], there: dict[int, QueueItem]) -> None:
    rows = []
    for each in returned:
        if row := there.get(each.item.pk):
            row.claimed_by, row.claimed_until = "", None
            if each.not_before is not None:
                row.next_at = max(row.next_at, each.not_before)
                row.last_reply = each.outcome.text
            rows.append(row)
    QueueItem.objects.bulk_update(rows, ["claimed_by", "claimed_until", "next_at", "last_reply"])


def _defer(
    deferred: Sequence[Tried], there: dict[int, QueueItem], settings: QueueSettings, now: datetime
) -> list[Tried]:
    """Set the next time of each; those whose sender shall hear of the delay."""
    _steps(deferred, there)
    rows, warned = [], []
    for each in deferred:
        row = there.get(each.item.pk)
        if row is None:
            continue
        row.claimed_by, row.claimed_until = "", None
        row.attempts += 1
        row.last_reply = each.outcome.reply
        if each.outcome.soon:
            row.next_at = now + SOON
        else:
            wait = times.wait_after(row.attempts, first_s=settings.first_retry_s, longest_s=settings.longest_retry_s)
            row.next_at = max(min(now + wait, row.expires_at), each.not_before or now)
        if settings.warning_hours and not row.was_warned and now - row.created_at >= settings.warned_after:
            row.was_warned = True
            warned.append(each)
        rows.append(row)
    fields = ["claimed_by", "claimed_until", "attempts", "last_reply", "next_at", "was_warned"]
    QueueItem.objects.bulk_update(rows, fields)
    return warned


_COUNT = """
    INSERT INTO gateway_destinationhour AS t (destination, hour, delivered, deferred, failed, bytes, seconds)
    SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::float8[])
    ON CONFLICT (hour, destination) DO UPDATE SET delivered = t.delivered + EXCLUDED.delivered,
        deferred = t.deferred + EXCLUDED.deferred, failed = t.failed + EXCLUDED.failed,
        bytes = t.bytes + EXCLUDED.bytes, seconds = t.seconds + EXCLUDED.seconds
"""


def _count(done: Sequence[Tried], now: datetime) -> None:
    """In the order of the destinations, so that two processes don't wait for each other in a circle."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    places = {End.DELIVERED: 0, End.DEFERRED: 1, End.FAILED: 2}
    for each in done:
        row = sums[each.item.destination]
        row[places[each.outcome.end]] += 1
        row[4] += each.outcome.seconds
        if each.outcome.end is End.DELIVERED:
            row[3] += each.item.content.size_bytes
    if not sums:
        return
    names, hour = sorted(sums), now.replace(minute=0, second=0, microsecond=0)
    columns = [[sums[name][place] for name in names] for place in range(5)]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [names, [hour] * len(names), *columns])
