"""The commands of this app itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from jobs import services
from jobs.commands import command
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class PurgeOldTasksArguments:
    """Tasks that ended more days ago than this go."""

    older_than_days: int = 90


@command("PurgeOldTasks", needs=Right.MANAGE_SERVER, arguments=PurgeOldTasksArguments, label=_("Removal of old tasks"))
def purge_old_tasks(actor: Actor, run: TaskRun, arguments: PurgeOldTasksArguments) -> dict[str, object]:
    """Delete ended tasks, with their logs, after some days."""
    purged = services.purge_tasks(actor, older_than_days=arguments.older_than_days)
    run.progress(done=purged, total=purged, unit="tasks")
    return {"purged": purged}
