"""Changing a store as the organisation sees it: its name, where its parts lie, its state, whose it is; letting it go.

Not for what is in it. Every change is one transaction with its event; who writes to the store meanwhile hears of a
state at their next batch (`engines.mark_protected`).
"""

from __future__ import annotations

import contextlib
import copy
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit, proving
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, grounds
from archive import store as engine
from archive.errors import StoreRefused
from archive.models import Store, StoreState
from archive.services.store_places import (
    DatabasePlace,
    Place,
    check_content,
    check_work,
    database_columns,
    kept_as,
    require_apart_from,
    require_objects_there,
)
from archive.services.stores import clean_store_name, lock_stores, require_free_name
from archive.store.errors import StoreError
from archive.store.layout import read_identity
from config.kit import paths, versions
from config.kit.secrets import SecretsError
from domains.models import Customer, Mailbox
from jobs import proofs
from jobs.proofs import Approved

log = logging.getLogger("postkeep.archive")
DETACH = "DetachStore"
# As the function reference names them.
STATE_NAMES = {
    "current": StoreState.CURRENT,
    "normal": StoreState.NORMAL,
    "writeProtected": StoreState.WRITE_PROTECTED,
    "disabled": StoreState.DISABLED,
}


def read_state(name: str) -> StoreState:
    """A state by its name, in either spelling. Raises: StoreRefused."""
    for said, state in STATE_NAMES.items():
        if name in (said, state.value):
            return state
    offered = ", ".join(STATE_NAMES)
    raise StoreRefused(_("A store is one of: %(states)s.") % {"states": offered}, field="requested_state")


def state_name(state: str) -> str:
    """The reference's name of a state."""
    return next(said for said, value in STATE_NAMES.items() if value == state)


def rename_store(actor: Actor, store: Store, *, name: str, expected: int | None = None) -> Store:
    """Raises: Forbidden, BadArguments, StoreRefused (taken), ChangedMeanwhile."""
    actor.require(Right.MANAGE_STORES)
    name = clean_store_name(name)
    with transaction.atomic():
        lock_stores()
        require_free_name(name, known=store)
        _change(actor, store, {"name": name}, "store.rename", expected)
    return store


def set_place(actor: Actor, store: Store, place: Place, *, expected: int | None = None) -> Store:
    """Say where a store's parts lie now; empty leaves a part as it is. Nothing is moved.

    Another content folder, database or schema must hold this very store, another place of its packs must have them:
    that is how one is moved by hand. A catalogue or index that isn't there yet is made anew.
    Raises: Forbidden, StoreRefused, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_STORES)
    if place.postgres is not None and store.is_folder:
        raise StoreRefused(_("A store stays of its kind; its properties say where its parts lie."), field="type")
    values: dict[str, object] = {}
    with transaction.atomic():
        lock_stores()
        if place.postgres is not None:
            values |= database_columns(_filled(place.postgres, store), store.name, making=False, known=store)
            _require_same(store, values)
        if place.content:
            if not store.is_folder:
                raise StoreRefused(_("A store in a database has no folder of its own."), field="content_path")
            values["path"] = kept_as(check_content(place.content, known=store))
            _require_same(store, values)
        if place.database:
            values["work_path"] = check_work(place.database, "database_path", known=store)
        if place.index:
            values["index_path"] = check_work(place.index, "index_path", known=store)
        _require_packs_apart(store, values)
        _change(actor, store, values, "store.move", expected)
        store.refresh_from_db()
    engines.close_store(store)
    engines.mark_protected(store)
    return store


def _require_packs_apart(store: Store, values: Mapping[str, object]) -> None:
    """The folders as they would be. Raises: StoreRefused."""
    wanted = _as_it_would_be(store, values)
    if wanted.objects_path:
        require_apart_from(Path(wanted.objects_path), [wanted.work, wanted.index])


def _as_it_would_be(store: Store, values: Mapping[str, object]) -> Store:
    candidate = copy.copy(store)
    for name, value in values.items():
        setattr(candidate, name, value)
    return candidate


OUTSIDE = ("objects_path", "endpoint", "bucket", "prefix", "region", "access_key")


def _filled(wanted: DatabasePlace, store: Store) -> DatabasePlace:
    """What isn't named stays as it is."""
    objects = wanted.objects
    if objects is None and any(getattr(wanted, name) for name in (*OUTSIDE, "secret_key")):
        objects = store.objects_kind
    same = {name: getattr(wanted, name) or getattr(store, name) for name in OUTSIDE}
    kept = same if objects == store.objects_kind else {}
    return replace(
        wanted, dsn=wanted.dsn or store.dsn, schema=wanted.schema or store.schema, objects=objects, **kept
    )  # fmt: skip


def _require_same(store: Store, values: Mapping[str, object]) -> None:
    """The store as it would be: it lies there, and so do its packs. Raises: StoreRefused."""
    field = "content_path" if store.is_folder else "schema_name"
    candidate = _as_it_would_be(store, values)
    try:
        with grounds.files_of(candidate) as files:
            same = read_identity(files) == store.identity
    except (StoreError, SecretsError) as error:
        raise StoreRefused(str(error), field=field) from error
    if not same:
        raise StoreRefused(_("Another store lies there."), field=field)
    require_objects_there(candidate)


@dataclass(frozen=True, slots=True)
class StateEffect:
    """What a state would mean, in numbers."""

    current_now: str
    messages_hidden: int
    messages_protected: int


def set_state(actor: Actor, store: Store, state: str, *, expected: int | None = None) -> Store:
    """Current, normal, write-protected or disabled. The store that was current becomes normal.

    Raises: Forbidden, StoreRefused (an unknown state, or new mail would have nowhere to go), ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_STORES)
    wanted = read_state(state)
    with transaction.atomic():
        lock_stores()
        store.refresh_from_db()
        if wanted == StoreState.CURRENT:
            others = Store.objects.filter(state=StoreState.CURRENT, customer=store.customer, detached_at=None)
            for other in others.exclude(pk=store.pk):
                _change(actor, other, {"state": StoreState.NORMAL}, "store.state", None)
        elif store.state == StoreState.CURRENT and store.customer_id is None:
            raise StoreRefused(_("New mail goes here. Make another store the current one first."), field="state")
        _change(actor, store, {"state": wanted}, "store.state", expected)
        if not store.is_writable:  # before the commit: a batch that begins now is refused either way
            engines.mark_protected(store)
    engines.mark_protected(store)
    if not store.is_open:
        engines.close_store(store)
    return store


def bind_store(actor: Actor, store: Store, customer: Customer | None, *, expected: int | None = None) -> Store:
    """Take only mail of a customer's mailboxes from now on, or of everybody's.

    Raises: Forbidden, StoreRefused (others' mail is in it, or new mail would have nowhere to go), ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_STORES)
    with transaction.atomic():
        lock_stores()
        store.refresh_from_db()
        if store.state == StoreState.CURRENT and store.customer_id != (customer.pk if customer else None):
            raise StoreRefused(_("It is the current store. Make another one current first."), field="customer")
        if customer is not None:
            require_no_others(others_in(store, customer), customer)
        _change(actor, store, {"customer": customer}, "store.bind", expected)
    return store


def others_in(store: Store, customer: Customer) -> list[str]:
    """Mailboxes with mail in a store that aren't the customer's. Raises: StoreUnavailable."""
    return others_of(engines.open_store(store), customer)


def others_of(opened: engine.Store, customer: Customer, mapping: Mapping[int, int] = MappingProxyType({})) -> list[str]:
    """The same of an open store. mapping: which numbers its mailboxes get here, where those aren't what they have."""
    labels = {mapping.get(number, number): label for number, label in opened.catalogue.mailboxes().items()}
    holders = {mapping.get(each.mailbox, each.mailbox) for each in opened.folders() if each.messages}
    own = set(Mailbox.objects.filter(pk__in=holders, customer_id=customer.pk).values_list("pk", flat=True))
    names = dict(Mailbox.objects.filter(pk__in=holders - own).values_list("pk", "address"))
    return sorted(names.get(number) or labels.get(number) or f"#{number}" for number in holders - own)


def require_no_others(others: Sequence[str], customer: Customer) -> None:
    """Raises: StoreRefused."""
    if others:
        text = ngettext(
            "It holds mail of a mailbox that is not of %(customer)s: %(example)s.",
            "It holds mail of %(count)d mailboxes that are not of %(customer)s, such as %(example)s.",
            len(others),
        )
        said = {"count": len(others), "customer": customer, "example": others[0]}
        raise StoreRefused(text % said, field="customer")


def detach_store(actor: Actor, store: Store, *, approved: Approved | None = None) -> Store:
    """Let a store go: journal and packs stay as they are, what was made of them (catalogue, index) is removed.

    Takes two people. Attached again it is as it was.
    Raises: Forbidden, ProofNeeded, StoreRefused (the current one), NeedsApproval.
    """
    actor.require(Right.MANAGE_STORES)
    proving.require_recent(actor)
    require_detachable(store)
    proofs.require(actor, approved, DETACH, subject=store.name, id=store.pk)
    with transaction.atomic():
        lock_stores()
        store.refresh_from_db()
        require_detachable(store)
        values = {"detached_at": timezone.now(), "state": StoreState.DISABLED, "is_index_selected": False}
        versions.change(store, values)
        audit.record(actor, "store.detach", store, folder=store.shown, identity=store.identity)
    engines.close_store(store)
    _remove_projections(store)
    return store


def require_detachable(store: Store) -> None:
    """Raises: StoreRefused."""
    if store.detached_at is not None:
        raise StoreRefused(_("It is detached already."))
    if store.state == StoreState.CURRENT:
        raise StoreRefused(_("New mail goes here. Make another store the current one first."))


def _remove_projections(store: Store) -> None:
    """Catalogue and index are plain text: they don't outlive the store. Only folders that are ours are removed.

    A database that can't be reached keeps the tables of its catalogue, which the log says.
    """
    remove_catalogue(store)
    if not store.work_path:
        shutil.rmtree(paths.work_dir() / f"store-{store.pk}", ignore_errors=True)
        return
    for path in store.work.glob("catalogue.sqlite*"):
        path.unlink(missing_ok=True)
    for folder in {store.index, store.work / "index"}:
        if (folder / "meta.json").exists():
            shutil.rmtree(folder, ignore_errors=True)


def remove_catalogue(store: Store) -> None:
    """Remove the tables of a store in a database that are made of its journal."""
    if store.is_folder:
        return
    try:
        with contextlib.closing(grounds.database_backend(store)) as backend:
            backend.forget_catalogue()
    except (StoreError, SecretsError) as error:
        log.warning("the catalogue of %s stays in its database: %s", store.name, error)


def retry_open_stores(actor: Actor) -> dict[str, str]:
    """Try every store again that could not be opened, in every process; those that still can't, with why.

    Raises: Forbidden.
    """
    actor.require(Right.MANAGE_STORES)
    Store.objects.filter(detached_at=None).update(retried_at=timezone.now())
    stores = [store for store in Store.objects.filter(detached_at=None).order_by("pk") if store.is_open]
    for store in stores:
        engines.close_store(store)
    failed = {store.name: why for store in stores if (why := engines.problem_of(store))}
    audit.record(actor, "store.retry", None, stores=len(stores), failed=sorted(failed))
    return failed


def _change(actor: Actor, store: Store, values: dict[str, object], action: str, expected: int | None) -> None:
    changes = versions.change(store, values, expected=expected)
    if changes:
        audit.record(actor, action, store, changes=changes)
