"""Whose messages may be followed: of domains and people one may track, and one's own.

A message of somebody else's is not found, whether it exists or not. Not for content: nothing here opens a message.
"""

from __future__ import annotations

from django.db.models import Q
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import MailingList
from domains.selectors.lists import list_own_lists
from gateway.lists.addresses import parts_of
from gateway.models import Recipient, Step
from gateway.models.messages import RecipientQuerySet
from gateway.steps import Kind


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


def steps_of(actor: Actor, recipient: Recipient) -> list[Step]:
    """What happened to the message, and to it for this recipient; not for others.

    Deliveries that are nobody's row here are of others: of those who are on a list and elsewhere.
    """
    about = Q(recipient=recipient) | Q(recipient=None)
    steps = list(recipient.message.steps.filter(about).select_related("person").order_by("at", "pk"))
    of_others = [each for each in steps if each.recipient_id is None and each.kind in _DELIVERY]
    if not of_others or _may_know_all(actor, recipient):
        return steps
    return [each for each in steps if each not in of_others]


_DELIVERY = frozenset(
    {
        Kind.QUEUED, Kind.ATTEMPT, Kind.DELIVERED, Kind.BOUNCED, Kind.HELD, Kind.FREED, Kind.DELETED, Kind.EXPIRED,
        Kind.STORED, Kind.REPROCESSED, Kind.NOTICED, Kind.REDIRECTED,
    }
)  # fmt: skip


def _may_know_all(actor: Actor, recipient: Recipient) -> bool:
    """Whether somebody may know to whom else it went: a list's mail whoever manages the list or follows its mail."""
    local, _at, domain = recipient.message.sender.rpartition("@")
    parts = parts_of(local)
    if parts is None or parts[1] != "bounces":
        return actor.has(Right.TRACK_MAIL, recipient)
    rows = MailingList.objects.select_related("address__domain", "owner")
    found = rows.filter(address__text=f"{parts[0]}@{domain}").first()
    if found is None:
        return actor.has(Right.TRACK_MAIL)
    return (
        actor.has(Right.MANAGE_LISTS, found)
        or actor.has(Right.TRACK_MAIL, found)
        or list_own_lists(actor).filter(pk=found.pk).exists()
    )


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
