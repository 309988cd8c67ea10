"""The commands about search indexes."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.commands.upkeep import OneStoreArguments
from archive.selectors import get_store
from archive.services import indexes, maintenance
from archive.services.maintenance import StoreArguments
from jobs.commands import NoArguments, command
from jobs.running import TaskRun

Result = dict[str, object]
NEEDS = Right.MANAGE_STORES


@dataclass(frozen=True, slots=True)
class IndexArguments:
    """Of which store; none: of all."""

    id: int | None = None


@command("GetStoreIndexes", needs=NEEDS, arguments=IndexArguments, label=_("List of search indexes"))
def get_store_indexes(actor: Actor, run: TaskRun, arguments: IndexArguments) -> Result:
    """List the search indexes: documents, size, how far behind, marked or not."""
    return {"indexes": [each.as_json() for each in indexes.list_indexes(actor, arguments.id)]}


@command("SelectAllStoreIndexesForRebuild", needs=NEEDS, arguments=NoArguments, label=_("All search indexes marked"))
def select_all_store_indexes_for_rebuild(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Mark every search index to be built anew."""
    return {"selected": indexes.select_all(actor)}


@command(
    "RebuildSelectedStoreIndexes",
    needs=NEEDS,
    arguments=NoArguments,
    label=_("Marked search indexes built anew"),
    resumable=True,
)
def rebuild_selected_store_indexes(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Build every marked search index anew."""
    return indexes.rebuild_selected(actor, run)


@dataclass(frozen=True, slots=True)
class FolderArguments:
    """Which store, and which folder of an archive, such as name@example.org/Inbox."""

    id: int
    folder: str


@command("RebuildStoreIndex", needs=NEEDS, arguments=FolderArguments, label=_("Search index of a folder built anew"))
def rebuild_store_index(actor: Actor, run: TaskRun, arguments: FolderArguments) -> Result:
    """Index the messages of one archive folder again."""
    return indexes.rebuild_folder(actor, run, get_store(actor, arguments.id), arguments.folder)


@command("RebuildIndex", needs=NEEDS, arguments=OneStoreArguments, label=_("Index rebuild"), resumable=True)
def rebuild_index(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Make the full-text index anew from journal and packs."""
    found = StoreArguments(store=arguments.store, dry_run=arguments.dry_run, id=arguments.id)
    return maintenance.operate(actor, run, "rebuild_index", found)
