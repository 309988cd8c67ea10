"""Sealing the audit trail: one sealer gives committed events their place and hash in the chain, about every second.

Events are written unchained, each in its writer's transaction, so that writers never wait for each other; a trigger
notes them as waiting. Batches are made under a lock, so that there is one chain however many processes seal.

The last seal is also noted in a file of this machine: a database from which the end of the chain was cut off is found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

from accounts import chain
from accounts.models import AuditEvent, AuditSeal, AuditWaiting
from config.kit import paths, sealing_keys

BATCH = 2_000
_LOCK = 0x706B7365  # "pkse"
_PURPOSE = b"audit chain"


def seal_waiting() -> int:
    """Seal a batch of what waits; how many. Nothing when another process seals just now."""
    with transaction.atomic():
        if not _is_mine():
            return 0
        ids = list(AuditWaiting.objects.order_by("event_id").values_list("event_id", flat=True)[:BATCH])
        if not ids:
            return 0
        head = AuditSeal.objects.order_by("-sequence").first()
        seals = _chained(head, ids)
        AuditSeal.objects.bulk_create(seals)
        AuditWaiting.objects.filter(event_id__in=ids).delete()
    if seals:
        _note(seals[-1])
    return len(ids)


def seal_all() -> int:
    """Seal everything that waits now; how many."""
    total = 0
    while sealed := seal_waiting():
        total += sealed
    return total


def signing_key(key_id: str | None = None) -> tuple[str, bytes]:
    """The key that signs the chain: the present one, or that of an earlier signature.

    Raises: MasterKeyChanged, SealingKeyUnknown.
    """
    if key_id is None:
        key_id, key = sealing_keys.current()
    else:
        key = sealing_keys.get(key_id)
    return key_id, sealing_keys.derive(key, _PURPOSE)


@dataclass(frozen=True, slots=True)
class Noted:
    """The last seal this machine saw."""

    sequence: int
    hash: str


def noted() -> Noted | None:
    """What this machine noted last; None where it never sealed."""
    try:
        kept = json.loads(_file().read_text())
        return Noted(int(kept["sequence"]), str(kept["hash"]))
    except (OSError, ValueError, KeyError):
        return None


def _chained(head: AuditSeal | None, ids: list[int]) -> list[AuditSeal]:
    found = AuditEvent.objects.in_bulk(ids)
    sequence, before = (head.sequence, head.hash) if head else (0, chain.FIRST)
    seals = []
    for event_id in ids:
        event = found.get(event_id)
        if event is None:  # its table was emptied in between (tests)
            continue
        sequence, before = sequence + 1, chain.next_hash(before, event)
        seals.append(AuditSeal(sequence=sequence, event_id=event_id, hash=before))
    if seals:
        seals[-1].mac = chain.signature(*signing_key(), seals[-1].sequence, seals[-1].hash)
    return seals


def _is_mine() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _note(seal: AuditSeal) -> None:
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"sequence": seal.sequence, "hash": seal.hash}))
    fresh.replace(file)


def _file() -> Path:
    return paths.home() / "audit" / "head.json"
