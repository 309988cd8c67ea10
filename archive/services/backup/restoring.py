"""Restoring while the house runs: one store into its place, one mailbox into an archive, and the order for everything.

A store that is attached is only replaced while it is switched off or can't be opened, and its old folder is kept aside.
A mailbox takes nothing away: what the archive has is known by its content, what it lacks comes in. Restoring the whole
archive replaces the database under the running house, so it is done by the next start (`whole`), as ordered here.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.backup import restoring
from archive.backup.manifest import Manifest, StorePart
from archive.errors import BadArguments, StoreUnavailable
from archive.models import BackupSet, Store, StoreKind, StoreState
from archive.selectors import get_mailbox
from archive.services import retention_dates
from archive.services.backup.sets import manifest_of
from archive.services.imports import clean_folder
from archive.services.store_places import DATABASE_COLUMNS
from archive.services.stores import store_for_import
from archive.store import Ingest
from archive.store import Store as OpenStore
from archive.store.errors import NotFound, Stopped, StoreError
from archive.store.operations import attach
from config.kit import paths
from config.kit.templatetags.kit import exact_time
from jobs import proofs
from jobs.dry_runs import Plan
from jobs.running import TaskRun

STORE_COMMAND, ARCHIVE_COMMAND = "RestoreStore", "RestoreArchive"


# --- one store ---------------------------------------------------------------------------------------------------


def plan_store(actor: Actor, backup: BackupSet, name: str) -> Plan | None:
    """What restoring a store would replace; None where none is. Raises: Forbidden, BadArguments, BackupError."""
    actor.require(Right.MANAGE_STORES)
    _opened, manifest, _key = manifest_of(actor, backup)
    part = manifest.store(name)
    present = _attached(part)
    if present is None:
        return None
    _require_replaceable(present)
    numbers = [
        (part.messages, ngettext("message is in the backup", "messages are in the backup", part.messages)),
        (_messages_now(present), _("messages are in the store that is put aside")),
    ]
    return Plan(f"{present.name} · {backup.set}", numbers, note=f"{_when(manifest)} {_becomes_of(present)}")


def _becomes_of(present: Store) -> str:
    if present.is_folder:
        return _("The present folder is kept beside it.")
    said = _("The store lies in PostgreSQL now (%(place)s). A restored store is a folder: it lies in %(folder)s then, "
             "and what is in the database stays there as it is.")  # fmt: skip
    return said % {"place": present.shown, "folder": present.root}


def leave_database(row: Store) -> str:
    """A store that was in a database is one in its folder from now on; where it was, empty for one in a folder.

    The caller saves it.
    """
    if row.is_folder:
        return ""
    was, row.kind = row.shown, StoreKind.FOLDER
    for column in DATABASE_COLUMNS:
        setattr(row, column, "")
    return was


def _attached(part: StorePart) -> Store | None:
    return Store.objects.filter(identity=part.identity, detached_at=None).first()


def _messages_now(store: Store) -> int:
    try:
        with engines.opened_for_upkeep(store) as opened:
            return opened.catalogue.counter("messages")
    except (StoreUnavailable, StoreError):
        return 0


def _when(manifest: Manifest) -> str:
    return _("As it was at %(time)s.") % {"time": _moment(manifest)}


def _moment(manifest: Manifest) -> str:
    return exact_time(manifest.when())


def _require_replaceable(store: Store) -> None:
    """Raises: BadArguments for a store that is in use."""
    if store.state == StoreState.DISABLED:
        return
    try:
        engines.open_store(store)
    except StoreUnavailable:
        return
    said = _("“%(name)s” is in use. Switch it off first; its present folder is kept beside the restored one.")
    raise BadArguments(said % {"name": store.name}, field="store")


def restore_store(actor: Actor, run: TaskRun, backup: BackupSet, name: str) -> dict[str, object]:
    """Bring a store back: beside the others where it isn't attached, else in the place of the one that is.

    Raises: Forbidden, NeedsApproval, BadArguments, BackupError, StoreError, Cancelled.
    """
    actor.require(Right.MANAGE_STORES)
    opened, manifest, key = manifest_of(actor, backup)
    part = manifest.store(name)
    present = _attached(part)
    if present is not None:
        _require_replaceable(present)
        proofs.require(
            actor, run.approved, STORE_COMMAND, subject=present.name,
            destination=backup.destination.name, backup_set=backup.set, store=name,
        )  # fmt: skip
    fresh = paths.stores_dir() / f".restoring-{part.identity}"
    scratch = fresh.with_name(f"{fresh.name}-work")
    try:
        restoring.restore_store(
            opened, part, fresh, key=key, set_id=backup.set, work=scratch,
            progress=lambda done, total, note: run.progress(done, total, unit="bytes", note=note), stop=run.stopping,
        )  # fmt: skip
    except Stopped:
        raise run.cancelled({"store": part.name}) from None
    store, aside = _put_in_place(actor, part, present, fresh, scratch)
    report = attach.run(engines.open_store(store), attach.plan(engines.open_store(store)))
    retention_dates.begin_anew(store)
    audit.record(actor, "backup.restore_store", store, set=backup.set, messages=part.messages, aside=aside or "")
    return {
        "store": store.name,
        "messages": part.messages,
        "ok": report.ok,
        "problems": [f"{each.where}: {each.what}" for each in report.problems],
        "kept_aside": aside,
    }


def _put_in_place(
    actor: Actor, part: StorePart, present: Store | None, fresh: Path, scratch: Path
) -> tuple[Store, str | None]:
    """The restored folder under its name, its row, and where the former store is now."""
    aside: Path | None = None
    was = ""
    with transaction.atomic():
        store = present or _row_for(part)
        engines.close_store(store)
        was = leave_database(store)
        if present is not None and store.root.exists():
            aside = store.root.with_name(f"{store.root.name}.replaced-{timezone.now():%Y%m%d-%H%M%S}")
            store.root.rename(aside)
        if present is None or store.state == StoreState.DISABLED:
            store.state = StoreState.NORMAL
        store.retried_at = timezone.now()  # whoever failed to open it looks again
        store.save()
        store.root.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fresh, store.root)
        place_work(store, scratch)
    return store, str(aside) if aside is not None else was or None


def _row_for(part: StorePart) -> Store:
    """The row of a store that isn't attached: the one that remembers it, or a new one; at a place nobody has."""
    attached = Store.objects.filter(detached_at=None)
    names, folders = set(attached.values_list("name", flat=True)), set(attached.values_list("path", flat=True))
    name = next(n for n in (part.name, *(f"{part.name} {at}" for at in range(2, 10_000))) if n not in names)
    stem = Path(part.folder).name or "store"
    candidates = (stem, *(f"{stem}-{at}" for at in range(2, 10_000)))
    folder = next(f for f in candidates if f not in folders and not (paths.stores_dir() / f).exists())
    store = Store.objects.filter(identity=part.identity).first() or Store(identity=part.identity)
    store.name, store.path, store.work_path, store.index_path, store.detached_at = name, folder, "", "", None
    return store


def place_work(store: Store, scratch: Path) -> None:
    """The store's working copies begin anew, with the restored index where the backup had one."""
    shutil.rmtree(store.work, ignore_errors=True)
    shutil.rmtree(store.index, ignore_errors=True)
    if not (scratch / "index").exists():
        return
    store.work.mkdir(mode=0o700, parents=True, exist_ok=True)
    store.index.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(scratch / "index", store.index)
    shutil.move(scratch / "store", store.work / "store")  # whose index it is
    shutil.rmtree(scratch, ignore_errors=True)


# --- one mailbox -------------------------------------------------------------------------------------------------


def restore_mailbox(
    actor: Actor, run: TaskRun, backup: BackupSet, *, mailbox: str, into: str = "", folder: str = "", store: str = "",
    dry_run: bool = False,
) -> dict[str, object]:  # fmt: skip
    """Bring a mailbox's messages back into an archive (its own, else `into`), in their folders, below `folder`.

    mailbox: its address at that time, or its number. Nothing is taken away; what is there already stays as it is.
    Raises: Forbidden, BadArguments, ArchiveClosed, BackupError, StoreError, Cancelled.
    """
    actor.require(Right.MANAGE_STORES)
    actor.require(Right.IMPORT_MAIL)
    target = get_mailbox(into or mailbox)
    top = clean_folder(folder) if folder.strip() else ""
    opened, manifest, _key = manifest_of(actor, backup)
    parts = [manifest.store(store)] if store else manifest.stores
    master = engines.keys().master
    into_store = engines.open_writable(store_for_import(actor, None, target))
    done = {"found": 0, "restored": 0, "known": 0, "unreadable": 0}
    with tempfile.TemporaryDirectory(dir=_work(), ignore_cleanup_errors=True) as work:
        for number, part in enumerate(parts):
            with restoring.look_into(opened, part, Path(work) / str(number), master=master) as inside:
                box = _mailbox_in(inside, mailbox, target.pk)
                if box is not None:
                    _bring_back(run, inside, box, into_store, target.pk, target.address, top, dry_run, done)
    if not done["found"] and not run.stopping():
        said = _("The backup holds no message of “%(mailbox)s”.") % {"mailbox": mailbox}
        raise BadArguments(said, field="mailbox")
    result: dict[str, object] = {"mailbox": mailbox, "into": target.address, "set": backup.set, **done}
    if not dry_run:
        audit.record(
            actor, "backup.restore_mailbox", target, set=backup.set, mailbox=mailbox, restored=done["restored"],
            known=done["known"], unreadable=done["unreadable"],
        )  # fmt: skip
    if run.stopping():
        raise run.cancelled(result)
    return result


def count_mailbox(actor: Actor, backup: BackupSet, *, mailbox: str, into: str = "", folder: str = "") -> dict[str, int]:
    """How many messages would come back, folder by folder; what is there already is among them.

    Raises: Forbidden, BadArguments, ArchiveClosed, BackupError, StoreError.
    """
    actor.require(Right.MANAGE_STORES)
    target = get_mailbox(into or mailbox)
    if folder.strip():
        clean_folder(folder)
    opened, manifest, _key = manifest_of(actor, backup)
    found: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=_work(), ignore_cleanup_errors=True) as work:
        for number, part in enumerate(manifest.stores):
            where = Path(work) / str(number)
            with restoring.look_into(opened, part, where, master=engines.keys().master) as inside:
                box = _mailbox_in(inside, mailbox, target.pk)
                for each in inside.folders(box) if box is not None else ():
                    found[each.path] = found.get(each.path, 0) + each.messages
    if not any(found.values()):
        said = _("The backup holds no message of “%(mailbox)s”.") % {"mailbox": mailbox}
        raise BadArguments(said, field="mailbox")
    return dict(sorted(found.items()))


def _work() -> Path:
    folder = paths.work_dir() / "backup"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _mailbox_in(inside: OpenStore, wanted: str, present: int) -> int | None:
    """The mailbox's number in a store of the backup. Raises: BadArguments where the address had several."""
    labels = inside.catalogue.mailboxes()
    if wanted.isdecimal():
        return int(wanted) if int(wanted) in labels else None
    found = sorted(number for number, label in labels.items() if label == wanted.strip().lower())
    if len(found) > 1 and present in found:
        return present
    if len(found) > 1:
        said = _("“%(address)s” was several mailboxes; name one by its number: %(numbers)s")
        raise BadArguments(said % {"address": wanted, "numbers": ", ".join(map(str, found))}, field="mailbox")
    return found[0] if found else None


def _bring_back(
    run: TaskRun, inside: OpenStore, box: int, into: OpenStore, target: int, address: str, top: str, dry_run: bool,
    done: dict[str, int],
) -> None:  # fmt: skip
    folders = {each.number: each.path for each in inside.folders(box)}
    total = sum(each.messages for each in inside.folders(box))
    if dry_run:
        done["found"] += total
        return
    into.mailbox(target, address)
    with Ingest(into, target, stop=run.stopping) as ingest:
        for number, path in folders.items():
            for row in inside.iterate(None, mailboxes={box}, folder=number):
                if run.stopping():
                    return
                done["found"] += 1
                try:
                    content = inside.read(row.number)
                except (NotFound, StoreError) as error:
                    done["unreadable"] += 1
                    run.log(f"{path}: message {row.number}: {error}", "warning")
                    continue
                ingest.put(f"{top}/{path}".strip("/"), content=content)
                _take(ingest, done)
                run.progress(done["found"], total, note=path)
    _take(ingest, done)


def _take(ingest: Ingest, done: dict[str, int]) -> None:
    for outcome in ingest.outcomes():
        done["restored" if outcome.state == "archived" else "known"] += 1


# --- everything, at the next start -------------------------------------------------------------------------------


def read_order() -> dict[str, str] | None:
    """The order that waits, if any."""
    try:
        found: dict[str, str] = json.loads(paths.restore_order().read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def plan_archive(actor: Actor, backup: BackupSet) -> Plan:
    """What restoring everything would replace. Raises: Forbidden, KeyRefused, BadArguments, BackupError."""
    actor.require(Right.MANAGE_SERVER)
    _opened, manifest, _key = manifest_of(actor, backup)
    if manifest.database is None:
        raise BadArguments(_("This backup holds no database; restore its stores one by one."), field="backup_set")
    now = sum(_messages_now(store) for store in Store.objects.filter(detached_at=None))
    numbers = [
        (now, _("messages are in the stores that are put aside")),
        (manifest.messages, ngettext("message comes back", "messages come back", manifest.messages)),
        (len(manifest.stores), ngettext("store comes back", "stores come back", len(manifest.stores))),
    ]
    note = _("Everything is as it was at %(time)s: people, addresses, rights, mail. What came since is put aside.")
    note %= {"time": _moment(manifest)}
    if Store.objects.filter(detached_at=None).exclude(kind=StoreKind.FOLDER).exists():
        note += " " + _("Stores that lie in a database now are folders then; what is in the database stays there.")
    return Plan(backup.set, numbers, note=note)


def order_archive(actor: Actor, run: TaskRun, backup: BackupSet) -> dict[str, object]:
    """Let the next start restore everything from a set. Raises: Forbidden, NeedsApproval, BackupError, BadArguments."""
    plan_archive(actor, backup)
    proofs.require(
        actor, run.approved, ARCHIVE_COMMAND, subject=backup.set,
        destination=backup.destination.name, backup_set=backup.set,
    )  # fmt: skip
    said = {
        "destination": str(backup.destination_id), "name": backup.destination.name, "set": backup.set,
        "by": actor.label, "at": timezone.now().isoformat(timespec="seconds"),
    }  # fmt: skip
    file = paths.restore_order()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(said), "utf-8")
    audit.record(actor, "backup.order_restore", backup.destination, set=backup.set)
    fresh.replace(file)
    return {"set": backup.set, "starts": _("Restart Postkeep: everything is restored before pages are answered.")}


def withdraw_order(actor: Actor) -> bool:
    """Take an order back; whether there was one. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    order = read_order()
    if order is None:
        return False
    audit.record(actor, "backup.withdraw_restore", None, set=order.get("set", ""))
    paths.restore_order().unlink(missing_ok=True)
    return True


def bump_sequence(highest: int) -> None:
    """No mailbox made from now on gets a number that a store knows of: its mail is somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('domains_mailbox', 'id'), "
            "greatest(%s, (SELECT coalesce(max(id), 0) + 1 FROM domains_mailbox), 1), false)",
            [highest + 1],
        )
