"""The audit trail's one entrance: every write and every privileged read leaves an event, in the writer's transaction.

Not for technical logs, and not for sealing: one sealer gives committed events their sequence and hash later.
"""

from __future__ import annotations

from django.db import models

from accounts.actors import Actor
from accounts.models import AuditEvent


def record(actor: Actor, action: str, obj: object | None = None, **details: object) -> AuditEvent:
    """Note that `actor` did `action` ("user.create") to `obj`; details are JSON-able and never secrets."""
    return AuditEvent.objects.create(
        actor=actor.user,
        actor_label=actor.label[:300],
        action=action,
        object_type=obj._meta.label_lower if isinstance(obj, models.Model) else ("" if obj is None else "text"),
        object_id=str(obj.pk) if isinstance(obj, models.Model) else "",
        object_label="" if obj is None else str(obj)[:300],
        details={key: _plain(value) for key, value in details.items()},
    )


def _plain(value: object) -> object:
    """JSON's own types pass; everything else becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value)
