"""Writes about jobs: make, change, rename, enable, delete, run now, cancel.

A job runs as its owner: an administrator who holds its command's right. So a job is made and changed only by who holds
that right too, and for somebody else only by who holds all that they hold. Not for what is due: that is `dispatching`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Right
from config.kit import versions
from jobs import owners, services
from jobs.commands import Command, get_command
from jobs.errors import BadValue, NotRunnable, UnknownCommand
from jobs.job_selectors import open_run
from jobs.models import Job, JobRun
from jobs.schedule_words import wrong_words
from jobs.schedules import BadSchedule, Schedule, read_schedule

Missed, Stopped = Job.Missed, Job.Stopped


def create_job(
    actor: Actor,
    *,
    command: str,
    arguments: Mapping[str, object],
    schedule: Schedule,
    name: str = "",
    owner: User | None = None,
    missed: str = Missed.RUN_ONCE,
    enabled: bool = True,
    begins: datetime | None = None,
) -> Job:
    """A job that runs a command on a schedule. name: that of the command, where none is given; owner: the actor.
    begins: its first run is not before this.

    Raises: UnknownCommand, BadArguments, Forbidden, ProofNeeded, and what the command's own check raises.
    """
    _require(actor)
    known = _plannable(actor, command)
    services.require_proof(actor, known)
    whose = _owner(actor, owner)
    given = known.arguments_from_json(arguments)
    job = Job(
        name=_name(name or known.title),
        owner=whose,
        owner_label=whose.email,
        rights=_rights(actor),
        command=known.name,
        missed=_missed(missed),
        is_enabled=enabled,
        schedule=schedule.as_json(),
        next_run_at=_first(schedule, begins),
        **_kept(known, given),
    )
    _require_runnable(job)
    if known.check is not None:
        known.check(owners.actor_of(job), given)
    with transaction.atomic():
        job.save(force_insert=True)
        audit.record(actor, "job.create", job, command=job.command, owner=job.owner_label, schedule=job.schedule)
    return job


def change_job(
    actor: Actor,
    job: Job,
    *,
    expected: int | None = None,
    name: str | None = None,
    arguments: Mapping[str, object] | None = None,
    schedule: Schedule | None = None,
    owner: User | None = None,
    missed: str | None = None,
    begins: datetime | None = None,
) -> Job:
    """Change what is given. Secret arguments that aren't given stay as they are. begins: of the schedule, as when made.

    Raises: BadArguments, Forbidden, ProofNeeded, ChangedMeanwhile, and what the command's own check raises.
    """
    _require_over(actor, job)
    _require_proof(actor, job)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _name(name)
    if missed is not None:
        values["missed"] = _missed(missed)
    if owner is not None and owner.pk != job.owner_id:
        _require_own_making(job)
        values |= {"owner": _owner(actor, owner), "owner_label": owner.email, "rights": _rights(actor)}
    if arguments is not None:
        values |= _changed_arguments(actor, job, arguments)
    if schedule is not None and (schedule.as_json() != job.schedule or begins is not None):
        values |= {"schedule": schedule.as_json(), "next_run_at": _first(schedule, begins)}
    with transaction.atomic():
        changes = versions.change(job, values, expected=expected)
        if "owner" in changes or "arguments" in changes:
            _require_runnable(job)
        if changes:
            shown = {key: value for key, value in changes.items() if key not in ("secrets", "next_run_at", "owner")}
            audit.record(actor, "job.change", job, changes=shown, secrets="secrets" in changes)
    return job


def rename_job(actor: Actor, job: Job, name: str) -> Job:
    """Raises: BadArguments, Forbidden."""
    return change_job(actor, job, name=name)


def set_job_schedule(actor: Actor, job: Job, schedule: Schedule) -> Job:
    """Raises: BadArguments, Forbidden."""
    return change_job(actor, job, schedule=schedule)


def set_job_enabled(actor: Actor, job: Job, enabled: bool) -> Job:
    """Enabling starts from now: what was missed while it was disabled isn't run. Raises: BadArguments, Forbidden."""
    _require_over(actor, job)
    values: dict[str, Any] = {"is_enabled": enabled}
    if enabled:
        _require_proof(actor, job)
        _require_runnable(job)
        values |= {"stopped": Stopped.NO, "next_run_at": job.when().next_after(timezone.now())}
        if values["next_run_at"] is None:
            raise BadValue(_("Its date has passed; give it another schedule first."), field="date")
    with transaction.atomic():
        changes = versions.change(job, values)
        if "is_enabled" in changes:
            audit.record(actor, "job.enable" if enabled else "job.disable", job)
    return job


def delete_job(actor: Actor, job: Job) -> None:
    """Delete a job with its results; a run that goes on ends by itself. Raises: BadArguments, Forbidden."""
    _require_over(actor, job)
    _require_own_making(job)
    with transaction.atomic():
        audit.record(actor, "job.delete", job, command=job.command, runs=job.runs.count())
        job.delete()


def run_job(actor: Actor, job: Job) -> JobRun:
    """Run it now, as its owner, beside its schedule. Raises: Forbidden, BadArguments, NotRunnable (it runs already)."""
    _require_over(actor, job)
    _require_proof(actor, job)
    _require_runnable(job)
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if open_run(job) is not None:
            raise NotRunnable(f"{job} is running")
        run = start_run(job, started_by=actor.label[:300])
        audit.record(actor, "job.run", job, task=run.task_id)
    return run


def cancel_job(actor: Actor, job: Job) -> JobRun:
    """End the run that goes on, as soon as it can. Raises: Forbidden, NotRunnable (none does)."""
    _require_over(actor, job)
    run = open_run(job)
    if run is None or run.task is None:
        raise NotRunnable(f"{job} isn't running")
    with transaction.atomic():
        services.stop(actor, run.task)
        audit.record(actor, "job.cancel", job, task=run.task_id)
    return run


def start_run(job: Job, **values: Any) -> JobRun:
    """A run with its task, inside the caller's transaction, which holds the job's row.

    Raises: what asking for a task raises (the caller decides what that means for the job).
    """
    command = get_command(job.command)
    task = services.submit(owners.actor_of(job), job.command, command.arguments_from_json(job.given()))
    return JobRun.objects.create(job=job, task=task, **values)


def parse_schedule(values: Mapping[str, object]) -> Schedule:
    """A schedule from the dataset. Raises: BadValue, in words for people."""
    try:
        return read_schedule(values)
    except BadSchedule as error:
        raise BadValue(wrong_words(error), field=error.field) from error


def _require(actor: Actor) -> None:
    actor.require_writing()
    actor.require(Right.MANAGE_JOBS)
    if actor.acting is not None:
        raise Forbidden("no jobs while acting as somebody: they would go on after it")


def _require_over(actor: Actor, job: Job) -> None:
    """The job does what its owner may do; so only who could do it all may touch it. Raises: Forbidden."""
    _require(actor)
    try:
        needs = get_command(job.command).needs
    except UnknownCommand:  # it runs nothing any more, and may be changed and deleted
        needs = None
    if needs is not None:
        actor.require_somewhere(needs)
    if job.owner is not None and not actor.owns(job.owner) and not actor.dominates(job.owner):
        raise Forbidden(f"{job.owner} holds rights that {actor.label} doesn't")


def _require_proof(actor: Actor, job: Job) -> None:
    """The job runs without anybody there to be asked. Raises: ProofNeeded."""
    try:
        services.require_proof(actor, get_command(job.command))
    except UnknownCommand:
        return


def _require_own_making(job: Job) -> None:
    if job.built_in is not None:
        raise BadValue(_("This job comes with Postkeep: it can be disabled and planned otherwise, nothing else."))


def _plannable(actor: Actor, name: str) -> Command:
    command = get_command(name)
    if command.needs is not None:
        actor.require_somewhere(command.needs)
    if not command.plannable:
        raise BadValue(_("This command can't be a job."), field="command")
    return command


def _owner(actor: Actor, owner: User | None) -> User:
    whose = owner or actor.user
    if whose is None:
        raise BadValue(_("Name an administrator whom the job belongs to."), field="owner")
    if not actor.owns(whose) and not actor.dominates(whose):
        raise Forbidden(f"{whose} holds rights that {actor.label} doesn't")
    if not Actor.for_user(whose).administers:
        raise BadValue(_("%(email)s is no administrator.") % {"email": whose.email}, field="owner")
    return whose


def _require_runnable(job: Job) -> None:
    reason = owners.why_not(job)
    if reason:
        said = {"reason": Stopped(reason).label}
        raise BadValue(_("The job couldn't run: %(reason)s.") % said, field="owner")


def _changed_arguments(actor: Actor, job: Job, arguments: Mapping[str, object]) -> dict[str, Any]:
    _require_own_making(job)
    command = _plannable(actor, job.command)
    secret = command.secret_names()
    before = {name: value for name, value in job.given().items() if name in secret}
    given = command.arguments_from_json({**before, **command.named(arguments)})
    if command.check is not None:
        command.check(owners.actor_of(job), given)
    kept = _kept(command, given)
    if json.loads(kept["secrets"] or "{}") == before:
        del kept["secrets"]
    return {**kept, "rights": _rights(actor)}


def _kept(command: Command, given: object) -> dict[str, Any]:
    secrets = command.secrets_as_json(given)
    return {"arguments": command.arguments_as_json(given), "secrets": json.dumps(secrets) if secrets else ""}


def _rights(actor: Actor) -> list[str] | None:
    return None if actor.allowed is None else sorted(actor.allowed)


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise BadValue(_("A job needs a name."), field="name")
    if len(name) > 200:
        raise BadValue(_("At most %(number)d characters.") % {"number": 200}, field="name")
    return name


def _missed(value: str) -> str:
    if value not in Missed.values:
        raise BadValue(_("Either run_once or skip."), field="missed")
    return value


def _first(schedule: Schedule, begins: datetime | None = None) -> Any:
    now = timezone.now()
    found = schedule.next_after(now if begins is None else max(now, begins - timedelta(seconds=1)))
    if found is None:
        raise BadValue(_("This date has passed."), field="date")
    return found
