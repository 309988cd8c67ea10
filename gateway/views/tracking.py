"""Following messages: the help desk's list, one's own list, and the passport of a message."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from accounts.requests import ActorRequest
from config.kit.pages import render_page
from gateway import wording
from gateway.models import Kept, Message, Recipient
from gateway.selectors.passport_proof import proof_of
from gateway.selectors.passport_rules import rules_of
from gateway.selectors.tracking import get_passport, kin_of, list_own, list_tracked, others_of, steps_of
from gateway.services.remediation import may_remediate
from gateway.tables.tracking import OWN, TRACKED

# Nobody outside sent these to us: who did it is said, and there is no sender to be proved.
WITHOUT_SENDER = frozenset({Message.Door.RELEASE, Message.Door.CONSOLE, Message.Door.OWN})


@require_safe
def tracking(request: ActorRequest) -> HttpResponseBase:
    return TRACKED.answer(request, list_tracked(request.actor), "gateway/tracking.html")


@require_safe
def own_mail(request: ActorRequest) -> HttpResponseBase:
    return OWN.answer(request, list_own(request.actor), "gateway/own_mail.html")


@require_safe
def passport(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """Everything that is known of a message for one recipient; its content is elsewhere."""
    recipient = get_passport(request.actor, recipient_id)
    return render_page(request, "gateway/passport.html", _passport(request, recipient))


def _held_url(actor: Actor, recipient: Recipient, *, is_own: bool) -> str:
    """Where it can be released, for who may look after it there; "" else."""
    if recipient.state != Recipient.State.HELD:
        return ""
    if actor.has(Right.MANAGE_QUARANTINE, recipient):
        return reverse("gateway:quarantine-item", args=[recipient.pk])
    may_look = is_own and actor.may(EndUserRight.RELEASE_QUARANTINE)
    return reverse("gateway:own-item", args=[recipient.pk]) if may_look else ""


def _passport(request: ActorRequest, recipient: Recipient) -> dict[str, Any]:
    message, facts = recipient.message, recipient.message.facts
    is_own = recipient.mailbox is not None and recipient.mailbox.user_id == getattr(request.actor.user, "pk", None)
    findings = wording.findings_of(recipient.decision)
    rules = rules_of(request.actor, findings, message.received_at)
    before, after = kin_of(request.actor, recipient)
    return {
        "recipient": recipient,
        "message": message,
        "is_own": is_own,
        "list_url": reverse("gateway:own-mail" if is_own else "gateway:tracking"),
        "verdict": wording.CATEGORIES.get(recipient.category, recipient.category),
        "verdict_tone": wording.CATEGORY_TONES.get(recipient.category, ""),
        "state_tone": wording.STATE_TONES.get(recipient.state, ""),
        "direction": wording.DIRECTIONS.get(recipient.direction, recipient.direction),
        "because": wording.decided_because(recipient.decision),
        "findings": list(zip(findings, rules, strict=True)),
        "notes": wording.notes_of(recipient.decision),
        "signed": facts,
        "score_parts": [(name, points, wording.sign(name)) for name, points in facts.get("score_parts") or []],
        "viruses": wording.viruses_of(facts),
        "spam": wording.spam_of(facts),
        "broken": wording.broken_of(facts),
        "attachments": facts.get("attachments") or [],
        "links": list(dict.fromkeys(facts.get("links") or [])),
        "kept": [
            (each, bytes(each.sha256).hex() if each.sha256 else "", proof_of(request.actor, each))
            for each in recipient.kept.exclude(state=Kept.State.GONE).order_by("folder")
        ],
        "queued": list(recipient.queued.order_by("pk")),
        "steps": [
            (step, wording.step_text(step), wording.step_more(step), wording.STEP_TONES.get(step.kind, ""))
            for step in steps_of(request.actor, recipient)
        ],
        "held_url": _held_url(request.actor, recipient, is_own=is_own),
        "may_remediate": may_remediate(request.actor, recipient),
        "others": others_of(request.actor, recipient),
        "before": before,
        "after": after,
        "came_from_outside": message.door not in WITHOUT_SENDER,
    }
