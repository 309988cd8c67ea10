"""The commands about jobs, under the names that archive programs know them by; each is one service.

Source of the names, arguments and value lists: the MailStore administration API, "Jobs, schedules and reports".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.errors import BadAddress, UnknownUser
from accounts.models import User
from accounts.permissions import Right, Text
from accounts.services import find_user
from jobs import job_selectors, planning
from jobs.commands import About, JsonObject, NoArguments, command, get_command
from jobs.errors import BadArguments, BadValue
from jobs.models import Job, JobRun
from jobs.running import TaskRun
from jobs.schedule_words import MONTH_WORDS, WEEKDAY_WORDS, wrong_words
from jobs.schedules import DAYS_OF_MONTH, LOCAL, BadSchedule, moment_of, time_zones, zone_of
from jobs.words import split_action

Result = dict[str, object]
MOST_RESULTS = 10_000
_DAYS: dict[str, Text] = {day: day for day in DAYS_OF_MONTH}
_ZONE = About(gettext_lazy("Time zone"), gettext_lazy("A name of GetTimeZones; $Local is the server's own."))
_DATE = About(gettext_lazy("Once, on"), gettext_lazy("A date and time, such as 2026-01-31T02:30:00."))
_INTERVAL = About(
    gettext_lazy("Every so many minutes"), gettext_lazy("5, 10, 15, 20, 30, 60, 120, 180, 240, 360 or 720.")
)
_TIME = About(gettext_lazy("Time of day"), gettext_lazy("Alone it means every day."))
_WEEKDAY = About(gettext_lazy("Weekday"), choices=WEEKDAY_WORDS)
_DAY = About(gettext_lazy("Day of the month"), choices=_DAYS)
_MONTH = About(gettext_lazy("Month"), gettext_lazy("With a day of it: once a year."), choices=MONTH_WORDS)


@dataclass(frozen=True, slots=True)
class CreateJobArguments:
    """`action` is a command, `arguments` what it takes (`action` may carry them); one of date, interval, time."""

    action: Annotated[str, About(gettext_lazy("Command"))]
    name: Annotated[str, About(gettext_lazy("Name"))] = ""
    owner: Annotated[str, About(gettext_lazy("Owner"), gettext_lazy("An administrator's address."))] = ""
    time_zone_id: Annotated[str, _ZONE] = LOCAL
    date: Annotated[str | None, _DATE] = None
    interval: Annotated[int | None, _INTERVAL] = None
    time: Annotated[str | None, _TIME] = None
    day_of_week: Annotated[str | None, _WEEKDAY] = None
    day_of_month: Annotated[str | None, _DAY] = None
    month: Annotated[str | None, _MONTH] = None
    arguments: Annotated[JsonObject, About(gettext_lazy("Arguments"), secret=True)] = field(default_factory=dict)
    missed: Annotated[str, About(gettext_lazy("Missed runs"), choices=dict(Job.Missed.choices))] = "run_once"
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class JobArguments:
    """Which."""

    id: int


@dataclass(frozen=True, slots=True)
class RenameJobArguments:
    """Which, and its new name."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SetJobEnabledArguments:
    """Which, and whether it is enabled."""

    id: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetJobScheduleArguments:
    """Which, and its whole new schedule."""

    id: int
    time_zone_id: Annotated[str, _ZONE]
    date: Annotated[str | None, _DATE] = None
    interval: Annotated[int | None, _INTERVAL] = None
    time: Annotated[str | None, _TIME] = None
    day_of_week: Annotated[str | None, _WEEKDAY] = None
    day_of_month: Annotated[str | None, _DAY] = None
    month: Annotated[str | None, _MONTH] = None


@dataclass(frozen=True, slots=True)
class GetJobResultsArguments:
    """From when (included) to when (excluded), local to the time zone; of one job or of all."""

    from_including: str
    to_excluding: str
    time_zone_id: str
    job_id: int | None = None


@command(
    "CreateJob",
    needs=Right.MANAGE_JOBS,
    arguments=CreateJobArguments,
    label=gettext_lazy("Making of a job"),
    needs_proof=True,
)
def create_job(actor: Actor, run: TaskRun, arguments: CreateJobArguments) -> Result:
    """Make a job: a command that runs by itself."""
    name, given = split_action(arguments.action)
    beside = get_command(name).named(arguments.arguments)
    if twice := sorted(given.keys() & beside.keys()):
        raise BadArguments(_("%(name)s is given more than once") % {"name": twice[0]}, field=twice[0])
    job = planning.create_job(
        actor,
        command=name,
        arguments={**given, **beside},
        schedule=planning.parse_schedule(_schedule(arguments)),
        name=arguments.name,
        owner=_owner(arguments.owner),
        missed=arguments.missed,
        enabled=arguments.enabled,
    )
    return job_as_json(job)


@command("GetJobs", needs=Right.MANAGE_JOBS, arguments=NoArguments, label=gettext_lazy("List of jobs"))
def get_jobs(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List the jobs with their schedules, next and last runs."""
    return {"jobs": [job_as_json(job) for job in job_selectors.list_jobs(actor)]}


@command("RenameJob", needs=Right.MANAGE_JOBS, arguments=RenameJobArguments, label=gettext_lazy("Renaming of a job"))
def rename_job(actor: Actor, run: TaskRun, arguments: RenameJobArguments) -> Result:
    """Give a job another name."""
    return job_as_json(planning.rename_job(actor, _job(actor, arguments.id), arguments.name))


@command(
    "SetJobEnabled",
    needs=Right.MANAGE_JOBS,
    arguments=SetJobEnabledArguments,
    label=gettext_lazy("Enabling of a job"),
    needs_proof=True,
)
def set_job_enabled(actor: Actor, run: TaskRun, arguments: SetJobEnabledArguments) -> Result:
    """Enable or disable a job."""
    return job_as_json(planning.set_job_enabled(actor, _job(actor, arguments.id), arguments.enabled))


@command(
    "SetJobSchedule",
    needs=Right.MANAGE_JOBS,
    arguments=SetJobScheduleArguments,
    label=gettext_lazy("Planning of a job"),
    needs_proof=True,
)
def set_job_schedule(actor: Actor, run: TaskRun, arguments: SetJobScheduleArguments) -> Result:
    """Change when a job runs."""
    schedule = planning.parse_schedule(_schedule(arguments))
    return job_as_json(planning.set_job_schedule(actor, _job(actor, arguments.id), schedule))


@command(
    "RunJobAsync",
    needs=Right.MANAGE_JOBS,
    arguments=JobArguments,
    label=gettext_lazy("Start of a job"),
    needs_proof=True,
)
def run_job_async(actor: Actor, run: TaskRun, arguments: JobArguments) -> Result:
    """Start a job now, without waiting for its end."""
    return run_as_json(planning.run_job(actor, _job(actor, arguments.id)))


@command("CancelJobAsync", needs=Right.MANAGE_JOBS, arguments=JobArguments, label=gettext_lazy("End of a job's run"))
def cancel_job_async(actor: Actor, run: TaskRun, arguments: JobArguments) -> Result:
    """Ask the run of a job to end, without waiting for it."""
    return run_as_json(planning.cancel_job(actor, _job(actor, arguments.id)))


@command("DeleteJob", needs=Right.MANAGE_JOBS, arguments=JobArguments, label=gettext_lazy("Deletion of a job"))
def delete_job(actor: Actor, run: TaskRun, arguments: JobArguments) -> Result:
    """Delete a job with its results."""
    job = _job(actor, arguments.id)
    found: Result = {"id": job.pk, "name": job.name}
    planning.delete_job(actor, job)
    return found


@command(
    "GetJobResults",
    needs=Right.MANAGE_JOBS,
    arguments=GetJobResultsArguments,
    label=gettext_lazy("List of results of jobs"),
)
def get_job_results(actor: Actor, run: TaskRun, arguments: GetJobResultsArguments) -> Result:
    """List the runs of jobs that ended in a time range, with their outcome and duration."""
    rows = results_between(actor, arguments)
    return {"results": [run_as_json(each) for each in rows[:MOST_RESULTS]], "total": rows.count()}


@command("GetTimeZones", needs=None, arguments=NoArguments, label=gettext_lazy("List of time zones"))
def get_time_zones(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List the time zones by the names that jobs and results take."""
    return {"timeZones": zones_as_json()}


def zones_as_json() -> list[dict[str, object]]:
    """Each with what it means and its distance from UTC now, in minutes."""
    now = timezone.now()
    found = []
    for name, means in time_zones():
        distance = now.astimezone(zone_of(name)).utcoffset() or timedelta()
        found.append({"id": name, "means": means, "utcOffset": int(distance.total_seconds() // 60)})
    return found


def results_between(actor: Actor, arguments: GetJobResultsArguments) -> QuerySet[JobRun]:
    """Raises: BadArguments, Forbidden."""
    try:
        zone = zone_of(arguments.time_zone_id)
    except BadSchedule as error:
        raise BadValue(wrong_words(error), field="time_zone_id") from error
    bounds = {name: _local(getattr(arguments, name), name) for name in ("from_including", "to_excluding")}
    try:
        since, before = (moment_of(each, zone) for each in bounds.values())
    except OverflowError as error:
        raise BadValue(_("A date and time, such as 2026-01-31T02:30:00."), field="from_including") from error
    return job_selectors.list_results(actor, since=since, before=before, job_id=arguments.job_id)


def job_as_json(job: Job) -> Result:
    return {
        "id": job.pk,
        "name": job.name,
        "action": job.command,
        "arguments": job.arguments,
        "owner": job.owner_label,
        "enabled": job.is_enabled,
        "state": job.state,
        "missed": job.missed,
        **job.schedule,
        "nextRun": None if job.next_run_at is None else job.next_run_at.isoformat(),
        "lastRun": None if job.last_run_at is None else job.last_run_at.isoformat(),
        "lastState": job.last_state or None,
    }


def run_as_json(run: JobRun) -> Result:
    took = run.took
    return {
        "id": run.pk,
        "jobId": run.job_id,
        "job": run.job.name,
        "task": run.task_id,
        "state": run.state,
        "skipped": run.skipped or None,
        "times": run.times,
        "due": None if run.due_at is None else run.due_at.isoformat(),
        "startedBy": run.started_by or None,
        "started": None if run.started_at is None else run.started_at.isoformat(),
        "ended": None if run.ended_at is None else run.ended_at.isoformat(),
        "seconds": None if took is None else round(took.total_seconds(), 1),
        "error": run.error or None,
        "result": run.result,
    }


def find_owner(address: str) -> User:
    """The person of an address. Raises: BadArguments."""
    try:
        return find_user(address)
    except (BadAddress, UnknownUser) as error:
        raise BadValue(_("There is nobody with this address."), field="owner") from error


def _owner(address: str) -> User | None:
    return find_owner(address) if address else None


def _job(actor: Actor, job_id: int) -> Job:
    """Raises: BadArguments for one that isn't there."""
    try:
        return job_selectors.get_job(actor, job_id)
    except Http404 as error:
        raise BadValue(_("There is no job %(id)d.") % {"id": job_id}, field="id") from error


def _schedule(arguments: Any) -> dict[str, object]:
    names = ("time_zone_id", "date", "interval", "time", "day_of_week", "day_of_month", "month")
    return {name: getattr(arguments, name) for name in names}


def _local(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadValue(_("A date and time, such as 2026-01-31T02:30:00."), field=name) from error
    return found.replace(tzinfo=None)
