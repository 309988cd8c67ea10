"""What the server holds and how it stands, for its pages, the API and commands: secrets by name, pending updates."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import health, held_secrets, paths, updates
from config.kit.held_secrets import Held, Kind
from jobs.commands import NoArguments, command
from jobs.models import Job, MailServer, Webhook
from jobs.running import TaskRun

Result = dict[str, object]
LOOK_EVERY_S = 60.0
_looked: tuple[float, updates.State] | None = None


def register() -> None:
    held_secrets.register_page(MailServer, lambda row: reverse("jobs:mail-server"))
    held_secrets.register_page(Webhook, lambda row: reverse("jobs:webhook-detail", args=[row.pk]))
    held_secrets.register_page(Job, lambda row: reverse("jobs:job-detail", args=[row.pk]))
    held_secrets.register(_files)
    health.register(gettext_lazy("Updates"), _health)


def list_secrets(actor: Actor) -> list[Kind]:
    """Every secret this server holds, by kind; never a value. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return held_secrets.kinds()


def get_updates(actor: Actor) -> updates.State:
    """Raises: Forbidden."""
    actor.require(Right.VIEW_HEALTH)
    return updates.look()


def secret_as_json(kind: Kind) -> Result:
    return {
        "kind": kind.label,
        "count": kind.count,
        "credentials": [
            {
                "name": each.name,
                "page": each.url or None,
                "changedAt": each.changed_at and each.changed_at.isoformat(),
                "lastUsedAt": each.used_at and each.used_at.isoformat(),
            }
            for each in kind.held
        ],
    }


@command(
    "GetCredentials", needs=Right.MANAGE_SERVER, arguments=NoArguments, label=gettext_lazy("List of credential objects")
)
def get_credentials(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List every secret that the server holds, by kind and name, with its last change and use; never a value."""
    return {"credentials": [secret_as_json(kind) for kind in list_secrets(actor)]}


@command("GetPendingUpdates", needs=Right.VIEW_HEALTH, arguments=NoArguments, label=gettext_lazy("Pending updates"))
def get_pending_updates(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Say which version runs, which is installed, and which migrations the database lacks."""
    return updates_as_json(get_updates(actor))


def updates_as_json(state: updates.State) -> Result:
    return {
        "runningVersion": state.running,
        "installedVersion": state.installed,
        "needsRestart": state.needs_restart,
        "missingMigrations": state.missing,
        "unknownMigrations": state.unknown,
        "schema": [
            {"app": each.app, "applied": each.applied, "installed": each.installed, "count": each.count}
            for each in state.schema
        ],
    }


def _files() -> Iterator[Held]:
    """Keys in files, and passwords in the environment."""
    kind = _("Files and environment")
    master = os.environ.get("POSTKEEP_MASTER_KEY_FILE")
    for name, path in (
        (_("Master key"), Path(master) if master else paths.keys_dir() / "master"),
        (_("Key of sessions and links"), paths.keys_dir() / "secret_key"),
    ):
        if path.exists():
            yield Held(kind, f"{name} ({path})", changed_at=datetime.fromtimestamp(path.stat().st_mtime, UTC))
    for variable in ("POSTKEEP_MAIL_PASSWORD", "POSTKEEP_MAIL_PASSWORD_FILE", "POSTKEEP_ADMIN_PASSWORD"):
        if os.environ.get(variable):
            yield Held(kind, variable)


def _health() -> health.Report:
    """Looked at once a minute: reading the migrations costs some hundredths of a second."""
    global _looked
    now = time.monotonic()
    if _looked is None or now - _looked[0] > LOOK_EVERY_S:
        _looked = now, updates.look()
    state = _looked[1]
    facts = {_("Version"): state.running}
    if state.unknown:
        return health.Report("error", _("the database is ahead of this version"), facts)
    if state.missing:
        return health.Report("error", _("the database lacks migrations: start Postkeep again"), facts)
    if state.needs_restart:
        return health.Report("warning", _("another version is installed: start Postkeep again"), facts)
    return health.Report("ok", _("up to date"), facts)
