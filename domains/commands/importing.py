"""Commands that import users from a CSV file, and hash the passwords that came with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.core.files import File
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.csv_reading import CsvFile
from domains.services.importing import passwords, uploads
from domains.services.importing.rows import COLUMNS, REQUIRED
from domains.services.importing.users import import_users
from jobs import services as tasks
from jobs.commands import NoArguments, command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class ImportUsersArguments:
    """A file that was sent (its id), or, from the shell, a path on this machine."""

    upload: str | None = None
    path: str | None = None
    dry_run: bool = False


def ask_for_import(actor: Actor, file: File[bytes], *, dry_run: bool) -> Task:
    """Keep a file that somebody sent and import it, or say what that would do, as a task.

    Raises: CsvError (no CSV, or unknown columns), Forbidden, Invalid (too large).
    """
    actor.require_somewhere(Right.MANAGE_USERS)
    CsvFile.open(file, known=COLUMNS, required=REQUIRED)
    file.seek(0)
    upload = uploads.keep_upload(actor, file, file.name or "")
    return tasks.submit(actor, "ImportUsers", ImportUsersArguments(upload=str(upload.pk), dry_run=dry_run))


@command("ImportUsers", needs=Right.MANAGE_USERS, arguments=ImportUsersArguments, label=_("Import of users"))
def import_users_command(actor: Actor, run: TaskRun, arguments: ImportUsersArguments) -> dict[str, object]:
    """Make the users of a CSV file, all or none; with dry_run only say what would happen."""
    path = _file(actor, arguments)

    def stop() -> None:
        if run.stopping():
            raise run.cancelled({})

    result = import_users(
        actor,
        path,
        dry_run=arguments.dry_run,
        progress=lambda done, note: run.progress(done, None, unit="rows", note=note),
        stop=stop,
    )
    run.progress(result.rows, result.rows, unit="rows")
    if result.passwords and not arguments.dry_run:
        tasks.submit(Actor.system(), "HashImportedPasswords", NoArguments())
    if arguments.upload and not arguments.dry_run:
        found = uploads.get_upload(actor, arguments.upload)
        if found is not None:
            uploads.forget(found)
    return result.as_dict() | {"upload": arguments.upload}


@command(
    "HashImportedPasswords", needs=Right.MANAGE_SERVER, arguments=NoArguments, label=_("Hashing of imported passwords")
)
def hash_imported_passwords(actor: Actor, run: TaskRun, arguments: NoArguments) -> dict[str, object]:
    """Hash the clear-text passwords of imported users; they can sign in from then on."""
    done = passwords.hash_pending(
        actor, progress=lambda count: run.progress(count, None, unit="passwords"), stop=run.stopping
    )
    return {"hashed": done}


def _file(actor: Actor, arguments: ImportUsersArguments) -> Path:
    """Raises: BadArguments."""
    if arguments.upload:
        try:
            UUID(arguments.upload)
        except ValueError:
            raise BadArguments("upload is the id of a file that was sent") from None
        found = uploads.get_upload(actor, arguments.upload)
        if found is None:
            raise BadArguments(str(_("The file is gone; send it again.")))
        return found.path
    if arguments.path and actor.kind == "console":
        path = Path(arguments.path)
        if not path.is_file():
            raise BadArguments(f"there is no file {path}")
        return path
    raise BadArguments("name a file: an upload, or from the shell a path")
