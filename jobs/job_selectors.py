"""Reads of jobs and their runs: for whoever may plan jobs, which is a right on the server."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.commands import Command
from jobs.models import Job, JobRun
from jobs.selectors import list_startable


def list_jobs(actor: Actor) -> QuerySet[Job]:
    """All jobs. Raises: Forbidden."""
    actor.require(Right.MANAGE_JOBS)
    return Job.objects.select_related("owner").defer("secrets")


def get_job(actor: Actor, job_id: int) -> Job:
    """Raises: Forbidden, Http404."""
    found = list_jobs(actor).filter(pk=job_id).first()
    if found is None:
        raise Http404("no such job")
    return found


def list_runs(actor: Actor, job: Job | None = None) -> QuerySet[JobRun]:
    """The runs of one job or of all, the newest first. Raises: Forbidden."""
    actor.require(Right.MANAGE_JOBS)
    rows = JobRun.objects.select_related("job", "task").order_by("-pk")
    return rows if job is None else rows.filter(job=job)


def get_run(actor: Actor, run_id: int) -> JobRun:
    """Raises: Forbidden, Http404."""
    found = list_runs(actor).filter(pk=run_id).first()
    if found is None:
        raise Http404("no such run")
    return found


def list_results(actor: Actor, *, since: datetime, before: datetime, job_id: int | None = None) -> QuerySet[JobRun]:
    """Runs that ended in a time range (its end excluded), also those that were left out. Raises: Forbidden."""
    rows = list_runs(actor).filter(ended_at__gte=since, ended_at__lt=before)
    return rows if job_id is None else rows.filter(job_id=job_id)


def open_run(job: Job) -> JobRun | None:
    """The run that goes on now."""
    return JobRun.objects.filter(job=job, ended_at=None).select_related("task").order_by("-pk").first()


def list_plannable(actor: Actor) -> list[Command]:
    """The commands that this actor may make jobs of."""
    return [command for command in list_startable(actor) if command.plannable]
