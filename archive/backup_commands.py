"""The commands of backups: writing, listing, checking, removing, restoring.

CreateBackup: MailStore's administration API, with its argument names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.backup.errors import BackupError
from archive.errors import ArchiveError
from archive.models import BackupDestination, BackupSet
from archive.services.backup import destinations, restoring, running, sets
from jobs.commands import About, command
from jobs.dry_runs import Plan
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]
_DESTINATION = About(_("Destination"), _("Its name."))
_SET = About(_("Backup"), _("The set's name, such as 20260301T021500123456Z-1a2b; the newest without one."))


@contextmanager
def _said_to_whoever_asks() -> Iterator[None]:
    """What is wrong with arguments, as every door tells it. Raises: BadArguments of jobs."""
    try:
        yield
    except (ArchiveError, BackupError) as error:
        raise BadArguments(str(error), field=getattr(error, "field", None) or "") from error


# --- writing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateBackupArguments:
    """A folder of this server, and whether the search indexes stay out."""

    path: Annotated[str, About(_("Folder"), _("A folder of this server, from its root on."))]
    exclude_search_indexes: Annotated[bool | None, About(_("Leave the search indexes out"))] = None


def _check_path(actor: Actor, arguments: CreateBackupArguments) -> None:
    with _said_to_whoever_asks():
        destinations.check_folder(actor, arguments.path)


@command(
    "CreateBackup",
    needs=Right.MANAGE_STORES,
    arguments=CreateBackupArguments,
    label=_("Backup to a folder"),
    check=_check_path,
    resumable=True,
)
def create_backup(actor: Actor, run: TaskRun, arguments: CreateBackupArguments) -> Result:
    """Back up the whole archive to a folder of this server, which becomes a destination."""
    destination = destinations.destination_for_folder(actor, arguments.path)
    excluded = arguments.exclude_search_indexes
    return running.run_backup(actor, run, destination, indexes=None if excluded is None else not excluded)


@dataclass(frozen=True, slots=True)
class RunBackupArguments:
    """Where to; with or without the search indexes, else as the destination says."""

    destination: Annotated[str, _DESTINATION]
    exclude_search_indexes: Annotated[bool | None, About(_("Leave the search indexes out"))] = None


def _check_destination(actor: Actor, arguments: RunBackupArguments | DestinationArguments) -> None:
    with _said_to_whoever_asks():
        destinations.destination_named(actor, arguments.destination)


@dataclass(frozen=True, slots=True)
class DestinationArguments:
    """Which destination."""

    destination: Annotated[str, _DESTINATION]


@command(
    "RunBackup",
    needs=Right.MANAGE_STORES,
    arguments=RunBackupArguments,
    label=_("Backup"),
    check=_check_destination,
    resumable=True,
)
def run_backup(actor: Actor, run: TaskRun, arguments: RunBackupArguments) -> Result:
    """Back up the whole archive to a destination: what is new, checked after it was written; then old sets go."""
    destination = destinations.destination_named(actor, arguments.destination)
    excluded = arguments.exclude_search_indexes
    return running.run_backup(actor, run, destination, indexes=None if excluded is None else not excluded)


@command(
    "TestBackupDestination",
    needs=Right.MANAGE_STORES,
    arguments=DestinationArguments,
    label=_("Test of a backup destination"),
    check=_check_destination,
)
def test_backup_destination(actor: Actor, run: TaskRun, arguments: DestinationArguments) -> Result:
    """Write, read and remove a small object at a destination."""
    destination = destinations.destination_named(actor, arguments.destination)
    problem = destinations.try_destination(actor, destination)
    return {"destination": destination.name, "ok": not problem, "problem": problem}


# --- sets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetArguments:
    """Which set of which destination."""

    destination: Annotated[str, _DESTINATION]
    backup_set: Annotated[str, _SET] = ""


def _set_of(actor: Actor, destination: str, name: str) -> BackupSet:
    return sets.backup_named(actor, destinations.destination_named(actor, destination), name)


@command(
    "GetBackups",
    needs=Right.MANAGE_STORES,
    arguments=DestinationArguments,
    label=_("List of backups"),
    check=_check_destination,
)
def get_backups(actor: Actor, run: TaskRun, arguments: DestinationArguments) -> Result:
    """Read what lies at a destination, and list its sets."""
    destination = destinations.destination_named(actor, arguments.destination)
    sets.read_backups(actor, destination)
    return {"destination": destination.name, "place": destination.place, "backups": [
        described(each) for each in destination.sets.all()
    ]}  # fmt: skip


def described(backup: BackupSet) -> Result:
    """A set, as programs read it."""
    return {
        "set": backup.set,
        "made": backup.made_at.isoformat(),
        "version": backup.made_by,
        "host": backup.host,
        "stores": backup.stores,
        "messages": backup.messages,
        "bytes": backup.size_bytes,
        "written": backup.written_bytes,
        "with_indexes": backup.with_indexes,
        "with_database": backup.with_database,
        "state": backup.state,
        "problems": [*backup.problems, *backup.check_problems],
        "checked": None if backup.checked_at is None else backup.checked_at.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class VerifyBackupArguments:
    """Which set; sizes_only: without reading every byte."""

    destination: Annotated[str, _DESTINATION]
    backup_set: Annotated[str, _SET] = ""
    sizes_only: Annotated[bool, About(_("Only whether everything is there, without reading it"))] = False


def _check_set(actor: Actor, arguments: SetArguments | VerifyBackupArguments) -> None:
    with _said_to_whoever_asks():
        _set_of(actor, arguments.destination, arguments.backup_set)


@command(
    "VerifyBackup",
    needs=Right.MANAGE_STORES,
    arguments=VerifyBackupArguments,
    label=_("Check of a backup"),
    check=_check_set,
)
def verify_backup(actor: Actor, run: TaskRun, arguments: VerifyBackupArguments) -> Result:
    """Read a backup and compare it with what was written; without a set the newest one."""
    backup = _set_of(actor, arguments.destination, arguments.backup_set)
    return sets.verify_backup(actor, run, backup, deep=not arguments.sizes_only)


@dataclass(frozen=True, slots=True)
class RemoveBackupsArguments:
    """Which sets of which destination."""

    destination: Annotated[str, _DESTINATION]
    backup_sets: Annotated[list[str], About(_("Backups"))]


def _sets_of(actor: Actor, arguments: RemoveBackupsArguments) -> list[BackupSet]:
    destination = destinations.destination_named(actor, arguments.destination)
    if not arguments.backup_sets:
        raise BadArguments("name at least one set", field="backup_sets")
    return [sets.backup_named(actor, destination, name or "-") for name in arguments.backup_sets]


def _plan_removal(actor: Actor, arguments: RemoveBackupsArguments) -> Plan | None:
    with _said_to_whoever_asks():
        backups = _sets_of(actor, arguments)
        numbers = sets.plan_removal(actor, backups).numbers
    left = BackupDestination.objects.get(pk=backups[0].destination_id).sets.filter(is_readable=True).count()
    words = [(numbers["sets"], str(_("backups go"))), (max(left - len(backups), 0), str(_("backups stay")))]
    return Plan(f"{backups[0].destination.name} · {', '.join(arguments.backup_sets)}"[:300], words)


@command(
    "RemoveBackups",
    needs=Right.MANAGE_STORES,
    arguments=RemoveBackupsArguments,
    label=_("Removal of backups"),
    two_people=_plan_removal,
    plannable=False,
)
def remove_backups(actor: Actor, run: TaskRun, arguments: RemoveBackupsArguments) -> Result:
    """Remove backups, and of what they hold what no other backup needs."""
    return sets.remove_backups(actor, run, _sets_of(actor, arguments))


# --- restoring ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RestoreStoreArguments:
    """Which store of which set, by its name then."""

    destination: Annotated[str, _DESTINATION]
    backup_set: Annotated[str, _SET]
    store: Annotated[str, About(_("Store"), _("Its name at that time."))]


def _plan_store(actor: Actor, arguments: RestoreStoreArguments) -> Plan | None:
    with _said_to_whoever_asks():
        return restoring.plan_store(actor, _set_of(actor, arguments.destination, arguments.backup_set), arguments.store)


@command(
    restoring.STORE_COMMAND,
    needs=Right.MANAGE_STORES,
    arguments=RestoreStoreArguments,
    label=_("Restore of a store"),
    two_people=_plan_store,
    plannable=False,
)
def restore_store(actor: Actor, run: TaskRun, arguments: RestoreStoreArguments) -> Result:
    """Bring a store back from a backup; replacing one that is there takes two people, and it is kept aside."""
    backup = _set_of(actor, arguments.destination, arguments.backup_set)
    return restoring.restore_store(actor, run, backup, arguments.store)


@dataclass(frozen=True, slots=True)
class RestoreMailboxArguments:
    """Whose mail (address or number at that time), into whose archive (else their own), below which folder."""

    destination: Annotated[str, _DESTINATION]
    mailbox: Annotated[str, About(_("Mailbox"), _("Its address at that time, or its number."))]
    backup_set: Annotated[str, _SET] = ""
    into: Annotated[str, About(_("Into the archive of"), _("Without one: its own."))] = ""
    folder: Annotated[str, About(_("Below the folder"), _("Without one: in the folders of that time."))] = ""
    store: Annotated[str, About(_("Only from the store"))] = ""
    dry_run: Annotated[bool, About(_("Only count"))] = False


def _check_mailbox(actor: Actor, arguments: RestoreMailboxArguments) -> None:
    with _said_to_whoever_asks():
        _set_of(actor, arguments.destination, arguments.backup_set)


@command(
    "RestoreMailbox",
    needs=Right.MANAGE_STORES,
    arguments=RestoreMailboxArguments,
    label=_("Restore of a mailbox"),
    check=_check_mailbox,
    plannable=False,
)
def restore_mailbox(actor: Actor, run: TaskRun, arguments: RestoreMailboxArguments) -> Result:
    """Bring the messages of one mailbox back from a backup; nothing that is there is taken away."""
    backup = _set_of(actor, arguments.destination, arguments.backup_set)
    return restoring.restore_mailbox(
        actor, run, backup, mailbox=arguments.mailbox, into=arguments.into, folder=arguments.folder,
        store=arguments.store, dry_run=arguments.dry_run,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RestoreArchiveArguments:
    """Which set of which destination."""

    destination: Annotated[str, _DESTINATION]
    backup_set: Annotated[str, _SET]


def _plan_archive(actor: Actor, arguments: RestoreArchiveArguments) -> Plan | None:
    with _said_to_whoever_asks():
        return restoring.plan_archive(actor, _set_of(actor, arguments.destination, arguments.backup_set))


@command(
    restoring.ARCHIVE_COMMAND,
    needs=Right.MANAGE_SERVER,
    arguments=RestoreArchiveArguments,
    label=_("Restore of the whole archive"),
    two_people=_plan_archive,
    plannable=False,
)
def restore_archive(actor: Actor, run: TaskRun, arguments: RestoreArchiveArguments) -> Result:
    """Let the next start of Postkeep restore everything from a backup; takes two people."""
    return restoring.order_archive(actor, run, _set_of(actor, arguments.destination, arguments.backup_set))
