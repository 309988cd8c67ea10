"""Commands that import from CSV files, one a kind; and those that finish what came with people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files import File
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.csv_reading import CsvFile
from domains.services.importing import invitations, passwords, uploads
from domains.services.importing.kinds import KINDS
from domains.services.importing.results import ImportResult
from domains.services.importing.running import Importer, run_import
from jobs import services as tasks
from jobs.commands import NoArguments, command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.running import TaskRun

# kind: (its command, the right that must be held somewhere, what pages call it, the first line of its help)
COMMANDS: dict[str, tuple[str, Right | None, str | Promise, str]] = {
    "users": ("ImportUsers", Right.MANAGE_USERS, _("Import of users"), "Make the users of a CSV file"),
    "aliases": ("ImportAliases", Right.MANAGE_ADDRESSES, _("Import of aliases"), "Make the aliases of a CSV file"),
    "groups": (
        "ImportGroups", Right.MANAGE_ADDRESSES, _("Import of groups"),
        "Make the groups of a CSV file, with their members",
    ),
    "forwards": ("ImportForwards", Right.MANAGE_ADDRESSES, _("Import of forwards"), "Make the forwards of a CSV file"),
    "forwarding": (
        "ImportForwarding", Right.MANAGE_ADDRESSES, _("Import of users' forwarding"),
        "Set where the users of a CSV file forward their mail",
    ),
    "catch-alls": (
        "ImportCatchAlls", Right.EDIT_DOMAINS, _("Import of catch-alls"), "Set the catch-all addresses of a CSV file",
    ),
    "subscribers": (  # owners of lists may, who hold no right
        "ImportSubscribers", None, _("Import of subscribers"), "Put the people of a CSV file on mailing lists",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportArguments:
    """A file that was sent (its id), or, from the shell, a path on this machine.

    change: what is there already is changed to what the file says. invite: users without a password get a mail.
    list_id: the mailing list of rows that name none.
    """

    upload: str | None = None
    path: str | None = None
    dry_run: bool = False
    change: bool = False
    invite: bool = False
    list_id: int | None = None


@dataclass(frozen=True, slots=True)
class BatchArguments:
    """An import, by the name that its result gives."""

    batch: str


def ask_for_import(actor: Actor, file: File[bytes], *, kind: str = "users", **how: Any) -> Task:
    """Keep a file that somebody sent and import it, or say what that would do, as a task. how: as `ImportArguments`.

    Raises: CsvError (no CSV, or unknown columns), Forbidden, Invalid (too large).
    """
    importer = KINDS[kind]
    importer.require(actor)
    CsvFile.open(file, known=importer.columns, required=importer.required)
    file.seek(0)
    upload = uploads.keep_upload(actor, file, file.name or "", kind)
    return tasks.submit(actor, COMMANDS[kind][0], ImportArguments(upload=str(upload.pk), **how))


def _import_command(importer: Importer[Any]) -> Callable[[Actor, TaskRun, ImportArguments], dict[str, object]]:
    def run_command(actor: Actor, run: TaskRun, arguments: ImportArguments) -> dict[str, object]:
        path = _file(actor, arguments, importer.name)

        def stop() -> None:
            if run.stopping():
                raise run.cancelled({})

        result = run_import(
            importer,
            actor,
            path,
            dry_run=arguments.dry_run,
            change=arguments.change,
            invite=arguments.invite,
            list_id=arguments.list_id,
            progress=lambda done, note: run.progress(done, None, unit="rows", note=note),
            stop=stop,
        )
        run.progress(result.rows, result.rows, unit="rows")
        told: dict[str, object] = {} if arguments.dry_run else _follow_up(actor, arguments, result)
        asked = {"upload": arguments.upload, "change": arguments.change, "list_id": arguments.list_id}
        return result.as_dict() | asked | {"invite": arguments.invite, **told}

    return run_command


def _follow_up(actor: Actor, arguments: ImportArguments, result: ImportResult) -> dict[str, object]:
    """What comes after a real import: passwords to hash, people to invite; the file goes."""
    told: dict[str, object] = {}
    if result.passwords:
        tasks.submit(Actor.system(), "HashImportedPasswords", NoArguments())
    if result.invited:
        told["invitations"] = tasks.submit(actor, "InviteImportedUsers", BatchArguments(result.batch)).pk
    if arguments.upload:
        found = uploads.get_upload(actor, arguments.upload, result.kind)
        if found is not None:
            uploads.forget(found)
    return told


for _kind, (_name, _needs, _label, _help) in COMMANDS.items():
    _function = _import_command(KINDS[_kind])
    _function.__qualname__ = f"import_{_kind}"
    _function.__doc__ = f"{_help}, all or none; with dry_run only say what would happen."
    command(_name, needs=_needs, arguments=ImportArguments, label=_label)(_function)


@command(
    "HashImportedPasswords", needs=Right.MANAGE_SERVER, arguments=NoArguments, label=_("Hashing of imported passwords")
)
def hash_imported_passwords(actor: Actor, run: TaskRun, arguments: NoArguments) -> dict[str, object]:
    """Hash the clear-text passwords of imported users; they can sign in from then on."""
    done = passwords.hash_pending(
        actor, progress=lambda count: run.progress(count, None, unit="passwords"), stop=run.stopping
    )
    return {"hashed": done}


@command(
    "InviteImportedUsers",
    needs=Right.SET_PASSWORDS,
    arguments=BatchArguments,
    label=_("Invitations of imported users"),
)
def invite_imported_users(actor: Actor, run: TaskRun, arguments: BatchArguments) -> dict[str, object]:
    """Mail the people of an import who have no password a link with which they choose one."""
    try:
        batch = UUID(arguments.batch)
    except ValueError:
        raise BadArguments("batch is the id that an import gave") from None
    total = invitations.waiting(batch)
    result = invitations.send_invitations(
        actor, batch, progress=lambda count: run.progress(count, total, unit="mails"), stop=run.stopping
    )
    told: dict[str, object] = dict(vars(result))
    if run.stopping() and result.left:
        raise run.cancelled(told)
    return told


def _file(actor: Actor, arguments: ImportArguments, kind: str) -> Path:
    """Raises: BadArguments."""
    if arguments.upload:
        try:
            UUID(arguments.upload)
        except ValueError:
            raise BadArguments("upload is the id of a file that was sent") from None
        found = uploads.get_upload(actor, arguments.upload, kind)
        if found is None:
            raise BadArguments(str(_("The file is gone; send it again.")))
        return found.path
    if arguments.path and actor.kind == "console":
        path = Path(arguments.path)
        try:
            is_file = path.is_file()
        except OSError as error:
            raise BadArguments(f"there is no such file: {error.strerror}") from error
        if not is_file:
            raise BadArguments(f"there is no file {path}")
        return path
    raise BadArguments("name a file: an upload, or from the shell a path")
