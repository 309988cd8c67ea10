"""Folders of archives that somebody may read beside their own, or is kept out of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from accounts import privileges
from accounts.actors import Actor
from accounts.models import FolderGrant, User
from accounts.permissions import Right
from accounts.selectors import get_user
from api.errors import NotFound
from api.operations import Group
from api.schemas import Address, Answer, Body
from api.v1 import subjects
from archive.services import sharing
from archive.shares import list_folder_grants
from domains import selectors
from domains.models import Mailbox

group = Group("Folder privileges", "Whose folders somebody may read beside their own, and which they are kept out of.")

FolderPrivilege: Any = Literal.__getitem__((*privileges.FOLDER_PRIVILEGES, privileges.NONE))


class FolderPrivileges(Answer):
    """What a person may do with a folder of an archive and those below it."""

    archive: Annotated[str | None, Field(description="Whose; null where it is gone.")]
    folder: Annotated[str, Field(description="Empty: all of it.")]
    privileges: Annotated[list[str], Field(description="`none`: kept out.")]
    granted_by: str


class FolderPrivilegesBody(Body):
    """Of which archive, which folder, and what. `read` and `none` count; write and delete are kept as data."""

    archive: Annotated[Address, Field(examples=["ada@example.org"])]
    folder: Annotated[str, Field(max_length=1_000, examples=["Inbox/Work"])] = ""
    privileges: Annotated[list[FolderPrivilege], Field(min_length=1, max_length=5, examples=[["read"]])]


def _seen(actor: Actor, user_id: int) -> User:
    return get_user(actor, user_id, need=Right.VIEW_USERS)


def _managed(actor: Actor, user_id: int) -> User:
    person = get_user(actor, user_id, need=Right.MANAGE_USERS)
    actor.require_over(Right.MANAGE_USERS, person)
    return person


def _present(grant: FolderGrant, mailbox: Mailbox | None) -> FolderPrivileges:
    return FolderPrivileges(
        archive=None if mailbox is None else mailbox.address,
        folder=grant.folder,
        privileges=grant.privileges or [privileges.NONE],
        granted_by=grant.granted_by_label,
    )


@group.get("/users/{int:userId}/folder-privileges", admit=_seen)
def folder_privileges(actor: Actor, person: User) -> list[FolderPrivileges]:
    """List what was said of a person and folders of archives."""
    return [_present(grant, mailbox) for grant, mailbox in list_folder_grants(actor, person)]


@group.put("/users/{int:userId}/folder-privileges", admit=_managed)
def folder_privileges_set(actor: Actor, person: User, body: FolderPrivilegesBody) -> FolderPrivileges:
    """Let a person into a folder of an archive, or keep them out.

    Letting in takes the right to open archives, which no token has; keeping out that to manage the person.
    """
    address = body.archive.strip().lower()
    mailbox = subjects.named(
        "archive", lambda: subjects.there(selectors.list_mailboxes(actor).filter(address=address).first())
    )
    return _present(sharing.set_folder_privileges(actor, person, mailbox, body.folder, body.privileges), mailbox)


@group.delete("/users/{int:userId}/folder-privileges", admit=_managed)
def folder_privileges_clear(actor: Actor, person: User) -> None:
    """Take everything that was said of a person and folders of archives.

    404 where nothing was.
    """
    if not sharing.clear_folder_privileges(actor, person):
        raise NotFound()
