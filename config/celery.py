"""The Celery application: a broker and no results; the task row in the database is the truth.

Not for tasks: they are `@shared_task` in the `tasks.py` of their app. Periodic ones register with config.kit.clock.
"""

from __future__ import annotations

import os
import signal
import warnings
from typing import Any

from celery import Celery, bootsteps
from celery.signals import worker_process_init

from config.kit import heartbeat
from config.kit.process import die_with_parent, keep_memory_together, look_for_garbage_less_often

keep_memory_together()
look_for_garbage_less_often()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery warns about root because of pickle, which isn't accepted here.
warnings.filterwarnings("ignore", message="You're running the worker with superuser", append=False)
app = Celery("postkeep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class ProofOfLife(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Beats from the worker's own loop, only while it consumes from the broker."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, parent: Any, **_options: Any) -> None:
        self.timer: Any = None

    def start(self, parent: Any) -> None:
        heartbeat.beat("worker")
        self.timer = parent.timer.call_repeatedly(heartbeat.EVERY_S, heartbeat.beat, ("worker",))

    def stop(self, parent: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


app.steps["consumer"].add(ProofOfLife)


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def end_with_the_worker(**_: Any) -> None:
    """A pool process without its worker would go on with a task nobody watches."""
    die_with_parent(signal.SIGKILL)
