"""Tokens of functions that go on, and how far each is: a task of ours, in the envelope that clients poll.

Nothing is kept for it. A token is the task's number, signed; only who sees the task may use it. A status version says
what its reader has: how many lines of the log, and how many percent. Source: what clients do ("token loop").
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.signing import BadSignature, Signer
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.actors import Actor
from api.mailstore import shapes
from api.mailstore.answers import CANCELLED, FAILED, RUNNING, SUCCEEDED, Status, fault
from jobs.models import Task, TaskLog
from jobs.selectors import get_task

FIRST = 3  # what has ended at once is version 2
STEPS = 128  # of one line of the log: a percent each, and the end
ENDED = STEPS - 1
LOOK_EVERY_S = 0.2
LONGEST_WAIT_S = 5.0
MOST_LINES = 1_000
MOST_WAITING = 2  # of the few threads that a port has
_places = threading.BoundedSemaphore(MOST_WAITING)
State = Task.State


def token_of(task: Task) -> str:
    return _signer().sign(str(task.pk))


def task_of(actor: Actor, token: str) -> Task:
    """Raises: Http404 for a token that isn't ours, of a task that is gone, or of somebody else's."""
    try:
        number = int(_signer().unsign(token[:200]))
    except (BadSignature, ValueError) as error:
        raise Http404("no such token") from error
    return get_task(actor, number)


def wait(task: Task, *, known: int, timeout_s: float) -> Status:
    """How far it is, as soon as that is news to who knows version `known`, at the latest after the time-out.

    Only some wait at once, so that others are answered meanwhile; who comes on top is answered after one look.
    """
    is_waiting = _places.acquire(blocking=False)
    deadline = time.monotonic() + min(timeout_s, LONGEST_WAIT_S if is_waiting else LOOK_EVERY_S)
    try:
        while task.state not in Task.ENDED and version_of(task) == known and time.monotonic() < deadline:
            time.sleep(min(LOOK_EVERY_S, max(0.0, deadline - time.monotonic())))
            task.refresh_from_db()
    finally:
        if is_waiting:
            _places.release()
    return status_of(task, known=known)


def version_of(task: Task) -> int:
    if task.state in Task.ENDED:
        step = ENDED
    else:
        percent = percent_of(task)
        step = 0 if percent is None else percent + 1
    return FIRST + STEPS * TaskLog.objects.filter(task=task).count() + step


def status_of(task: Task, *, known: int = -1) -> Status:
    """The envelope, with the lines of the log that came after version `known`."""
    version = version_of(task)
    token, log = token_of(task), _lines(task, max(0, known - FIRST) // STEPS)
    if task.state not in Task.ENDED:
        return Status(RUNNING, version, token, percent_of(task), _text(task), log=log)
    if task.state == State.COMPLETED:
        return Status(SUCCEEDED, version, token, 100, None, shapes.shaped(task.type, task.result or {}), log=log)
    if task.state == State.CANCELLED:
        return Status(CANCELLED, version, token, percent_of(task), _("Cancelled"), log=log)
    said = task.error or str(task.get_state_display())
    return Status(FAILED, version, token, percent_of(task), None, error=fault(said, task.type), log=log)


def percent_of(task: Task) -> int | None:
    done, total = task.progress.get("done"), task.progress.get("total")
    if not isinstance(done, int) or not isinstance(total, int) or total <= 0:
        return None
    return max(0, min(100, done * 100 // total))


def _text(task: Task) -> str:
    """What it does just now, in one line."""
    progress: dict[str, Any] = task.progress
    if task.state == State.WAITING or not progress:
        return str(task.get_state_display())
    total = progress.get("total")
    count = f"{progress.get('done', 0)}" + (f" / {total}" if total is not None else "")
    return " ".join(str(each) for each in (progress.get("note"), count, progress.get("unit")) if each)


def _lines(task: Task, seen: int) -> str | None:
    """Traces of our own code are for the task's page."""
    rows = TaskLog.objects.filter(task=task).order_by("pk")[seen : seen + MOST_LINES]
    shown = [
        each.text if each.level == "info" else f"{each.level}: {each.text}" for each in rows if not _is_trace(each)
    ]
    return "".join(f"{each}\r\n" for each in shown) or None


def _is_trace(line: TaskLog) -> bool:
    return line.level == TaskLog.Level.ERROR and line.text.startswith("Traceback")


def _signer() -> Signer:
    return Signer(salt="mailstore token")
