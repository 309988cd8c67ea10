"""Deciding about what waits for a moderator: let it through, refuse it with a word to the sender, or drop it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from domains.errors import WrongState
from domains.models import MailingList
from domains.services.lists.settings import require_managing
from gateway import content
from gateway.lists import notices
from gateway.lists.digests import send_digest
from gateway.models import ListPosting, Recipient
from gateway.steps import Kind, step

State = ListPosting.State


def approve(actor: Actor, posting: ListPosting) -> None:
    """It is distributed in a moment. Raises: Forbidden, WrongState."""
    require_managing(actor, posting.list)
    with transaction.atomic():
        row = _locked(posting)
        row.state, row.is_approved, row.decided_by = State.WAITING, True, actor.label[:300]
        row.save(update_fields=["state", "is_approved", "decided_by"])
        step(Kind.FREED, row.message, row.recipient, actor=actor, data={"queue": row.list.address.text}).save()
        audit.record(actor, "list.approve", row.list.address, message=row.message.key)


def reject(actor: Actor, posting: ListPosting, *, silently: bool = False) -> None:
    """It is not distributed; the sender hears of it unless silently. Raises: Forbidden, WrongState."""
    require_managing(actor, posting.list)
    with transaction.atomic():
        row = _locked(posting)
        row.state, row.why, row.decided_by, row.content = State.REFUSED, "moderator", actor.label[:300], None
        row.save(update_fields=["state", "why", "decided_by", "content"])
        if row.recipient is not None:
            state = Recipient.State.DELETED if silently else Recipient.State.REFUSED
            Recipient.objects.filter(pk=row.recipient.pk).update(state=state, state_at=timezone.now())
        step(Kind.DELETED, row.message, row.recipient, actor=actor).save()
        audit.record(actor, "list.discard" if silently else "list.reject", row.list.address, message=row.message.key)
        if not silently:
            notices.tell_refused(row, "moderator")


def send_digest_now(actor: Actor, found: MailingList) -> bool:
    """Don't wait for the day; whether there was anything. Raises: Forbidden."""
    require_managing(actor, found)
    with transaction.atomic():
        was_sent = send_digest(found.pk)
        if was_sent:
            audit.record(actor, "list.digest", found.address)
    return was_sent


def text_of(posting: ListPosting) -> bytes:
    """The beginning of what waits, for who decides about it."""
    if posting.content is None:
        return b""
    return next(content.chunks_of(posting.content), b"")[: 64 * 1024]


def _locked(posting: ListPosting) -> ListPosting:
    rows = ListPosting.objects.select_for_update(of=("self",))
    row = rows.select_related("list__address__domain", "list__owner", "message", "recipient").get(pk=posting.pk)
    if row.state != State.HELD:
        raise WrongState(_("This has been decided already."))
    return row
