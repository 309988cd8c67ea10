"""The commands of this app itself, and the jobs that come with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from jobs import services
from jobs.commands import About, command
from jobs.dispatching import BuiltIn, register_built_in
from jobs.models import Alert, JobRun
from jobs.running import TaskRun
from jobs.schedules import Schedule


@dataclass(frozen=True, slots=True)
class PurgeOldTasksArguments:
    """Tasks that ended more days ago than this go; results of jobs and acknowledged alerts stay longer."""

    older_than_days: Annotated[int, About(_("Tasks, after days"), least=1, most=36_500)] = 90
    results_older_than_days: Annotated[
        int, About(_("Results of jobs and acknowledged alerts, after days"), least=1, most=36_500)
    ] = 400


@command("PurgeOldTasks", needs=Right.MANAGE_SERVER, arguments=PurgeOldTasksArguments, label=_("Removal of old tasks"))
def purge_old_tasks(actor: Actor, run: TaskRun, arguments: PurgeOldTasksArguments) -> dict[str, object]:
    """Delete ended tasks, with their logs, after some days; results of jobs and alerts after some more."""
    purged = services.purge_tasks(actor, older_than_days=arguments.older_than_days, stop=run.stopping)
    run.progress(done=purged, total=purged, unit="tasks")
    before = timezone.now() - timedelta(days=arguments.results_older_than_days)
    runs, _kinds = JobRun.objects.filter(ended_at__lt=before).delete()
    Alert.objects.filter(acknowledged_at__lt=before).delete()
    return {"purged": purged, "results": runs}


def register() -> None:
    register_built_in(BuiltIn("purge-old-tasks", "Removal of old tasks", "PurgeOldTasks", Schedule(time=time(3, 20))))
