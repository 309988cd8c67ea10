"""The commands about mail and folders: importing, exporting, sharing. Each is one service.

Import and export name no right here: everybody may do both with their own mailbox, and the services decide the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.privileges import FOLDER_PRIVILEGES, parse
from archive.selectors import get_mailbox
from archive.services import exports, imports, sharing
from archive.services.exports import ExportArguments
from archive.services.imports import ImportArguments
from jobs.commands import command
from jobs.people import UserArguments, visible_user
from jobs.running import TaskRun


@command("ImportMail", needs=None, arguments=ImportArguments, label=_("Mail import"))
def import_mail(actor: Actor, run: TaskRun, arguments: ImportArguments) -> dict[str, object]:
    """Archive the messages of files or folders in one mailbox."""
    return imports.import_mail(actor, run, arguments)


@command("ExportMail", needs=None, arguments=ExportArguments, label=_("Mail export"))
def export_mail(actor: Actor, run: TaskRun, arguments: ExportArguments) -> dict[str, object]:
    """Write messages of one mailbox as files, byte for byte."""
    return exports.export_mail(actor, run, arguments)


@dataclass(frozen=True, slots=True)
class FolderPrivilegesArguments:
    """Whose, on which folder (`name@example.org/Inbox`), and which."""

    user_name: str
    folder: str
    privileges: str


@command(
    "SetUserPrivilegesOnFolder",
    needs=Right.MANAGE_USERS,
    arguments=FolderPrivilegesArguments,
    label=_("Privileges on a folder"),
)
def set_user_privileges_on_folder(
    actor: Actor, run: TaskRun, arguments: FolderPrivilegesArguments
) -> dict[str, object]:
    """Let somebody into a folder of an archive, or keep them out: none, read, write, delete."""
    person = visible_user(actor, arguments.user_name)
    address, folder = sharing.parse_folder(arguments.folder)
    mailbox = get_mailbox(address)
    wanted = arguments.privileges.split(",")
    if mailbox.user_id == person.pk and (held := parse(wanted, FOLDER_PRIVILEGES)):
        actor.require_writing()  # what scripts do after making a user: owners have this without being let in
        return {"user": person.email, "folder": arguments.folder, "privileges": held}
    grant = sharing.set_folder_privileges(actor, person, mailbox, folder, wanted)
    return {
        "user": person.email,
        "folder": f"{mailbox.address}/{grant.folder}".rstrip("/"),
        "privileges": grant.privileges or ["none"],
    }


@command(
    "ClearUserPrivilegesOnFolders",
    needs=Right.MANAGE_USERS,
    arguments=UserArguments,
    label=_("No privileges on folders"),
)
def clear_user_privileges_on_folders(actor: Actor, run: TaskRun, arguments: UserArguments) -> dict[str, object]:
    """Take everything that was said of somebody and folders of archives."""
    person = visible_user(actor, arguments.user_name)
    return {"user": person.email, "cleared": sharing.clear_folder_privileges(actor, person)}
