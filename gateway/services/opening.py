"""Opening a kept message to read it: one's own, or another's while their archive stands open, which leaves a line.

What came for an address that nobody here owns is opened itself, with a reason, for an hour at most.

Not for lists and facts, which are administration (`gateway.selectors.quarantine`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from archive.models import ACCESS_MINUTES
from archive.services.access import longest_minutes, note_read
from gateway.errors import BadRelease
from gateway.keeping.reading import Copy, copy_of
from gateway.models import Opening, Recipient
from gateway.selectors.quarantine import may_open, reading_of
from gateway.services.held import clean_reason
from gateway.steps import Kind, step

LEAST_CHARS = 5  # as for an archive


def open_item(actor: Actor, recipient: Recipient, *, reason: str) -> Opening:
    """Let the actor read one message of an address that nobody here owns; its passport and the audit trail say why.

    Raises: Forbidden, BadRelease (no reason; it is somebody's).
    """
    actor.require_writing()
    actor.require(Right.MANAGE_QUARANTINE, recipient)
    actor.require(Right.READ_OTHERS_MAIL, recipient)
    if recipient.mailbox_id is not None:
        raise BadRelease(_("This message is somebody's; their archive is opened to read it."))
    if actor.user is None or not may_open(actor, recipient):
        raise Forbidden("mail is closed to who acts in another's place")
    why = clean_reason(reason, needed=True)
    if len(why) < LEAST_CHARS:
        raise BadRelease(_("Say why, in a few words; it is kept."), field="reason")
    now = timezone.now()
    until = now + timedelta(minutes=min(ACCESS_MINUTES, longest_minutes()))
    with transaction.atomic():
        made = Opening.objects.create(
            recipient=recipient, user=actor.user, reason=why, created_at=now, expires_at=until
        )
        data = {"why": why, "until": until.isoformat()}
        step(Kind.OPENED, recipient.message, recipient, actor=actor, data=data).save()
        audit.record(
            actor, "quarantine.open", recipient, reason=why, until=until.isoformat(), message=recipient.message.key
        )
    return made


def open_copy(actor: Actor, recipient: Recipient) -> Copy:
    """The copy, and a line for its owner where somebody else reads it. Raises: Http404, CopyGone, StoreUnavailable."""
    allowed = reading_of(actor, recipient)
    if not allowed.allowed:
        raise Http404("not open to this person")
    copy = copy_of(recipient)
    if allowed.archive is not None and copy.stored is not None:
        note_read(actor, replace(copy.stored, archive=allowed.archive))
    return copy
