"""The sweeper: what the broker lost is hinted at again, and what died is said to be dead.

Runs every 15 s from the clock. It needs no lock: each step is one UPDATE that repeats harmlessly.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Task, TaskLog

logger = logging.getLogger("postkeep.jobs")

DEAD_AFTER_S = 60
HINT_AGAIN_AFTER_S = 15
HINT_AGAIN_AT_MOST_S = 300
HINTS_PER_SWEEP = 100
State = Task.State


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: tasks marked as interrupted, and waiting ones to hint at again."""

    interrupted: list[int]
    waiting: list[int]


def sweep() -> Swept:
    """Mark dead tasks; returns those and the waiting ones whose hint seems lost (the caller dispatches them)."""
    return Swept(interrupted=mark_interrupted(), waiting=take_unhinted())


def mark_interrupted() -> list[int]:
    """Rows in progress without a heartbeat for 60 s, by the database's clock, are interrupted."""
    dead = Task.objects.filter(state__in=Task.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=DEAD_AFTER_S))
    marked: list[int] = []
    for pk, worker in dead.values_list("pk", "worker"):
        reason = f"no sign of life from {worker} for {DEAD_AFTER_S} s"
        if dead.filter(pk=pk).update(state=State.INTERRUPTED, ended_at=timezone.now(), error=reason):
            TaskLog.objects.create(task_id=pk, level=TaskLog.Level.ERROR, text=reason)
            marked.append(pk)
            logger.warning("task %s interrupted: %s", pk, reason)
    return marked


def take_unhinted() -> list[int]:
    """Waiting rows whose last hint is so old that it may be lost; the wait doubles each time up to 5 minutes."""
    now = timezone.now()
    rows = Task.objects.filter(state=State.WAITING).order_by("pk").values_list("pk", "dispatched_at", "dispatches")
    due = []
    for pk, dispatched_at, dispatches in rows[: HINTS_PER_SWEEP * 10]:
        wait = min(HINT_AGAIN_AFTER_S * 2 ** min(max(dispatches - 1, 0), 10), HINT_AGAIN_AT_MOST_S)
        if dispatched_at is None or (now - dispatched_at).total_seconds() >= wait:
            due.append(pk)
    due = due[:HINTS_PER_SWEEP]
    Task.objects.filter(pk__in=due).update(dispatched_at=now, dispatches=F("dispatches") + 1)
    return due
