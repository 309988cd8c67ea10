"""What a passport can say of the archive's proof that a copy is the one that came: its record, and who signed for it.

Cheap: nothing is read again. Comparing the bytes with the journal is the message's own page of the archive (`page`),
for who may read the message; a whole store's checkpoints are verified by VerifyStore. Source: docs/decisions/0018.
"""

from __future__ import annotations

from dataclasses import dataclass

from accounts.actors import Actor
from archive import engines, selectors
from archive.errors import MessageUnknown, StoreUnavailable
from archive.models import Store, StoreCheckpoint
from archive.store.errors import StoreError
from gateway.models import Kept


@dataclass(frozen=True, slots=True)
class ArchiveProof:
    """record: of the store's journal, which names the message's digest (None: the store can't be asked). signed: the
    first checkpoint over that record (None: not yet, or none is known). page: the message in the archive, for who may
    read it there ("")."""

    store_id: int
    number: int
    store: str
    record: int | None = None
    signed: StoreCheckpoint | None = None
    page: str = ""


def proof_of(actor: Actor, kept: Kept) -> ArchiveProof | None:
    """Of a copy in a store; None while it is in none. The caller may see the passport."""
    if kept.store_id is None or kept.number is None:
        return None
    store = Store.objects.filter(pk=kept.store_id).first()
    if store is None or store.detached_at is not None:
        return ArchiveProof(kept.store_id, kept.number, "" if store is None else store.name)
    record = _record(store, kept.number)
    signed = None
    if record is not None:
        rows = StoreCheckpoint.objects.filter(identity=store.identity, record__gte=record).defer("stamp")
        signed = rows.order_by("record", "pk").first()
    page = f"{store.pk}:{kept.number}"
    return ArchiveProof(store.pk, kept.number, store.name, record, signed, page if _may_open(actor, page) else "")


def _record(store: Store, number: int) -> int | None:
    try:
        row = engines.open_store(store).row(number)
    except (StoreUnavailable, StoreError, OSError):
        return None
    return None if row is None else row.sequence


def _may_open(actor: Actor, page: str) -> bool:
    try:
        selectors.get_message(actor, page)
    except (MessageUnknown, StoreUnavailable, StoreError, OSError):
        return False
    return True
