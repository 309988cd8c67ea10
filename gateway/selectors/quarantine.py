"""Quarantined and recent mail that somebody may see: their own, or that of people whose quarantine they manage.

What is foreign doesn't exist (404); what somebody may follow but not manage is refused (403). Lists and counts are
administration; the contents of others' mail are opened as their archives are: with a right and a reason, which the
owner sees (`archive.services.access`).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from archive.selectors import Archive, readable_archives
from domains.models import Mailbox
from gateway.models import Folder, Kept, Opening, Recipient, ReleaseRequest
from gateway.services.held import is_own

State = Recipient.State


def list_own(actor: Actor, folder: str = Folder.QUARANTINE, state: str = State.HELD) -> QuerySet[Recipient]:
    """The person's own mail in a folder; nothing for who acts in their place. Raises: Forbidden."""
    if actor.user is None or actor.acting is not None:
        return Recipient.objects.none()
    actor.require_own(EndUserRight.RELEASE_QUARANTINE)
    return _in_folder(Recipient.objects.own(actor), folder, state)


def list_managed(actor: Actor, folder: str = Folder.QUARANTINE, state: str = State.HELD) -> QuerySet[Recipient]:
    """All that the actor manages. Raises: Forbidden."""
    actor.require_somewhere(Right.MANAGE_QUARANTINE)
    return _in_folder(Recipient.objects.visible_to(actor, Right.MANAGE_QUARANTINE), folder, state)


def _in_folder(rows: QuerySet[Recipient], folder: str, state: str) -> QuerySet[Recipient]:
    rows = rows.select_related("message", "mailbox").defer("message__facts")
    if folder == Folder.QUARANTINE:
        return rows.filter(state=state)
    copies = Kept.objects.filter(recipient=OuterRef("pk"), folder=folder).exclude(state=Kept.State.GONE)
    return rows.filter(Exists(copies))


def folders_of(actor: Actor, mailbox: Mailbox) -> dict[str, int]:
    """The system folders of a mailbox in which something is kept, and how much; {} for who may not list them."""
    own = mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
    if not (actor.may(EndUserRight.RELEASE_QUARANTINE) if own else actor.has(Right.MANAGE_QUARANTINE, mailbox)):
        return {}
    rows = Recipient.objects.filter(mailbox=mailbox)
    counts = {
        folder.value: _in_folder(rows, folder, State.HELD).count() for folder in (Folder.QUARANTINE, Folder.RETENTION)
    }
    return {folder: count for folder, count in counts.items() if count}


def get_item(actor: Actor, recipient_id: int) -> Recipient:
    """One message of somebody. Raises: Http404, Forbidden."""
    rows = Recipient.objects.select_related("message", "mailbox__user", "mailbox__domain")
    found = rows.filter(pk=recipient_id).first()
    if found is None:
        raise Http404("no such message")
    if actor.has(Right.MANAGE_QUARANTINE, found):
        return found
    if is_own(actor, found):
        actor.require_own(EndUserRight.RELEASE_QUARANTINE)
        return found
    if actor.has(Right.TRACK_MAIL, found):
        actor.require(Right.MANAGE_QUARANTINE, found)
    raise Http404("no such message")


@dataclass(frozen=True, slots=True)
class Reading:
    """Whether somebody may read a message now. archive: whose stands open; None: it is their own, or nobody's."""

    allowed: bool
    archive: Archive | None = None


def reading_of(actor: Actor, recipient: Recipient) -> Reading:
    """One's own always; another's while their archive stands open to the actor, nobody's while the message does."""
    if not actor.may_read_mail:
        return Reading(False)
    if is_own(actor, recipient):
        return Reading(True)
    if recipient.mailbox_id is None:
        return Reading(_stands_open(actor, recipient))
    for archive in readable_archives(actor):
        if archive.mailbox.pk == recipient.mailbox_id and archive.access is not None:
            return Reading(True, archive)
    return Reading(False)


def may_open(actor: Actor, recipient: Recipient) -> bool:
    """Whether the actor may open a message to read it, whose address nobody here owns."""
    is_nobodys = recipient.mailbox_id is None and actor.user is not None and actor.may_read_mail
    return is_nobodys and actor.has(Right.READ_OTHERS_MAIL, recipient)


def _stands_open(actor: Actor, recipient: Recipient) -> bool:
    """Opened by this person a while ago, who may still do so."""
    if not may_open(actor, recipient):
        return False
    return Opening.objects.filter(recipient=recipient, user=actor.user, expires_at__gt=timezone.now()).exists()


def list_requests(actor: Actor) -> QuerySet[ReleaseRequest]:
    """Requests for release that the actor may decide. Raises: Forbidden."""
    actor.require_somewhere(Right.MANAGE_QUARANTINE)
    rows = ReleaseRequest.objects.visible_to(actor, Right.MANAGE_QUARANTINE)
    return rows.select_related("recipient__message", "recipient__mailbox", "requested_by")


def get_request(actor: Actor, request_id: int) -> ReleaseRequest:
    """Raises: Http404, Forbidden."""
    rows = ReleaseRequest.objects.select_related("recipient__message", "recipient__mailbox__user", "requested_by")
    found = rows.filter(pk=request_id).first()
    if found is None:
        raise Http404("no such request")
    get_item(actor, found.recipient_id)
    actor.require(Right.MANAGE_QUARANTINE, found)
    return found


def open_request(recipient: Recipient) -> ReleaseRequest | None:
    """What is asked for a message just now; whoever calls may see the message."""
    return ReleaseRequest.objects.filter(recipient=recipient, state=ReleaseRequest.State.OPEN).first()


def last_request(recipient: Recipient) -> ReleaseRequest | None:
    """The newest one, decided or not."""
    return ReleaseRequest.objects.filter(recipient=recipient).first()
