"""The commands about folders, under the names that archive programs know them by; each is one service.

A folder is named with its archive: `name@example.org/Inbox/Work`. Source of names: the MailStore administration API;
what only other programs have (class, other names, subscriptions, merging) is called after what it does here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from archive import folderfacts, selectors
from archive.errors import ArchiveClosed, BadArguments
from archive.folderrights import privileges_on
from archive.foldertree import FolderNode
from archive.permissions import reads_everything
from archive.query.nodes import All
from archive.services import folder_deletion, folder_notes, folders
from archive.services.folder_deletion import DeleteFolderArguments
from archive.store.rows import FolderSum
from domains.models import Mailbox
from jobs.commands import JsonList, JsonObject, command
from jobs.parameters import About
from jobs.people import UserArguments, visible_user
from jobs.running import TaskRun

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class ChildFoldersArguments:
    """Below which (nothing: all archives), and how many levels deep (nothing: all)."""

    folder: str = ""
    max_levels: Annotated[int | None, About(gettext_lazy("Levels"), least=1)] = None


@dataclass(frozen=True, slots=True)
class FolderArguments:
    """Which."""

    folder: str


@dataclass(frozen=True, slots=True)
class OptionalFolderArguments:
    """Which; nothing: all archives."""

    folder: str = ""


@dataclass(frozen=True, slots=True)
class MessagesArguments:
    """Of which folder (nothing: one's own archive; at the shell everything), how many, and below which place."""

    folder: str = ""
    limit: Annotated[int, About(gettext_lazy("At most"), least=1, most=10_000)] = 1000
    before: str = ""


@dataclass(frozen=True, slots=True)
class EmptyFoldersArguments:
    """Below which; nothing: in all archives. dry_run: only say which."""

    folder: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class CreateFolderArguments:
    """Which, and what it is for."""

    folder: str
    folder_class: str = ""


@dataclass(frozen=True, slots=True)
class FolderClassArguments:
    """Which, and what it is for; nothing takes it back."""

    folder: str
    folder_class: str


@dataclass(frozen=True, slots=True)
class FromToArguments:
    """Which, and what it becomes, in the same archive."""

    from_folder: str
    to_folder: str


@dataclass(frozen=True, slots=True)
class UserFolderArguments:
    """Whose, and on which folder."""

    user_name: str
    folder: str


@dataclass(frozen=True, slots=True)
class AliasesArguments:
    """Whose, and all other names: name → folder."""

    user_name: str
    aliases: JsonObject


@dataclass(frozen=True, slots=True)
class SubscriptionArguments:
    """Whose, and all folders that are shown."""

    user_name: str
    folders: JsonList


@command("GetChildFolders", needs=None, arguments=ChildFoldersArguments, label=gettext_lazy("List of folders"))
def get_child_folders(actor: Actor, run: TaskRun, arguments: ChildFoldersArguments) -> Result:
    """List the folders below one, or all archives with theirs; compliance can limit it to the first level."""
    if arguments.folder:
        mailbox, path = folderfacts.named_folder(actor, arguments.folder)
        seen = folderfacts.see_folders(actor, mailbox)
        nodes = seen.find(path).children if path else seen.top()
        return {"folders": _children(seen, nodes, arguments.max_levels)}
    found: list[Result] = []
    for mailbox in folderfacts.list_archives(actor):
        seen = folderfacts.see_folders(actor, mailbox)
        below = None if arguments.max_levels is None else arguments.max_levels - 1
        top = _children(seen, seen.top(), below) if below != 0 else []
        found.append({"name": mailbox.address, "folder": mailbox.address, "messages": 0, "folders": top})
    return {"folders": found}


def _children(seen: folderfacts.Seen, nodes: Sequence[FolderNode], levels: int | None) -> list[Result]:
    return [
        {
            "name": node.name,
            "folder": f"{seen.mailbox.address}/{node.path}",
            "messages": node.messages,
            "folders": [] if levels == 1 else _children(seen, node.children, None if levels is None else levels - 1),
        }
        for node in nodes
        if seen.shows(node)
    ]


@command("GetFolderStatistics", needs=None, arguments=OptionalFolderArguments, label=gettext_lazy("Figures of folders"))
def get_folder_statistics(actor: Actor, run: TaskRun, arguments: OptionalFolderArguments) -> Result:
    """How many messages and bytes lie in each folder, itself and with those below it, from when to when, and where."""
    if arguments.folder:
        mailbox, path = folderfacts.named_folder(actor, arguments.folder)
        wanted = [(mailbox, path)]
    else:
        wanted = [(mailbox, "") for mailbox in folderfacts.list_archives(actor)]
    lines: list[Result] = []
    for at, (mailbox, path) in enumerate(wanted):
        run.progress(at, len(wanted), note=mailbox.address)
        seen = folderfacts.see_folders(actor, mailbox)
        lines += [_figures(mailbox, one) for one in folderfacts.figures(seen, path)]
    return {"folders": lines}


def _figures(mailbox: Mailbox, line: folderfacts.FolderFigures) -> Result:
    return {
        "folder": f"{mailbox.address}/{line.path}",
        **_sum(line.itself),
        "subfolders": line.subfolders,
        "with_subfolders": _sum(line.whole),
        "stores": {name: _sum(one) for name, one in line.stores.items()},
    }


def _sum(one: FolderSum) -> Result:
    return {
        "messages": one.messages,
        "size_bytes": one.size_bytes,
        "oldest": _moment(one.oldest),
        "newest": _moment(one.newest),
    }


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


@command("GetMessages", needs=None, arguments=MessagesArguments, label=gettext_lazy("List of messages"))
def get_messages(actor: Actor, run: TaskRun, arguments: MessagesArguments) -> Result:
    """List the messages of a folder that one may read, newest first; `older` is the place where the next ones begin."""
    scope = _readable(actor, arguments.folder)
    found = selectors.search(scope, All(), limit=arguments.limit, before=arguments.before)
    lines = [{**line, "date": line["date"].isoformat()} for line in selectors.describe(scope, found.hits)]
    return {"total": found.total, "messages": lines, "older": found.older or None, "behind": found.behind}


def _readable(actor: Actor, folder: str) -> selectors.Scope:
    """Raises: ArchiveClosed, BadArguments, FolderRefused."""
    if not folder:
        own = selectors.get_archive(actor)
        if own is None and not reads_everything(actor):
            raise ArchiveClosed("there is no archive of one's own")
        return selectors.Scope(None) if own is None else selectors.Scope.of(own)
    mailbox, path = folderfacts.named_folder(actor, folder)
    if reads_everything(actor):
        return selectors.Scope(frozenset([mailbox.pk]), path or None)
    archive = selectors.choose_archive(selectors.readable_archives(actor), mailbox.pk)
    if archive is None:
        raise ArchiveClosed("this archive is not open to you")
    return selectors.Scope.of(archive, path or None)


@command("CreateFolder", needs=None, arguments=CreateFolderArguments, label=gettext_lazy("Making of a folder"))
def create_folder(actor: Actor, run: TaskRun, arguments: CreateFolderArguments) -> Result:
    """Make a folder in an archive, with what is missing above it."""
    mailbox, path = folderfacts.named_folder(actor, arguments.folder)
    made = folders.create_folder(actor, mailbox, _inside(path), folder_class=arguments.folder_class)
    return {"folder": f"{mailbox.address}/{made}"}


@command("MoveFolder", needs=None, arguments=FromToArguments, label=gettext_lazy("Moving of a folder"))
def move_folder(actor: Actor, run: TaskRun, arguments: FromToArguments) -> Result:
    """Move or rename a folder of an archive, with all below it, in every store it lies in."""
    mailbox, source, target = _from_to(actor, arguments)
    move = folders.move_folder(actor, mailbox, source, target)
    return {"folder": f"{mailbox.address}/{move.target}"}


@command("MergeFolders", needs=None, arguments=FromToArguments, label=gettext_lazy("Merging of folders"))
def merge_folders(actor: Actor, run: TaskRun, arguments: FromToArguments) -> Result:
    """Bring all of a folder into another one of the same archive, and remove it."""
    mailbox, source, target = _from_to(actor, arguments)
    move = folders.merge_folders(actor, mailbox, source, target)
    return {"folder": f"{mailbox.address}/{move.target}", "moved": move.moved}


@command(
    "DeleteEmptyFolders", needs=None, arguments=EmptyFoldersArguments, label=gettext_lazy("Deletion of empty folders")
)
def delete_empty_folders(actor: Actor, run: TaskRun, arguments: EmptyFoldersArguments) -> Result:
    """Remove the folders that hold no mail in any store, nor below them; in one archive or folder, or everywhere."""
    if arguments.folder:
        wanted = [folderfacts.named_folder(actor, arguments.folder)]
    else:
        actor.require_somewhere(Right.MANAGE_USERS)
        wanted = [
            (mailbox, "") for mailbox in Mailbox.objects.visible_to(actor, Right.MANAGE_USERS).order_by("address")
        ]
    removed: list[str] = []
    kept: dict[str, str] = {}
    for at, (mailbox, path) in enumerate(wanted):
        if run.stopping():
            raise run.cancelled({"folders": removed, "kept": kept})
        run.progress(at, len(wanted), note=mailbox.address)
        found = folders.delete_empty_folders(actor, mailbox, path, dry_run=arguments.dry_run)
        removed += [f"{mailbox.address}/{each}" for each in found.removed]
        kept |= {f"{mailbox.address}/{each}": why for each, why in found.kept.items()}
    return {"folders": removed, "kept": kept, "dry_run": arguments.dry_run}


@command(
    folder_deletion.COMMAND,
    needs=Right.DELETE_MAIL,
    arguments=DeleteFolderArguments,
    label=gettext_lazy("Deletion of a folder"),
    two_people=folder_deletion.plan,
)
def delete_folder(actor: Actor, run: TaskRun, arguments: DeleteFolderArguments) -> Result:
    """Delete a folder with its mail, or all of an archive's, as far as nothing keeps it; says what stays and why."""
    return folder_deletion.delete_folder(actor, run, arguments)


@command("SetFolderClass", needs=None, arguments=FolderClassArguments, label=gettext_lazy("Class of a folder"))
def set_folder_class(actor: Actor, run: TaskRun, arguments: FolderClassArguments) -> Result:
    """Say what a folder is for, in a word of the programs that use it."""
    mailbox, path = folderfacts.named_folder(actor, arguments.folder)
    value = folder_notes.set_class(actor, mailbox, _inside(path), arguments.folder_class)
    return {"folder": f"{mailbox.address}/{path}", "folder_class": value}


@command("GetFolderAliases", needs=None, arguments=UserArguments, label=gettext_lazy("Other names of folders"))
def get_folder_aliases(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """List the other names of an archive's folders."""
    mailbox = folderfacts.find_account(actor, arguments.user_name)
    return {"aliases": folderfacts.aliases_of(mailbox)}


@command("SetFolderAliases", needs=None, arguments=AliasesArguments, label=gettext_lazy("Other names of folders"))
def set_folder_aliases(actor: Actor, run: TaskRun, arguments: AliasesArguments) -> Result:
    """Set all other names of an archive's folders."""
    mailbox = folderfacts.find_archive(actor, arguments.user_name)
    wanted = {str(name): str(path) for name, path in arguments.aliases.items()}
    return {"aliases": folder_notes.set_aliases(actor, mailbox, wanted)}


@command("GetFolderSubscription", needs=None, arguments=UserArguments, label=gettext_lazy("Subscribed folders"))
def get_folder_subscription(actor: Actor, run: TaskRun, arguments: UserArguments) -> Result:
    """List the folders that the owner's programs show."""
    mailbox = folderfacts.find_account(actor, arguments.user_name)
    return {"folders": folderfacts.subscription_of(mailbox)}


@command("SetFolderSubscription", needs=None, arguments=SubscriptionArguments, label=gettext_lazy("Subscribed folders"))
def set_folder_subscription(actor: Actor, run: TaskRun, arguments: SubscriptionArguments) -> Result:
    """Set all folders that the owner's programs show."""
    mailbox = folderfacts.find_archive(actor, arguments.user_name)
    return {"folders": folder_notes.set_subscription(actor, mailbox, [str(each) for each in arguments.folders])}


@command("GetFolderPrivileges", needs=None, arguments=FolderArguments, label=gettext_lazy("Privileges on a folder"))
def get_folder_privileges(actor: Actor, run: TaskRun, arguments: FolderArguments) -> Result:
    """Who may do what with a folder, also by what was said of one above it."""
    mailbox, path = folderfacts.named_folder(actor, arguments.folder)
    counting = [grant for grant, counts in folderfacts.grants_on(actor, mailbox, path) if counts]
    return {"privileges": {grant.user.email: grant.privileges or ["none"] for grant in counting}}


@command(
    "GetUserPrivilegesOnFolder",
    needs=Right.VIEW_USERS,
    arguments=UserFolderArguments,
    label=gettext_lazy("Privileges on a folder"),
)
def get_user_privileges_on_folder(actor: Actor, run: TaskRun, arguments: UserFolderArguments) -> Result:
    """What somebody may do with a folder, all in all."""
    person = visible_user(actor, arguments.user_name)
    mailbox, path = folderfacts.named_folder(actor, arguments.folder)
    found = privileges_on(person, mailbox, path)
    return {"user": person.email, "folder": f"{mailbox.address}/{path}".rstrip("/"), "privileges": found or ["none"]}


def _from_to(actor: Actor, arguments: FromToArguments) -> tuple[Mailbox, str, str]:
    mailbox, source = folderfacts.named_folder(actor, arguments.from_folder)
    other, target = folderfacts.named_folder(actor, arguments.to_folder)
    if mailbox != other:
        raise BadArguments(_("A folder moves within its archive only."), field="to_folder")
    return mailbox, _inside(source), _inside(target)


def _inside(path: str) -> str:
    if not path:
        raise BadArguments(_("An archive itself is named after its mailbox; name a folder of it."), field="folder")
    return path
