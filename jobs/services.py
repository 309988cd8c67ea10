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
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from jobs import running, shutdown, sweeping
from jobs.commands import Command, get_command
from jobs.errors import NotRunnable
from jobs.models import Task

logger = logging.getLogger(__name__)

State = Task.State
RUN_TASK = "jobs.run_task"
_PUBLISH_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


def submit(actor: Actor, name: str, arguments: object, *, origin: Task | None = None) -> Task:
    """Ask for a command; the worker runs it after the caller's transaction commits.

    Raises: UnknownCommand, BadArguments, Forbidden, and what the command's own check raises.
    """
    with transaction.atomic():
        task = _make_row(actor, name, arguments, origin)
        task.dispatched_at, task.dispatches = timezone.now(), 1
        task.save(update_fields=["dispatched_at", "dispatches"])
        transaction.on_commit(lambda: dispatch(task.pk))
    return task


def start(actor: Actor, name: str, values: Mapping[str, object]) -> Task:
    """The same from a JSON object, whose content is looked at only for who holds the command's right.

    Raises: UnknownCommand, Forbidden, BadArguments, and what the command's own check raises.
    """
    command = get_command(name)
    _require_right(actor, command)
    return submit(actor, name, command.arguments_from_json(values))


def run_here(actor: Actor, name: str, arguments: object, *, echo: running.Echo | None = None) -> Task:
    """Ask for a command and run it in this process, to its end (shell); the same row as if the worker had run it.

    SIGINT and SIGTERM end it in good order as interrupted; a second one ends it at once.
    Raises: UnknownCommand, BadArguments, Forbidden; not what the command raises (see the row's state and error).
    """
    sweeping.mark_interrupted()
    task = _make_row(actor, name, arguments, None)
    claimed = running.claim(task.pk)
    if claimed is None:  # nobody was told of it
        raise NotRunnable(f"task {task.pk} was taken")
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
    with transaction.atomic():
        rows = Task.objects.filter(pk=task.pk)
        at_once = rows.filter(state=State.WAITING).update(state=State.CANCELLED, ended_at=timezone.now())
        if not at_once and not rows.filter(state__in=Task.RUNNING).update(state=State.CANCEL_REQUESTED):
            raise NotRunnable(f"{task} has ended")
        audit.record(actor, "task.cancel", task)
    task.refresh_from_db()
    return task


def start_again(actor: Actor, task: Task) -> Task:
    """The same command with the same arguments as a new task. Raises: Forbidden, NotRunnable, BadArguments."""
    _require_own(actor, task)
    if not task.is_restartable:
        raise NotRunnable(f"{task} is {task.get_state_display()}")
    arguments = get_command(task.type).arguments_from_json(task.given())
    return submit(actor, task.type, arguments, origin=task)


def sweep() -> sweeping.Swept:
    """One round of the sweeper, with the dispatching that belongs to it."""
    swept = sweeping.sweep()
    for task_id in swept.waiting:
        dispatch(task_id)
    return swept


def dispatch(task_id: int) -> None:
    """Tell the workers; when the broker is away the row waits and the sweeper tells them later."""
    try:
        current_app.send_task(RUN_TASK, args=[task_id], retry_policy=_PUBLISH_POLICY, ignore_result=True)
    except Exception as error:  # every transport has its own exceptions; the hint isn't worth failing the caller
        logger.warning("task %s waits for the sweeper: the broker doesn't answer (%s)", task_id, error)


def purge_tasks(actor: Actor, *, older_than_days: int) -> int:
    """Delete ended tasks, with their logs, that ended so long ago; how many. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    limit = timezone.now() - timedelta(days=older_than_days)
    with transaction.atomic():
        _deleted, counts = Task.objects.filter(state__in=Task.ENDED, ended_at__lt=limit).delete()
        purged = counts.get("jobs.Task", 0)
        if purged:
            audit.record(actor, "task.purge", None, purged=purged, older_than_days=older_than_days)
    return purged


def _make_row(actor: Actor, name: str, arguments: object, origin: Task | None) -> Task:
    command = get_command(name)
    _require_right(actor, command)
    stored, secrets = command.arguments_as_json(arguments), command.secrets_as_json(arguments)
    if command.check is not None:
        command.check(actor, arguments)
    with transaction.atomic():
        task = Task.objects.create(
            type=name,
            actor=actor.user,
            actor_label=actor.label[:300],
            arguments=stored,
            secrets=json.dumps(secrets) if secrets else "",
            rights=None if actor.allowed is None else sorted(actor.allowed),
            origin=origin,
        )
        audit.record(actor, "task.create", task)
    return task


def _require_right(actor: Actor, command: Command) -> None:
    if command.needs is not None:
        actor.require_somewhere(command.needs)  # on what, its service asks
    elif actor.kind == "user" and actor.user is None:
        raise Forbidden("not signed in")
    if actor.acting is not None:
        raise Forbidden("no tasks while acting as somebody: they would go on after it")
    actor.require_writing()


def _require_own(actor: Actor, task: Task) -> None:
    if actor.user is None or actor.acting is not None or task.actor_id != actor.user.pk:
        actor.require(Right.VIEW_TASKS_ALL, task)


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
