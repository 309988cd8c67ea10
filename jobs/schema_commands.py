"""Whether the database's schema is the one of this release. It is brought up before anything is served, so this only
looks. Source of the wish: programs that order an upgrade and wait for it (james.md, schema upgrades).
"""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.commands import NoArguments, command
from jobs.errors import NotReady
from jobs.running import TaskRun


@command("CheckSchema", needs=Right.MANAGE_SERVER, arguments=NoArguments, label=gettext_lazy("Check of the schema"))
def check_schema(actor: Actor, run: TaskRun, arguments: NoArguments) -> dict[str, object]:
    """Compare the database's schema with what this release needs."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReady(f"{len(missing)} migrations are missing; a restart applies them")
    return {"toVersion": MigrationRecorder.Migration.objects.count()}
