"""What was said of folders for people, when a folder gets another name or place: everybody may what they could before.

Written before the folder moves and taken away after it, so that at no moment somebody reads what they couldn't. Not for
giving or taking access (`sharing`).
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import FolderGrant
from accounts.permissions import Right
from archive import foldernames
from archive.errors import FolderRefused
from archive.folderrights import READ, said_of
from domains.models import Mailbox


def go_along(actor: Actor, mailbox: Mailbox, source: str, target: str, *, merging: bool = False) -> None:
    """Say of the new place what was said of the old one, and what would be inherited there of the folder itself.

    Merged with another folder, mail has the access of that one; what was denied stays denied.
    """
    grants = list(FolderGrant.objects.filter(mailbox_id=mailbox.pk).select_related("user"))
    for user in {grant.user for grant in grants}:
        own = [grant for grant in grants if grant.user_id == user.pk]
        wanted: dict[str, list[str]]
        if merging:
            wanted = {foldernames.moved(each.folder, source, target): [] for each in own if _denies(each, source)}
        else:
            wanted = {
                foldernames.moved(each.folder, source, target): list(each.privileges)
                for each in own
                if each.folder and foldernames.lies_in(each.folder, source)
            }
            if target not in wanted:
                default = [READ] if mailbox.user_id == user.pk else None
                before, after = said_of(own, source), said_of(own, target)
                if before != after and (before, after) != (None, default):
                    kept = default if before is None else before
                    wanted[target] = list(kept or [])
        for folder, privileges in wanted.items():
            foldernames.require_fits(folder)
            FolderGrant.objects.update_or_create(
                user=user,
                mailbox_id=mailbox.pk,
                folder=folder,
                defaults={"privileges": privileges, "granted_by_label": actor.label[:300]},
            )


def require_not_widened(actor: Actor, mailbox: Mailbox, source: str, target: str) -> None:
    """Where folders become one, nobody may read more than before, unless whoever does it could let them in.

    Raises: FolderRefused.
    """
    if mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None:
        return
    if actor.has(Right.READ_OTHERS_MAIL, mailbox):
        return
    grants = list(FolderGrant.objects.filter(mailbox_id=mailbox.pk).select_related("user"))
    for user in {grant.user for grant in grants}:
        own = [grant for grant in grants if grant.user_id == user.pk]
        before, after = said_of(own, source), said_of(own, target)
        default = [READ] if mailbox.user_id == user.pk else []
        if READ in (default if after is None else after) and READ not in (default if before is None else before):
            said = {"person": user.email, "folder": source}
            raise FolderRefused(_("%(person)s could then read what is in “%(folder)s”.") % said, field="target")


def leave_behind(mailbox: Mailbox, source: str, target: str) -> None:
    """Nothing lies at the old place any more: what was said of it goes."""
    for grant in FolderGrant.objects.filter(mailbox_id=mailbox.pk).exclude(folder=""):
        if foldernames.lies_in(grant.folder, source) and not foldernames.lies_in(grant.folder, target):
            grant.delete()


def _denies(grant: FolderGrant, source: str) -> bool:
    return bool(grant.folder) and not grant.privileges and foldernames.lies_in(grant.folder, source)
