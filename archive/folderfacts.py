"""What administrators and owners are told of folders: which there are, how much lies in them, and what is said of them.

Names and counts are administration; what mail says is not. Compliance can limit what administrators see of the folders
of others to the first level. Not for reading mail (`selectors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.actors import Actor
from accounts.models import FolderGrant
from accounts.permissions import Right
from archive import engines, foldernames
from archive.errors import ArchiveClosed, FolderUnknown
from archive.foldertree import FolderNode, FolderTree, tree_of, whole_tree
from archive.models import Compliance, FolderAlias, FolderClass, FolderSubscription
from archive.permissions import reads_everything
from archive.selectors import get_mailbox, readable_archives
from archive.services.sharing import parse_folder
from archive.store.rows import FolderSum
from domains.models import Mailbox


@dataclass(frozen=True, slots=True)
class Seen:
    """An archive as somebody may look at its folders. levels: how deep; None: all. is_theirs: by their own rights."""

    mailbox: Mailbox
    tree: FolderTree
    levels: int | None = None
    is_theirs: bool = False

    def top(self) -> list[FolderNode]:
        return self.tree.top

    def shows(self, node: FolderNode) -> bool:
        return self.levels is None or node.depth < self.levels

    def find(self, path: str) -> FolderNode:
        """Raises: FolderUnknown."""
        found = self.tree.find(path)
        if found is None or not self.shows(found):
            raise FolderUnknown(f"there is no folder {path}")
        return found

    def walk(self) -> Iterator[FolderNode]:
        return (node for node in self.tree.walk() if self.shows(node))


def see_folders(actor: Actor, mailbox: Mailbox) -> Seen:
    """The folders of an archive: all of them for who runs the account, else those that may be read.

    Raises: ArchiveClosed, StoreUnavailable.
    """
    if reads_everything(actor):
        return Seen(mailbox, whole_tree(mailbox))
    own = next((each for each in readable_archives(actor) if each.mailbox.pk == mailbox.pk), None)
    if own is not None and own.is_own:
        return Seen(mailbox, tree_of(own), is_theirs=True)
    if actor.has(Right.VIEW_USERS, mailbox):
        levels = None if Compliance.now().admin_email_preview else 1
        return Seen(mailbox, whole_tree(mailbox), levels)
    if own is not None:
        return Seen(mailbox, tree_of(own), is_theirs=True)
    raise ArchiveClosed("this archive is not open to you")


def find_archive(actor: Actor, address: str) -> Mailbox:
    """An archive by its address, if the actor may look at its folders. Raises: ArchiveClosed."""
    mailbox = get_mailbox(address)
    require_seen(actor, mailbox)
    return mailbox


def find_account(actor: Actor, address: str) -> Mailbox:
    """The same for what is said of all its folders: of one's own, or one may see the account. Raises: ArchiveClosed."""
    mailbox = find_archive(actor, address)
    is_owner = mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
    if not is_owner and not reads_everything(actor) and not actor.has(Right.VIEW_USERS, mailbox):
        raise ArchiveClosed("not yours to see")
    return mailbox


def require_seen(actor: Actor, mailbox: Mailbox) -> None:
    """Raises: ArchiveClosed."""
    if reads_everything(actor) or actor.has(Right.VIEW_USERS, mailbox):
        return
    if all(each.mailbox.pk != mailbox.pk for each in readable_archives(actor)):
        raise ArchiveClosed("this archive is not open to you")


def get_archive_by_id(actor: Actor, mailbox_id: int) -> Mailbox:
    """Raises: ArchiveClosed."""
    mailbox = Mailbox.objects.select_related("user").filter(pk=mailbox_id).first()
    if mailbox is None:
        raise ArchiveClosed("no such archive")
    require_seen(actor, mailbox)
    return mailbox


def named_folder(actor: Actor, text: str) -> tuple[Mailbox, str]:
    """(archive, path in it) of `name@example.org/Inbox/Work`; the path is empty for all of it.

    Raises: BadArguments, FolderRefused, ArchiveClosed.
    """
    address, path = parse_folder(text)
    mailbox = find_archive(actor, address)
    return mailbox, foldernames.resolve(mailbox, path) if path.strip(" /") else ""


def list_archives(actor: Actor) -> list[Mailbox]:
    """The archives whose folders the actor administers, or may read. Includes those whose mailbox is gone."""
    seen = {each.pk: each for each in Mailbox.objects.visible_to(actor, Right.VIEW_USERS).order_by("address")}
    for each in readable_archives(actor):
        seen.setdefault(each.mailbox.pk, each.mailbox)
    return list(seen.values())


# --- figures -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FolderFigures:
    """One folder, itself and with all below it; `stores`: name → itself there. subfolders: at any depth."""

    path: str
    itself: FolderSum = field(default_factory=FolderSum)
    whole: FolderSum = field(default_factory=FolderSum)
    stores: dict[str, FolderSum] = field(default_factory=dict)
    subfolders: int = 0


def figures(seen: Seen, path: str = "") -> list[FolderFigures]:
    """Every folder of an archive, or of one folder of it, in the order of the tree. Raises: FolderUnknown."""
    top = [seen.find(path)] if path else seen.top()
    nodes = [node for start in top for node in start.walk()]
    sums = _sums(seen.tree, nodes)
    found: dict[str, FolderFigures] = {}
    for node in reversed(nodes):
        line = found[node.path] = FolderFigures(node.path, subfolders=node.below)
        for store_id, number in node.parts:
            one = sums.get((store_id, number), FolderSum())
            line.stores[seen.tree.stores[store_id].name] = one
            line.itself += one
        line.whole = line.itself
        for child in node.children:
            line.whole += found[child.path].whole
    return [found[node.path] for node in nodes if seen.shows(node)]


def _sums(tree: FolderTree, nodes: list[FolderNode]) -> dict[tuple[int, int], FolderSum]:
    wanted: dict[int, list[int]] = {}
    for node in nodes:
        for store_id, number in node.parts:
            wanted.setdefault(store_id, []).append(number)
    found: dict[tuple[int, int], FolderSum] = {}
    for store_id, numbers in wanted.items():
        sums = engines.open_store(tree.stores[store_id]).catalogue.folder_sums(numbers)
        found |= {(store_id, number): one for number, one in sums.items()}
    return found


# --- what is said of folders -------------------------------------------------------------------------------------


def class_of(mailbox: Mailbox, path: str) -> str:
    return FolderClass.objects.filter(mailbox=mailbox, path=path).values_list("value", flat=True).first() or ""


def classes_of(mailbox: Mailbox) -> dict[str, str]:
    return dict(FolderClass.objects.filter(mailbox=mailbox).values_list("path", "value"))


def aliases_of(mailbox: Mailbox) -> dict[str, str]:
    return dict(FolderAlias.objects.filter(mailbox=mailbox).values_list("alias", "path"))


def subscription_of(mailbox: Mailbox) -> list[str]:
    return list(FolderSubscription.objects.filter(mailbox=mailbox).values_list("path", flat=True))


def grants_on(actor: Actor, mailbox: Mailbox, path: str) -> list[tuple[FolderGrant, bool]]:
    """What was said of a folder and of those above it, for whom, and whether it counts there.

    For the owner and who sees the account; else ArchiveClosed.
    """
    is_owner = mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
    if not is_owner and not reads_everything(actor) and not actor.has(Right.VIEW_USERS, mailbox):
        raise ArchiveClosed("not yours to see")
    grants = FolderGrant.objects.filter(mailbox_id=mailbox.pk).select_related("user").order_by("user__email", "folder")
    covering = [grant for grant in grants if grant.covers(path)]
    nearest: dict[int, int] = {}
    for grant in covering:
        nearest[grant.user.pk] = max(nearest.get(grant.user.pk, 0), len(grant.folder))
    return [(grant, len(grant.folder) == nearest[grant.user.pk]) for grant in covering]
