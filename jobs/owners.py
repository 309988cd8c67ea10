"""As whom a job runs, and whether it still may."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from jobs.commands import get_command
from jobs.errors import BadArguments, JobsError, UnknownCommand
from jobs.models import Job

Stopped = Job.Stopped


def actor_of(job: Job) -> Actor:
    """The owner as they are today, with at most the rights the job was made with; the system for built-in jobs."""
    if job.built_in is not None:
        return Actor.system()
    if job.owner is None:
        raise JobsError(f"{job.owner_label} is gone")
    actor = Actor.for_user(job.owner, via="job")
    return actor if job.rights is None else actor.restricted(Right(name) for name in job.rights)


def why_not(job: Job) -> str:
    """Why the job can't run any more (a value of `Job.Stopped`); "" where it can."""
    try:
        command = get_command(job.command)
    except UnknownCommand:
        return Stopped.COMMAND_GONE
    if job.built_in is None:
        if job.owner is None or not job.owner.is_active:
            return Stopped.OWNER_GONE
        actor = actor_of(job)
        if not actor.administers:
            return Stopped.OWNER_POWERLESS if actor.may(EndUserRight.SIGN_IN) else Stopped.OWNER_GONE
        if command.needs is not None and not actor.has_somewhere(command.needs):
            return Stopped.RIGHT_GONE
    try:
        command.arguments_from_json(job.given())
    except BadArguments:
        return Stopped.ARGUMENTS_WRONG
    return Stopped.NO
