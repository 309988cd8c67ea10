"""Folders of an archive that others may read: given by its owner or who may open archives, seen and ended by the owner.

A grant is for a folder and what lies below it; without privileges it denies. Not for finding what somebody may read
(`selectors`), nor for opening an archive with a reason (`access`).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, privileges
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant, User
from accounts.permissions import EndUserRight, Right
from archive.errors import BadArguments
from archive.folderrights import privileges_on
from archive.services.imports import clean_folder
from domains.models import Mailbox
from domains.services.account_rights import find_grantee


def set_folder_privileges(
    actor: Actor, person: User, mailbox: Mailbox, folder: str, values: Iterable[str]
) -> FolderGrant:
    """Let somebody into a folder of an archive ("" for all of it), or keep them out with `none`.

    Owners who may export their mail give of it what they have there, in person, to people of their domain or customer.
    Else giving takes the right to open archives, over an owner who holds no more, and is never for oneself. Keeping out
    is for who manages the person or the owner's account. Raises: Forbidden, BadGrant, BadArguments.
    """
    wanted = privileges.parse(values, privileges.FOLDER_PRIVILEGES)
    path = clean_folder(folder) if folder.strip(" /") else ""
    if wanted and _is_owner(actor, mailbox) and not actor.has(Right.READ_OTHERS_MAIL, mailbox):
        _require_giving_own(actor, person, mailbox, path, wanted)
    elif wanted:
        _require_giving(actor, person, mailbox)
    else:
        _require_keeping_out(actor, person, mailbox)
    with transaction.atomic():
        row = FolderGrant.objects.select_for_update().filter(user=person, mailbox_id=mailbox.pk, folder=path).first()
        old = None if row is None else row.privileges
        row, _new = FolderGrant.objects.update_or_create(
            user=person,
            mailbox_id=mailbox.pk,
            folder=path,
            defaults={"privileges": wanted, "granted_by_label": actor.label[:300]},
        )
        if old != wanted:
            audit.record(
                actor,
                "folder.share",
                mailbox,
                changes={"privileges": (old, wanted or ["none"])},
                folder=path,
                person=person.email,
            )
    return row


def remove_folder_grant(actor: Actor, grant: FolderGrant, mailbox: Mailbox) -> None:
    """End what a grant says; for the owner, the person who had it, and who manages either. Raises: Forbidden."""
    is_theirs = actor.owns(grant.user) and actor.acting is None
    may_end = bool(grant.privileges) if is_theirs else _is_owner(actor, mailbox)  # nobody lifts what keeps them out
    if not may_end:
        _require_keeping_out(actor, grant.user, mailbox)
        if not grant.privileges:
            _require_giving(actor, grant.user, mailbox)  # lifting a denial gives
    with transaction.atomic():
        deleted, _rows = FolderGrant.objects.filter(pk=grant.pk).delete()
        if deleted:
            audit.record(actor, "folder.unshare", mailbox, folder=grant.folder, person=grant.user.email)


def clear_folder_privileges(actor: Actor, person: User) -> int:
    """Take all folder privileges from somebody; how many there were. Raises: Forbidden."""
    actor.require_writing()
    actor.require_over(Right.MANAGE_USERS, person)
    with transaction.atomic():
        folders = [f"{grant.mailbox_id}/{grant.folder}" for grant in FolderGrant.objects.filter(user=person)]
        FolderGrant.objects.filter(user=person).delete()
        if folders:
            audit.record(actor, "folder.unshare", person, folders=folders)
    return len(folders)


def parse_folder(text: str) -> tuple[str, str]:
    """(address of the archive, path in it) of a folder as archive programs name it: `ada@example.org/Inbox/Work`.

    Raises: BadArguments.
    """
    address, _slash, path = text.strip().strip("/").partition("/")
    if "@" not in address:
        raise BadArguments(_("Write the archive's address and the folder, name@example.org/Inbox."))
    return address, path


def _require_giving(actor: Actor, person: User, mailbox: Mailbox) -> None:
    actor.require_writing()
    if actor.owns(person) and actor.kind == "user":
        raise Forbidden("nobody lets themselves into an archive")
    if actor.acting is not None:
        raise Forbidden("mail stays closed while acting as somebody")
    actor.require(Right.READ_OTHERS_MAIL, mailbox)
    actor.require(Right.VIEW_USERS, person)
    if mailbox.user is not None and not actor.dominates(mailbox.user):
        raise Forbidden("the owner holds more")


def _require_giving_own(actor: Actor, person: User, mailbox: Mailbox, path: str, wanted: list[str]) -> None:
    """Nothing leaves by it that the owner couldn't hand out as files."""
    actor.require_writing()
    actor.require_in_person()
    actor.require_own(EndUserRight.EXPORT_MAIL)
    assert actor.user is not None  # who owns is somebody
    if actor.owns(person) or find_grantee(mailbox, person.email) is None:
        raise Forbidden("this is for other people of the owner's domain or customer")
    if missing := set(wanted) - set(privileges_on(actor.user, mailbox, path)):
        raise Forbidden(f"the owner doesn't hold {', '.join(sorted(missing))} there")


def _require_keeping_out(actor: Actor, person: User, mailbox: Mailbox) -> None:
    actor.require_writing()
    if _is_owner(actor, mailbox) and mailbox.user_id != person.pk:
        return
    if actor.owns(person) or actor.acting is not None:
        raise Forbidden("this is for somebody else, in person")
    over_owner = actor.has(Right.MANAGE_USERS, mailbox) and (mailbox.user is None or actor.dominates(mailbox.user))
    if not over_owner:
        actor.require_over(Right.MANAGE_USERS, person)


def _is_owner(actor: Actor, mailbox: Mailbox) -> bool:
    return mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
