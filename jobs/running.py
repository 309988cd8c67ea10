"""One run of a task: claim its row, keep its heartbeat, carry progress and log to the row, and write how it ended.

The row is the truth: whoever moves it from waiting to in_progress runs it, everybody else leaves. A thread with a
connection of its own writes heartbeat, progress and log, so a command may sit in a long transaction or a long
computation. A run that lost its row (swept as dead, because the machine slept) is told to stop and changes nothing
any more. Not for asking for a task (`services`) and not for finding dead ones (`sweeping`).
"""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, models
from django.db.models.functions import Now
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import EndUserRight, Right
from config.kit import logbook
from jobs import proofs, shutdown, sweeping
from jobs.commands import get_command
from jobs.errors import Cancelled, JobsError
from jobs.models import Task, TaskLog
from jobs.progress import Meter

logger = logging.getLogger("postkeep.jobs")

TICK_S = 0.5
LOOK_EVERY_S = 1.0
HEARTBEAT_EVERY_S = 5.0
SWEEP_EVERY_S = 15.0
MAX_LOG_LINES = 10_000
FINISH_TRIES = 5
LOST = (DatabaseError, InterfaceError)  # a connection that broke raises either
State = Task.State
Echo = Callable[[dict[str, object]], None]


def worker_id() -> str:
    """Who runs a task, for people who look for it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(task_id: int) -> Task | None:
    """Take a waiting task; None when somebody else has it or it waits no longer."""
    now = timezone.now()
    mine = Task.objects.filter(pk=task_id, state=State.WAITING).update(
        state=State.IN_PROGRESS, worker=worker_id(), started_at=now, heartbeat_at=Now()
    )
    return Task.objects.select_related("actor").get(pk=task_id) if mine else None


class TaskRun:
    """What a command gets to tell how far it is and to hear whether it shall stop. Safe for threads."""

    def __init__(
        self,
        task_id: int,
        *,
        echo: Echo | None = None,
        stop: Callable[[], bool] = lambda: False,
        kept: dict[str, Any] | None = None,
    ) -> None:
        self.task_id = task_id
        self.kept = kept or {}
        self._to_keep: dict[str, Any] | None = None
        self.lost = False
        self.approved: proofs.Approved | None = None  # for what takes two people (jobs.proofs)
        self.cancel_requested = False
        self._echo = echo
        self._stop = stop
        self._lock = threading.Lock()
        self._meter = Meter()
        self._changed = False
        self._lines: list[TaskLog] = []
        self._lines_written = 0

    def progress(
        self, done: int | None = None, total: int | None = None, unit: str = "messages", note: str = "", **counters: int
    ) -> None:
        """Say how far the task is. Cheap: the row is written at most twice a second, by the heartbeat's thread."""
        with self._lock:
            self._meter.update(self._meter.done if done is None else done, total, unit, note, counters)
            self._changed = True

    def keep(self, **where: Any) -> None:
        """Where it is, as JSON, for the run that goes on with this one (`kept`). Cheap: written by the heartbeat."""
        with self._lock:
            self._to_keep = where

    def log(self, text: str, level: str = "info") -> None:
        """One line for the person who reads the task's page; beyond 10,000 lines they are dropped, with a word."""
        with self._lock:
            self._lines_written += 1
            if self._lines_written > MAX_LOG_LINES:
                return
            if self._lines_written == MAX_LOG_LINES:
                text, level = "the log is full; what follows isn't kept", "warning"
            self._lines.append(TaskLog(task_id=self.task_id, at=timezone.now(), level=level, text=text[:4000]))

    def stopping(self) -> bool:
        """Whether the command shall end now, in good order. Cheap enough for every message of a loop."""
        return self.cancel_requested or self.lost or shutdown.requested() or self._stop()

    def cancelled(self, result: dict[str, object]) -> Cancelled:
        """What a stopped command raises to hand over what it got done: `raise run.cancelled(result)`."""
        return Cancelled(result)

    def snapshot(self) -> dict[str, object]:
        with self._lock:
            return self._meter.snapshot()

    def take_progress(self) -> dict[str, object] | None:
        """The progress to write, if there is news."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return self._meter.snapshot()

    def take_kept(self) -> dict[str, Any] | None:
        with self._lock:
            where, self._to_keep = self._to_keep, None
            return where

    def take_lines(self) -> list[TaskLog]:
        with self._lock:
            lines, self._lines = self._lines, []
            return lines

    def put_back(self, lines: list[TaskLog]) -> None:
        with self._lock:
            self._lines = lines + self._lines

    def echo(self) -> None:
        if self._echo is not None:
            self._echo(self.snapshot())


class Heartbeat(threading.Thread):
    """Keeps the row of a running task alive and listens on it for a cancel."""

    def __init__(self, run: TaskRun, worker: str) -> None:
        super().__init__(name=f"heartbeat-{run.task_id}", daemon=True)
        self._run = run
        self._worker = worker
        self._ended = threading.Event()
        self._seen = False
        self._beat_at = self._look_at = -math.inf
        self._swept_at = time.monotonic()

    def run(self) -> None:
        try:
            while not self._ended.wait(TICK_S):
                self._tick()
        finally:
            connection.close()

    def end(self) -> None:
        """Returns when the thread writes nothing more."""
        self._ended.set()
        self.join()

    def _tick(self) -> None:
        logbook.follow()
        self._run.echo()
        try:
            self._write()
        except LOST as error:  # the database is away for a moment; the next tick tries again
            logger.warning("heartbeat of task %s: %s", self._run.task_id, error)
            connection.close()

    def _write(self) -> None:
        now = time.monotonic()
        progress, kept = self._run.take_progress(), self._run.take_kept()
        if progress is not None or kept is not None or now - self._beat_at >= HEARTBEAT_EVERY_S:
            changes: dict[str, Any] = {"heartbeat_at": Now()}
            if progress is not None:
                changes["progress"] = progress
            if kept is not None:
                changes["kept"] = kept
            self._hear(self._row().update(**changes) == 1)
            self._beat_at = now
        if now - self._look_at >= LOOK_EVERY_S:
            if self._row().filter(state=State.CANCEL_REQUESTED).exists():
                self._run.cancel_requested = True
            self._look_at = now
        if self._seen:
            self._write_lines()
        if now - self._swept_at >= SWEEP_EVERY_S:  # when every worker is busy, nobody else takes the sweeper's hint
            sweeping.mark_interrupted()
            self._swept_at = now

    def _row(self) -> models.QuerySet[Task]:
        return Task.objects.filter(pk=self._run.task_id, state__in=Task.RUNNING, worker=self._worker)

    def _hear(self, found: bool) -> None:
        """A row that was there and is ours no more has been taken away; one never seen isn't committed yet."""
        if found:
            self._seen = True
        elif self._seen:
            self._run.lost = True

    def _write_lines(self) -> None:
        lines = self._run.take_lines()
        try:
            TaskLog.objects.bulk_create(lines)
        except LOST:
            self._run.put_back(lines)
            raise


def run_claimed(task: Task, *, echo: Echo | None = None, stop: Callable[[], bool] = lambda: False) -> Task:
    """Run a task that `claim` gave us, to its end; what the command raises is kept in the row, not raised.

    Crash: the row stays in_progress with an old heartbeat until the sweeper marks it as interrupted.
    """
    run = TaskRun(task.pk, echo=echo, stop=stop, kept=task.kept)
    heartbeat = Heartbeat(run, task.worker)
    heartbeat.start()
    try:
        outcome = _outcome(task, run)
    except BaseException:  # the process is told to end at once; leave an honest row behind
        heartbeat.end()
        _finish(task, run, {"state": State.INTERRUPTED, "error": "the process was stopped"})
        raise
    heartbeat.end()
    _finish(task, run, outcome)
    task.refresh_from_db()
    return task


def _outcome(task: Task, run: TaskRun) -> dict[str, Any]:
    """How the command ended, as changes to the row."""
    try:
        command = get_command(task.type)
        actor = actor_again(task.actor_id, task.actor_label, task.rights)
        if command.needs is not None:
            actor.require_somewhere(command.needs)  # they may have lost the right, or the job, since they asked
        run.approved = proofs.of_task(task) if command.two_people is not None else None
        result = command.function(actor, run, command.arguments_from_json(task.given()))
        return {"state": State.COMPLETED, "result": json.loads(json.dumps(result, default=str))}
    except Cancelled as stopped:
        partial = None if stopped.result is None else json.loads(json.dumps(stopped.result, default=str))
        if run.cancel_requested:
            return {"state": State.CANCELLED, "result": partial}
        return {"state": State.INTERRUPTED, "result": partial, "error": "the process was asked to stop"}
    except Exception as error:
        # Said by the command: no trace in the log, and none on a shell.
        foreseen = hasattr(error, "permanent") or isinstance(error, Http404)
        logger.error("task %s (%s) failed: %s", task.pk, task.type, error, exc_info=not foreseen)
        run.log(traceback.format_exc(limit=-8), level="error")
        return {"state": State.FAILED, "error": _reason(error), "result": getattr(error, "result", None)}


def _finish(task: Task, run: TaskRun, outcome: dict[str, Any]) -> None:
    """Write how it ended; a database that restarts just now is given a few seconds, for the work is done."""
    run.echo()
    logger.debug("task %s (%s) ended: %s", task.pk, task.type, outcome.get("state"))
    for left in reversed(range(FINISH_TRIES)):
        try:
            return _write_end(task, run, outcome)
        except LOST:
            if not left or connection.in_atomic_block:
                raise
            logger.warning("task %s has ended, and the database doesn't answer; trying again", task.pk)
            connection.close()
            time.sleep(1)
    return None


def _write_end(task: Task, run: TaskRun, outcome: dict[str, Any]) -> None:
    lines = run.take_lines()
    try:
        TaskLog.objects.bulk_create(lines)
    except LOST:
        run.put_back(lines)
        raise
    kept = run.take_kept()
    if kept is not None:
        outcome = {**outcome, "kept": kept}
    if outcome["state"] == State.COMPLETED:
        outcome = {**outcome, "secrets": ""}  # a task that may be started again keeps them, sealed
    mine = Task.objects.filter(pk=task.pk, state__in=Task.RUNNING, worker=task.worker).update(
        ended_at=timezone.now(), heartbeat_at=Now(), progress=run.snapshot(), **outcome
    )
    if not mine:
        logger.warning("task %s ended after it was taken for dead; its row stays as it is", task.pk)


def actor_again(user_id: int | None, label: str, rights: Iterable[str] | None) -> Actor:
    """Who asked once, as they are today, with no more rights than they asked with. Raises: JobsError."""
    if label == "system":
        return Actor.system()
    if label.startswith("console:"):
        return Actor(user=None, kind="console", label=label, via="task")
    user = None if user_id is None else User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise JobsError(f"{label} may not sign in any more")
    actor = Actor.for_user(user, via="task")
    if not (actor.may(EndUserRight.SIGN_IN) or actor.administers):
        raise JobsError(f"{label} may not sign in any more")
    return actor if rights is None else actor.restricted(Right(name) for name in rights)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
