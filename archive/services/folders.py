"""Folders of an archive: made, moved, merged, sorted out when empty; the same path in every store is one folder.

A move is written down before it begins (`FolderMove`) and done store by store, each at once; what was interrupted is
finished by the next change or by the clock. Nobody's access changes by it: what was said of a folder goes with it, and
what it had from the folder above is said of it itself. Nothing of this touches a message, so nothing is indexed anew.
Not for reading folders (`foldertree`), for deleting mail (`folder_deletion`) nor for sharing them (`sharing`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from archive import engines, foldernames, locking
from archive import store as engine
from archive.errors import ArchiveError, FolderBusy, FolderProtected, FolderRefused, FolderUnknown, StoreUnavailable
from archive.folderrights import may_organise, require_organising
from archive.models import FolderAlias, FolderClass, FolderMove, FolderSubscription, Store
from archive.services import folder_access
from archive.services.stores import current_store
from archive.store.errors import StoreError
from domains.models import Mailbox

logger = logging.getLogger("postkeep.folders")
Part = tuple[Store, engine.Store]


def create_folder(actor: Actor, mailbox: Mailbox, path: str, *, folder_class: str = "") -> str:
    """Make a folder with what is missing above it, in the store that takes the archive's new mail; its path.

    Raises: Forbidden, FolderRefused (there is one, also in other letters), StoreProtected, StoreUnavailable.
    """
    path = foldernames.clean(path)
    value = foldernames.clean_class(folder_class)
    require_organising(actor, mailbox, foldernames.above(path))
    finish_moves(mailbox)
    _require_free(mailbox, path)
    store = current_store(actor, mailbox)
    with transaction.atomic():
        audit.record(actor, "folder.create", mailbox, folder=path)
        if value:
            FolderClass.objects.update_or_create(mailbox=mailbox, path=path, defaults={"value": value})
        opened = engines.open_writable(store)
        opened.mailbox(mailbox.pk, mailbox.address)
        opened.ensure_folder(mailbox.pk, path)
    return path


def move_folder(actor: Actor, mailbox: Mailbox, source: str, target: str) -> FolderMove:
    """Give a folder, with all below it, another name or place in its archive.

    Raises: Forbidden, FolderUnknown, FolderRefused (taken, within itself, too deep, Inbox, named by a hold),
    FolderProtected (a store that holds it can't be written to), FolderBusy, StoreUnavailable.
    """
    return _change(actor, mailbox, source, target, FolderMove.Kind.MOVE)


def merge_folders(actor: Actor, mailbox: Mailbox, source: str, target: str) -> FolderMove:
    """Bring all of a folder into another one that is there; `moved`: of how many messages. Raises: as `move_folder`."""
    return _change(actor, mailbox, source, target, FolderMove.Kind.MERGE)


def _change(actor: Actor, mailbox: Mailbox, source: str, target: str, kind: str) -> FolderMove:
    source, target = foldernames.resolve(mailbox, source), foldernames.clean(target)
    require_organising(actor, mailbox, source, foldernames.above(source), foldernames.above(target))
    finish_moves(mailbox)
    foldernames.require_movable(source, target)
    foldernames.require_not_held(actor, source, target)
    _writable_parts(mailbox, source)
    if kind == FolderMove.Kind.MERGE:
        require_organising(actor, mailbox, target)
        if not _has(mailbox, target):
            raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": target})
        if foldernames.lies_in(source, target):
            raise FolderRefused(_("“%(folder)s” lies in it already.") % {"folder": source}, field="target")
        folder_access.require_not_widened(actor, mailbox, source, target)
    else:
        _require_free(mailbox, target, but=source)
        _require_short(mailbox, source, target)
    try:
        with transaction.atomic():
            move = FolderMove.objects.create(
                mailbox=mailbox, kind=kind, source=source, target=target, by_label=actor.label[:300]
            )
            folder_access.go_along(actor, mailbox, source, target, merging=kind == FolderMove.Kind.MERGE)
            audit.record(actor, f"folder.{kind}", mailbox, changes={"folder": (source, target)})
    except IntegrityError as error:
        raise FolderBusy(_("Another folder of this archive is being moved just now.")) from error
    try:
        return _finish(move.pk)
    except StoreError as error:
        raise FolderBusy(_("It is half done, and goes on by itself: %(why)s") % {"why": error}) from error


def finish_moves(mailbox: Mailbox | None = None) -> int:
    """Finish what was interrupted, of one archive or of all; how many. What can't be just now waits on."""
    waiting = FolderMove.objects.filter(ended_at=None)
    if mailbox is not None:
        waiting = waiting.filter(mailbox=mailbox)
    pks = list(waiting.values_list("pk", flat=True))
    for pk in pks:
        _finish(pk)
    return len(pks)


def finish_interrupted_moves() -> None:
    """What the clock calls: each that can be finished now, whatever the others wait for."""
    for move in FolderMove.objects.filter(ended_at=None).select_related("mailbox"):
        try:
            _finish(move.pk)
        except (ArchiveError, StoreError) as error:
            logger.warning("folder %s of %s can't be moved on: %s", move.source, move.mailbox.address, error)


def _finish(move_id: int) -> FolderMove:
    """Do what is left of a move. Raises: FolderProtected, StoreUnavailable, StoreError (all: it goes on later)."""
    with locking.deleting():
        move = FolderMove.objects.select_for_update(of=("self",)).select_related("mailbox").get(pk=move_id)
        if move.ended_at is not None:
            return move
        foldernames.require_not_held(Actor.system(), move.source, move.target)
        for _store, opened in _writable_parts(move.mailbox, move.source, missing_ok=True):
            lying = [each for each in opened.folders(move.mailbox_id) if foldernames.lies_in(each.path, move.source)]
            move.moved += sum(each.messages for each in lying)
            if opened.find_folder(move.mailbox_id, move.target) is not None:
                # merging, or an import made one of that name meanwhile
                opened.merge_folder(move.mailbox_id, move.source, move.target, by=move.by_label)
            else:
                opened.move_folder(move.mailbox_id, move.source, move.target)
        folder_access.leave_behind(move.mailbox, move.source, move.target)
        _follow(move)
        move.ended_at = timezone.now()
        move.save(update_fields=["ended_at", "moved"])
    return move


def _follow(move: FolderMove) -> None:
    """Classes, other names and subscriptions go along."""
    for row in FolderClass.objects.filter(mailbox=move.mailbox):
        if foldernames.lies_in(row.path, move.source):
            moved = foldernames.moved(row.path, move.source, move.target)
            FolderClass.objects.filter(mailbox=move.mailbox, path=moved).delete()
            FolderClass.objects.filter(pk=row.pk).update(path=moved)
    for alias in FolderAlias.objects.filter(mailbox=move.mailbox):
        if foldernames.lies_in(alias.path, move.source):
            FolderAlias.objects.filter(pk=alias.pk).update(path=foldernames.moved(alias.path, move.source, move.target))
    for sub in FolderSubscription.objects.filter(mailbox=move.mailbox):
        if foldernames.lies_in(sub.path, move.source):
            moved = foldernames.moved(sub.path, move.source, move.target)
            FolderSubscription.objects.filter(mailbox=move.mailbox, path=moved).delete()
            FolderSubscription.objects.filter(pk=sub.pk).update(path=moved)


# --- empty folders -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Emptied:
    """removed: paths that went (or would); kept: those that are empty and stay, with why."""

    removed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def delete_empty_folders(actor: Actor, mailbox: Mailbox, path: str = "", *, dry_run: bool = False) -> Emptied:
    """Remove the folders of an archive (or of one folder, itself too) that hold no mail in any store, nor below them.

    Raises: Forbidden, FolderUnknown, StoreUnavailable.
    """
    path = foldernames.resolve(mailbox, path) if path.strip(" /") else ""
    if not dry_run:
        require_organising(actor, mailbox, path)
        finish_moves(mailbox)
    elif not may_organise(actor, mailbox, path):
        raise Forbidden(f"{actor.label} may not organise these folders")
    if path and not _has(mailbox, path):
        raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": path})
    parts = _parts()
    empty = _empty_paths(mailbox, parts, path)
    found = Emptied()
    for store, opened in parts:
        here = [each for each in opened.folders(mailbox.pk) if each.path in empty]
        if here and not store.is_writable:
            why = _("The store “%(name)s” is write-protected.") % {"name": store.name}
            found.kept |= {each.path: why for each in here}
        elif here and opened.format < 3:
            why = _("The store “%(name)s” must be upgraded first.") % {"name": store.name}
            found.kept |= {each.path: why for each in here}
    found.removed = sorted(empty - found.kept.keys(), key=str.casefold)
    if found.removed and not dry_run:
        _remove(actor, mailbox, parts, found)
    return found


def _empty_paths(mailbox: Mailbox, parts: list[Part], path: str) -> set[str]:
    paths: set[str] = set()
    full: set[str] = set()
    for _store, opened in parts:
        for folder in opened.folders(mailbox.pk):
            paths.add(folder.path)
            if folder.messages:
                full.update(foldernames.with_above(folder.path))
    return {each for each in paths - full if foldernames.lies_in(each, path)}


def _remove(actor: Actor, mailbox: Mailbox, parts: list[Part], found: Emptied) -> None:
    wanted = set(found.removed)
    audit.record(actor, "folder.delete_empty", mailbox, folders=found.removed[:1000], count=len(wanted))
    for store, opened in parts:
        numbers = [each.number for each in opened.folders(mailbox.pk) if each.path in wanted]
        try:
            opened.remove_folders(numbers)
        except StoreError as error:
            found.kept |= {
                each.path: f"{store.name}: {error}" for each in opened.folders(mailbox.pk) if each.path in wanted
            }
    left = {each.path for _store, opened in parts for each in opened.folders(mailbox.pk)} & wanted
    for path in left - found.kept.keys():
        found.kept[path] = _("Mail came for it meanwhile.")
    found.removed = [path for path in found.removed if path not in left]
    FolderClass.objects.filter(mailbox=mailbox, path__in=found.removed).delete()


# --- where folders lie -------------------------------------------------------------------------------------------


def _parts() -> list[Part]:
    """The stores that take part in search. Raises: StoreUnavailable."""
    stores = Store.objects.filter(detached_at=None).order_by("pk")
    return [(store, engines.open_store(store)) for store in stores if store.is_open]


def _writable_parts(mailbox: Mailbox, path: str, *, missing_ok: bool = False) -> list[Part]:
    """The stores that have a folder; all of them, or none. Raises: FolderUnknown, FolderProtected, StoreUnavailable."""
    found: list[Part] = []
    closed: list[str] = []
    for store in Store.objects.filter(detached_at=None).order_by("pk"):
        try:
            opened = engines.open_store(store)
        except StoreUnavailable:
            if store.is_open:
                raise
            continue  # switched off, and not to be had: out of use
        if opened.find_folder(mailbox.pk, path) is None:
            continue
        if not store.is_writable:
            closed.append(store.name)
            continue
        engines.mark_protected(store)
        found.append((store, opened))
    if closed:
        said = {"folder": path, "stores": ", ".join(closed)}
        raise FolderProtected(
            _("“%(folder)s” lies in stores that are write-protected or switched off: %(stores)s.") % said
        )
    if not found and not missing_ok:
        raise FolderUnknown(_("There is no folder “%(folder)s”.") % {"folder": path})
    return found


def _has(mailbox: Mailbox, path: str) -> bool:
    return any(opened.find_folder(mailbox.pk, path) is not None for _store, opened in _parts())


def _require_free(mailbox: Mailbox, path: str, *, but: str = "") -> None:
    """No folder of that path, also none that differs only in capitals. Raises: FolderRefused, StoreUnavailable."""
    folded = path.casefold()
    for _store, opened in _parts():
        for folder in opened.folders(mailbox.pk):
            if folder.path.casefold() == folded and folder.path != but:
                raise FolderRefused(
                    _("There is a folder “%(folder)s” already.") % {"folder": folder.path}, field="target"
                )


def _require_short(mailbox: Mailbox, source: str, target: str) -> None:
    for _store, opened in _parts():
        for folder in opened.folders(mailbox.pk):
            if foldernames.lies_in(folder.path, source):
                foldernames.require_fits(foldernames.moved(folder.path, source, target))
