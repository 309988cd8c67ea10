"""Search indexes as the organisation sees them: which there are, which are marked to be built anew, and building them.

Not for keeping them up to date: that is the indexer's (`archive.indexing`).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.errors import StoreRefused, StoreUnavailable
from archive.models import Store
from archive.selectors import get_mailbox, get_store, list_stores
from archive.services import sharing
from archive.services.maintenance import StoreArguments, operate, progress_of, reports_of, result_of
from archive.store.errors import Stopped, StoreError
from archive.store.operations import rebuild_index
from archive.store.operations.report import Plan
from domains.models import Mailbox
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """One store's index. `lag`: journal records it has not seen; `problem`: why it can't be read."""

    store: Store
    documents: int = 0
    size_bytes: int = 0
    lag: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.store.pk,
            "name": self.store.name,
            "path": str(self.store.index),
            "documents": self.documents,
            "sizeBytes": self.size_bytes,
            "lag": self.lag,
            "selectedForRebuild": self.store.is_index_selected,
            "error": self.problem or None,
        }


def list_indexes(actor: Actor, store_id: int | None = None) -> list[IndexFacts]:
    """The indexes of all attached stores, or of one. Raises: Forbidden, StoreUnknown."""
    stores = [get_store(actor, store_id)] if store_id is not None else list(list_stores(actor))
    return [_facts(store) for store in stores]


def _facts(store: Store) -> IndexFacts:
    if not store.is_open:
        return IndexFacts(store, problem=_("The store is switched off."))
    try:
        opened = engines.open_store(store)
        return IndexFacts(store, opened.index.searcher().num_docs, opened.index.size_bytes(), opened.lag())
    except (StoreUnavailable, StoreError, OSError) as error:
        return IndexFacts(store, problem=str(error))


def select_all(actor: Actor) -> int:
    """Mark every index to be built anew; how many. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    marked = Store.objects.filter(detached_at=None, is_index_selected=False).update(is_index_selected=True)
    audit.record(actor, "store.select_indexes", None, stores=marked)
    return marked


def set_selected(actor: Actor, store: Store, selected: bool) -> None:
    """Mark one index, or take the mark back. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    if Store.objects.filter(pk=store.pk).exclude(is_index_selected=selected).update(is_index_selected=selected):
        audit.record(actor, "store.select_indexes", store, selected=selected)
    store.is_index_selected = selected


def rebuild_selected(actor: Actor, run: TaskRun) -> dict[str, object]:
    """Build every marked index anew; each mark goes when its index is there. Raises: as `operate`."""
    actor.require(Right.MANAGE_STORES)
    reports: list[dict[str, object]] = []
    for store in Store.objects.filter(detached_at=None, is_index_selected=True).order_by("pk"):
        if store.is_open and not run.stopping():
            reports += reports_of(operate(actor, run, "rebuild_index", StoreArguments(id=store.pk)))
    return result_of(run, "rebuild_index", reports)


def rebuild_folder(actor: Actor, run: TaskRun, store: Store, folder: str) -> dict[str, object]:
    """Index the messages of one archive folder and what lies below it again: `name@example.org/Inbox`.

    Raises: Forbidden, StoreRefused (no such folder), StoreUnavailable; Cancelled.
    """
    actor.require(Right.MANAGE_STORES)
    opened = engines.open_store(store)
    numbers = folders_named(store, folder)
    plan = rebuild_index.plan_folders(opened, numbers)
    try:
        report = rebuild_index.run_folders(opened, plan, numbers, progress_of(run, store, "messages"), run.stopping)
    except Stopped:
        raise run.cancelled(result_of(run, "rebuild_index", [])) from None
    audit.record(actor, "store.rebuild_index", store, folder=folder, messages=report.numbers["messages"])
    return result_of(run, "rebuild_index", [{"store": store.name, "id": store.pk, **report.as_json()}])


def plan_folders(store: Store, folders: set[int]) -> Plan:
    """How many messages would be indexed again."""
    return rebuild_index.plan_folders(engines.open_store(store), folders)


def folders_named(store: Store, folder: str) -> set[int]:
    """The numbers of a folder of an archive and of all below it; an address alone means all. Raises: StoreRefused."""
    address, path = sharing.parse_folder(folder)
    mailbox: Mailbox = get_mailbox(address)
    found = {
        each.number
        for each in engines.open_store(store).folders(mailbox.pk)
        if not path or each.path == path or each.path.startswith(f"{path}/")
    }
    if not found:
        said = {"folder": folder, "name": store.name}
        raise StoreRefused(_("There is no folder “%(folder)s” in the store “%(name)s”.") % said, field="folder")
    return found
