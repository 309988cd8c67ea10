"""Asking that a message be released, and deciding about that.

Who asks owns the message and may not release it themselves; who decides manages the quarantine, and releases it by the
same service as ever: an infected one needs their right to that, and the reason. One request at a time for a message.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from config.kit import mailing
from gateway.errors import NotReleasable
from gateway.models import Message, Recipient, ReleaseRequest
from gateway.release_options import Way, way_for
from gateway.request_mails import mail_decision
from gateway.services import quarantine
from gateway.services.held import clean_reason, is_infected, is_own, locked, require_handling
from gateway.steps import Kind, step
from jobs import alerts

State = ReleaseRequest.State
ALERT = "quarantine.requests"
SENTENCE = gettext_lazy("%(address)s asks for the release of a message from quarantine.")


def may_request(actor: Actor, recipient: Recipient) -> bool:
    """Whether a page offers asking."""
    if recipient.state != Recipient.State.HELD or not is_own(actor, recipient):
        return False
    return way_for(recipient, infected=is_infected(recipient)) is Way.REQUEST


def request_release(actor: Actor, recipient: Recipient, *, why: str) -> ReleaseRequest:
    """Ask for one's own message; asking again while it is open changes nothing.

    Raises: Forbidden, BadRelease (no reason), NotReleasable.
    """
    require_handling(actor, recipient)
    reason = clean_reason(why, needed=True)
    if not may_request(actor, recipient):
        raise NotReleasable(_("For this message nobody needs to be asked, or nobody may be."))
    with transaction.atomic():
        row = locked(recipient)
        known = ReleaseRequest.objects.filter(recipient=row, state=State.OPEN).first()
        if known is not None:
            return known
        if row.state != Recipient.State.HELD:
            raise NotReleasable(_("It is not in quarantine any more."))
        made = ReleaseRequest.objects.create(recipient=row, requested_by=actor.user, why=reason)
        step(Kind.REQUESTED, row.message, row, actor=actor, data={"why": reason}).save()
        audit.record(actor, "quarantine.request", row, reason=reason, message=row.message.key)
        alerts.post_alert(
            Actor.system(), kind=ALERT, params={"address": row.address}, scope=_scope(row), severity="info",
            source=_source(row), url="/gateway/requests/", mail=True,
        )  # fmt: skip
    return made


def grant(actor: Actor, request: ReleaseRequest, *, answer: str = "", reason: str = "") -> Message:
    """Agree: the message is released. Raises: Forbidden, Http404, NotReleasable, BadRelease, CopyGone."""
    _require_deciding(actor, request)
    with transaction.atomic():
        row = _open_request(request)
        sent = quarantine.release(actor, row.recipient, reason=reason or answer or row.why)
        _close(actor, row, State.GRANTED, answer)
        step(Kind.GRANTED, row.recipient.message, row.recipient, actor=actor, data={"answer": row.answer}).save()
        audit.record(actor, "quarantine.grant", row.recipient, message=row.recipient.message.key)
    return sent


def decline(actor: Actor, request: ReleaseRequest, *, answer: str) -> None:
    """Disagree, and say why. Raises: Forbidden, Http404, BadRelease (no answer)."""
    _require_deciding(actor, request)
    said = clean_reason(answer, needed=True)
    with transaction.atomic():
        row = _open_request(request)
        _close(actor, row, State.DECLINED, said)
        step(Kind.DECLINED, row.recipient.message, row.recipient, actor=actor, data={"answer": said}).save()
        audit.record(actor, "quarantine.decline", row.recipient, reason=said, message=row.recipient.message.key)


def _require_deciding(actor: Actor, request: ReleaseRequest) -> None:
    """Nobody decides about their own. Raises: Forbidden, NotReleasable."""
    actor.require_writing()
    actor.require(Right.MANAGE_QUARANTINE, request)
    if actor.user is not None and request.requested_by_id == actor.user.pk:
        raise NotReleasable(_("Somebody else must decide about what you asked for."))


def _open_request(request: ReleaseRequest) -> ReleaseRequest:
    rows = ReleaseRequest.objects.select_for_update(of=("self",)).select_related(
        "recipient__message", "recipient__mailbox__user", "requested_by"
    )
    found = rows.filter(pk=request.pk).first()
    if found is None:
        raise Http404("no such request")
    if found.state != State.OPEN:
        raise NotReleasable(_("This request was decided already."))
    return found


def _close(actor: Actor, row: ReleaseRequest, state: ReleaseRequest.State, answer: str) -> None:
    row.state, row.decided_at, row.decided_by_label = state, timezone.now(), actor.label[:300]
    row.answer = clean_reason(answer)
    row.save()
    others = ReleaseRequest.objects.filter(recipient__domain_id=row.recipient.domain_id, state=State.OPEN)
    if not others.exists():
        alerts.settle_alerts(_source(row.recipient))
    if mailing.is_configured():
        transaction.on_commit(partial(mail_decision, row.pk))


def _scope(row: Recipient) -> ScopeRef:
    if row.domain_id is not None:
        return ScopeRef(Level.DOMAIN, row.domain_id)
    return SERVER


def _source(row: Recipient) -> str:
    return f"{ALERT}:{row.domain_id or 0}"
