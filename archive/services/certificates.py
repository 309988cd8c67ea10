"""Certificates: what a run deleted for good from a store, as a document of lines that can be kept elsewhere.

Lines are on disk before the deletion is, and what is in the document in the end is only what is really gone; so a
certificate is right whenever its run was killed. Not for deciding what goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from archive import engines
from archive import store as engine
from archive.keeping import dates
from archive.models import DeletionCertificate, Store
from archive.owners import owner_of
from archive.ruling import Ruling
from archive.services.retention_dates import newest_edition
from archive.store.rows import Row

BATCH = 1000


def begin_certificate(actor: Actor, task_id: int, store: Store, reason: str) -> DeletionCertificate:
    """One for a run that begins in a store."""
    opened = engines.open_store(store)
    certificate = DeletionCertificate.objects.create(
        store=store,
        store_name=store.name,
        store_identity=opened.identity,
        task_id=task_id or None,
        by_label=actor.label[:300],
        reason=reason[:500],
        first_record=opened.catalogue.position().sequence + 1,
        edition=newest_edition(),
    )
    certificate.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return certificate


def line_of(row: Row, ruling: Ruling, names: dict[int, str]) -> dict[str, Any]:
    """What a document says of one message."""
    return {
        "number": row.number,
        "sha256": row.sha256,
        "size_bytes": row.size,
        "message_date": row.date,
        "archived_ms": row.archived_ms,
        "record": row.sequence,
        "mailboxes": sorted({owner_of(mailbox) for _folder, mailbox in row.placements}),
        "policy": names.get(ruling.policy, ""),
        "due": str(dates.date_of(ruling.maximum) or ""),
    }


def append_lines(certificate: DeletionCertificate, lines: Sequence[dict[str, Any]]) -> None:
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
        if gone:
            _write(certificate, opened, gone)
        else:  # nothing went, so there is nothing to certify
            _draft(certificate).unlink(missing_ok=True)
            certificate.delete()


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
