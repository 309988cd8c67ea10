"""Opening somebody's archive: with a reason, for a time that was said before, seen by its owner.

Not for finding what somebody may read (`selectors`).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, options
from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import ArchiveClosed, BadArguments
from archive.models import ACCESS_CHOICES, ACCESS_MINUTES, ArchiveAccess, ArchiveRead
from archive.selectors import Message, get_mailbox
from archive.services.notices import notice_at
from domains.models import Mailbox

LONGEST = "ARCHIVE_ACCESS_MINUTES"


def open_archive(actor: Actor, *, address: str, reason: str, minutes: int = ACCESS_MINUTES) -> ArchiveAccess:
    """Let the actor read one mailbox's archive for some minutes; leaves an event and a line its owner sees.

    minutes: at most those of the server's option ARCHIVE_ACCESS_MINUTES. To read longer takes opening it anew.
    Raises: Forbidden, ArchiveClosed (no such mailbox), BadArguments (no reason, their own, too long).
    """
    actor.require_somewhere(Right.READ_OTHERS_MAIL)
    reason = " ".join(reason.split())
    if len(reason) < 5:
        raise BadArguments(_("Say why, in a few words; the owner will read it."), field="reason")
    if not 1 <= minutes <= longest_minutes():
        text = _("An archive is opened for at most %(minutes)d minutes.") % {"minutes": longest_minutes()}
        raise BadArguments(text, field="minutes")
    mailbox = get_mailbox(address)
    if not actor.has(Right.READ_OTHERS_MAIL, mailbox):
        # the same answer as for one that isn't there
        raise ArchiveClosed(_("There is no mailbox “%(address)s”.") % {"address": address})
    if actor.user is None or mailbox.user_id == actor.user.pk:
        raise BadArguments(_("This is your own archive; it is open to you."), field="address")
    now = timezone.now()
    with transaction.atomic():
        access = ArchiveAccess.objects.create(
            user=actor.user,
            mailbox=mailbox,
            reason=reason[:500],
            created_at=now,
            expires_at=now + timedelta(minutes=minutes),
            notice_at=notice_at(actor.user, mailbox),
        )
        audit.record(actor, "archive.open", mailbox, reason=access.reason, until=access.expires_at.isoformat())
    return access


def longest_minutes() -> int:
    """For how long an archive may be opened at once, as set for this server."""
    return int(options.value(LONGEST))


def offered_minutes() -> list[int]:
    """The times to choose from, shortest first."""
    longest = longest_minutes()
    return [each for each in ACCESS_CHOICES if each < longest] + [longest]


def close_archive(actor: Actor, access: ArchiveAccess) -> None:
    """End an access before its hour is over; closing twice changes nothing."""
    with transaction.atomic():
        closed = ArchiveAccess.objects.filter(pk=access.pk, user=actor.user, closed_at=None)
        if closed.update(closed_at=timezone.now()):
            audit.record(actor, "archive.close", access.mailbox)


def note_read(actor: Actor, message: Message) -> None:
    """Keep that a message of another's archive was opened; reading one's own leaves nothing.

    Raises: ArchiveClosed when the access ended meanwhile.
    """
    archive = message.archive
    if archive is None or archive.access is None:
        return
    if not archive.access.stands:
        raise ArchiveClosed("the access has ended")
    with transaction.atomic():
        subject = message.row.subject.replace("\x00", "")[:300]
        _read, new = ArchiveRead.objects.get_or_create(
            access=archive.access, store=message.store, number=message.row.number, defaults={"subject": subject}
        )
        if new:
            audit.record(actor, "archive.read", archive.mailbox, message=message.public_id)


def note_export(actor: Actor, mailbox: Mailbox, messages: int) -> None:
    """Keep how much was taken out of another's archive, on the access it was done under."""
    if actor.user is None or mailbox.user_id == actor.user.pk:
        return
    latest = ArchiveAccess.objects.filter(user=actor.user, mailbox=mailbox).order_by("-created_at").first()
    if latest is not None:
        ArchiveAccess.objects.filter(pk=latest.pk).update(exported_messages=F("exported_messages") + messages)


def note_search(actor: Actor, access: ArchiveAccess, query: str) -> None:
    """Keep what was searched for in another's archive."""
    audit.record(actor, "archive.search", access.mailbox, query=query[:500].replace("\x00", ""))
