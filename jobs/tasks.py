"""What Celery calls: one task that runs a row, one that sweeps. Early ack; the broker only carries hints."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_shutting_down

from config.kit import clock
from jobs import alert_mails, dispatching, services, shutdown
from jobs.webhooks import delivering, outbox

clock.every(15, "jobs.sweep")
clock.every(30, "jobs.mail_alerts")
clock.every(5, "jobs.webhooks")
clock.every(3_600, "jobs.tidy_webhooks")
# Not a worker's: both may be busy for hours just when something is due.
clock.register_chore(5.0, "start due jobs", dispatching.tick)
clock.register_chore(60.0, "stop jobs that can't run any more", dispatching.check_owners)


@shared_task(name=services.RUN_TASK, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def run_task(task_id: int) -> None:
    """Run this task if it still waits."""
    services.run_waiting(task_id)


@shared_task(name="jobs.sweep", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Find lost hints and dead tasks."""
    services.sweep()


@shared_task(name="jobs.mail_alerts", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def mail_alerts() -> None:
    """Mail what waits to be mailed."""
    alert_mails.mail_alerts()


@shared_task(name="jobs.webhooks", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def send_webhooks() -> None:
    """Find what webhooks want to hear, and send what is due."""
    outbox.follow_audit()
    delivering.deliver_due()


@shared_task(name="jobs.tidy_webhooks", ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def tidy_webhooks() -> None:
    """Old deliveries go."""
    delivering.tidy()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def ask_runs_to_stop(**_: object) -> None:
    """A SIGTERM to the worker: its runs end in good order, as interrupted."""
    shutdown.request()
