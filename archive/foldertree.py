"""The folders of one archive as one tree: the same path in several stores is one folder, their counts add up.

Not for what somebody may read (`selectors.Archive` says), nor for changing folders (`services.folders`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from archive import engines
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.selectors import Archive, open_stores
from domains.models import Mailbox

INBOX = "inbox"
SHOWN_WHOLE = 200  # folders: a smaller tree is shown whole
SHOWN_AT_ONCE = 100  # siblings of a larger one


@dataclass(slots=True)
class FolderNode:
    """One folder. messages: in itself; parts: (store, number) of it in each store that has it.

    is_readable: not where it only leads to others that may be read; then it counts nothing.
    """

    name: str
    path: str
    depth: int
    messages: int = 0
    is_readable: bool = False
    parts: list[tuple[int, int]] = field(default_factory=list)
    children: list[FolderNode] = field(default_factory=list)
    below: int = 0
    total: int = 0

    @property
    def key(self) -> str:
        """What pages call it: one of its parts, the first."""
        return f"{self.parts[0][0]}.{self.parts[0][1]}" if self.parts else ""

    @property
    def shown_depth(self) -> int:
        """The tree indents up to six levels; deeper ones stand under each other."""
        return min(self.depth, 6)

    def walk(self) -> Iterator[FolderNode]:
        """This one and all below it, in the order of the tree."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class FolderTree:
    """missing: stores that can't be opened just now; what they hold is neither shown nor counted."""

    top: list[FolderNode] = field(default_factory=list)
    by_path: dict[str, FolderNode] = field(default_factory=dict)
    stores: dict[int, Store] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        return sum(node.total for node in self.top)

    def __len__(self) -> int:
        return len(self.by_path)

    def find(self, path: str) -> FolderNode | None:
        return self.by_path.get(path)

    def walk(self) -> Iterator[FolderNode]:
        """All folders in order: Inbox first, then by name, children below their parents."""
        for node in self.top:
            yield from node.walk()

    def readable_paths(self) -> list[str]:
        return [path for path, node in self.by_path.items() if node.is_readable]

    def paths(self) -> dict[tuple[int, int], str]:
        """(store, number) → path."""
        return {part: node.path for node in self.by_path.values() for part in node.parts}

    def under(self, path: str) -> list[FolderNode]:
        """What lies directly below a folder; below nothing: at the top."""
        if not path:
            return self.top
        found = self.by_path.get(path)
        return [] if found is None else found.children


def tree_of(archive: Archive) -> FolderTree:
    """What may be read of an archive. Raises: StoreUnavailable where no store can be opened."""
    allows = None if not archive.is_shared and not archive.grants else archive.allows
    return _tree(archive.mailbox, allows)


def whole_tree(mailbox: Mailbox) -> FolderTree:
    """All folders with their counts, for whoever has asked for the right to administer them."""
    return _tree(mailbox, None)


def _tree(mailbox: Mailbox, allows: Callable[[str], bool] | None) -> FolderTree:
    tree = FolderTree()
    why: StoreUnavailable | None = None
    for store in open_stores():
        try:
            folders = engines.open_store(store).folders(mailbox.pk)
        except StoreUnavailable as error:
            tree.missing.append(store.name)
            why = error
            continue
        tree.stores[store.pk] = store
        for folder in folders:
            if allows is None or allows(folder.path):
                node = _node(tree, folder.path)
                node.is_readable = True
                node.messages += folder.messages
                node.parts.append((store.pk, folder.number))
    if why is not None and not tree.stores:
        raise why
    _finish(tree.top)
    return tree


def _node(tree: FolderTree, path: str) -> FolderNode:
    found = tree.by_path.get(path)
    if found is None:
        above, _slash, name = path.rpartition("/")
        siblings = _node(tree, above).children if above else tree.top
        found = tree.by_path[path] = FolderNode(name, path, path.count("/"))
        siblings.append(found)
    return found


def _finish(nodes: list[FolderNode]) -> None:
    """Order and sums, from below."""
    if len(nodes) > 1:
        nodes.sort(key=_order)
    for node in nodes:
        node.total = node.messages
        if node.children:
            _finish(node.children)
            for child in node.children:
                node.total += child.total
                node.below += child.below + 1


def _order(node: FolderNode) -> tuple[bool, str, str]:
    folded = node.name.casefold()
    return folded != INBOX, folded, node.name


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a tree that is shown in part: a folder; or, where `more` says how many, what brings its next siblings.

    position: which of its siblings it is, from 1.
    """

    node: FolderNode
    is_open: bool
    position: int
    siblings: int
    more: int = 0

    @property
    def level(self) -> int:
        return self.node.depth + 1

    @property
    def above(self) -> str:
        """The path of the folder it lies in."""
        return self.node.path.rpartition("/")[0]


def shown_items(tree: FolderTree, chosen: FolderNode | None = None) -> list[Item]:
    """A small tree whole; of a large one the top, the way to the chosen folder and what lies below it."""
    if len(tree) <= SHOWN_WHOLE:
        return list(_items(tree.top, None, SHOWN_WHOLE))
    path = "" if chosen is None else chosen.path
    way = {path[:at] for at, sign in enumerate(path) if sign == "/"} | {path}
    return list(_items(tree.top, way, SHOWN_AT_ONCE))


def items_below(nodes: list[FolderNode], *, after: int = 0) -> list[Item]:
    """Siblings alone, from the one at a position on: what opening a folder, or “more”, brings."""
    return list(_items(nodes, set(), SHOWN_AT_ONCE, after))


def _items(nodes: list[FolderNode], opened: set[str] | None, most: int, after: int = 0) -> Iterator[Item]:
    """So many siblings and those on the way; below them the children of those that are open (None: of all)."""
    for position, node in enumerate(nodes[after:], after + 1):
        is_wanted = opened is not None and node.path in opened
        if position > after + most and not is_wanted:
            continue
        is_open = bool(node.children) and (opened is None or is_wanted)
        yield Item(node, is_open, position, len(nodes))
        if is_open:
            yield from _items(node.children, opened, most)
        if position == after + most and position < len(nodes):
            yield Item(node, False, position, len(nodes), more=len(nodes) - position)


def path_of(archive: Archive, key: str) -> str:
    """The path of a folder that a page names by one of its parts; empty where it is none that may be read."""
    store_id, _dot, number = key.partition(".")
    store = next((each for each in open_stores() if str(each.pk) == store_id), None)
    if store is None or not number.isdecimal() or len(number) > 18:
        return ""
    folder = next(
        (each for each in engines.open_store(store).folders(archive.mailbox.pk) if each.number == int(number)), None
    )
    return folder.path if folder is not None and archive.allows(folder.path) else ""
