"""A backup run: database first, then the stores, so that whatever the database names is in the set; then old sets go.

While it runs, mail goes on arriving. What can't be put into the set is told in it, in the task and by an alert; the
rest is written all the same, since half an archive is better than none. The next run goes on with a killed one.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.backup import database, pruning
from archive.backup.destination import Destination
from archive.backup.errors import BackupError
from archive.backup.manifest import Listed, Manifest, key_for_writing, list_sets
from archive.backup.writing import DatabaseDump, Preview, Subject, Writer, preview
from archive.errors import StoreUnavailable
from archive.models import BackupDestination, BackupSet, Store
from archive.services.backup.destinations import held, open_destination
from archive.services.backup.sets import forget_sets, note_set
from archive.store.errors import Stopped, StoreError
from config.kit import paths
from config.kit.release import version
from config.kit.secrets import SecretsError
from jobs import alerts
from jobs.models import Alert
from jobs.running import TaskRun

FAILED, INCOMPLETE, OVERDUE = "backup.failed", "backup.incomplete", "backup.overdue"


def register_alerts() -> None:
    alerts.register_kind(FAILED, gettext_lazy("The backup to “%(destination)s” failed: %(reason)s"))
    alerts.register_kind(
        INCOMPLETE, gettext_lazy("The backup to “%(destination)s” lacks something of the archive: %(reason)s")
    )
    alerts.register_kind(OVERDUE, gettext_lazy("“%(destination)s” has had no backup for more than %(days)s days."))


def run_backup(
    actor: Actor, run: TaskRun, destination: BackupDestination, *, indexes: bool | None = None
) -> dict[str, object]:
    """Back up everything to a destination, and let old sets go. indexes: else as the destination says.

    Raises: Forbidden, BackupError, SecretsError, Cancelled.
    """
    actor.require(Right.MANAGE_STORES)
    with _told(destination):
        opened = open_destination(actor, destination)
        with held(destination, opened):
            run.log(f"{destination.name}: {destination.place}")
            try:
                manifest = _write(run, opened, destination.indexes if indexes is None else indexes)
            except Stopped:
                raise run.cancelled({"destination": destination.name}) from None
            row = note_set(destination, manifest)
            audit.record(
                actor, "backup.run", destination, set=manifest.set, messages=manifest.messages, bytes=manifest.bytes,
                written=manifest.bytes_written, problems=len(manifest.problems),
            )  # fmt: skip
            pruned = _prune(actor, run, destination, opened)
    _tell_of(destination, row)
    return {
        "destination": destination.name,
        "set": manifest.set,
        "stores": len(manifest.stores),
        "messages": manifest.messages,
        "bytes": manifest.bytes,
        "written": manifest.bytes_written,
        "with_indexes": manifest.with_indexes,
        "problems": manifest.problems,
        "ok": not manifest.problems,
        "removed_sets": pruned,
    }


def preview_backup(actor: Actor, destination: BackupDestination) -> Preview:
    """What a run would write now; the database isn't among it. Raises: Forbidden, BackupError, SecretsError."""
    actor.require(Right.MANAGE_STORES)
    with _subjects() as (subjects, _problems):
        return preview(open_destination(actor, destination), subjects)


def _write(run: TaskRun, opened: Destination, indexes: bool) -> Manifest:
    key_id, key = key_for_writing(opened, engines.keys())
    writer = Writer(
        opened,
        key_id,
        key,
        version=version(),
        progress=lambda done, total, note: run.progress(done, total, unit="bytes", note=note),
        stop=run.stopping,
    )
    with _scratch() as folder:
        run.progress(0, None, unit="bytes", note=_("Reading the database"))
        dumped = dump_database(folder / "database.dump", run)
        with _subjects() as (subjects, problems):
            writer.problems += problems
            manifest = writer.run(subjects, dumped, indexes=indexes)
    for problem in manifest.problems:
        run.log(problem, "warning")
    return manifest


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this run; what killed runs left there goes."""
    top = paths.work_dir() / "backup"
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = timezone.now().timestamp() - 7 * 86_400
    for each in top.iterdir():
        if each.stat().st_mtime < old:
            shutil.rmtree(each, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=top, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def dump_database(target: Path, run: TaskRun | None = None) -> DatabaseDump:
    """The database as a file, with the migrations it has. Raises: DatabaseFailed, Stopped."""
    migrations: dict[str, str] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        migrations[app] = name
    server = database.Server.of(connection.settings_dict)
    database.dump(server, target, **({} if run is None else {"stop": run.stopping}))
    return DatabaseDump(target, migrations)


@contextmanager
def _subjects() -> Iterator[tuple[list[Subject], list[str]]]:
    """Every attached store, also one that is switched off; and what can't be opened, in words."""
    found, problems = list[Subject](), list[str]()
    with ExitStack() as stack:
        for store in Store.objects.filter(detached_at=None).order_by("pk"):
            try:
                opened = stack.enter_context(engines.opened_for_upkeep(store))
            except StoreUnavailable as error:
                problems.append(f"{store.name} is not in this backup: {error}")
            else:
                found.append(Subject(opened, store.name, store.path, store.state))
        yield found, problems


def _prune(actor: Actor, run: TaskRun, destination: BackupDestination, opened: Destination) -> int:
    """Let old sets go. That this fails doesn't make the backup a failed one."""
    try:
        going = pruning.too_old(
            _ours(list_sets(opened)),
            keep_last=destination.keep_last,
            keep_days=destination.keep_days,
            now=datetime.now(UTC),
        )
        report = pruning.run(opened, pruning.plan(opened, going), stop=run.stopping)
    except (BackupError, Stopped) as error:
        run.log(_("Old sets were not removed: %(reason)s") % {"reason": error}, "warning")
        return 0
    forget_sets(actor, destination, going, report.numbers)
    return len(going)


def _ours(sets: list[Listed]) -> list[Listed]:
    """The sets of this archive: those of another one that writes to the same place are that one's to let go."""
    known = set(Store.objects.values_list("identity", flat=True))
    return [
        each
        for each in sets
        if each.manifest is not None and all(part.identity in known for part in each.manifest.stores)
    ]


# --- telling -----------------------------------------------------------------------------------------------------


def _source(kind: str, destination: BackupDestination) -> str:
    return f"{kind}:{destination.pk}"


@contextmanager
def _told(destination: BackupDestination) -> Iterator[None]:
    """A run that fails posts an alert."""
    try:
        yield
    except (BackupError, StoreError, SecretsError, OSError) as error:
        if not isinstance(error, Stopped):
            params = {"destination": destination.name, "reason": str(error)[:300]}
            with contextlib.suppress(Exception), transaction.atomic():  # the error itself matters more
                alerts.post_alert(
                    Actor.system(), kind=FAILED, params=params, severity="error", source=_source(FAILED, destination)
                )
        raise


def _tell_of(destination: BackupDestination, row: BackupSet) -> None:
    for kind in (FAILED, OVERDUE):
        alerts.settle_alerts(_source(kind, destination))
    if not row.problems:
        alerts.settle_alerts(_source(INCOMPLETE, destination))
        return
    params = {"destination": destination.name, "reason": str(row.problems[0])[:300]}
    alerts.post_alert(Actor.system(), kind=INCOMPLETE, params=params, source=_source(INCOMPLETE, destination))


def watch_backups() -> int:
    """Post an alert for each destination whose last backup is too old; how many are (the clock calls this)."""
    late = 0
    for destination in BackupDestination.objects.filter(warn_days__gt=0):
        if is_late(destination):
            late += 1
            params = {"destination": destination.name, "days": destination.warn_days}
            source = _source(OVERDUE, destination)
            # Once a day, also where somebody acknowledged it and did nothing.
            if not Alert.objects.filter(source=source, last_at__gt=timezone.now() - timedelta(days=1)).exists():
                alerts.post_alert(Actor.system(), kind=OVERDUE, params=params, source=source)
    return late


def is_late(destination: BackupDestination) -> bool:
    """Whether its last backup is older than it should be."""
    if not destination.warn_days:
        return False
    last = destination.sets.filter(is_readable=True).first()
    since = destination.created_at if last is None else last.made_at
    return since < timezone.now() - timedelta(days=destination.warn_days)
