"""Sealed packs of stores in PostgreSQL leave the database by themselves: the clock asks, a task does it.

Not for how a pack is moved (`archive.store.operations.seal`), nor for the command (`archive.commands.upkeep`).
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from archive import engines
from archive.errors import ArchiveError
from archive.models import ObjectsKind, Store
from archive.services.maintenance import OPERATIONS, StoreArguments
from archive.store.errors import StoreError
from jobs.models import Task
from jobs.services import start

COMMAND = "SealStorePacks"
# While the place can't be reached, one task says so in a while, not each look.
PAUSE_AFTER_FAILURE = timedelta(minutes=30)
log = logging.getLogger("postkeep.archive")


def seal_due() -> list[int]:
    """Submit a task for each store with packs that wait; their numbers. Needs no right: it is what the store says."""
    stores = Store.objects.filter(detached_at=None).exclude(objects_kind=ObjectsKind.NOWHERE)
    return [_submit(store) for store in stores if store.is_writable and not _is_at_it(store) and _waits(store)]


def _submit(store: Store) -> int:
    return start(Actor.system(), COMMAND, {"id": store.pk}).pk


def _is_at_it(store: Store) -> bool:
    """Whether a task works on it or is about to, or one found a short while ago that it can't."""
    tasks = Task.objects.filter(type=COMMAND, arguments__id=store.pk)
    latest = tasks.order_by("-pk").first()
    if latest is None:
        return False
    failed = latest.state == Task.State.FAILED or (latest.result or {}).get("ok") is False
    return latest.is_active or (failed and latest.created_at > timezone.now() - PAUSE_AFTER_FAILURE)


def _waits(store: Store) -> bool:
    try:
        return bool(OPERATIONS["seal"].plan(engines.open_store(store), StoreArguments(id=store.pk)).numbers["packs"])
    except (ArchiveError, StoreError, OSError) as error:
        log.warning("whether packs of %s wait can't be told: %s", store.name, error)
        return False
