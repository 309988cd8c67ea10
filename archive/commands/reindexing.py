"""The commands that index some messages again; each is one service.

Source of the names: the types of tasks of the James administration API, "ReIndexing".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import MessageUnknown
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from jobs.commands import About, command
from jobs.running import TaskRun

Result = dict[str, object]


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
    missing_ok: Annotated[bool, About(_("Nothing to do where there is no such message"))] = False
    folder: Annotated[
        str, About(_("Folder"), _("name@example.org/Inbox: only there, and the message by its number alone."))
    ] = ""


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
    try:
        name = arguments.message
        if arguments.folder:
            name = reindexing.find_in_folder(actor, arguments.folder, name)
        reindexing.choose(actor, ReindexArguments(message=name))
    except MessageUnknown:
        if not arguments.missing_ok:
            raise
        return {"messages": 0, "failed": 0}
    return reindexing.reindex_messages(actor, run, ReindexArguments(message=name))
