"""Restoring the whole archive: database, stores and keys, on a new machine or over what is there.

Nobody else may work meanwhile: it is done by `manage.py restore` while Postkeep is down, or by its start, as ordered.
First everything is fetched and checked; then the database is loaded in one transaction, what was there before being
dumped aside, and its shape is brought to this version; then the stores come into their places, what lay there being
moved aside; then the keys are put in force. Killed at any moment, run it again: what is fetched stays.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from archive import engines
from archive.backup import database, restoring
from archive.backup.destination import Destination
from archive.backup.errors import BackupError, InTheWay, SetDamaged
from archive.backup.manifest import Manifest, StorePart, open_key, read_set
from archive.models import BackupDestination, Store, StoreState
from archive.services import keys as key_services
from archive.services.backup.destinations import open_destination
from archive.services.backup.restoring import bump_sequence, leave_database, place_work, read_order
from archive.services.backup.running import dump_database
from archive.services.store_places import DATABASE_COLUMNS
from archive.store.errors import StoreError
from archive.store.operations import attach
from config.kit import paths, sealing_keys, secrets

Tell = Callable[[str], None]


@dataclass(slots=True)
class Wanted:
    """What to restore from where, and with which key: the recovery key as its person wrote it, or the master key."""

    destination: Destination
    manifest: Manifest
    key: bytes
    recovery_key: str = ""
    master: bytes | None = None


@dataclass(slots=True)
class Restored:
    """What became of it."""

    set: str
    stores: list[str] = field(default_factory=list)
    messages: int = 0
    aside: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_set(destination: Destination, set_id: str, *, recovery_key: str = "", master: bytes | None = None) -> Wanted:
    """A set, proven by its key. Raises: KeyRefused, SetDamaged, SetUnknown, SecretsError (mistyped), BackupError."""
    private = secrets.parse_recovery_key(recovery_key) if recovery_key else None
    key_id = read_set(destination, set_id).key
    key = open_key(destination, key_id, master=master, recovery=private)
    return Wanted(destination, read_set(destination, set_id, key), key, recovery_key, master)


def why_not(wanted: Wanted, *, overwrite: bool) -> str:
    """Why this can't be restored here now; empty when it can."""
    if wanted.manifest.database is None:
        return "this backup holds no database"
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    for app, name in wanted.manifest.migrations.items():
        if any(each == app for each, _name in known) and (app, name) not in known:
            return f"it was made by a newer version of Postkeep ({wanted.manifest.version}: {app} {name})"
    if not overwrite and is_occupied():
        return "there is an archive here already; with --overwrite it is put aside and replaced"
    return ""


def is_occupied() -> bool:
    """Whether somebody's archive is here: people in the database, or stores in their folder."""
    folder = paths.stores_dir()
    if folder.exists() and any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir()):
        return True
    with connection.cursor() as cursor:
        if "accounts_user" not in connection.introspection.table_names(cursor):
            return False
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def restore(wanted: Wanted, *, overwrite: bool = False, tell: Tell = lambda text: None) -> Restored:
    """Do it. Raises: InTheWay, BackupError, StoreError, SecretsError, OSError."""
    reason = why_not(wanted, overwrite=overwrite)
    if reason:
        raise InTheWay(reason)
    manifest = wanted.manifest
    result = Restored(manifest.set, messages=manifest.messages)
    ground = paths.home() / "restore" / manifest.set
    ground.mkdir(mode=0o700, parents=True, exist_ok=True)
    _fetch(wanted, ground, tell)
    aside = paths.home() / f"replaced-{timezone.now():%Y%m%d-%H%M%S}"
    _load_database(wanted, ground, aside, tell)
    tell("Bringing the database to this version …")
    call_command("migrate", interactive=False, verbosity=0)
    _place_stores(wanted, ground, aside, result, tell)
    bump_sequence(max((part.highest_mailbox for part in manifest.stores), default=0))
    _forget_what_this_machine_saw(aside)
    _put_keys_in_force(wanted, result, tell)
    _check_stores(result, tell)
    result.aside = str(aside) if aside.exists() else ""
    audit.record(
        Actor.system(), "backup.restore", None, set=manifest.set, stores=result.stores, messages=result.messages,
        problems=result.problems[:20], aside=result.aside,
    )  # fmt: skip
    shutil.rmtree(ground, ignore_errors=True)
    return result


def _fetch(wanted: Wanted, ground: Path, tell: Tell) -> None:
    """Everything onto this machine, checked, before anything here changes."""
    said = 0.0

    def progress(done: int, total: int, note: str) -> None:
        nonlocal said
        if time.monotonic() - said > 2:
            said = time.monotonic()
            tell(f"{done / total:4.0%}  {note}" if total else note)

    tell(f"Fetching {wanted.manifest.set} from {wanted.destination.label} …")
    restoring.restore_database(wanted.destination, wanted.manifest, ground / "database.dump", wanted.key)
    for part in wanted.manifest.stores:
        if part.identity in _placed(ground) or _is_fetched(ground, part):
            continue
        restoring.restore_store(
            wanted.destination, part, ground / part.identity, key=wanted.key, set_id=wanted.manifest.set,
            work=ground / f"{part.identity}-work", progress=progress,
        )  # fmt: skip


def _is_fetched(ground: Path, part: StorePart) -> bool:
    root = ground / part.identity
    return (root / restoring.LAST).exists() and not (root / restoring.MARK).exists()


def _placed(ground: Path) -> list[str]:
    """Stores that an earlier try has put in their places already."""
    try:
        found: list[str] = json.loads((ground / "placed.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return found


def _load_database(wanted: Wanted, ground: Path, aside: Path, tell: Tell) -> None:
    if _placed(ground):
        return  # loaded before that
    server = database.Server.of(connection.settings_dict)
    with connection.cursor() as cursor:
        is_empty = "accounts_user" not in connection.introspection.table_names(cursor)
    if not is_empty:
        aside.mkdir(mode=0o700, parents=True)
        tell(f"Putting the present database aside ({aside / 'database.dump'}) …")
        dump_database(aside / "database.dump")
    connection.close()
    database.end_other_sessions(server)
    tell("Loading the database …")
    database.load(server, ground / "database.dump")
    sealing_keys.forget()


def _place_stores(wanted: Wanted, ground: Path, aside: Path, result: Restored, tell: Tell) -> None:
    engines.close_all()
    placed = _placed(ground)
    for part in wanted.manifest.stores:
        row = _row(part)
        if was := leave_database(row):
            row.save(update_fields=["kind", *DATABASE_COLUMNS])
            tell(f"The store “{row.name}” lay in PostgreSQL, where it stays as it is: {was}.")
        if part.identity not in placed:
            if row.root.exists():
                (aside / "stores").mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(row.root, aside / "stores" / f"{row.pk}-{row.root.name}")
            row.root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(ground / part.identity, row.root)
            place_work(row, ground / f"{part.identity}-work")
            placed.append(part.identity)
            (ground / "placed.json").write_text(json.dumps(placed), "utf-8")
        result.stores.append(row.name)
        tell(f"The store “{row.name}” is in {row.root}.")
    held = [part.identity for part in wanted.manifest.stores]
    for row in Store.objects.filter(detached_at=None).exclude(identity__in=held):
        Store.objects.filter(pk=row.pk).update(state=StoreState.DISABLED)
        result.problems.append(f"the store “{row.name}” was not in the backup; it is switched off")


def _row(part: StorePart) -> Store:
    """The restored row of a store. Folders of its own whose place isn't here are given up for the usual ones.

    Raises: SetDamaged.
    """
    row = Store.objects.filter(identity=part.identity).first()
    if row is None:
        raise SetDamaged(f"the backup's database knows nothing of its store “{part.name}”")
    if Path(row.path).is_absolute() and not row.root.parent.is_dir():
        row.path = f"{row.root.name}-{part.identity[:8]}"
    if row.work_path and not row.work.parent.is_dir():
        row.work_path = ""
    if row.index_path and not row.index.parent.is_dir():
        row.index_path = ""
    row.save(update_fields=["path", "work_path", "index_path"])
    return row


def _forget_what_this_machine_saw(aside: Path) -> None:
    """How far the audit trail was seen here belongs to the database that was replaced."""
    seen = paths.home() / "audit"
    if seen.exists():
        aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(seen, aside / "audit")


def _put_keys_in_force(wanted: Wanted, result: Restored, tell: Tell) -> None:
    if wanted.recovery_key:
        done = key_services.recover_keys(Actor.console(), recovery_key=wanted.recovery_key)
        tell(f"A new master key is in {done['master']}; all stores open with it.")
        left = done["stores_left"]
        assert isinstance(left, list)
        result.problems += [f"{name}: unlock it with its recovery key" for name in left]
        if done["secrets_lost"]:
            result.problems.append("some stored passwords can't be opened any more; type them in again")
    elif wanted.master is not None:
        key_services.put_master_in_force(wanted.master)
    sealing_keys.forget()


def _check_stores(result: Restored, tell: Tell) -> None:
    """Each is opened, which replays its journal, and asked whether it is whole."""
    for row in Store.objects.filter(detached_at=None).order_by("pk"):
        if not row.is_open:
            continue
        tell(f"Opening “{row.name}” …")
        try:
            opened = engines.open_store(row)
            report = attach.run(opened, attach.plan(opened))
            result.problems += [f"{row.name}: {each.where}: {each.what}" for each in report.problems]
        except Exception as error:  # told, and the other stores are looked at all the same
            result.problems.append(f"{row.name}: {error}")
    engines.close_all()


# --- what was ordered --------------------------------------------------------------------------------------------


def restore_ordered(tell: Tell = lambda text: None) -> Restored | None:
    """At a start: restore what was ordered, if anything was. One that fails is put aside, and the start goes on."""
    order = read_order()
    if order is None:
        return None
    file = paths.restore_order()
    try:
        row = BackupDestination.objects.get(pk=int(order["destination"]))
        wanted = open_set(open_destination(Actor.system(), row), order["set"], master=secrets.master_key())
        done = restore(wanted, overwrite=True, tell=tell)
    except (BackupError, StoreError, secrets.SecretsError, OSError, BackupDestination.DoesNotExist) as error:
        file.with_suffix(".failed").write_text(f"{error}\n", "utf-8")
        file.unlink(missing_ok=True)
        audit.record(Actor.system(), "backup.restore_failed", None, set=order.get("set", ""), reason=str(error)[:500])
        tell(f"The restore that was ordered failed: {error}")
        return None
    file.unlink(missing_ok=True)
    return done
