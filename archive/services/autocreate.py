"""A new current store when the present one has grown over a size: the settings, and the look whether it is time.

The clock looks, and every import before it begins; a store that just grows during an import is followed afterwards.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.errors import ArchiveError, StoreRefused, StoreUnavailable
from archive.models import AutoCreation, Store, StoreState
from archive.services.store_places import DatabasePlace, Place, free_folder, store_roots, work_roots
from archive.services.stores import NewStore, lock_stores, make_store
from archive.store.errors import StoreError
from config.kit import versions
from config.kit.secrets import SecretsError

log = logging.getLogger("postkeep.archive")

LEAST_THRESHOLD_BYTES = 1 << 20
FIELDS = {
    "sizeThreshold": "size_threshold_bytes",
    "databaseBaseDirectory": "database_base",
    "contentBaseDirectory": "content_base",
    "indexBaseDirectory": "index_base",
}


def get_configuration(actor: Actor) -> dict[str, object]:
    """As the function reference names it; `sizeThreshold` in bytes on disk, null = never. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    found = AutoCreation.load()
    return {name: getattr(found, column) for name, column in FIELDS.items()}


def set_configuration(actor: Actor, config: dict[str, Any], *, expected: int | None = None) -> dict[str, object]:
    """Set what is named; the rest stays. Raises: Forbidden, StoreRefused, ChangedMeanwhile."""
    actor.require(Right.MANAGE_STORES)
    if unknown := sorted(set(config) - set(FIELDS)):
        raise StoreRefused(_("There is no setting %(name)s.") % {"name": unknown[0]}, field="config")
    values = {FIELDS[name]: _checked(name, value) for name, value in config.items()}
    with transaction.atomic():
        row, _made = AutoCreation.objects.get_or_create(pk=1)
        changes = versions.change(row, values, expected=expected)
        if changes:
            audit.record(actor, "store.autocreate", None, changes=changes)
    return get_configuration(actor)


def _checked(name: str, value: object) -> object:
    if name == "sizeThreshold":
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not LEAST_THRESHOLD_BYTES <= value < 1 << 60:
            said = {"least": LEAST_THRESHOLD_BYTES}
            raise StoreRefused(_("The size is a number of bytes, at least %(least)d, or null.") % said, field=name)
        return value
    if value in (None, ""):
        return ""
    roots = store_roots() if name == "contentBaseDirectory" else work_roots()
    real = Path(str(value)).resolve(strict=False)
    if not isinstance(value, str) or not any(
        real == root.resolve() or root.resolve() in real.parents for root in roots
    ):
        where = {"path": value, "roots": ", ".join(map(str, roots))}
        raise StoreRefused(_("“%(path)s” is not below the folders for stores (%(roots)s).") % where, field=name)
    return str(real)


def fill_of(store: Store, stored_bytes: int | None) -> float | None:
    """How full a current store is, measured by the threshold (1.0 = a new one is due); None where nothing is set."""
    limit = AutoCreation.load().size_threshold_bytes
    if limit is None or stored_bytes is None or store.state != StoreState.CURRENT:
        return None
    return stored_bytes / limit


def create_where_due(actor: Actor) -> list[Store]:
    """Make a new current store for each that has reached the threshold; those that were made.

    Needs no right: it is what the settings say. A store that can't be opened is left as it is.
    """
    config = AutoCreation.load()
    if config.size_threshold_bytes is None:
        return []
    made = []
    for store in Store.objects.filter(state=StoreState.CURRENT, detached_at=None):
        try:
            if engines.open_store(store).facts().stored_bytes >= config.size_threshold_bytes:
                made += _follow(actor, store, config)
        except (ArchiveError, StoreError, SecretsError, OSError) as error:
            log.warning("no store can follow %s now: %s", store.name, error)
    return made


def _follow(actor: Actor, store: Store, config: AutoCreation) -> list[Store]:
    """The next store, current in the place of this one; nothing where another process has made it already."""
    with transaction.atomic():
        lock_stores()
        store.refresh_from_db()
        if store.state != StoreState.CURRENT or store.detached_at is not None:
            return []
        name = _next_name(store.name)
        wanted = NewStore(name, _place(name, store, config), store.customer, StoreState.CURRENT)
        try:
            return [make_store(actor, wanted)]
        except StoreUnavailable:
            transaction.set_rollback(True)
            raise


def _place(name: str, before: Store, config: AutoCreation) -> Place:
    """Of the same kind as the one before: a folder, or a schema of the same database with the same place for packs."""
    base = Path(config.content_base) if config.content_base else None
    content = free_folder(name, base)
    below = {base: str(Path(base) / content.name) if base else "" for base in (config.database_base, config.index_base)}
    index = below[config.index_base]
    if index and index == below[config.database_base]:
        index = f"{index}-index"
    if before.is_folder:
        return Place(str(content), below[config.database_base], index)
    return Place("", below[config.database_base], index, _database(name, before))


def _database(name: str, before: Store) -> DatabasePlace:
    packs = before.objects_path and str(free_folder(f"{name} packs", Path(before.objects_path).parent))
    return DatabasePlace(
        dsn=before.dsn,
        password=before.dsn_password.reveal(),
        objects=before.objects_kind,
        objects_path=packs,
        endpoint=before.endpoint,
        bucket=before.bucket,
        prefix=before.prefix,
        region=before.region,
        access_key=before.access_key,
        secret_key=before.secret_key.reveal(),
    )


def _next_name(name: str) -> str:
    """`Main` is followed by `Main 2`, that by `Main 3`."""
    taken = set(Store.objects.filter(detached_at=None).values_list("name", flat=True))
    match = re.fullmatch(r"(.*\S) (\d{1,6})", name)
    stem, number = (match[1], int(match[2])) if match else (name, 1)
    return next(each for n in range(number + 1, number + 10_000) if (each := f"{stem[:90]} {n}") not in taken)
