"""A folder without its mail. Mail leaves only as folders are deleted: by two people, by retention's leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import Kept
from archive.folderfacts import named_folder, see_folders
from archive.folderrights import require_organising
from jobs.commands import About, command
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class ClearFolderArguments:
    """Which folder (`name@example.org/Inbox/Work`)."""

    folder: Annotated[str, About(gettext_lazy("Folder"), gettext_lazy("name@example.org/Inbox"))]


@command(
    "ClearFolder", needs=Right.MANAGE_USERS, arguments=ClearFolderArguments, label=gettext_lazy("Emptying of a folder")
)
def clear_folder(actor: Actor, run: TaskRun, arguments: ClearFolderArguments) -> dict[str, object]:
    """See that a folder is empty; with mail in it nothing happens, and DeleteFolder is what can be asked for."""
    mailbox, path = named_folder(actor, arguments.folder)
    require_organising(actor, mailbox, path)
    count = see_folders(actor, mailbox).find(path).messages
    if count:
        raise Kept(_t("Mail lies in it. Ask for DeleteFolder, which two people decide."))
    return {"messagesSuccessCount": 0, "messagesFailCount": 0}
