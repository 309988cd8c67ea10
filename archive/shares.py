"""Reads of what was said about single folders: who reads one's own, what somebody was given, one of them.

Not for what somebody may read (`selectors.readable_archives`).
"""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import FolderGrant, User
from accounts.permissions import Right
from archive.errors import ArchiveClosed
from domains.models import Mailbox
from domains.selectors import mailbox_of


def list_shares_of(actor: Actor) -> list[FolderGrant]:
    """Who may read folders of the actor's own archive, and who is kept out of some."""
    own = None if actor.user is None or actor.acting is not None else mailbox_of(actor.user)
    if own is None:
        return []
    return list(FolderGrant.objects.filter(mailbox_id=own.pk).select_related("user").order_by("folder", "user__email"))


def list_folder_grants(actor: Actor, person: User) -> list[tuple[FolderGrant, Mailbox | None]]:
    """What a person was given of archives, with each archive; of those that the actor may see. Raises: Forbidden."""
    actor.require(Right.VIEW_USERS, person)
    grants = list(FolderGrant.objects.filter(user=person).select_related("user"))
    mailboxes = Mailbox.objects.select_related("user").in_bulk({grant.mailbox_id for grant in grants})
    found = [(grant, mailboxes.get(grant.mailbox_id)) for grant in grants]
    return [(grant, mailbox) for grant, mailbox in found if mailbox is None or actor.has(Right.VIEW_USERS, mailbox)]


def get_folder_grant(actor: Actor, grant_id: int) -> tuple[FolderGrant, Mailbox]:
    """One the actor had a part in: of their own archive, given to them, or of a person or an archive they may see.

    Raises: ArchiveClosed.
    """
    grant = FolderGrant.objects.filter(pk=grant_id).select_related("user").first()
    mailbox = None if grant is None else Mailbox.objects.select_related("user").filter(pk=grant.mailbox_id).first()
    if grant is None or mailbox is None:
        raise ArchiveClosed("no such share")
    is_theirs = actor.acting is None and (
        actor.owns(grant.user) or (mailbox.user is not None and actor.owns(mailbox.user))
    )
    if not is_theirs and not actor.has(Right.VIEW_USERS, grant.user) and not actor.has(Right.VIEW_USERS, mailbox):
        raise ArchiveClosed("no such share")
    return grant, mailbox
