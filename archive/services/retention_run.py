"""Processing retention: what is due and nothing else keeps is deleted, batch by batch, with a certificate.

Every message is judged again right before it goes, on what it says itself (`archive.ruling`). It stops, and says why,
rather than delete what should stay: while days aren't worked out by the newest policies, and when the clock is behind
the journal. Killed anywhere, the next run goes on: what was deleted is in the journal and in the certificate, what
wasn't is due still. Not for giving the room back (compaction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, locking
from archive import store as engine
from archive.errors import ProcessingStopped
from archive.keeping import dates
from archive.models import BLOCK, DeletionCertificate, RetentionBlock, Store, StoreState
from archive.ruling import Keeper, Ruling, passes
from archive.services.certificates import append_lines, begin_certificate, finish_certificates, line_of
from archive.services.retention_dates import follow, forget, is_current
from jobs.running import TaskRun

BATCH = 1000
CLOCK_SLACK = timedelta(minutes=5)
REASON = "retention"


@dataclass
class Processed:
    """What a run did in one store."""

    due: int = 0
    deleted: int = 0
    size_bytes: int = 0
    held: int = 0
    kept: int = 0  # due by what was worked out, and kept by what the message or the policies say now


def process(actor: Actor, run: TaskRun, *, now: datetime | None = None) -> dict[str, Any]:
    """Delete what is due in every store that can be written. Raises: Forbidden, ProcessingStopped, Cancelled."""
    actor.require(Right.MANAGE_RETENTION)
    moment = now or timezone.now()
    stores = list(
        Store.objects.filter(detached_at=None, state__in=(StoreState.CURRENT, StoreState.NORMAL)).order_by("pk")
    )
    done: list[dict[str, Any]] = []
    for store in stores:
        if run.stopping():
            break
        finish_certificates(store)
        processed, certificate = process_store(actor, run, store, moment)
        done.append(
            {
                "store": store.name,
                "due": processed.due,
                "deleted": processed.deleted,
                "size_bytes": processed.size_bytes,
                "held": processed.held,
                "kept": processed.kept,
                "certificate": None if certificate is None else certificate.pk,
            }
        )
    result = {"stores": done, "deleted": sum(each["deleted"] for each in done)}
    audit.record(actor, "retention.process", None, deleted=result["deleted"], stores=[each["store"] for each in done])
    if run.stopping():
        raise run.cancelled(result)
    return result


def process_store(
    actor: Actor, run: TaskRun, store: Store, now: datetime
) -> tuple[Processed, DeletionCertificate | None]:
    """One store: work out its days, then delete what is due. Raises: ProcessingStopped, StoreError."""
    follow(store, stop=run.stopping, progress=lambda done, total: run.progress(done, total, note=store.name))
    processed = Processed()
    if run.stopping():
        return processed, None
    opened = engines.open_store(store)
    require_sound(store, opened, now)
    worked_out = due_numbers(store, now)
    due = [row.number for row in opened.rows(worked_out)]
    forget(store, set(worked_out) - set(due))  # deleted otherwise, or by a run that was killed before it could say so
    processed.due = len(due)
    if not due:
        return processed, None
    certificate = begin_certificate(actor, run.task_id, store, REASON)
    try:
        for at in range(0, len(due), BATCH):
            if run.stopping():
                break
            # Policies and holds are read again for each batch: one that is placed meanwhile counts.
            with locking.deleting():
                _batch(actor, Keeper(store, now=now), opened, due[at : at + BATCH], certificate, processed)
            run.progress(at + BATCH, len(due), note=store.name, deleted=processed.deleted, held=processed.held)
    finally:
        finish_certificates(store)
    return processed, DeletionCertificate.objects.filter(pk=certificate.pk).first()


def require_sound(store: Store, opened: engine.Store, now: datetime) -> None:
    """Raises: ProcessingStopped where deleting now could take what should stay."""
    if names := Keeper(store, now=now).not_understood:
        text = _("The search of %(names)s can't be read any more; nothing goes until that is put right.")
        raise ProcessingStopped(text % {"names": ", ".join(names)})
    if not is_current(store):
        text = _("The days of the messages in “%(store)s” aren't worked out by the newest policies yet.")
        raise ProcessingStopped(text % {"store": store.name})
    if opened.journal.last_ms() / 1000 > (timezone.now() + CLOCK_SLACK).timestamp():
        text = _("The server's clock is behind what was last written to “%(store)s”; set it right first.")
        raise ProcessingStopped(text % {"store": store.name})
    if now > timezone.now() + CLOCK_SLACK:
        raise ProcessingStopped(_("Retention isn't processed for a day that hasn't come."))


def due_numbers(store: Store, now: datetime) -> list[int]:
    """The messages whose last day is over, by what was worked out."""
    today = dates.day_of(now)
    found = []
    for block in RetentionBlock.objects.filter(store=store).order_by("block").iterator(chunk_size=20):
        minimum, maximum, _policy, _last = block.arrays()
        first = block.block * BLOCK
        found += [first + at for at in range(BLOCK) if maximum[at] <= today and dates.UNKNOWN < minimum[at] <= today]
    return found


def _batch(
    actor: Actor, keeper: Keeper, opened: engine.Store, numbers: Sequence[int], certificate: DeletionCertificate,
    processed: Processed,
) -> None:  # fmt: skip
    rows = opened.rows(numbers)
    rulings = keeper.rule(rows)
    # A content that somebody has in quarantine or as recent mail too goes when that is over: a deletion takes it all.
    going = [row for row in rows if _goes(rulings[row.number], keeper.today) and not passes(row)]
    processed.held += sum(bool(ruling.holds) or keeper.everything_held for ruling in rulings.values())
    processed.kept += sum(not _goes(rulings[row.number], keeper.today) or passes(row) for row in rows)
    if not going:
        return
    names = {policy.id: policy.name for policy in keeper.policies}
    append_lines(certificate, [line_of(row, rulings[row.number], names) for row in going])
    opened.delete([row.number for row in going], reason=f"{REASON}: certificate {certificate.pk}", by=actor.label[:300])
    forget(store=keeper.store, numbers=[row.number for row in going])
    processed.deleted += len(going)
    processed.size_bytes += sum(row.size for row in going)


def _goes(ruling: Ruling, today: int) -> bool:
    return ruling.allowed and ruling.maximum <= today
