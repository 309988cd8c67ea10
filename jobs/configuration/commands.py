"""Commands about the configuration file; a job writes one each night below HOME/configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import paths
from jobs.commands import About, JsonObject, Secret, command
from jobs.configuration import files
from jobs.configuration.services import Diff, compare, export_configuration, import_configuration
from jobs.running import TaskRun

Result = dict[str, object]
KEPT = 30
PATTERN = "postkeep-configuration-*.json"


@dataclass(frozen=True, slots=True)
class ExportArguments:
    """Which parts (all without any), and a passphrase where secrets shall come along."""

    parts: Annotated[list[str], About(gettext_lazy("Parts"))] = field(default_factory=list)
    passphrase: Annotated[Secret, About(gettext_lazy("Passphrase"))] = ""


@dataclass(frozen=True, slots=True)
class ImportArguments:
    """The document, which parts of it, and whether what it lacks goes. Without `apply` it is only compared."""

    configuration: JsonObject
    parts: Annotated[list[str], About(gettext_lazy("Parts"))] = field(default_factory=list)
    removes: Annotated[bool, About(gettext_lazy("Remove what the file lacks"))] = False
    apply: Annotated[bool, About(gettext_lazy("Do it"))] = False
    passphrase: Annotated[Secret, About(gettext_lazy("Passphrase"))] = ""


@command(
    "ExportConfiguration",
    needs=Right.MANAGE_SERVER,
    arguments=ExportArguments,
    label=gettext_lazy("Export of the configuration"),
)
def export_configuration_command(actor: Actor, run: TaskRun, arguments: ExportArguments) -> Result:
    """Write the configuration into a file below HOME/configuration; the newest thirty are kept."""
    text = export_configuration(actor, parts=arguments.parts or None, passphrase=arguments.passphrase)
    path = write_file(text)
    return {"path": str(path), "bytes": path.stat().st_size}


@command(
    "ImportConfiguration",
    needs=Right.MANAGE_SERVER,
    arguments=ImportArguments,
    label=gettext_lazy("Import of the configuration"),
    plannable=False,
    needs_proof=True,
)
def import_configuration_command(actor: Actor, run: TaskRun, arguments: ImportArguments) -> Result:
    """Compare a configuration with what is set, or put it in place, all or nothing."""
    wanted = files.inside(arguments.configuration, arguments.passphrase)
    do = import_configuration if arguments.apply else compare
    return diff_as_json(do(actor, wanted, parts=arguments.parts or None, removes=arguments.removes))


def diff_as_json(diff: Diff) -> Result:
    return {
        "numbers": diff.numbers,
        "changes": [
            {
                "part": change.part.name,
                "key": change.key,
                "action": change.action,
                "fields": [{"name": each.name, "old": each.old, "new": each.new} for each in change.fields],
            }
            for change in diff.changes
        ],
        "secretsToSet": [
            {"part": each.part.name, "key": each.key, "name": each.name, "leftOut": each.is_left_out}
            for each in diff.unset
        ],
        "remarks": [
            {"part": each.part.name, "key": each.key, "text": each.text, "missing": each.is_missing}
            for each in diff.remarks
        ],
    }


def folder() -> Path:
    return paths.home() / "configuration"


def write_file(text: str) -> Path:
    """Durable, readable by nobody else; of more than thirty the oldest go."""
    where = folder()
    where.mkdir(mode=0o700, exist_ok=True)
    path = where / f"postkeep-configuration-{timezone.now():%Y-%m-%dT%H%M%S%f}.json"
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    for old in sorted(where.glob(PATTERN))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path
