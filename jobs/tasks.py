"""What Celery calls: one task that runs a row, one that sweeps. Early ack; the broker only carries hints."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_shutting_down

from config.kit import clock
from jobs import services, shutdown

clock.every(15, "jobs.sweep")


@shared_task(name=services.RUN_TASK, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def run_task(task_id: int) -> None:
    """Run this task if it still waits."""
    services.run_waiting(task_id)


@shared_task(name="jobs.sweep", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Find lost hints and dead tasks."""
    services.sweep()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def ask_runs_to_stop(**_: object) -> None:
    """A SIGTERM to the worker: its runs end in good order, as interrupted."""
    shutdown.request()
