"""Writes about tasks: ask for one, run one here, cancel, start again, purge.

Who may run what is decided here and again when the task starts. The row is committed before the broker hears of it.
"""

from __future__ import annotations

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

from celery import current_app
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from jobs import proofs, running, shutdown, sweeping, two_people
from jobs.commands import Command, get_command, list_commands
from jobs.errors import NotRunnable
from jobs.models import Approval, Task, TaskLog

logger = logging.getLogger("postkeep.jobs")

State = Task.State
RUN_TASK = "jobs.run_task"
MOST_RESUMES = 5
RESUMED_WITHIN = timedelta(days=1)
PURGED_AT_ONCE = 1_000
_PUBLISH_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


def submit(
    actor: Actor, name: str, arguments: object, *, origin: Task | None = None, approval: Approval | None = None
) -> Task:
    """Ask for a command; the worker runs it after the caller's transaction commits.

    approval: of what takes two people; without one it is made only where the rule is not in force (`approvals.ask`).
    Raises: UnknownCommand, BadArguments, Forbidden, NeedsApproval, and what the command's own check raises.
    """
    with transaction.atomic():
        task = _make_row(actor, name, arguments, origin, approval)
        task.dispatched_at, task.dispatches = timezone.now(), 1
        task.save(update_fields=["dispatched_at", "dispatches"])
        transaction.on_commit(lambda: dispatch(task.pk))
    return task


def start(actor: Actor, name: str, values: Mapping[str, object]) -> Task:
    """The same from a JSON object, whose content is looked at only for who holds the command's right.

    Raises: UnknownCommand, Forbidden, BadArguments, and what the command's own check raises.
    """
    command = get_command(name)
    require_right(actor, command)
    return submit(actor, name, command.arguments_from_json(values))


def answer_now(actor: Actor, command: Command, arguments: object, *, reads: bool = False) -> dict[str, object]:
    """What a quick command answers, at once and in this process, without a task: for doors whose callers wait for it.

    Nothing of it can be watched, stopped or started again; what takes two people is none. reads: it changes nothing, so
    that who may only read may ask. Raises: Forbidden, and whatever the command raises.
    """
    require_right(actor, command, reads=reads)
    require_proof(actor, command)
    if command.two_people is not None:
        raise proofs.not_approved(command)
    if command.check is not None:
        command.check(actor, arguments)
    return command.function(actor, running.TaskRun(0), arguments)


def run_here(
    actor: Actor,
    name: str,
    arguments: object,
    *,
    echo: running.Echo | None = None,
    approval: Approval | None = None,
) -> Task:
    """Ask for a command and run it in this process, to its end (shell); the same row as if the worker had run it.

    SIGINT and SIGTERM end it in good order as interrupted; a second one ends it at once.
    Raises: UnknownCommand, BadArguments, Forbidden, NeedsApproval; not what the command raises (see the row's state
    and error).
    """
    sweeping.mark_interrupted()
    task = _make_row(actor, name, arguments, None, approval)
    claimed = running.claim(task.pk)
    if claimed is None:  # nobody was told of it
        raise NotRunnable(f"task {task.pk} was taken")
    with _signals_ask_to_stop() as asked:
        return running.run_claimed(claimed, echo=echo, stop=asked)


def run_submitted(task: Task, *, echo: running.Echo | None = None) -> Task | None:
    """Run a task that waits in this process (shell); None when a worker was faster."""
    claimed = running.claim(task.pk)
    if claimed is None:
        return None
    with _signals_ask_to_stop() as asked:
        return running.run_claimed(claimed, echo=echo, stop=asked)


def run_waiting(task_id: int) -> Task | None:
    """What the worker does with a hint: run the task if it still waits, else None.

    A worker that was told to end takes nothing new.
    """
    task = None if shutdown.requested() else running.claim(task_id)
    return None if task is None else running.run_claimed(task)


def cancel(actor: Actor, task: Task) -> Task:
    """A waiting task is cancelled at once; a running one is asked to stop. Raises: Forbidden, NotRunnable."""
    _require_own(actor, task)
    return stop(actor, task)


def stop(actor: Actor, task: Task) -> Task:
    """The same for a caller that asked another right (who plans jobs ends their runs). Raises: NotRunnable."""
    actor.require_writing()
    with transaction.atomic():
        rows = Task.objects.filter(pk=task.pk)
        at_once = rows.filter(state=State.WAITING).update(state=State.CANCELLED, ended_at=timezone.now())
        if not at_once and not rows.filter(state__in=Task.RUNNING).update(state=State.CANCEL_REQUESTED):
            raise NotRunnable(f"{task} has ended")
        audit.record(actor, "task.cancel", task)
    task.refresh_from_db()
    return task


def start_again(actor: Actor, task: Task) -> Task:
    """The same command with the same arguments as a new task.

    Raises: Forbidden, NotRunnable, BadArguments, NeedsApproval.
    """
    _require_own(actor, task)
    if not task.is_restartable:
        raise NotRunnable(f"{task} is {task.get_state_display()}")
    arguments = get_command(task.type).arguments_from_json(task.given())
    return submit(actor, task.type, arguments, origin=task, approval=proofs.restartable(task))


def sweep() -> sweeping.Swept:
    """One round of the sweeper, with the dispatching that belongs to it."""
    swept = sweeping.sweep()
    resumed = [task.pk for task in resume_interrupted()]
    for task_id in [*swept.waiting, *resumed]:
        dispatch(task_id)
    return swept


def dispatch(task_id: int) -> None:
    """Tell the workers; when the broker is away the row waits and the sweeper tells them later."""
    try:
        current_app.send_task(RUN_TASK, args=[task_id], retry_policy=_PUBLISH_POLICY, ignore_result=True)
    except Exception as error:  # every transport has its own exceptions; the hint isn't worth failing the caller
        logger.warning("task %s waits for the sweeper: the broker doesn't answer (%s)", task_id, error)


def resume_interrupted() -> list[Task]:
    """Tasks of resumable commands whose process died or was stopped go on as new ones, at most 5 times in a row.

    Each goes on once, whoever sweeps at the same time.
    """
    resumed = []
    for pk in broken_off().values_list("pk", flat=True)[:100]:
        with transaction.atomic():
            task = Task.objects.select_for_update(skip_locked=True).filter(pk=pk, resumes__lt=MOST_RESUMES).first()
            if task is None or task.restarts.exists():
                continue
            again = Task.objects.create(
                type=task.type,
                actor_id=task.actor_id,
                actor_label=task.actor_label,
                arguments=task.arguments,
                secrets=task.secrets,
                rights=task.rights,
                kept=task.kept,
                resumes=task.resumes + 1,
                origin=task,
            )
            approval = proofs.restartable(task)
            if approval is not None:
                Approval.objects.filter(pk=approval.pk).update(task=again)
            TaskLog.objects.create(task=again, text=_("goes on after task %(number)d") % {"number": task.pk})
            audit.record(Actor.system(), "task.resume", again, origin=task.pk)
            resumed.append(again)
    return resumed


def broken_off() -> models.QuerySet[Task]:
    """Interrupted tasks that go on by themselves, and haven't yet."""
    types = [command.name for command in list_commands() if command.resumable]
    since = timezone.now() - RESUMED_WITHIN
    rows = Task.objects.filter(state=State.INTERRUPTED, type__in=types, ended_at__gte=since, restarts=None)
    return rows.filter(resumes__lt=MOST_RESUMES).exclude(actor_label__startswith="console:").order_by("pk")


def purge_tasks(actor: Actor, *, older_than_days: int, stop: Callable[[], bool] = lambda: False) -> int:
    """Delete ended tasks, with their logs, that ended so long ago; how many. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    limit = timezone.now() - timedelta(days=older_than_days)
    rows = Task.objects.filter(state__in=Task.ENDED, ended_at__lt=limit).order_by("pk")
    purged = 0
    while not stop() and (batch := list(rows.values_list("pk", flat=True)[:PURGED_AT_ONCE])):
        with transaction.atomic():
            TaskLog.objects.filter(task_id__in=batch).delete()
            Task.objects.filter(pk__in=batch).delete()
        purged += len(batch)
    if purged:
        audit.record(actor, "task.purge", None, purged=purged, older_than_days=older_than_days)
    return purged


def _make_row(
    actor: Actor, name: str, arguments: object, origin: Task | None, approval: Approval | None = None
) -> Task:
    command = get_command(name)
    require_right(actor, command)
    require_proof(actor, command)
    stored, secrets = command.arguments_as_json(arguments), command.secrets_as_json(arguments)
    if command.check is not None:
        command.check(actor, arguments)
    with transaction.atomic():
        if approval is None:
            approval = _exception(actor, command, arguments)
        elif (approval.command, approval.arguments) != (name, stored):
            raise proofs.not_approved(command)
        task = Task.objects.create(
            type=name,
            actor=actor.user,
            actor_label=actor.label[:300],
            arguments=stored,
            secrets=json.dumps(secrets) if secrets else "",
            rights=None if actor.allowed is None else sorted(actor.allowed),
            kept=None if origin is None else origin.kept,
            origin=origin,
        )
        if approval is not None:
            approval.task = task
            approval.save(update_fields=["task"])
        audit.record(actor, "task.create", task)
    return task


def _exception(actor: Actor, command: Command, arguments: object) -> Approval | None:
    """What takes two people, where the rule is not in force: that is kept too. Raises: NeedsApproval where it is."""
    plan = None if command.two_people is None else command.two_people(actor, arguments)
    if plan is None:
        return None
    assert command.needs is not None
    basis = two_people.exception(command.needs, plan.within, actor.user)
    if basis is None:
        raise proofs.not_approved(command)
    row = proofs.build(actor, command, command.arguments_as_json(arguments), plan, "")
    return proofs.grant_exception(actor, row, basis, "approval.skip")


def require_right(actor: Actor, command: Command, *, reads: bool = False) -> None:
    """What everybody who asks for a command must have; reads: also with a token that only reads. Raises: Forbidden."""
    if command.needs is not None:
        actor.require_somewhere(command.needs)  # on what, its service asks
    elif actor.kind == "user" and actor.user is None:
        raise Forbidden("not signed in")
    if actor.acting is not None:
        raise Forbidden("no tasks while acting as somebody: they would go on after it")
    if not reads:
        actor.require_writing()


def require_proof(actor: Actor, command: Command) -> None:
    """A fresh proof of who it is, where the command needs one. Raises: ProofNeeded."""
    if command.needs_proof:
        proving.require_recent(actor)


def may_change(actor: Actor, task: Task) -> bool:
    """Whether a task that the actor sees is theirs to cancel and to start again."""
    own = actor.user is not None and actor.acting is None and task.actor_id == actor.user.pk
    return own or actor.has(Right.MANAGE_TASKS_ALL)


def _require_own(actor: Actor, task: Task) -> None:
    if not may_change(actor, task):
        raise Forbidden("somebody else's task")
    actor.require_writing()


@contextmanager
def _signals_ask_to_stop() -> Iterator[Callable[[], bool]]:
    """While inside, the first SIGINT or SIGTERM only sets a flag; the second raises KeyboardInterrupt."""
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before: dict[int, Any] = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
