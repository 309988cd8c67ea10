"""Signing what stores are: the server's key, checkpoints, their time stamps, and checking all of it again.

A checkpoint says what a store's journal was at a moment. It lies in the store's folder and in the database; each shows
when the other lost one. Not for the format (`archive.evidence`), nor for packages (`services.packages`).
"""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit, options
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.evidence import checkpoints, stamps
from archive.evidence.leaves import Leaves
from archive.models import EvidenceKey, Store, StoreCheckpoint
from archive.selectors import get_store_by_name, list_stores
from archive.store import Store as OpenedStore
from archive.store.errors import ReadOnly, StoreError
from config.kit import net
from config.kit.sealed import Damaged, SealingKeyUnknown
from jobs.running import TaskRun

TSA_URL, TSA_CERTIFICATES = "EVIDENCE_TSA_URL", "EVIDENCE_TSA_CERTIFICATES"
STAMPED_AT_ONCE = 20
_LOCK = 0x706B_0E01  # pg_advisory_xact_lock: one signer at a time


@dataclass(frozen=True, slots=True)
class CheckpointArguments:
    """The store's name; without one every store that is switched on."""

    store: str | None = None


def sign_stores(actor: Actor, run: TaskRun, arguments: CheckpointArguments) -> dict[str, object]:
    """A checkpoint of each store, and time stamps where an authority is set; `ok` is whether all of it worked.

    Raises: Forbidden, StoreUnknown; Cancelled with the results so far.
    """
    actor.require(Right.MANAGE_STORES)
    if arguments.store is not None:
        stores = [get_store_by_name(actor, arguments.store)]
    else:
        stores = [store for store in list_stores(actor) if store.is_open]
    results: list[dict[str, object]] = []
    for done, store in enumerate(stores):
        if run.stopping():
            raise run.cancelled({"stores": results})
        run.progress(done, len(stores), unit="stores", note=store.name)
        results.append(_sign(actor, run, store))
    run.progress(len(stores), len(stores), unit="stores")
    return {"ok": all("problem" not in each for each in results), "stores": results}


def _sign(actor: Actor, run: TaskRun, store: Store) -> dict[str, object]:
    try:
        row, new = checkpoint_now(actor, store)
    except (StoreError, OSError) as error:
        run.log(f"{store.name}: {error}", level="error")
        return {"store": store.name, "problem": str(error)}
    problem = stamp_missing(store)
    row.refresh_from_db()
    if problem:
        run.log(f"{store.name}: no time stamp: {problem}", level="warning")
    result: dict[str, object] = {
        "store": store.name, "record": row.record, "messages": row.messages, "new": new,
        "stamped": row.stamped_at.isoformat() if row.stamped_at else None,
    }  # fmt: skip
    return result | ({"problem": problem} if problem else {})


def checkpoint_now(actor: Actor, store: Store) -> tuple[StoreCheckpoint, bool]:
    """Sign what a store is now, and whether that was new: a store that nothing was written to keeps its last one.

    For callers who asked for the right. The file is written before the row; a crash between them leaves a file that
    the next call takes in. Raises: StoreUnavailable, StoreError, SealedError.
    """
    opened = engines.open_store(store)
    opened.refresh()
    trees = Leaves(opened).catch_up()
    with transaction.atomic():
        _one_signer()
        take_in(store, opened)
        key = signing_key()
        last = StoreCheckpoint.objects.filter(identity=opened.identity).first()
        mine = last is not None and last.key == key.public_key().public_bytes_raw().hex()
        if last is not None and mine and last.said().position == trees.position:
            return last, False
        made = checkpoints.make(
            opened, trees, key, at=timezone.now(), server=settings.PUBLIC_URL, previous=last.digest if last else ""
        )
        _keep(opened, made)
        row = StoreCheckpoint.of(made, store)
        row.save()
        audit.record(actor, "store.sign", store, record=row.record, messages=row.messages, digest=row.digest)
    return row, True


def _keep(opened: OpenedStore, made: checkpoints.Checkpoint) -> None:
    with contextlib.suppress(ReadOnly):  # a store that takes nothing any more: the database has it
        checkpoints.keep(opened, made)


def _one_signer() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def signing_key() -> Ed25519PrivateKey:
    """The server's key, made at its first use. One that can't be opened any more is retired, and another one made.

    Only inside a transaction. Raises: MasterKeyChanged (a mislaid master key must not look like a new server).
    """
    known = EvidenceKey.objects.filter(retired_at=None).first()
    if known is not None:
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(known.private.reveal()))
        except (SealingKeyUnknown, Damaged):
            EvidenceKey.objects.filter(pk=known.pk).update(retired_at=timezone.now())
            audit.record(Actor.system(), "evidence.key_lost", None, public=known.public)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    EvidenceKey.objects.create(public=public, private=key.private_bytes_raw().hex())
    audit.record(Actor.system(), "evidence.key", None, public=public)
    return key


def take_in(store: Store, opened: OpenedStore) -> int:
    """Rows for the checkpoints in a store's folder that the database lacks (a store that came from elsewhere)."""
    known = set(StoreCheckpoint.objects.filter(identity=opened.identity).values_list("digest", flat=True))
    found = [each for _name, each in checkpoints.kept(opened) if isinstance(each, checkpoints.Checkpoint)]
    new = [
        each for each in found if each.digest not in known and each.is_signed() and each.said().store == opened.identity
    ]
    for each in new:
        row = StoreCheckpoint.of(each, store)
        row.stamped_at = _time_of(each.stamp)
        row.save()
    StoreCheckpoint.objects.filter(identity=opened.identity).exclude(store=store).update(store=store)
    return len(new)


# --- time stamps -------------------------------------------------------------------------------------------------


def authority() -> stamps.Authority | None:
    """The time stamping authority that is set, if one is."""
    url, certificates = str(options.value(TSA_URL) or ""), str(options.value(TSA_CERTIFICATES) or "")
    return stamps.Authority(url, certificates) if url else None


def stamp_missing(store: Store) -> str:
    """Have the newest checkpoints of a store stamped that aren't; what went wrong, or nothing."""
    asked = authority()
    if asked is None:
        return ""
    newest = StoreCheckpoint.objects.filter(store=store)[:STAMPED_AT_ONCE]
    for row in newest:
        if row.stamp is not None:
            break
        try:
            stamp(row, asked)
        except (stamps.StampRefused, net.NetError) as error:
            row.stamp_problem = str(error)[:300]
            row.save(update_fields=["stamp_problem"])
            return str(error)
    return ""


def stamp(row: StoreCheckpoint, asked: stamps.Authority) -> None:
    """Have one checkpoint stamped. Raises: StampRefused, NetError, StoreError."""
    answer = stamps.ask(asked, bytes.fromhex(row.signature), who="evidence")
    row.stamp, row.stamped_at, row.stamp_problem = answer, stamps.time_of(answer), ""
    row.save(update_fields=["stamp", "stamped_at", "stamp_problem"])
    if row.store is not None:
        _keep(engines.open_store(row.store), row.as_checkpoint())


def _time_of(answer: bytes) -> datetime.datetime | None:
    try:
        return stamps.time_of(answer) if answer else None
    except stamps.StampRefused:
        return None
