"""Celery beat's scheduler: sends what the apps registered with config.kit.clock, and proves that it lives.

It also does the chores that must not wait for a worker. Keeps nothing on disk: every tick is harmless to repeat and to
miss.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import Scheduler
from django.db import close_old_connections

from config.kit import clock, heartbeat

logger = logging.getLogger("postkeep.clock")


class Clock(Scheduler):  # type: ignore[misc]  # Celery has no types
    """`celery beat -S config.clock:Clock`."""

    def setup_schedule(self) -> None:
        self.max_interval = heartbeat.EVERY_S
        entries: dict[str, dict[str, Any]] = {
            tick.task: {"task": tick.task, "schedule": tick.seconds, "options": {"expires": tick.seconds}}
            for tick in clock.ticks()
        }
        self.merge_inplace(entries)
        self.done: dict[str, float] = {}

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; seconds until the next look."""
        wait_s: float = super().tick(*args, **kwargs)
        heartbeat.beat("beat")
        return min(wait_s, heartbeat.EVERY_S, do_chores(self.done))


def do_chores(done: dict[str, float]) -> float:
    """Do what is due and note when; seconds until the next one. A chore that fails is tried again at its next time."""
    for chore in clock.chores():
        if time.monotonic() - done.get(chore.name, float("-inf")) >= chore.seconds:
            done[chore.name] = time.monotonic()
            close_old_connections()
            try:
                chore.do()
            except Exception:
                logger.exception("the chore %s failed", chore.name)
    due = [done[chore.name] + chore.seconds - time.monotonic() for chore in clock.chores()]
    return max(0.05, min(due, default=heartbeat.EVERY_S))
