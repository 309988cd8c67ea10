"""Celery beat's scheduler: sends what the apps registered with config.kit.clock, and proves that it lives.

Keeps nothing on disk: every tick is harmless to repeat and to miss.
"""

from __future__ import annotations

from typing import Any

from celery.beat import Scheduler

from config.kit import clock, heartbeat


class Clock(Scheduler):  # type: ignore[misc]  # Celery has no types
    """`celery beat -S config.clock:Clock`."""

    def setup_schedule(self) -> None:
        self.max_interval = heartbeat.EVERY_S
        entries: dict[str, dict[str, Any]] = {
            tick.task: {"task": tick.task, "schedule": tick.seconds, "options": {"expires": tick.seconds}}
            for tick in clock.ticks()
        }
        self.merge_inplace(entries)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; seconds until the next look."""
        wait_s: float = super().tick(*args, **kwargs)
        heartbeat.beat("beat")
        return min(wait_s, heartbeat.EVERY_S)
