"""Whose quarantined mail somebody may handle, and the row they handle, locked. Not for what they do with it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from domains.policy.decision import Category
from gateway.errors import BadRelease
from gateway.models import Recipient, ReleaseRequest

MOST_CHARS = 500
LEAST_CHARS = 3


def is_own(actor: Actor, recipient: Recipient) -> bool:
    """Whether it is the person's own mail, and they are here themselves."""
    person = None if recipient.mailbox is None else recipient.mailbox.user
    return person is not None and actor.owns(person) and actor.acting is None


def require_handling(actor: Actor, recipient: Recipient) -> bool:
    """One's own by what the domain lets people do, others' by the right; whether it is one's own. Raises: Forbidden."""
    actor.require_writing()
    if actor.has(Right.MANAGE_QUARANTINE, recipient):
        return False
    if is_own(actor, recipient):
        actor.require_own(EndUserRight.RELEASE_QUARANTINE)
        return True
    actor.require(Right.MANAGE_QUARANTINE, recipient)
    return False


def locked(recipient: Recipient) -> Recipient:
    """The row as it is now, nobody else's until the transaction ends."""
    rows = Recipient.objects.select_for_update(of=("self",)).select_related(
        "message", "mailbox__user", "mailbox__domain"
    )
    return rows.get(pk=recipient.pk)


def end_requests(recipient_ids: Sequence[int]) -> None:
    """What was asked of messages that aren't in quarantine any more is over, without an answer."""
    rows = ReleaseRequest.objects.filter(recipient__in=recipient_ids, state=ReleaseRequest.State.OPEN)
    rows.update(state=ReleaseRequest.State.ENDED, decided_at=timezone.now())


def is_infected(recipient: Recipient) -> bool:
    """Whether a scanner found a virus, whatever decided in the end."""
    findings = recipient.decision.get("findings", ())
    return recipient.category == Category.VIRUS or any(each.get("category") == Category.VIRUS for each in findings)


def clean_reason(text: str, *, needed: bool = False) -> str:
    """A reason as it is kept. Raises: BadRelease."""
    reason = " ".join(text.replace("\0", " ").split())[:MOST_CHARS]
    if needed and len(reason) < LEAST_CHARS:
        raise BadRelease(_("Say why, in a few words; it is kept."), field="reason")
    return reason
