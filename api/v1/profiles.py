"""Profiles: what archives mail from servers and files, or exports it, with results and completeness.

Passwords and tokens are taken and never answered: leaving one out keeps it, an empty text removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import Http404
from pydantic import Field, JsonValue

from accounts.actors import Actor
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment, left_out
from archive.errors import BadProfile, ProfileUnknown
from archive.models import Completeness, Gap, Profile, ProfileKind, ProfileRun, RunFolder
from archive.profiles import fields
from archive.services.profiles import keeping, results
from archive.services.profiles.arguments import ProfileArguments
from domains.errors import Invalid
from jobs.services import submit

group = Group(
    "Profiles", "What archives mail from servers and files, or exports it: settings, runs, results, completeness."
)

Kind = Literal[
    "imap", "imapUsers", "pop3", "journal", "files", "mbox", "pst", "exportImap", "exportFiles", "exportMbox",
    "exportSmtp",
]  # fmt: skip
Outcome = Literal["RUNNING", "SUCCEEDED", "INCOMPLETE", "FAILED", "CANCELLED", "PAUSED", "INTERRUPTED"]
Settings = Annotated[
    dict[str, JsonValue],
    Field(max_length=60, examples=[{"host": "imap.example.org", "userName": "ada", "mailbox": "ada@example.org"}]),
]


class ProfileAdd(Body):
    """A name, a kind, and the settings of that kind; those left out have their usual value."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Mail of Ada"])]
    type: Kind
    settings: Settings


class ArchivingProfileChange(Body):
    """Fields and settings left out stay as they are."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = left_out()
    settings: Settings = left_out()


class ExecutionBody(Body):
    """On takes a pause in seconds; in the window (22:00-04:00) it doesn't run."""

    automatic: bool
    pause_seconds: Annotated[int | None, Field(ge=0, le=2_147_483_647)] = None
    maintenance_window: Annotated[str | None, Field(max_length=11)] = None


class ProfileAnswer(Answer):
    """A profile without its secrets: `has…` says whether there is one."""

    id: int
    name: str
    type: Kind
    settings: dict[str, JsonValue]
    automatic: bool
    pause_seconds: int
    maintenance_window: str | None
    next_run_at: Moment | None


class TaskStarted(Answer):
    """The task that does it."""

    task_id: int


class ResultAnswer(Answer):
    """One run of a profile."""

    id: int
    profile_id: int | None
    profile_name: str
    type: Kind
    outcome: Outcome
    asked_by: str
    started_at: Moment
    ended_at: Moment | None
    archived: int
    known: int
    left_out: int
    failed: int
    deleted: int
    bytes: int
    error: str | None


class FolderReport(Answer):
    """What became of one folder."""

    mailbox: str
    path: str
    target: str
    found: int
    archived: int
    known: int
    left_out: int
    failed: int
    vanished: int
    deleted: int
    bytes: int
    note: str | None


class DayAnswer(Answer):
    """One mailbox and day (UTC), counted from both ends."""

    day: date
    mailbox: str | None
    source: int
    gone: int
    left_out: int
    archived: int
    removed: int
    indexed: int
    missing: int
    complete: bool


class GapAnswer(Answer):
    """A message of the source that isn't in the archive, or that the index doesn't find."""

    key: str
    folder: str
    message_id: str | None
    day: date
    reason: str


def present(profile: Profile) -> ProfileAnswer:
    shown = keeping.properties(profile)
    outside = {key: value for key, value in shown.items() if key not in ("id", "version", "name", "type")}
    outside.pop("serverSideExecution")
    return ProfileAnswer(
        id=profile.pk, name=profile.name, type=profile.kind, settings=outside, automatic=profile.automatic,  # type: ignore[arg-type]
        pause_seconds=profile.pause_s, maintenance_window=profile.window or None, next_run_at=profile.next_run_at,
    )  # fmt: skip


def _result(run: ProfileRun) -> ResultAnswer:
    return ResultAnswer(
        id=run.pk, profile_id=run.profile_id, profile_name=run.profile_name, type=run.kind,  # type: ignore[arg-type]
        outcome=run.outcome.upper(), asked_by=run.asked_by, started_at=run.started_at, ended_at=run.ended_at,  # type: ignore[arg-type]
        archived=run.archived, known=run.known, left_out=run.left_out, failed=run.failed, deleted=run.deleted,
        bytes=run.bytes, error=run.error or None,
    )  # fmt: skip


def _folder(line: RunFolder) -> FolderReport:
    names = ("mailbox", "path", "target", "found", "archived", "known", "left_out", "failed", "vanished", "deleted",
             "bytes")  # fmt: skip
    return FolderReport(**{name: getattr(line, name) for name in names}, note=line.note or None)


def profile(actor: Actor, profile_id: int) -> Profile:
    """`admit` of everything about one profile."""
    try:
        return keeping.get_profile(actor, profile_id)
    except ProfileUnknown as error:
        raise Http404(str(error)) from error


def result(actor: Actor, result_id: int) -> ProfileRun:
    """`admit` of one result."""
    try:
        return results.get_result(actor, result_id)
    except ProfileUnknown as error:
        raise Http404(str(error)) from error


def _some(actor: Actor) -> None:
    """Whoever may run some kind of profile. Raises: Forbidden."""
    if not actor.has(keeping.right_for("exportImap")):
        actor.require(keeping.right_for("imap"))


def _inside(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in settings.items() if not key.startswith("has")}
    return fields.read_outside(kind, given)


PROFILES = Listing(
    ProfileAnswer,
    lambda actor, rows: [present(row) for row in rows],
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={
        "name": filters.text("name", "What it is called."),
        "type": filters.choice("kind", "The kind.", {str(kind): str(kind) for kind in ProfileKind.values}),
    },
)


def _present_results(actor: Actor, rows: Sequence[ProfileRun]) -> list[ResultAnswer]:
    return [_result(row) for row in rows]


RESULTS = Listing(
    ResultAnswer,
    _present_results,
    sorts={"startedAt": "started_at", "id": "pk"},
    default="-id",
    filters={"profileId": filters.number("profile_id", "The profile.")},
)


@group.list("/profiles", PROFILES)
def mail_profile_list(actor: Actor) -> QuerySet[Profile]:
    """List the profiles that one may run."""
    _some(actor)
    return keeping.list_profiles(actor)


@group.post("/profiles", admit=_some)
def mail_profile_create(actor: Actor, body: ProfileAdd) -> Created[ProfileAnswer]:
    """Make a profile."""
    try:
        values = _inside(body.type, body.settings)
        made = keeping.create_profile(actor, name=body.name, kind=body.type, values=values)
    except BadProfile as error:
        raise Invalid(str(error), field=_where(error)) from error
    return Created(present(made), f"/profiles/{made.pk}")


@group.get("/profiles/{int:profileId}", admit=profile)
def mail_profile_detail(actor: Actor, found: Profile) -> ProfileAnswer:
    """Read a profile."""
    return present(found)


@group.patch("/profiles/{int:profileId}", admit=profile)
def mail_profile_change(actor: Actor, found: Profile, body: ArchivingProfileChange) -> None:
    """Change some of a profile.

    Whoever moves it to another server gives its passwords anew: a kept one never goes to another server.
    """
    changes = body.changes()
    try:
        values = _inside(found.kind, changes.get("settings") or {})
        keeping.update_profile(actor, found, name=changes.get("name"), values=values)
    except BadProfile as error:
        raise Invalid(str(error), field=_where(error)) from error


@group.delete("/profiles/{int:profileId}", admit=profile)
def mail_profile_delete(actor: Actor, found: Profile) -> None:
    """Forget a profile; what it archived stays, and so do its results."""
    keeping.delete_profile(actor, found)


@group.post("/profiles/{int:profileId}/run", admit=profile, status=202)
def mail_profile_run(actor: Actor, found: Profile) -> Created[TaskStarted]:
    """Run a profile now."""
    task = submit(actor, "RunProfile", ProfileArguments(id=found.pk))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/profiles/{int:profileId}/test", admit=profile, status=202)
def mail_profile_test(actor: Actor, found: Profile) -> Created[TaskStarted]:
    """See whether a profile's source or target can be used; nothing is archived."""
    task = submit(actor, "TestProfile", ProfileArguments(id=found.pk))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.put("/profiles/{int:profileId}/execution", admit=profile)
def mail_profile_execution(actor: Actor, found: Profile, body: ExecutionBody) -> None:
    """Switch a profile's automatic execution on or off."""
    try:
        keeping.set_automatic(
            actor, found, automatic=body.automatic, pause_s=body.pause_seconds, window=body.maintenance_window
        )
    except BadProfile as error:
        raise Invalid(str(error), field=_where(error)) from error


@group.get("/profiles/{int:profileId}/completeness", admit=profile)
def mail_profile_completeness(actor: Actor, found: Profile) -> list[DayAnswer]:
    """Read whether all of the source is archived and indexed, per mailbox and day, the newest 1,000."""
    rows = Completeness.objects.filter(profile=found).select_related("mailbox")[:1_000]
    names = ("day", "source", "gone", "left_out", "archived", "removed", "indexed", "missing")
    return [
        DayAnswer(
            **{name: getattr(row, name) for name in names},
            mailbox=None if row.mailbox is None else row.mailbox.address, complete=row.is_complete,
        )
        for row in rows
    ]  # fmt: skip


@group.post("/profiles/{int:profileId}/completeness", admit=profile, status=202)
def mail_profile_check(actor: Actor, found: Profile) -> Created[TaskStarted]:
    """Count again."""
    task = submit(actor, "CheckProfile", ProfileArguments(id=found.pk))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.get("/profiles/{int:profileId}/gaps", admit=profile)
def mail_profile_gaps(actor: Actor, found: Profile) -> list[GapAnswer]:
    """Read which messages of the source are missing, and why; the newest 1,000."""
    rows = Gap.objects.filter(folder__profile=found).select_related("folder")[:1_000]
    return [
        GapAnswer(
            key=row.key, folder=row.folder.path, message_id=row.message_id or None, day=row.day, reason=row.reason
        )
        for row in rows
    ]


@group.list("/profile-results", RESULTS)
def profile_result_list(actor: Actor) -> QuerySet[ProfileRun]:
    """List results of profiles, the newest first."""
    _some(actor)
    return results.list_results(actor)


@group.get("/profile-results/{int:resultId}", admit=result)
def profile_result_detail(actor: Actor, found: ProfileRun) -> ResultAnswer:
    """Read one result."""
    return _result(found)


@group.get("/profile-results/{int:resultId}/folders", admit=result)
def profile_result_folders(actor: Actor, found: ProfileRun) -> list[FolderReport]:
    """Read what became of each folder; the first 1,000, those with errors before the others."""
    return [_folder(line) for line in results.list_folders(found)[:1_000]]


def _where(error: BadProfile) -> str:
    known = fields.FIELDS.get(error.field or "")
    return (error.field or "") if known is None else f"settings.{known.outside}"
