"""What people do with quarantined and recent mail: release it, delete it, report it as wrong.

Everything leaves a step in the passport and an event in the audit trail. Deleting only brings the day nearer on which
the keeper takes a copy out, so that a hold is asked by whoever takes it out, and stays unseen here. Not for senders
(`sender_marks`) nor for requests that others must grant (`release_requests`).
"""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.policy.facts import Direction
from gateway import learning
from gateway.errors import BadRelease, NotReleasable, RequestNeeded
from gateway.keeping.reading import copy_of
from gateway.learning import Verdict
from gateway.models import Folder, Kept, Message, Recipient
from gateway.release_options import Way, way_for
from gateway.services.held import clean_reason, end_requests, is_infected, locked, require_handling
from gateway.services.releasing import send_on
from gateway.steps import Kind, step

State = Recipient.State


def require_releasing(actor: Actor, recipient: Recipient, reason: str = "") -> str:
    """Whether somebody may release this message at all, for what a page offers too; the reason, made tidy.

    Raises: Forbidden, NotReleasable, RequestNeeded, BadRelease (infected mail without a reason).
    """
    own, infected = require_handling(actor, recipient), is_infected(recipient)
    if own:
        match way_for(recipient, infected=infected):
            case Way.REQUEST:
                raise RequestNeeded(_("An administrator must agree to its release; ask for it."))
            case Way.NOT:
                raise NotReleasable(_("Mail of this kind can't be released by its recipient."))
    elif infected:
        actor.require(Right.RELEASE_INFECTED, recipient)
        return clean_reason(reason, needed=True)
    return clean_reason(reason)


def release(
    actor: Actor, recipient: Recipient, *, folder: str = "", reason: str = "", again: bool = False, allowed: str = ""
) -> Message:
    """Send a kept message on to its original recipient, as it came in and without another judgement.

    folder: which copy (quarantine's, else recent mail's, else the archive's). again: although it was released before.
    allowed: the sender that is allowed along with it, for the passport.
    Raises: Forbidden, NotReleasable, RequestNeeded, BadRelease, CopyGone, StoreUnavailable.
    """
    why = require_releasing(actor, recipient, reason)
    with transaction.atomic():
        row = locked(recipient)
        if row.state == State.RELEASED and not again:
            raise NotReleasable(_("It was released already."))
        if row.state in (State.DELETED, State.EXPIRED):
            raise NotReleasable(_("This message isn't kept any more."))
        copy = copy_of(row, folder)
        sent = send_on(actor, row, copy, infected=is_infected(row))
        row.followed_by = sent
        if row.state == State.HELD:
            row.state, row.state_at = State.RELEASED, timezone.now()
        row.save(update_fields=["followed_by", "state", "state_at"])
        end_requests([row.pk])
        data = {"to": row.address, "why": why, "folder": copy.kept.folder, "as": sent.key, "allowed": allowed}
        if actor.via == "digest":
            data["via"] = actor.via
        step(Kind.RELEASED, row.message, row, actor=actor, data=data).save()
        audit.record(
            actor, "quarantine.release", row, reason=why, message=row.message.key, category=row.category,
            infected=is_infected(row),
        )  # fmt: skip
    recipient.state, recipient.followed_by = row.state, sent
    return sent


def delete(actor: Actor, recipient: Recipient, *, folder: str = Folder.QUARANTINE, reason: str = "") -> None:
    """Take a message out of quarantine (or recent mail) for good. Raises: Forbidden, NotReleasable."""
    require_handling(actor, recipient)
    if folder == Folder.ARCHIVE:
        raise NotReleasable(_("What is archived goes by the archive's own rules."))
    why = clean_reason(reason)
    with transaction.atomic():
        row = locked(recipient)
        if folder == Folder.QUARANTINE and row.state != State.HELD:
            raise NotReleasable(_("It is not in quarantine any more."))
        if folder == Folder.QUARANTINE:
            row.state, row.state_at = State.DELETED, timezone.now()
            row.save(update_fields=["state", "state_at"])
            end_requests([row.pk])
        _end_keeping(row, folder)
        step(Kind.DELETED, row.message, row, actor=actor, data={"why": why, "folder": folder}).save()
        audit.record(
            actor, "quarantine.delete", row, reason=why, message=row.message.key, category=row.category, folder=folder
        )
    recipient.state = row.state


def _end_keeping(row: Recipient, folder: str) -> None:
    """Its copy is due now; of what somebody sent to many, when nobody's row is in quarantine any more."""
    copies = Kept.objects.filter(recipient=row, folder=folder)
    if row.direction == Direction.OUTGOING and folder == Folder.QUARANTINE:
        siblings = Recipient.objects.filter(message=row.message_id, direction=row.direction)
        if siblings.filter(state=State.HELD).exists():
            return
        copies = Kept.objects.filter(recipient__in=siblings, folder=folder)
    copies.exclude(state=Kept.State.GONE).update(until=timezone.now())


def report(actor: Actor, recipient: Recipient, verdict: Verdict) -> None:
    """Say that a message was judged wrongly: scanners that learn are taught. Raises: Forbidden, BadRelease, CopyGone.

    Reporting changes nothing about the message itself, and saying the same twice teaches once.
    """
    require_handling(actor, recipient)
    if is_infected(recipient) and verdict is Verdict.CLEAN:
        raise BadRelease(_("Infected mail can't be reported as clean."))
    with transaction.atomic():
        row = locked(recipient)
        copy_of(row)
        last = row.steps.filter(kind=Kind.REPORTED).order_by("-pk").first()
        if last is not None and last.data.get("as") == verdict.value:
            return
        step(Kind.REPORTED, row.message, row, actor=actor, data={"as": verdict.value}).save()
        audit.record(actor, "quarantine.report", row, message=row.message.key, verdict=verdict.value)
        transaction.on_commit(partial(learning.queue, row.pk, verdict))
