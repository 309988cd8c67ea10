"""Processing retention: what is due and nothing else keeps is deleted, batch by batch, with a certificate.

Every message is judged again right before it goes, on what it says itself (`archive.ruling`). It stops, and says why,
rather than delete what should stay: while days aren't worked out by the newest policies, and when the clock is behind
the journal. Killed anywhere, the next run goes on: what was deleted is in the journal and in the certificate, what
wasn't is due still. Not for giving the room back (compaction).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
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
from archive.ruling import Keeper, Ruling
from archive.services.retention_dates import follow, is_current, newest_edition
from archive.store.rows import Row
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
    stores = list(Store.objects.filter(state__in=(StoreState.CURRENT, StoreState.NORMAL)).order_by("pk"))
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
    due = due_numbers(store, now)
    processed.due = len(due)
    if not due:
        return processed, None
    certificate = _begin(actor, run, store, opened)
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
    certificate.refresh_from_db()
    return processed, certificate


def require_sound(store: Store, opened: engine.Store, now: datetime) -> None:
    """Raises: ProcessingStopped where deleting now could take what should stay."""
    if not is_current(store):
        text = _("The days of the messages in “%(store)s” aren't worked out by the newest policies yet.")
        raise ProcessingStopped(text % {"store": store.name})
    newest_ms = opened.catalogue.newest_ms()
    if newest_ms / 1000 > (timezone.now() + CLOCK_SLACK).timestamp():
        text = _("The server's clock is behind the newest message of “%(store)s”; set it right first.")
        raise ProcessingStopped(text % {"store": store.name})
    if now > timezone.now() + CLOCK_SLACK:
        raise ProcessingStopped(_("Retention isn't processed for a day that hasn't come."))


def due_numbers(store: Store, now: datetime) -> list[int]:
    """The messages whose last day is over, by what was worked out."""
    today = dates.day_of(now)
    found = []
    for block in RetentionBlock.objects.filter(store=store).order_by("block").iterator(chunk_size=20):
        minimum, maximum, _policy = block.arrays()
        first = block.block * BLOCK
        found += [first + at for at in range(BLOCK) if maximum[at] <= today and dates.UNKNOWN < minimum[at] <= today]
    return found


def _batch(
    actor: Actor, keeper: Keeper, opened: engine.Store, numbers: Sequence[int], certificate: DeletionCertificate,
    processed: Processed,
) -> None:  # fmt: skip
    rows = opened.rows(numbers)
    rulings = keeper.rule(rows)
    going = [row for row in rows if _goes(rulings[row.number], keeper.today)]
    processed.held += sum(bool(ruling.holds) or keeper.everything_held for ruling in rulings.values())
    processed.kept += sum(not _goes(ruling, keeper.today) for ruling in rulings.values())
    if not going:
        return
    names = {policy.id: policy.name for policy in keeper.policies}
    _append(certificate, [_line(row, rulings[row.number], names) for row in going])
    opened.delete([row.number for row in going], reason=f"{REASON}: certificate {certificate.pk}", by=actor.label[:300])
    processed.deleted += len(going)
    processed.size_bytes += sum(row.size for row in going)


def _goes(ruling: Ruling, today: int) -> bool:
    return ruling.allowed and ruling.maximum <= today


# --- certificates --------------------------------------------------------------------------------------------------


def _begin(actor: Actor, run: TaskRun, store: Store, opened: engine.Store) -> DeletionCertificate:
    certificate = DeletionCertificate.objects.create(
        store=store,
        store_name=store.name,
        store_identity=opened.identity,
        task_id=run.task_id or None,
        by_label=actor.label[:300],
        reason=REASON,
        first_record=opened.catalogue.position().sequence + 1,
        edition=newest_edition(),
    )
    certificate.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return certificate


def _line(row: Row, ruling: Ruling, names: dict[int, str]) -> dict[str, Any]:
    return {
        "number": row.number,
        "sha256": row.sha256,
        "size_bytes": row.size,
        "message_date": row.date,
        "archived_ms": row.archived_ms,
        "record": row.sequence,
        "mailboxes": sorted({mailbox for _folder, mailbox in row.placements}),
        "policy": names.get(ruling.policy, ""),
        "due": str(dates.date_of(ruling.maximum) or ""),
    }


def _append(certificate: DeletionCertificate, lines: Sequence[dict[str, Any]]) -> None:
    """On disk before the deletion is: a crash between them leaves lines of what is still there, which don't count."""
    with _draft(certificate).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def finish_certificates(store: Store) -> None:
    """Close the certificates of a store that runs left open, also killed ones: only what is really gone is in them."""
    for certificate in DeletionCertificate.objects.filter(store=store, ended_at=None):
        opened = engines.open_store(store)
        gone = list(_really_gone(opened, certificate))
        _write(certificate, opened, gone)


def _really_gone(opened: engine.Store, certificate: DeletionCertificate) -> Iterator[dict[str, Any]]:
    """The lines whose messages are gone, each once; a half line at the end is of a write that was cut short."""
    seen: set[int] = set()
    draft = _draft(certificate)
    if not draft.exists():
        return
    lines = []
    for text in draft.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line["number"] not in seen:
            seen.add(line["number"])
            lines.append(line)
    for at in range(0, len(lines), BATCH):
        some = lines[at : at + BATCH]
        there = {row.number for row in opened.rows([line["number"] for line in some])}
        yield from (line for line in some if line["number"] not in there)


def _write(certificate: DeletionCertificate, opened: engine.Store, gone: Sequence[dict[str, Any]]) -> None:
    at = opened.catalogue.position()
    now = timezone.now()
    head = {
        "certificate": certificate.pk,
        "store": certificate.store_name,
        "store_identity": certificate.store_identity,
        "by": certificate.by_label,
        "reason": certificate.reason,
        "started": certificate.started_at.isoformat(),
        "ended": now.isoformat(),
        "journal": {"first_record": certificate.first_record, "last_record": at.sequence, "chain": at.chain.hex()},
        "messages": len(gone),
        "size_bytes": sum(line["size_bytes"] for line in gone),
        "policies": [] if certificate.edition is None else certificate.edition.policies,
    }
    digest = hashlib.sha256()
    temporary = certificate.path.with_suffix(".tmp")
    certificate.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with temporary.open("wb") as file:
        for line in (head, *gone):
            piece = (json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n").encode()
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(certificate.path)
    with transaction.atomic():
        certificate.ended_at, certificate.sha256 = now, digest.hexdigest()
        certificate.messages, certificate.size_bytes = len(gone), head["size_bytes"]
        certificate.last_record = at.sequence
        certificate.save()
        audit.record(
            Actor.system(), "retention.certify", certificate, messages=len(gone), size_bytes=certificate.size_bytes,
            sha256=certificate.sha256, by=certificate.by_label,
        )  # fmt: skip
    _draft(certificate).unlink(missing_ok=True)


def _draft(certificate: DeletionCertificate) -> Path:
    return certificate.path.with_suffix(".draft")
