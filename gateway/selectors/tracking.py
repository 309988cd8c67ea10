"""Whose messages may be followed: of domains and people one may track, and one's own.

A message of somebody else's is not found, whether it exists or not. Not for content: nothing here opens a message.
"""

from __future__ import annotations

from django.db.models import Q
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from gateway.models import Recipient, Step
from gateway.models.messages import RecipientQuerySet


def list_tracked(actor: Actor) -> RecipientQuerySet:
    """Messages of others, one row per recipient, as far as the actor may follow them. Raises: Forbidden."""
    actor.require_somewhere(Right.TRACK_MAIL)
    return _listed(Recipient.objects.visible_to(actor, Right.TRACK_MAIL))


def list_own(actor: Actor) -> RecipientQuerySet:
    """What came for the actor's own mailbox, and what was sent from it."""
    return _listed(Recipient.objects.own(actor))


def _listed(rows: RecipientQuerySet) -> RecipientQuerySet:
    """With all that a list shows of a message, and without the long answers of its judges."""
    return rows.select_related("message").defer("decision", "way", "held_text", "message__facts")


def get_passport(actor: Actor, recipient_id: int) -> Recipient:
    """One recipient's row: one's own, or one that may be followed. Raises: Http404."""
    there = Recipient.objects.select_related("message__person", "mailbox__user").filter(pk=recipient_id)
    own = Q(mailbox__user_id=actor.user.pk) if actor.user is not None else Q(pk__in=[])
    found = there.filter(own).first()
    if found is None:
        found = there.visible_to(actor, Right.TRACK_MAIL).first()
    if found is None:
        raise Http404("no such message")
    return found


def steps_of(recipient: Recipient) -> list[Step]:
    """What happened to the message, and to it for this recipient; not for others."""
    about = Q(recipient=recipient) | Q(recipient=None)
    return list(recipient.message.steps.filter(about).select_related("person").order_by("at", "pk"))


def kin_of(actor: Actor, recipient: Recipient) -> tuple[list[Recipient], list[Recipient]]:
    """What this one was released (or processed again) from, and what it went on as; as far as the actor may know."""
    before = Recipient.objects.filter(followed_by=recipient.message_id)
    after = Recipient.objects.none()
    if recipient.followed_by_id is not None:
        after = Recipient.objects.filter(message=recipient.followed_by_id)
    return _seen(actor, before), _seen(actor, after)


def _seen(actor: Actor, rows: RecipientQuerySet, most: int = 50) -> list[Recipient]:
    seen = rows.visible_to(actor, Right.TRACK_MAIL) if actor.has_somewhere(Right.TRACK_MAIL) else rows.own(actor)
    return list(seen.select_related("message").order_by("pk")[:most])


def others_of(actor: Actor, recipient: Recipient, most: int = 50) -> list[Recipient]:
    """Its other recipients, as far as the actor may know them."""
    others = Recipient.objects.filter(message=recipient.message).exclude(pk=recipient.pk)
    return _seen(actor, others, most)
