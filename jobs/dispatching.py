"""What is due runs: the clock looks every few seconds, claims each due job by its row, and starts its run.

A job's row is locked while its run and its task are made and its next time is set, in one transaction; so two clocks
or nodes never start a run twice, and a crash leaves either both or nothing. What was missed while the server was down
is run once or left out, as the job says; a run whose predecessor hasn't ended is left out. How a run's task ended is
taken over from its row. Not for making and changing jobs: that is `planning`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Text
from jobs import job_alerts, owners, services
from jobs.job_selectors import open_run
from jobs.models import Job, JobRun, Task
from jobs.planning import start_run
from jobs.schedules import Schedule
from jobs.webhooks import outbox

logger = logging.getLogger("postkeep.jobs")

GRACE = timedelta(minutes=5)  # later than that a run was missed
AT_ONCE = 100
MOST_COUNTED = 1_000
State, Skipped, Stopped = JobRun.State, JobRun.Skipped, Job.Stopped
Now = Callable[[], datetime]


@dataclass(frozen=True)
class BuiltIn:
    """A job that comes with Postkeep; it runs as the system, and may be disabled and planned otherwise."""

    key: str
    name: Text
    command: str
    schedule: Schedule
    arguments: dict[str, object] = field(default_factory=dict)


_built_in: dict[str, BuiltIn] = {}


def register_built_in(job: BuiltIn) -> None:
    """An app brings a job along."""
    _built_in[job.key] = job


def make_built_in(now: Now = timezone.now) -> list[Job]:
    """Those that aren't there yet; each is made once, whoever looks at the same time."""
    known = set(Job.objects.filter(built_in__in=_built_in).values_list("built_in", flat=True))
    made = []
    for key, wanted in _built_in.items():
        if key in known:
            continue
        values = {
            "name": str(wanted.name),
            "owner_label": Actor.system().label,
            "command": wanted.command,
            "arguments": wanted.arguments,
            "schedule": wanted.schedule.as_json(),
            "missed": Job.Missed.RUN_ONCE,
            "next_run_at": wanted.schedule.next_after(now()),
        }
        job, is_new = Job.objects.get_or_create(built_in=key, defaults=values)
        if is_new:
            made.append(job)
    return made


def tick() -> None:
    """One look of the clock."""
    make_built_in()
    settle_runs()
    dispatch_due()


def dispatch_due(now: Now = timezone.now) -> list[JobRun]:
    """Start what is due; the runs that began or were left out."""
    found: list[JobRun] = []
    rows = Job.objects.filter(is_enabled=True, next_run_at__lte=now()).order_by("next_run_at", "pk")
    for pk in rows.values_list("pk", flat=True)[:AT_ONCE]:
        try:
            with transaction.atomic():
                job = _claim(pk, now())
                run = None if job is None else _due(job, now())
        except Exception:  # one job must not hold up the others; its row is as before, and the next look tries again
            logger.exception("job %s couldn't be started", pk)
            continue
        if run is not None:
            found.append(run)
    return found


def settle_runs() -> int:
    """Take over how the tasks of open runs are; how many runs ended."""
    ended = 0
    for run in JobRun.objects.filter(ended_at=None).select_related("task", "job").order_by("pk"):
        task = run.task
        if task is not None and task.state == Task.State.INTERRUPTED:
            task = _gone_on(run, task)
        if task is None:
            ended += _end(run, {"state": State.INTERRUPTED, "error": "its task is gone", "ended_at": timezone.now()})
        elif task.state in Task.ENDED:
            ended += _end(run, _outcome(task))
        elif run.state != task.state:
            JobRun.objects.filter(pk=run.pk, ended_at=None).update(state=task.state, started_at=task.started_at)
    return ended


def check_owners() -> list[Job]:
    """Stop the jobs that can't run any more, before their next time comes; those that were stopped."""
    stopped = []
    for job in Job.objects.filter(is_enabled=True).select_related("owner"):
        reason = owners.why_not(job)
        if reason:
            with transaction.atomic():
                if stop_job(job, reason):
                    stopped.append(job)
    return stopped


def stop_job(job: Job, reason: str) -> bool:
    """Disable a job that can't run any more, with an event and an alert; false where somebody else did."""
    rows = Job.objects.filter(pk=job.pk, is_enabled=True)
    if not rows.update(is_enabled=False, stopped=reason, version=job.version + 1):
        return False
    job.refresh_from_db()
    audit.record(Actor.system(), "job.stop", job, why=str(Stopped(reason).label))
    job_alerts.post_stopped(job, str(Stopped(reason).label))
    return True


def _claim(pk: int, now: datetime) -> Job | None:
    """The job's row, locked, where it is still due; None where another clock has it."""
    rows = Job.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner")
    return rows.filter(pk=pk, is_enabled=True, next_run_at__lte=now).first()


def _due(job: Job, now: datetime) -> JobRun | None:
    """What becomes of the run that is due, inside the claim."""
    reason = owners.why_not(job)
    if reason:
        stop_job(job, reason)
        return None
    due = job.next_run_at
    assert due is not None
    schedule = job.when()
    Job.objects.filter(pk=job.pk).update(next_run_at=schedule.next_after(max(now, due)))
    times = _count(schedule, due, now)
    if now - due > GRACE and job.missed == Job.Missed.SKIP:
        return _skip(job, Skipped.MISSED, due, now, times)
    if open_run(job) is not None:
        return _skip(job, Skipped.OVERLAP, due, now, times)
    try:
        with transaction.atomic():
            return start_run(job, due_at=due, times=times)
    except Exception as error:
        if not hasattr(error, "permanent"):  # nothing that a service foresees: the next look tries again
            raise
        run = JobRun.objects.create(job=job, due_at=due)
        _end(run, {"state": State.FAILED, "error": str(error), "started_at": now, "ended_at": now})
        return run


def _count(schedule: Schedule, due: datetime, now: datetime) -> int:
    """How many times it would have run until now."""
    return 1 + sum(1 for _run in takewhile(lambda run: run <= now, islice(schedule.runs_after(due), MOST_COUNTED)))


def _skip(job: Job, why: str, due: datetime, now: datetime, times: int) -> JobRun:
    """Left out; the same again and again is one row that counts."""
    last = JobRun.objects.filter(job=job, due_at__isnull=False).order_by("-pk").first()
    if last is not None and last.state == State.SKIPPED and last.skipped == why == Skipped.OVERLAP:
        last.due_at, last.ended_at, last.times = due, now, last.times + times
        last.save(update_fields=["due_at", "ended_at", "times"])
        return last
    return JobRun.objects.create(job=job, due_at=due, state=State.SKIPPED, skipped=why, ended_at=now, times=times)


def _gone_on(run: JobRun, task: Task) -> Task | None:
    """The task that goes on with an interrupted one, now or soon; else the interrupted one itself."""
    again = task.restarts.order_by("pk").last()
    if again is not None and not hasattr(again, "job_run"):
        JobRun.objects.filter(pk=run.pk).update(task=again)
        return again
    waits = services.broken_off().filter(pk=task.pk).exists()
    if waits:
        task.state = Task.State.WAITING  # of this object alone: the sweeper goes on with it within seconds
    return task


def _outcome(task: Task) -> dict[str, Any]:
    return {
        "state": task.state,
        "error": task.error,
        "result": task.result,
        "started_at": task.started_at,
        "ended_at": task.ended_at or timezone.now(),
    }


def _end(run: JobRun, outcome: dict[str, Any]) -> int:
    """Write how a run ended, and tell who must know; 0 where somebody else did."""
    with transaction.atomic():
        if not JobRun.objects.filter(pk=run.pk, ended_at=None).update(**outcome):
            return 0
        state = outcome["state"]
        Job.objects.filter(pk=run.job_id).update(last_state=state, last_run_at=outcome["ended_at"])
        if state in (State.FAILED, State.INTERRUPTED):
            job_alerts.post_failed(run.job, outcome["error"] or str(State(state).label))
            about = {"id": run.job_id, "name": run.job.name, "command": run.job.command}
            outbox.emit("job.failed", (), key=str(run.pk), data={"job": about, "run": run.pk, "state": str(state)})
        elif state == State.COMPLETED:
            job_alerts.settle(run.job)
    run.refresh_from_db()
    return 1
