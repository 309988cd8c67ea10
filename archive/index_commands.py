"""The commands about full-text indexes: rebuilding them, and indexing some messages again; each is one service.

Sources of the names: the MailStore administration API, "Search indexes"; the James administration API, "ReIndexing".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.selectors import get_store
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from jobs.commands import About, NoArguments, command
from jobs.running import TaskRun

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class IndexesArguments:
    """One store's index, or all."""

    id: Annotated[int | None, About(_("Store"), least=1)] = None


@dataclass(frozen=True, slots=True)
class StoreFolderArguments:
    """A folder of a store: `name@example.org/Inbox`, or a whole archive: `name@example.org`."""

    id: Annotated[int, About(_("Store"), least=1)]
    folder: Annotated[str, About(_("Folder"))]


@dataclass(frozen=True, slots=True)
class ReindexUserArguments:
    user: Annotated[str, About(_("User"))]


@dataclass(frozen=True, slots=True)
class ReindexFolderArguments:
    user: Annotated[str, About(_("User"))]
    mailbox: Annotated[str, About(_("Folder"))]


@dataclass(frozen=True, slots=True)
class ReindexMessageArguments:
    message: Annotated[str, About(_("Message"), _("Its number here (1:17) or its Message-ID."))]


@command("GetStoreIndexes", needs=Right.MANAGE_STORES, arguments=IndexesArguments, label=_("List of indexes"))
def get_store_indexes(actor: Actor, run: TaskRun, arguments: IndexesArguments) -> Result:
    """List the full-text indexes: how much is in them, how far behind, and what could not be read."""
    lines = reindexing.list_indexes(actor, arguments.id)
    return {
        "indexes": [
            {
                "id": line.id, "name": line.name, "path": line.path, "messages": line.messages, "indexed": line.indexed,
                "sizeBytes": line.size_bytes, "lag": line.lag, "needsRebuild": line.needs_rebuild,
                "problem": line.problem, "unreadAttachments": dict(line.unread),
            }
            for line in lines
        ]
    }  # fmt: skip


@command(
    "SelectAllStoreIndexesForRebuild", needs=Right.MANAGE_STORES, arguments=NoArguments,
    label=_("Marking of all indexes for rebuilding"),
)  # fmt: skip
def select_all_store_indexes_for_rebuild(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Mark every full-text index for rebuilding."""
    return {"selected": [store.name for store in reindexing.select_indexes(actor)]}


@command(
    "RebuildSelectedStoreIndexes", needs=Right.MANAGE_STORES, arguments=NoArguments,
    label=_("Rebuild of the marked indexes"), resumable=True,
)  # fmt: skip
def rebuild_selected_store_indexes(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Rebuild every full-text index marked for rebuilding."""
    return reindexing.rebuild_selected(actor, run)


@command(
    "RebuildStoreIndex", needs=Right.MANAGE_STORES, arguments=StoreFolderArguments,
    label=_("Index rebuild of a folder"), resumable=True,
)  # fmt: skip
def rebuild_store_index(actor: Actor, run: TaskRun, arguments: StoreFolderArguments) -> Result:
    """Rebuild the search index of one archive folder."""
    store = get_store(actor, arguments.id)
    return reindexing.reindex_messages(actor, run, ReindexArguments(store=store.name, folder=arguments.folder))


@command(
    "FullReIndexing", needs=Right.MANAGE_STORES, arguments=ReindexArguments, label=_("Indexing again"), resumable=True
)
def full_re_indexing(actor: Actor, run: TaskRun, arguments: ReindexArguments) -> Result:
    """Index again: all mail, a store, a user, a folder or a message."""
    return reindexing.reindex_messages(actor, run, arguments)


@command(
    "UserReIndexing", needs=Right.MANAGE_STORES, arguments=ReindexUserArguments, label=_("Indexing of a user again"),
    resumable=True,
)  # fmt: skip
def user_re_indexing(actor: Actor, run: TaskRun, arguments: ReindexUserArguments) -> Result:
    """Index all mail of a user again."""
    return reindexing.reindex_messages(actor, run, ReindexArguments(user=arguments.user))


@command(
    "MailboxReIndexing", needs=Right.MANAGE_STORES, arguments=ReindexFolderArguments,
    label=_("Indexing of a folder again"), resumable=True,
)  # fmt: skip
def mailbox_re_indexing(actor: Actor, run: TaskRun, arguments: ReindexFolderArguments) -> Result:
    """Index all mail of one folder again."""
    folder = f"{arguments.user}/{arguments.mailbox}"
    return reindexing.reindex_messages(actor, run, ReindexArguments(folder=folder))


@command(
    "MessageReIndexing", needs=Right.MANAGE_STORES, arguments=ReindexMessageArguments,
    label=_("Indexing of a message again"),
)  # fmt: skip
def message_re_indexing(actor: Actor, run: TaskRun, arguments: ReindexMessageArguments) -> Result:
    """Index one message again, wherever it is archived."""
    return reindexing.reindex_messages(actor, run, ReindexArguments(message=arguments.message))
