"""The audit trail's one entrance: every write and every privileged read leaves an event, in the writer's transaction.

So this is also where a token that may only read is stopped, whatever else was forgotten: it leaves no event of a write,
and the write goes with its transaction. Not for technical logs, and not for sealing: one sealer gives committed events
their sequence and hash later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.permissions import Level
from accounts.scopes import ScopeRef, chain_of

log = logging.getLogger("postkeep.accounts")
Changes = Mapping[str, tuple[object, object]]
BATCH = 1_000
# the verbs of looking: "user.export", "archive.open"
_READING = frozenset({"export", "read", "search", "open", "close"})


def record(
    actor: Actor,
    action: str,
    obj: object | None = None,
    *,
    changes: Changes | None = None,
    reason: str = "",
    within: object | None = None,
    **details: object,
) -> AuditEvent:
    """Note that `actor` did `action` ("user.create") to `obj`; details are JSON-able and never secrets.

    changes: {field: (old, new)}. within: the object whose scopes the event belongs to, where `obj` doesn't
    know its own.
    """
    event = build(actor, action, obj, changes=changes, reason=reason, within=within, **details)
    event.save(force_insert=True)
    log.debug("%s by %s (%s)", action, event.actor_label, event.via)
    return event


def record_many(events: Iterable[AuditEvent]) -> None:
    """Write events that were built with `build`, for bulk writes."""
    AuditEvent.objects.bulk_create(events, batch_size=BATCH)


def build(
    actor: Actor,
    action: str,
    obj: object | None = None,
    *,
    changes: Changes | None = None,
    reason: str = "",
    within: object | None = None,
    **details: object,
) -> AuditEvent:
    """An event that isn't written yet. Raises: Forbidden for who may only read, unless it is one of reading."""
    if action.rpartition(".")[2] not in _READING:
        actor.require_writing()
    scopes = {ref.level: ref.id for ref in chain_of(obj if within is None else within)}
    return AuditEvent(
        actor=actor.user if actor.acting is None else actor.acting.user,
        actor_label=actor.label[:300],
        action=action,
        object_type=obj._meta.label_lower if isinstance(obj, models.Model) else _kind(obj),
        object_id=_id(obj),
        object_label="" if obj is None else str(obj)[:300],
        details={key: _plain(value) for key, value in details.items()},
        changes={key: [_plain(old), _plain(new)] for key, (old, new) in (changes or {}).items()},
        reason=(reason or actor.acting_reason)[:500],
        address=actor.address[:45],
        via=actor.via[:20],
        domain_id=scopes.get(Level.DOMAIN),
        customer_id=scopes.get(Level.CUSTOMER),
        about_user_id=scopes.get(Level.USER),
    )


def changes_of(obj: models.Model, values: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """What setting these values would change: {field: (old, new)}; the same values are left out."""
    return {name: (getattr(obj, name), value) for name, value in values.items() if getattr(obj, name) != value}


def _kind(obj: object | None) -> str:
    return "" if obj is None else "scope" if isinstance(obj, ScopeRef) else "text"


def _id(obj: object | None) -> str:
    return str(obj.pk) if isinstance(obj, models.Model) else ""


def _plain(value: object) -> object:
    """JSON's own types pass; everything else becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value)
