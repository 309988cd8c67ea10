"""Moving messages into another folder of their archive, by who may organise the folders they leave and enter.

A message stays in its store: there it is placed in the folder of that path, which is made where that store lacks it.
Nobody may read more by it, and what a legal hold names by its folder stays where it is. Retention doesn't change: the
day from which a message may go is kept with it. Not for folders (`folders`), nor for mail of another archive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from archive import engines, foldernames, locking
from archive import store as engine
from archive.errors import ArchiveClosed, BadArguments, FolderBusy, FolderProtected, FolderUnknown, MessageUnknown
from archive.folderrights import administers, organising, require_organising
from archive.foldertree import whole_tree
from archive.models import Store, StoreState
from archive.permissions import reads_everything
from archive.selectors import choose_archive, readable_archives
from archive.services import folder_access
from archive.services.folders import finish_moves
from archive.store.errors import StoreError
from domains.models import Mailbox

MOST = 1000
NAMED_IN_EVENT = 100
_ID = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})", re.ASCII)


@dataclass(slots=True)
class Part:
    """What moves in one store: folder number → messages. `paths` of those folders."""

    store: Store
    opened: engine.Store
    leaving: dict[int, list[int]] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class MessageMove:
    """What is to be moved, or was. messages: how many; sources: from which folders how many of them.

    unmoved: how many lie in the target and in no other folder they could leave.
    """

    mailbox: Mailbox
    messages: int = 0
    unmoved: int = 0
    target: str = ""
    sources: Counter[str] = field(default_factory=Counter)
    parts: list[Part] = field(default_factory=list)


def plan_move(
    actor: Actor, mailbox: Mailbox, public_ids: Iterable[str], *, source: str = "", target: str = ""
) -> MessageMove:
    """What moving these messages would do: out of one folder, else out of all that the actor may take them from.

    Raises: BadArguments, MessageUnknown (none there that the actor sees), Forbidden, FolderRefused, StoreUnavailable.
    """
    move = MessageMove(mailbox)
    move.target = foldernames.resolve(mailbox, target) if target.strip(" /") else ""
    leaving = foldernames.resolve(mailbox, source) if source.strip(" /") else ""
    allows = _readable(actor, mailbox)
    may_leave = organising(actor, mailbox)
    for store, numbers in _by_store(public_ids).items():
        opened = engines.open_store(store)
        paths = {each.number: each.path for each in opened.folders(mailbox.pk) if allows(each.path)}
        part = Part(store, opened, paths=paths)
        rows = {row.number: row for row in opened.rows(numbers)}
        for number in numbers:
            placed = {folder for folder, _mailbox in rows[number].placements} if number in rows else set()
            seen = [folder for folder in sorted(placed & paths.keys()) if not leaving or paths[folder] == leaving]
            if not seen:
                raise MessageUnknown(_("There is no message “%(id)s”.") % {"id": f"{store.pk}:{number}"})
            going = [folder for folder in seen if may_leave(paths[folder])]
            if not going:
                raise Forbidden(f"{actor.label} may not organise these folders")
            going = [folder for folder in going if paths[folder] != move.target]
            for folder in going:
                part.leaving.setdefault(folder, []).append(number)
                move.sources[paths[folder]] += 1
            move.messages += bool(going)
            move.unmoved += not going
        move.parts.append(part)
    return move


def move_messages(
    actor: Actor, mailbox: Mailbox, public_ids: Sequence[str], target: str, *, source: str = ""
) -> MessageMove:
    """Place messages in another folder of their archive, which must be there, instead of those they lie in.

    All of them, or none where something is refused; a store that fails midway leaves its rest where it was.
    Raises: as `plan_move`; FolderUnknown (no such target), FolderRefused (a hold names a folder, somebody could then
    read more), FolderProtected, FolderBusy (part of it is moved, the store failed then).
    """
    actor.require_writing()
    target = foldernames.resolve(mailbox, target)
    require_organising(actor, mailbox, target)
    finish_moves(mailbox)
    if whole_tree(mailbox).find(target) is None:
        raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": target}, field="target")
    failure: StoreError | None = None
    with locking.deleting():
        move = plan_move(actor, mailbox, public_ids, source=source, target=target)
        if not move.messages:
            return move
        foldernames.require_not_held(actor, target, *move.sources)
        for path in move.sources:
            folder_access.require_not_widened(actor, mailbox, path, target)
        _require_writable(move)
        # The event first: where nothing could be moved, it goes with the transaction.
        _record(actor, move)
        moved = 0
        try:
            for part in filter(lambda part: part.leaving, move.parts):
                moved += _move(actor, mailbox, part, target)
        except StoreError as error:
            if not moved:
                raise
            failure = error
    if failure is not None:
        raise FolderBusy(_("Some of it is moved, the rest is where it was: %(why)s") % {"why": failure}) from failure
    return move


def _move(actor: Actor, mailbox: Mailbox, part: Part, target: str) -> int:
    number = part.opened.ensure_folder(mailbox.pk, target)
    moved = 0
    for folder, numbers in part.leaving.items():
        moved += part.opened.move_messages(numbers, folder, number, by=actor.label[:300])
    return moved


def _record(actor: Actor, move: MessageMove) -> None:
    ids = [f"{part.store.pk}:{n}" for part in move.parts for n in sorted(set[int]().union(*part.leaving.values()))]
    audit.record(
        actor, "mail.move", move.mailbox, count=move.messages, messages=ids[:NAMED_IN_EVENT], target=move.target,
        sources=dict(move.sources),
    )  # fmt: skip


def _require_writable(move: MessageMove) -> None:
    """Raises: FolderProtected."""
    closed = [part.store.name for part in move.parts if part.leaving and not part.store.is_writable]
    if closed:
        said = {"stores": ", ".join(closed)}
        raise FolderProtected(_("Messages lie in stores that are write-protected: %(stores)s.") % said)
    for part in move.parts:
        engines.mark_protected(part.store)


def _by_store(public_ids: Iterable[str]) -> dict[Store, list[int]]:
    """Raises: BadArguments, MessageUnknown."""
    wanted: dict[int, list[int]] = {}
    ids = list(dict.fromkeys(public_ids))
    if not ids or len(ids) > MOST:
        raise BadArguments(_("1 to 1,000 messages are moved at once."), field="messages")
    for public_id in ids:
        found = _ID.fullmatch(public_id)
        if found is None:
            raise MessageUnknown(_("There is no message “%(id)s”.") % {"id": public_id})
        wanted.setdefault(int(found[1]), []).append(int(found[2]))
    stores = Store.objects.filter(pk__in=wanted, detached_at=None).exclude(state=StoreState.DISABLED).in_bulk()
    for pk, numbers in wanted.items():
        if pk not in stores:
            raise MessageUnknown(_("There is no message “%(id)s”.") % {"id": f"{pk}:{numbers[0]}"})
    return {stores[pk]: numbers for pk, numbers in wanted.items()}


def _readable(actor: Actor, mailbox: Mailbox) -> Callable[[str], bool]:
    """Which folders' messages the actor may know of: all for who runs the account, else those they read.

    Raises: ArchiveClosed.
    """
    if reads_everything(actor) or administers(actor, mailbox):
        return lambda path: True
    archive = choose_archive(readable_archives(actor), mailbox.pk)
    if archive is None:
        raise ArchiveClosed("this archive is not open to you")
    return archive.allows
