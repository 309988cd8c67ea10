"""What was done to an object, newest first, for its history tab. Whether somebody may read it is asked before."""

from __future__ import annotations

from django.db.models import Model, Q

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.selectors.events import readable_by

SHOWN = 200


def history_of(actor: Actor, *objects: Model | None, limit: int = SHOWN) -> list[AuditEvent]:
    """The newest events about these objects together (a mailbox and its person) that the actor may read."""
    about = Q(pk__in=[])
    for obj in objects:
        if obj is not None:
            about |= Q(object_type=obj._meta.label_lower, object_id=str(obj.pk))
    return list(AuditEvent.objects.filter(readable_by(actor), about).order_by("-pk")[:limit])
