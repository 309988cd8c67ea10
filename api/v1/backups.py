"""Backups: destinations, their sets, writing and checking. Restoring is by commands: RestoreMailbox as a task,
RestoreStore and RestoreArchive as a request for approval.

The secret key is taken and never answered: leaving it out keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment, left_out
from api.v1.profiles import TaskStarted
from archive.backup_commands import DestinationArguments, RunBackupArguments, VerifyBackupArguments
from archive.errors import BackupUnknown, BadArguments
from archive.models import BackupDestination, BackupSet
from archive.services.backup import destinations, sets
from domains.errors import Invalid
from jobs.services import submit

group = Group("Backups", "Where backups of the whole archive go, and the sets that lie there.")

State = Literal["good", "unchecked", "incomplete", "damaged"]
Days = Annotated[int, Field(ge=0, le=36_500)]


class BackupDestinationAdd(Body):
    """A folder of the server, below its folders for backups, or an S3 bucket."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Every night"])]
    type: Annotated[Literal["folder", "s3"], Field(examples=["s3"])]
    path: Annotated[str, Field(max_length=1000, examples=[""])] = ""
    endpoint: Annotated[str, Field(max_length=500, examples=["https://s3.example.org"])] = ""
    bucket: Annotated[str, Field(max_length=63, examples=["mail-backups"])] = ""
    prefix: Annotated[str, Field(max_length=300, examples=["archive"])] = ""
    region: Annotated[str, Field(max_length=60, examples=["us-east-1"])] = "us-east-1"
    access_key: Annotated[str, Field(max_length=200)] = ""
    secret_key: Annotated[str, Field(max_length=500)] = ""
    certificate: Annotated[str, Field(max_length=100_000, examples=[""])] = ""
    indexes: bool = False
    keep_last: Annotated[int, Field(ge=1, le=36_500)] = 14
    keep_days: Days = 0
    warn_days: Days = 2


class BackupDestinationChange(Body):
    """What is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    path: Annotated[str, Field(max_length=1000)] = left_out()
    endpoint: Annotated[str, Field(max_length=500, examples=["https://s3.example.org"])] = left_out()
    bucket: Annotated[str, Field(max_length=63, examples=["mail-backups"])] = left_out()
    prefix: Annotated[str, Field(max_length=300, examples=["archive"])] = left_out()
    region: Annotated[str, Field(max_length=60)] = left_out()
    access_key: Annotated[str, Field(max_length=200)] = left_out()
    secret_key: Annotated[str, Field(max_length=500)] = left_out()
    certificate: Annotated[str, Field(max_length=100_000)] = left_out()
    indexes: bool = left_out()
    keep_last: Annotated[int, Field(ge=1, le=36_500)] = left_out()
    keep_days: Days = left_out()
    warn_days: Days = left_out()


class BackupRun(Body):
    """Without a word as the destination says."""

    indexes: bool | None = None


class BackupDestinationAnswer(Answer):
    """A destination without its secret: `hasSecretKey` says whether there is one."""

    id: int
    name: str
    type: Literal["folder", "s3"]
    path: str
    endpoint: str
    bucket: str
    prefix: str
    region: str
    access_key: str
    has_secret_key: bool
    certificate: str
    indexes: bool
    keep_last: int
    keep_days: int
    warn_days: int


class BackupSetAnswer(Answer):
    """One set. made: the moment it is of. written: bytes that weren't there before."""

    id: int
    set: str
    made: Moment
    state: State
    messages: int
    stores: int
    size: int
    written: int
    with_indexes: bool
    with_database: bool
    version: str
    host: str
    checked_at: Moment | None
    problems: list[str]


def present(row: BackupDestination) -> BackupDestinationAnswer:
    names = ("name", "path", "endpoint", "bucket", "prefix", "region", "access_key", "indexes", "keep_last",
             "keep_days", "warn_days")  # fmt: skip
    return BackupDestinationAnswer(
        id=row.pk,
        type=row.kind,  # type: ignore[arg-type]
        has_secret_key=bool(row.secret_key),
        certificate=row.ca_pem,
        **{name: getattr(row, name) for name in names},
    )


def _present_set(row: BackupSet) -> BackupSetAnswer:
    return BackupSetAnswer(
        id=row.pk, set=row.set, made=row.made_at, state=row.state, messages=row.messages, stores=row.stores,  # type: ignore[arg-type]
        size=row.size_bytes, written=row.written_bytes, with_indexes=row.with_indexes, with_database=row.with_database,
        version=row.made_by, host=row.host, checked_at=row.checked_at,
        problems=[*row.problems, *row.check_problems],
    )  # fmt: skip


def _stores(actor: Actor) -> None:
    actor.require(Right.MANAGE_STORES)


def _require_some(actor: Actor) -> None:
    """For whoever doesn't manage stores there are no destinations and no backups."""
    if not actor.has(Right.MANAGE_STORES):
        raise Http404("no such object")


def destination(actor: Actor, destination_id: int) -> BackupDestination:
    """`admit` of everything about one destination."""
    _require_some(actor)
    try:
        return destinations.get_destination(actor, destination_id)
    except BackupUnknown as error:
        raise Http404(str(error)) from error


def backup(actor: Actor, backup_id: int) -> BackupSet:
    """`admit` of one set."""
    _require_some(actor)
    try:
        return sets.get_backup(actor, backup_id)
    except BackupUnknown as error:
        raise Http404(str(error)) from error


def _inside(given: dict[str, Any]) -> dict[str, Any]:
    names = {"type": "kind", "certificate": "ca_pem"}
    return {names.get(name, name): value for name, value in given.items()}


def _refused(error: BadArguments) -> Invalid:
    names = {"kind": "type", "ca_pem": "certificate"}
    return Invalid(str(error), field=names.get(error.field or "", error.field or ""))


DESTINATIONS = Listing(
    BackupDestinationAnswer,
    lambda actor, rows: [present(row) for row in rows],
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={"name": filters.text("name", "What it is called.")},
)


def _present_sets(actor: Actor, rows: Sequence[BackupSet]) -> list[BackupSetAnswer]:
    return [_present_set(row) for row in rows]


SETS = Listing(
    BackupSetAnswer,
    _present_sets,
    sorts={"made": "made_at", "id": "pk"},
    default="-made",
    filters={"destinationId": filters.number("destination_id", "The destination.")},
)


@group.list("/backup-destinations", DESTINATIONS)
def backup_destination_list(actor: Actor) -> QuerySet[BackupDestination]:
    """List where backups go."""
    return destinations.list_destinations(actor)


@group.post("/backup-destinations", admit=_stores)
def backup_destination_create(actor: Actor, body: BackupDestinationAdd) -> Created[BackupDestinationAnswer]:
    """Add a destination."""
    try:
        made = destinations.create_destination(actor, **_inside(body.model_dump()))
    except BadArguments as error:
        raise _refused(error) from error
    return Created(present(made), f"/backup-destinations/{made.pk}")


@group.get("/backup-destinations/{int:destinationId}", admit=destination)
def backup_destination_detail(actor: Actor, found: BackupDestination) -> BackupDestinationAnswer:
    """Read a destination."""
    return present(found)


@group.patch("/backup-destinations/{int:destinationId}", admit=destination)
def backup_destination_change(actor: Actor, found: BackupDestination, body: BackupDestinationChange) -> None:
    """Change some of a destination. Another server or bucket takes the secret key again."""
    try:
        destinations.update_destination(actor, found, **_inside(body.changes()))
    except BadArguments as error:
        raise _refused(error) from error


@group.delete("/backup-destinations/{int:destinationId}", admit=destination)
def backup_destination_delete(actor: Actor, found: BackupDestination) -> None:
    """Forget a destination; what lies there stays."""
    destinations.delete_destination(actor, found)


@group.post("/backup-destinations/{int:destinationId}/run", admit=destination, status=202)
def backup_run(actor: Actor, found: BackupDestination, body: BackupRun) -> Created[TaskStarted]:
    """Back up everything now."""
    without = None if body.indexes is None else not body.indexes
    task = submit(actor, "RunBackup", RunBackupArguments(found.name, without))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/backup-destinations/{int:destinationId}/test", admit=destination, status=202)
def backup_destination_test(actor: Actor, found: BackupDestination) -> Created[TaskStarted]:
    """Write, read and remove a small object there."""
    task = submit(actor, "TestBackupDestination", DestinationArguments(found.name))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/backup-destinations/{int:destinationId}/read", admit=destination, status=202)
def backup_destination_read(actor: Actor, found: BackupDestination) -> Created[TaskStarted]:
    """List anew which sets lie there."""
    task = submit(actor, "GetBackups", DestinationArguments(found.name))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.list("/backups", SETS)
def backup_set_list(actor: Actor) -> QuerySet[BackupSet]:
    """List backups, the newest first."""
    return sets.list_backups(actor)


@group.get("/backups/{int:backupId}", admit=backup)
def backup_set_detail(actor: Actor, found: BackupSet) -> BackupSetAnswer:
    """Read how a backup is."""
    return _present_set(found)


@group.post("/backups/{int:backupId}/verify", admit=backup, status=202)
def backup_set_verify(actor: Actor, found: BackupSet) -> Created[TaskStarted]:
    """Read a backup back and compare it with what was written."""
    task = submit(actor, "VerifyBackup", VerifyBackupArguments(found.destination.name, found.set))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")
