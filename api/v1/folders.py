"""Folders of archives: the tree, figures, making, moving, removing, and what is said of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import quote

from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant
from accounts.permissions import Right
from api.operations import Created, Group
from api.schemas import Answer, Body, Id, Moment
from api.v1 import subjects
from archive import folderfacts, foldernames
from archive.errors import ArchiveClosed, Kept
from archive.folderrights import WRITE, administers
from archive.foldertree import FolderNode
from archive.services import folder_notes, folders
from archive.store.rows import FolderSum
from domains.models import Mailbox
from gateway.selectors.quarantine import folders_of

group = Group(
    "Folders",
    "The folders of an archive, one tree over all stores. `/` stands between names; a dot where `separator` says so.",
)

Path = Annotated[str, Field(min_length=1, max_length=1_000, examples=["Inbox/Work"])]
Separator = Literal["/", "."]


class FolderAnswer(Answer):
    """A folder. messageCount: in itself; with `fields=STATS`, else null."""

    name: str
    path: str
    message_count: int | None
    unread_message_count: Annotated[int | None, Field(description="An archive knows nothing of it: null.")] = None
    children: Annotated[int, Field(description="How many folders lie below it, at any depth.")]
    children_uri: str | None
    messages_uri: Annotated[str | None, Field(description="Of `Quarantine` and `Retention`; else null.")] = None


class FolderSumAnswer(Answer):
    """What lies there. Sizes are in bytes."""

    messages: int
    size_bytes: int
    oldest: Moment | None
    newest: Moment | None


class FolderFiguresAnswer(Answer):
    """Figures of one folder: itself, with all below it, and itself in each store."""

    path: str
    folder_class: str
    subfolders: int
    itself: FolderSumAnswer
    whole: FolderSumAnswer
    stores: dict[str, FolderSumAnswer]


class FolderQuery(Body):
    """How a tree is shown. levels: how deep, 0 for all."""

    fields: Annotated[str, Field(max_length=100)] = ""
    levels: Annotated[int, Field(ge=0, le=64, strict=False)] = 1
    separator: Separator = "/"


class OneFolderQuery(Body):
    """Which folder; nothing: all of the archive."""

    folder: Annotated[str, Field(max_length=1_000)] = ""


class FolderBody(Body):
    """A new folder."""

    path: Path
    folder_class: Annotated[str, Field(max_length=64)] = ""
    separator: Separator = "/"


class FolderUpdate(Body):
    """What changes: another name or place, another class."""

    path: Path | None = None
    folder_class: Annotated[str | None, Field(max_length=64)] = None


class FolderMade(Answer):
    """Where it lies."""

    path: str


class MergeFoldersBody(Body):
    """Which folder goes into which."""

    source: Path
    target: Path


class MergedFolders(Answer):
    """Where it lies now, and how many messages were moved."""

    path: str
    moved: int


class EmptyFolders(Answer):
    """Empty folders that go (or went), and those that stay, with why."""

    folders: list[str]
    kept: dict[str, str]


class FolderAliases(Body):
    """Other names: name → folder."""

    aliases: Annotated[dict[Path, Path], Field(max_length=1_000)]


class FolderAliasesAnswer(Answer):
    """Other names: name → folder."""

    aliases: dict[str, str]


class FolderSubscriptionBody(Body):
    """The folders that the owner's programs show."""

    folders: Annotated[list[Path], Field(max_length=1_000)]


class FolderSubscriptionAnswer(Answer):
    """The folders that the owner's programs show."""

    folders: list[str]


class FolderAccess(Answer):
    """What was said of a folder, or of one above it, for somebody. counts: nothing nearer was said."""

    user_id: Id
    address: str
    folder: str
    privileges: list[str]
    counts: bool


_seen = subjects.mailbox(Right.VIEW_USERS, own=True)


def organised(actor: Actor, user_id: int) -> Mailbox:
    """The archive of a user, for who may organise folders of it. Raises: Http404, Forbidden."""
    mailbox = _seen(actor, user_id)
    if administers(actor, mailbox):
        return mailbox
    given = FolderGrant.objects.filter(user=actor.user, mailbox_id=mailbox.pk)
    if actor.user is None or not any(WRITE in grant.privileges for grant in given):
        raise Forbidden(f"{actor.label} may not organise these folders")
    return mailbox


def _noted(actor: Actor, user_id: int) -> Mailbox:
    mailbox = _seen(actor, user_id)
    if not administers(actor, mailbox) and not (mailbox.user is not None and actor.owns(mailbox.user)):
        raise Forbidden(f"{actor.label} may not say this of these folders")
    return mailbox


def _look(actor: Actor, mailbox: Mailbox) -> folderfacts.Seen:
    try:
        return folderfacts.see_folders(actor, mailbox)
    except ArchiveClosed as error:
        raise Http404(str(error)) from error


@group.get("/users/{int:userId}/emails/folders", admit=_seen)
def folder_list(actor: Actor, mailbox: Mailbox, query: FolderQuery) -> list[FolderAnswer]:
    """List a user's folders, those at the top or all of them, in the order of the tree.

    `Quarantine` and `Retention` stand before them for who may list what is kept there, while there is something.
    """
    seen = _look(actor, mailbox)
    return [*_system_folders(actor, mailbox, query), *_present(seen, mailbox, seen.top(), query)]


def _system_folders(actor: Actor, mailbox: Mailbox, query: FolderQuery) -> list[FolderAnswer]:
    counted = "STATS" in query.fields.upper()
    return [
        FolderAnswer(
            name=name, path=name, message_count=count if counted else None, children=0, children_uri=None,
            messages_uri=f"/api/v1/users/{mailbox.user_id}/emails/{name}",
        )
        for name, count in folders_of(actor, mailbox).items()
    ]  # fmt: skip


@group.get("/users/{int:userId}/emails/folders/{path:folderPath}", admit=_seen)
def folder_list_below(actor: Actor, mailbox: Mailbox, folder_path: str, query: FolderQuery) -> list[FolderAnswer]:
    """List the folders below one."""
    seen = _look(actor, mailbox)
    node = seen.find(_resolved(mailbox, folder_path, query.separator))
    return _present(seen, mailbox, node.children, query)


def _resolved(mailbox: Mailbox, path: str, separator: str = "/") -> str:
    return foldernames.resolve(mailbox, foldernames.clean(path, separator=separator))


def _present(
    seen: folderfacts.Seen, mailbox: Mailbox, nodes: list[FolderNode], query: FolderQuery
) -> list[FolderAnswer]:
    found: list[FolderAnswer] = []
    counted = "STATS" in query.fields.upper()
    stem = f"/api/v1/users/{mailbox.user_id}/emails/folders/"
    deepest = None if query.levels == 0 or not nodes else nodes[0].depth + query.levels
    is_dotted = query.separator == foldernames.DOTTED

    def add(some: list[FolderNode]) -> None:
        for node in some:
            if not seen.shows(node):
                continue
            found.append(
                FolderAnswer.model_construct(
                    name=node.name,
                    path=foldernames.dotted(node.path) if is_dotted else node.path,
                    message_count=node.messages if counted else None,
                    unread_message_count=None,
                    children=node.below,
                    children_uri=stem + quote(node.path) if node.children else None,
                    messages_uri=None,
                )
            )
            if node.children and (deepest is None or node.depth + 1 < deepest):
                add(node.children)

    add(nodes)
    return found


@group.post("/users/{int:userId}/emails/folders", admit=organised)
def folder_create(actor: Actor, mailbox: Mailbox, body: FolderBody) -> Created[FolderMade]:
    """Make a folder, with what is missing above it."""
    path = foldernames.clean(body.path, separator=body.separator)
    made = folders.create_folder(actor, mailbox, path, folder_class=body.folder_class)
    return Created(FolderMade(path=made), f"/users/{mailbox.user_id}/emails/folders/{quote(made)}")


@group.patch("/users/{int:userId}/emails/folders/{path:folderPath}", admit=organised)
def folder_change(actor: Actor, mailbox: Mailbox, folder_path: str, body: FolderUpdate) -> FolderMade:
    """Move or rename a folder with all below it, in every store it lies in; say what it is for."""
    path = _resolved(mailbox, folder_path)
    folderfacts.see_folders(actor, mailbox).find(path)
    if body.path is not None and foldernames.clean(body.path) != path:
        path = folders.move_folder(actor, mailbox, path, body.path).target
    if body.folder_class is not None:
        folder_notes.set_class(actor, mailbox, path, body.folder_class)
    return FolderMade(path=path)


@group.delete("/users/{int:userId}/emails/folders/{path:folderPath}", admit=organised)
def folder_delete(actor: Actor, mailbox: Mailbox, folder_path: str) -> None:
    """Remove a folder with those below it, if no mail lies in them.

    With mail in it 409: `POST /approvals` asks for `DeleteFolder`, which leaves what retention or a hold keeps.
    """
    path = _resolved(mailbox, folder_path)
    found = folders.delete_empty_folders(actor, mailbox, path)
    if path not in found.removed:
        raise Kept(found.kept.get(path) or "Mail lies in it or below it.")


@group.get("/users/{int:userId}/empty-folders", admit=organised)
def empty_folders(actor: Actor, mailbox: Mailbox, query: OneFolderQuery) -> EmptyFolders:
    """Which folders hold no mail in any store, nor below them."""
    found = folders.delete_empty_folders(actor, mailbox, query.folder, dry_run=True)
    return EmptyFolders(folders=found.removed, kept=found.kept)


@group.post("/users/{int:userId}/empty-folders/removal", admit=organised, status=200)
def empty_folders_remove(actor: Actor, mailbox: Mailbox, body: OneFolderQuery | None) -> EmptyFolders:
    """Remove the folders that hold no mail in any store, nor below them."""
    found = folders.delete_empty_folders(actor, mailbox, body.folder if body else "")
    return EmptyFolders(folders=found.removed, kept=found.kept)


@group.post("/users/{int:userId}/folder-merges", admit=organised, status=200)
def folder_merge(actor: Actor, mailbox: Mailbox, body: MergeFoldersBody) -> MergedFolders:
    """Bring all of a folder into another one, and remove it."""
    move = folders.merge_folders(actor, mailbox, body.source, body.target)
    return MergedFolders(path=move.target, moved=move.moved)


@group.get("/users/{int:userId}/folder-statistics", admit=_seen)
def folder_statistics(actor: Actor, mailbox: Mailbox, query: OneFolderQuery) -> list[FolderFiguresAnswer]:
    """How many messages and bytes lie in each folder, from when to when, and in which store."""
    seen = _look(actor, mailbox)
    path = _resolved(mailbox, query.folder) if query.folder.strip(" /") else ""
    classes = folderfacts.classes_of(mailbox)
    return [
        FolderFiguresAnswer(
            path=line.path,
            folder_class=classes.get(line.path, ""),
            subfolders=line.subfolders,
            itself=_sum(line.itself),
            whole=_sum(line.whole),
            stores={name: _sum(one) for name, one in line.stores.items()},
        )
        for line in folderfacts.figures(seen, path)
    ]


def _sum(one: FolderSum) -> FolderSumAnswer:
    return FolderSumAnswer(
        messages=one.messages,
        size_bytes=one.size_bytes,
        oldest=_moment(one.oldest),
        newest=_moment(one.newest),
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@group.get("/users/{int:userId}/folder-access", admit=_seen)
def folder_access(actor: Actor, mailbox: Mailbox, query: OneFolderQuery) -> list[FolderAccess]:
    """Who may do what with a folder, also by what was said of one above it."""
    path = _resolved(mailbox, query.folder) if query.folder.strip(" /") else ""
    return [
        FolderAccess(
            user_id=grant.user.pk,
            address=grant.user.email,
            folder=grant.folder,
            privileges=grant.privileges or ["none"],
            counts=counts,
        )
        for grant, counts in folderfacts.grants_on(actor, mailbox, path)
    ]


@group.get("/users/{int:userId}/folder-aliases", admit=_seen)
def folder_aliases(actor: Actor, mailbox: Mailbox) -> FolderAliasesAnswer:
    """Read the other names of a user's folders."""
    return FolderAliasesAnswer(aliases=folderfacts.aliases_of(mailbox))


@group.put("/users/{int:userId}/folder-aliases", admit=_noted)
def folder_aliases_set(actor: Actor, mailbox: Mailbox, body: FolderAliases) -> FolderAliasesAnswer:
    """Set all other names of a user's folders."""
    return FolderAliasesAnswer(aliases=folder_notes.set_aliases(actor, mailbox, body.aliases))


@group.get("/users/{int:userId}/folder-subscription", admit=_seen)
def folder_subscription(actor: Actor, mailbox: Mailbox) -> FolderSubscriptionAnswer:
    """Read which folders the owner's programs show."""
    return FolderSubscriptionAnswer(folders=folderfacts.subscription_of(mailbox))


@group.put("/users/{int:userId}/folder-subscription", admit=_noted)
def folder_subscription_set(actor: Actor, mailbox: Mailbox, body: FolderSubscriptionBody) -> FolderSubscriptionAnswer:
    """Set all folders that the owner's programs show."""
    return FolderSubscriptionAnswer(folders=folder_notes.set_subscription(actor, mailbox, body.folders))
