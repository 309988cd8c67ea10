"""Jobs: commands that run by themselves, and the results of their runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from pydantic import Field, JsonValue

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.answering import inside
from api.listing import Listing
from api.operations import Created, Group, anyone
from api.schemas import Address, Answer, Body, Moment, left_out
from api.v1 import subjects
from api.v1.tasks import command_named
from jobs import job_selectors, planning
from jobs.job_commands import find_owner, zones_as_json
from jobs.models import Job, JobRun
from jobs.schedules import Schedule

group = Group("Jobs", "Commands that run by themselves, on a schedule in a time zone, and how their runs ended.")

Missed = Literal["RUN_ONCE", "SKIP"]
JobState = Literal["ENABLED", "DISABLED", "STOPPED", "DONE"]
RunState = Literal[
    "WAITING", "IN_PROGRESS", "CANCEL_REQUESTED", "COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED", "SKIPPED"
]  # fmt: skip


class ScheduleBody(Body):
    """When: exactly one of `date` (once), `interval` and `time`; days narrow `time`."""

    time_zone_id: Annotated[
        str, Field(max_length=100, examples=["Europe/Berlin"], description="A name of `GET /time-zones`.")
    ] = "$Local"
    date: Annotated[str | None, Field(max_length=30, examples=["2026-01-31T02:30:00"])] = None
    interval: Annotated[int | None, Field(description="Minutes: 5, 10, 15, 20, 30, 60, 120, 180, 240, 360 or 720.")] = (
        None
    )
    time: Annotated[str | None, Field(max_length=8, examples=["02:30"], description="Alone: every day.")] = None
    day_of_week: Annotated[str | None, Field(max_length=10, examples=["Monday"])] = None
    day_of_month: Annotated[
        str | None,
        Field(
            max_length=4,
            examples=["1", "Last"],
            description="With a weekday the first such day from it on: 1 and Monday is the first Monday.",
        ),
    ] = None
    month: Annotated[
        str | None, Field(max_length=9, examples=["December"], description="With a day of it: once a year.")
    ] = None


class JobAdd(Body):
    """A command of `GET /tasks/commands`, what it takes, and when."""

    command: Annotated[str, Field(min_length=1, max_length=100, examples=["PurgeOldTasks"])]
    params: Annotated[dict[str, JsonValue], Field(max_length=50)] = Field(default_factory=dict)
    schedule: ScheduleBody
    name: Annotated[str, Field(max_length=200)] = ""
    owner: Annotated[Address | None, Field(description="An administrator; null: the caller.")] = None
    missed: Annotated[Missed, Field(description="What happens to runs missed while the server was down.")] = "RUN_ONCE"
    enabled: bool = True


class JobUpdate(Body):
    """Fields that aren't sent stay. `params` replaces all of them; secret ones that aren't sent stay."""

    name: Annotated[str, Field(max_length=200)] = left_out()
    params: Annotated[dict[str, JsonValue], Field(max_length=50)] = left_out()
    schedule: ScheduleBody = left_out()
    owner: Address = left_out()
    missed: Missed = left_out()
    enabled: bool = left_out()


class ScheduleAnswer(Answer):
    """When it runs."""

    time_zone_id: str
    date: str | None
    interval: int | None
    time: str | None
    day_of_week: str | None
    day_of_month: str | None
    month: str | None


class JobAnswer(Answer):
    """A job."""

    id: int
    name: str
    command: str
    label: str
    params: dict[str, JsonValue]
    owner: str
    is_built_in: bool
    schedule: ScheduleAnswer
    missed: Missed
    enabled: bool
    state: Annotated[JobState, Field(description="STOPPED: it couldn't run any more; DONE: its date has passed.")]
    next_run_at: Moment | None
    last_run_at: Moment | None
    last_state: RunState | None


class RunAnswer(Answer):
    """One run of a job, also one that was left out."""

    id: int
    job: int
    job_name: str
    task: Annotated[int | None, Field(description="Null once the task is purged, and where none was started.")]
    state: RunState
    reason: Annotated[str | None, Field(description="Why it was left out: `overlap` or `missed`.")]
    times: Annotated[int, Field(description="Left out, or missed, so many times in a row.")]
    started_by: Annotated[str | None, Field(description="By hand, by whom; null: by the clock.")]
    due_at: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    seconds: float | None
    error: str | None
    result: JsonValue


class NextRuns(Answer):
    """The moments at which a schedule would run."""

    next_runs: list[Moment]


class TimeZone(Answer):
    """A name that schedules take."""

    id: str
    means: Annotated[str, Field(description="Its IANA name.")]
    utc_offset: Annotated[int, Field(description="Now, in minutes.")]


def _dataset(body: ScheduleBody) -> Schedule:
    return planning.parse_schedule(body.model_dump(by_alias=False))


def _params(values: dict[str, JsonValue]) -> dict[str, object]:
    return {inside(name): value for name, value in values.items()}


def _camel(name: str) -> str:
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


def _common(job: Job) -> dict[str, Any]:
    written = {inside(name): value for name, value in job.schedule.items()}
    names = ("time_zone_id", "date", "interval", "time", "day_of_week", "day_of_month", "month")
    return {
        "id": job.pk,
        "name": job.name,
        "command": job.command,
        "label": job.label,
        "params": {_camel(name): value for name, value in job.arguments.items()},
        "owner": job.owner_label,
        "is_built_in": job.built_in is not None,
        "schedule": ScheduleAnswer(**{name: written.get(name) for name in names}),  # type: ignore[arg-type]
        "missed": job.missed.upper(),
        "enabled": job.is_enabled,
        "state": job.state.upper(),
        "next_run_at": job.next_run_at if job.is_enabled else None,
        "last_run_at": job.last_run_at,
        "last_state": job.last_state.upper() or None,
    }


def present(job: Job) -> JobAnswer:
    return JobAnswer(**_common(job))


def present_run(run: JobRun) -> RunAnswer:
    return RunAnswer(
        id=run.pk,
        job=run.job_id,
        job_name=run.job.name,
        task=run.task_id,
        state=run.state.upper(),  # type: ignore[arg-type]
        reason=run.skipped or None,
        times=run.times,
        started_by=run.started_by or None,
        due_at=run.due_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=None if run.took is None else round(run.took.total_seconds(), 3),
        error=run.error or None,
        result=run.result,
    )


def _present_all(actor: Actor, rows: Sequence[Job]) -> list[JobAnswer]:
    return [present(job) for job in rows]


def _present_runs(actor: Actor, rows: Sequence[JobRun]) -> list[RunAnswer]:
    return [present_run(run) for run in rows]


def _job(actor: Actor, job_id: int) -> Job:
    return job_selectors.get_job(actor, job_id)


def _run(actor: Actor, run_id: int) -> JobRun:
    return job_selectors.get_run(actor, run_id)


JOBS = Listing(
    JobAnswer,
    _present_all,
    sorts={"id": "pk", "name": "name"},
    default="name",
    filters={
        "name": filters.text("name", "The name."),
        "command": filters.exact("command", "The command."),
        "enabled": filters.flag("is_enabled", "Whether it is enabled."),
    },
)
RUNS = Listing(
    RunAnswer,
    _present_runs,
    sorts={"id": "pk"},
    default="-id",
    filters={
        "job": filters.number("job_id", "The job."),
        "state": filters.choice(
            "state", "How it ended.", {str(each).upper(): str(each) for each in JobRun.State.values}
        ),
        "since": filters.since("ended_at", "Ended at this moment or later."),
        "before": filters.until("ended_at", "Ended before this moment."),
    },
)


@group.list("/jobs", JOBS)
def job_list(actor: Actor) -> QuerySet[Job]:
    """List the jobs."""
    return job_selectors.list_jobs(actor)


@group.post("/jobs", admit=subjects.server(Right.MANAGE_JOBS))
def job_create(actor: Actor, server: subjects.Server, body: JobAdd) -> Created[JobAnswer]:
    """Plan a job.

    It runs as its owner, an administrator who holds the command's right; for somebody else only by who holds all that
    they hold. `params` are judged by the command's own schema.
    """
    job = planning.create_job(
        actor,
        command=command_named(body.command),
        arguments=_params(body.params),
        schedule=_dataset(body.schedule),
        name=body.name,
        owner=None if body.owner is None else find_owner(body.owner),
        missed=body.missed.lower(),
        enabled=body.enabled,
    )
    return Created(present(job), f"/jobs/{job.pk}")


@group.post("/jobs/next-runs", admit=subjects.server(Right.MANAGE_JOBS), reads=True)
def job_next_runs(actor: Actor, server: subjects.Server, body: ScheduleBody) -> NextRuns:
    """Say when a schedule would run, the next ten times, without making anything."""
    return NextRuns(next_runs=_dataset(body).upcoming(timezone.now(), 10))


@group.get("/jobs/{int:jobId}", admit=_job)
def job_detail(actor: Actor, job: Job) -> JobAnswer:
    """Read a job."""
    return present(job)


@group.patch("/jobs/{int:jobId}", admit=_job)
def job_change(actor: Actor, job: Job, body: JobUpdate) -> None:
    """Change a job: rename it, plan it otherwise, enable or disable it."""
    sent = body.changes()
    values: dict[str, Any] = {name: sent[name] for name in ("name",) if name in sent}
    if "params" in sent:
        values["arguments"] = _params(body.params)
    if "schedule" in sent:
        values["schedule"] = _dataset(body.schedule)
    if "owner" in sent:
        values["owner"] = find_owner(body.owner)
    if "missed" in sent:
        values["missed"] = body.missed.lower()
    planning.change_job(actor, job, **values)
    if "enabled" in sent and body.enabled != job.is_enabled:
        planning.set_job_enabled(actor, job, body.enabled)


@group.delete("/jobs/{int:jobId}", admit=_job)
def job_delete(actor: Actor, job: Job) -> None:
    """Delete a job with its results; a run that goes on ends by itself."""
    planning.delete_job(actor, job)


@group.post("/jobs/{int:jobId}/run", admit=_job, status=202)
def job_run(actor: Actor, job: Job) -> Created[RunAnswer]:
    """Run a job now, beside its schedule. 409 while it runs."""
    run = planning.run_job(actor, job)
    return Created(present_run(run), f"/job-results/{run.pk}")


@group.post("/jobs/{int:jobId}/cancel", admit=_job)
def job_cancel(actor: Actor, job: Job) -> None:
    """End the run that goes on as soon as it can. 409 where none does."""
    planning.cancel_job(actor, job)


@group.list("/job-results", RUNS)
def job_results(actor: Actor) -> QuerySet[JobRun]:
    """List the runs of jobs, the newest first: outcome, duration, what they found."""
    return job_selectors.list_runs(actor)


@group.get("/job-results/{int:runId}", admit=_run)
def job_result(actor: Actor, run: JobRun) -> RunAnswer:
    """Read one run. Its log is that of its task, `GET /tasks/{taskId}/log`."""
    return present_run(run)


@group.get("/time-zones", admit=anyone)
def time_zone_list(actor: Actor) -> list[TimeZone]:
    """List the names of time zones that schedules take: `$Local`, IANA's and those of Windows."""
    return [
        TimeZone(id=str(zone["id"]), means=str(zone["means"]), utc_offset=int(str(zone["utcOffset"])))
        for zone in zones_as_json()
    ]
