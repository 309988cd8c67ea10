"""The sets of a destination: reading anew what lies there, checking them, removing them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.backup import checking, pruning
from archive.backup.destination import Destination
from archive.backup.errors import KeyRefused, SetDamaged
from archive.backup.manifest import Listed, Manifest, list_sets, open_key, read_set, wrong_with_key
from archive.errors import BackupUnknown
from archive.models import BackupDestination, BackupSet
from archive.services.backup.destinations import held, list_destinations, open_destination
from archive.store.errors import Stopped
from archive.store.operations.report import Plan
from jobs.running import TaskRun

MOST_PROBLEMS = 100


def list_backups(actor: Actor) -> QuerySet[BackupSet]:
    """Raises: Forbidden."""
    return BackupSet.objects.filter(destination__in=list_destinations(actor)).select_related("destination")


def get_backup(actor: Actor, backup_id: int) -> BackupSet:
    """Raises: Forbidden, BackupUnknown."""
    found = list_backups(actor).filter(pk=backup_id).first()
    if found is None:
        raise BackupUnknown("there is no such backup")
    return found


def backup_named(actor: Actor, destination: BackupDestination, set_id: str = "") -> BackupSet:
    """A set by its name, or the newest that can be read. Raises: BackupUnknown."""
    rows = list_backups(actor).filter(destination=destination)
    found = rows.filter(set=set_id).first() if set_id else rows.filter(is_readable=True).first()
    if found is None:
        raise BackupUnknown(_("There is no such backup at “%(name)s”.") % {"name": destination.name})
    return found


def note_set(destination: BackupDestination, manifest: Manifest) -> BackupSet:
    """The row of a set, made or brought up to what it says."""
    values = {
        "made_at": manifest.when(),
        "finished_at": parse_datetime(manifest.finished),
        "made_by": manifest.version[:60],
        "host": manifest.host[:255],
        "stores": len(manifest.stores),
        "messages": manifest.messages,
        "size_bytes": manifest.bytes,
        "written_bytes": manifest.bytes_written,
        "with_indexes": manifest.with_indexes,
        "with_database": manifest.database is not None,
        "is_readable": True,
        "problems": manifest.problems[:MOST_PROBLEMS],
    }
    row, _made = BackupSet.objects.update_or_create(destination=destination, set=manifest.set, defaults=values)
    return row


def read_backups(actor: Actor, destination: BackupDestination) -> int:
    """Bring the rows of a destination up to what lies there; how many sets that is. Raises: Forbidden, BackupError."""
    actor.require(Right.MANAGE_STORES)
    actor.require_writing()
    sets = list_sets(open_destination(actor, destination))
    with transaction.atomic():
        for each in sets:
            _note(destination, each)
        destination.sets.exclude(set__in=[each.set for each in sets]).delete()
        audit.record(actor, "backup.read", destination, sets=len(sets))
    return len(sets)


def _note(destination: BackupDestination, each: Listed) -> None:
    if each.manifest is not None:
        note_set(destination, each.manifest)
        return
    values = {"is_readable": False, "problems": [each.problem]}
    made = parse_datetime(f"{each.set[:4]}-{each.set[4:6]}-{each.set[6:8]}T{each.set[9:11]}:{each.set[11:13]}:00Z")
    BackupSet.objects.update_or_create(
        destination=destination, set=each.set, defaults=values, create_defaults=values | {"made_at": made}
    )


def manifest_of(actor: Actor, backup: BackupSet) -> tuple[Destination, Manifest, bytes]:
    """The opened destination, what the set says, proven by its key, and that key.

    Raises: KeyRefused (it was made under another master key), SetDamaged, SetUnknown, BackupError.
    """
    opened = open_destination(actor, backup.destination)
    key_id = read_set(opened, backup.set).key
    key = open_key(opened, key_id, master=engines.keys().master)
    return opened, read_set(opened, backup.set, key), key


def verify_backup(actor: Actor, run: TaskRun, backup: BackupSet, *, deep: bool = True) -> dict[str, object]:
    """Read a set back and compare it with what was written. Raises: Forbidden, BackupError, Cancelled."""
    actor.require(Right.MANAGE_STORES)
    problems: list[str] = []
    numbers = {"objects": 0, "bytes": 0}
    try:
        opened, manifest, wrong = _manifest(actor, backup)
        problems = [wrong] if wrong else []
        report = checking.run(
            opened,
            manifest,
            checking.plan(manifest, deep=deep),
            lambda done, total, note: run.progress(done, total, unit="bytes", note=note),
            run.stopping,
        )
        numbers = report.numbers
        problems += [f"{each.where}: {each.what}" for each in report.problems]
    except SetDamaged as error:
        problems.append(str(error))
    except Stopped:
        raise run.cancelled({"set": backup.set}) from None
    BackupSet.objects.filter(pk=backup.pk).update(
        checked_at=timezone.now(), check_ok=not problems, check_problems=problems[:MOST_PROBLEMS]
    )
    audit.record(actor, "backup.verify", backup.destination, set=backup.set, ok=not problems)
    for problem in problems[:1000]:
        run.log(problem, "warning")
    return {"set": backup.set, "ok": not problems, "problems": problems[:1000], **numbers}


def _manifest(actor: Actor, backup: BackupSet) -> tuple[Destination, Manifest, str]:
    """Proven by its key where ours opens it, and what is wrong with that key; else as it stands."""
    try:
        opened, manifest, key = manifest_of(actor, backup)
    except KeyRefused:
        opened = open_destination(actor, backup.destination)
        return opened, read_set(opened, backup.set), ""
    return opened, manifest, wrong_with_key(opened, manifest.key, key)


def plan_removal(actor: Actor, backups: Sequence[BackupSet]) -> Plan:
    """What removing sets of one destination would free. Raises: Forbidden, BackupError."""
    actor.require(Right.MANAGE_STORES)
    opened = open_destination(actor, backups[0].destination)
    return pruning.plan(opened, [each.set for each in backups])


def remove_backups(actor: Actor, run: TaskRun, backups: Sequence[BackupSet]) -> dict[str, object]:
    """Remove sets of one destination, and what only they need. Raises: Forbidden, BackupError, Cancelled."""
    actor.require(Right.MANAGE_STORES)
    destination = backups[0].destination
    opened = open_destination(actor, destination)
    names = [each.set for each in backups]
    with held(destination, opened):
        try:
            report = pruning.run(
                opened,
                pruning.plan(opened, names),
                lambda done, total, note: run.progress(done, total, unit="objects", note=note),
                run.stopping,
            )
        except Stopped:
            raise run.cancelled({"sets": names}) from None
        forget_sets(actor, destination, names, report.numbers)
    return {"destination": destination.name, "removed": names, **report.numbers}


def forget_sets(actor: Actor, destination: BackupDestination, names: Sequence[str], numbers: dict[str, int]) -> None:
    """The rows of sets that are gone."""
    if not names:
        return
    with transaction.atomic():
        destination.sets.filter(set__in=names).delete()
        audit.record(
            actor, "backup.remove", destination, sets=list(names), objects=numbers["objects"], bytes=numbers["bytes"]
        )
