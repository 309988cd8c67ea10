"""By which server and sign-in somebody's mailbox is reached: those of an archiving profile that covers it.

A profile of many mailboxes has a master user; one of a single mailbox its password or app password. A profile may exist
for this alone: one that is never run archives nothing. Not for archiving.
"""

from __future__ import annotations

from dataclasses import dataclass

from archive.models import Profile, ProfileKind
from archive.profiles.context import Signing, server_of, spool_dir
from archive.remote.imap import Imap
from domains.models import Mailbox


@dataclass(frozen=True, slots=True)
class Account:
    """A way into a mailbox."""

    profile: Profile
    mailbox: Mailbox

    def open(self) -> Imap:
        """Signed in. Raises: NetError, RemoteError."""
        who = f"taking a message out of {self.mailbox.address}"
        many = self.profile.kind == ProfileKind.IMAP_USERS or bool(self.profile.settings.get("login_format"))
        login = Signing(self.profile, who).login(self.mailbox.address if many else "")
        return Imap(server_of(self.profile.settings), login, spool_dir=spool_dir(), who=who)


def account_of(mailbox: Mailbox) -> Account | None:
    """The first profile (by name) that covers it; one that names the mailbox comes before those of many."""
    rows = list(Profile.objects.filter(kind__in=[ProfileKind.IMAP, ProfileKind.IMAP_USERS], is_temporary=False))
    found = [profile for profile in rows if _covers(profile, mailbox)]
    ordered = sorted(found, key=lambda profile: (profile.mailbox_id != mailbox.pk, _breadth(profile, mailbox)))
    return Account(ordered[0], mailbox) if ordered else None


def _covers(profile: Profile, mailbox: Mailbox) -> bool:
    if profile.kind == ProfileKind.IMAP:
        return profile.mailbox_id == mailbox.pk
    return _breadth(profile, mailbox) < 3


def _breadth(profile: Profile, mailbox: Mailbox) -> int:
    """0: it names the mailbox; 1: its domain; 2: everybody; 3: not it."""
    users, domains = profile.settings.get("users", []), profile.settings.get("domains", [])
    if mailbox.pk in users:
        return 0
    if mailbox.domain_id in domains:
        return 1
    return 3 if users or domains else 2
