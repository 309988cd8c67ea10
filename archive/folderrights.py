"""Who may do what with folders of an archive: what was said of a folder for somebody, and who may organise them.

What counts for a person is what was said of the folder itself, else of the nearest above it; where nothing was, people
read their own archive and nothing of others'. Not for reading mail (`selectors`), nor for saying it (`sharing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import FolderGrant, User
from accounts.permissions import Right
from domains.models import Mailbox

READ, WRITE, DELETE = "read", "write", "delete"


def said_of(grants: Iterable[FolderGrant], path: str) -> list[str] | None:
    """The privileges that were given on a folder, [] where it is denied, None where nothing was said."""
    covering = [grant for grant in grants if grant.covers(path)]
    return max(covering, key=lambda grant: len(grant.folder)).privileges if covering else None


def privileges_on(user: User, mailbox: Mailbox, path: str) -> list[str]:
    """What somebody may do with a folder by what was said, or because it is their own archive."""
    said = said_of(FolderGrant.objects.filter(user=user, mailbox_id=mailbox.pk), path)
    if said is None:
        return [READ] if mailbox.user_id == user.pk else []
    return said


def administers(actor: Actor, mailbox: Mailbox) -> bool:
    """Whether the actor runs the account that an archive belongs to; also an archive nobody owns any more."""
    if not actor.has(Right.MANAGE_USERS, mailbox):
        return False
    return mailbox.user is None or actor.owns(mailbox.user) or actor.dominates(mailbox.user)


def may_organise(actor: Actor, mailbox: Mailbox, path: str = "") -> bool:
    """Whether somebody may make, move and remove folders there: who runs the account, or has `write` on the folder."""
    if administers(actor, mailbox):
        return True
    if actor.user is None or actor.acting is not None:
        return False
    return WRITE in privileges_on(actor.user, mailbox, path)


def organising(actor: Actor, mailbox: Mailbox) -> Callable[[str], bool]:
    """The same for many folders of an archive, asked once."""
    if administers(actor, mailbox):
        return lambda path: True
    if actor.user is None or actor.acting is not None:
        return lambda path: False
    grants = list(FolderGrant.objects.filter(user=actor.user, mailbox_id=mailbox.pk))
    return lambda path: WRITE in (said_of(grants, path) or [])


def organises_some(actor: Actor, mailbox: Mailbox, grants: Iterable[FolderGrant]) -> bool:
    """Whether somebody may organise a folder of an archive at all; `grants`: what was said of its folders for them."""
    by_grant = actor.acting is None and any(WRITE in grant.privileges for grant in grants)
    return by_grant or administers(actor, mailbox)


def require_organising(actor: Actor, mailbox: Mailbox, *paths: str) -> None:
    """Raises: Forbidden."""
    actor.require_writing()
    for path in paths or ("",):
        if not may_organise(actor, mailbox, path):
            raise Forbidden(f"{actor.label} may not organise these folders")
