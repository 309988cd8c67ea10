"""Folders of one store: made, moved, merged, removed. Their numbers stay, so nothing is indexed anew by a new name.

Each change is one record of the journal, merging and moving messages one per batch. Relies on I1 and I3: what is
removed is empty. Not for whose folders they are, nor for the same folder in other stores (`archive.services.folders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import BadFolder, FolderTaken, NotFound
from .journal import Event
from .paths import MOST_FOLDERS_DEEP, folder_names
from .rows import Folder

if TYPE_CHECKING:
    from .store import Store

BATCH = 256
REMOVED_AT_ONCE = 1000


def make(store: Store, mailbox: int, names: Sequence[str], events: list[Event]) -> int:
    """The number of a folder; what is missing of it is added to `events`. Only under the writer lease."""
    parent, number = 0, store.catalogue.counter("next_folder")
    for name in names:
        child = None if events else store.catalogue.child(mailbox, parent, name)
        if child is None:
            child, number = number, number + 1
            events.append(["dir", child, mailbox, parent, name])
        parent = child
    return parent


def move(store: Store, mailbox: int, path: str, to: str) -> int:
    """See `Store.move_folder`."""
    names, target = folder_names(path), folder_names(to)
    with store.writer_lease():
        number = known(store, mailbox, path)
        if names == target:
            return number
        if target[: len(names)] == names:
            raise BadFolder(f"“{path}” can't lie within itself")
        if store.find_folder(mailbox, to) is not None:
            raise FolderTaken(f"there is “{to}” already")
        deepest = max(each.path.count("/") + 1 for each in below(store, mailbox, names))
        if deepest - len(names) + len(target) > MOST_FOLDERS_DEEP:
            raise BadFolder(f"“{to}” would be too deep")
        events = list[Event]()
        parent = make(store, mailbox, target[:-1], events)
        events.append(["mvd", number, parent, target[-1]])
        store.commit(events)
    return number


def merge(store: Store, mailbox: int, path: str, into: str, *, by: str) -> int:
    """See `Store.merge_folder`. Each folder below goes as a whole where there is none of its name, else is merged."""
    names, target = folder_names(path), folder_names(into)
    source = known(store, mailbox, path)
    if target[: len(names)] == names or names[: len(target)] == target:
        raise BadFolder("a folder can't be merged with one that it lies in, or that lies in it")
    into_number = store.ensure_folder(mailbox, "/".join(target))
    moved = 0
    for child in [each for each in store.folders(mailbox) if each.parent == source]:
        beside = "/".join([*target, child.name])
        if store.find_folder(mailbox, beside) is None:
            move(store, mailbox, child.path, beside)
        else:
            moved += merge(store, mailbox, child.path, beside, by=by)
    after = -1
    while page := store.catalogue.list_folder(source, before=None, after=after, limit=BATCH):
        moved += move_messages(store, page, source, into_number, by=by)
    remove(store, [source])
    return moved


def move_messages(store: Store, numbers: Sequence[int], source: int, target: int, *, by: str) -> int:
    """See `Store.move_messages`. Placed in the new one before it is taken out of the old one, in one record."""
    moved = 0
    for at in range(0, len(numbers), BATCH):
        with store.writer_lease():
            here, there = store.catalogue.folder(source), store.catalogue.folder(target)
            if here.mailbox != there.mailbox:
                raise NotFound(f"folder {target} is of another mailbox")
            some = sorted(store.catalogue.placed(source, numbers[at : at + BATCH]))
            if some and source != target:
                puts: list[Event] = [["put", target, number] for number in some]
                store.commit([*puts, ["del", some, source, f"moved to {there.path}", by]])
                moved += len(some)
    return moved


def give(store: Store, numbers: Sequence[int], source: int, targets: Sequence[int], *, by: str) -> int:
    """See `Store.give_messages`."""
    given = 0
    for at in range(0, len(numbers), BATCH):
        with store.writer_lease():
            there = [store.catalogue.folder(target) for target in targets]
            some = sorted(store.catalogue.placed(source, numbers[at : at + BATCH]))
            if some and there and source not in targets:
                puts: list[Event] = [["put", target.number, number] for target in there for number in some]
                store.commit([*puts, ["del", some, source, f"given to folder {_listed(targets)}", by]])
                given += len(some)
    return given


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def remove(store: Store, numbers: Sequence[int]) -> list[int]:
    """See `Store.remove_folders`. Those below go first; what became full meanwhile stays, with all above it."""
    removed: list[int] = []
    wanted = set(numbers)
    while wanted:
        with store.writer_lease():
            folders = store.folders()
            going = _empty(folders, wanted)[:REMOVED_AT_ONCE]
            store.commit([["rmd", number] for number in going])
        if not going:
            break
        wanted -= set(going)
        removed += going
    return removed


def _empty(folders: Sequence[Folder], wanted: set[int]) -> list[int]:
    """Which can go, the deepest first."""
    full = {each.number for each in folders if each.messages or each.number not in wanted}
    parents = {each.number: each.parent for each in folders}
    for number in list(full):
        above = parents[number]
        while above and above not in full:
            full.add(above)
            above = parents.get(above, 0)
    going = [each for each in folders if each.number not in full]
    return [each.number for each in sorted(going, key=lambda each: -each.path.count("/"))]


def known(store: Store, mailbox: int, path: str) -> int:
    """Raises: NotFound."""
    found = store.find_folder(mailbox, path)
    if found is None:
        raise NotFound(f"there is no folder “{path}”")
    return found


def below(store: Store, mailbox: int, names: Sequence[str]) -> list[Folder]:
    """A folder with all that lies below it."""
    path = "/".join(names)
    return [each for each in store.folders(mailbox) if each.path == path or each.path.startswith(f"{path}/")]
