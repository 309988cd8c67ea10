"""Events become deliveries: one row for each webhook that asked for them and on whose scope they happened.

A delivery is written in the transaction of what happened, or when the audit trail is followed; sending is `delivering`.
The trail is followed by its seals: they have no gaps and come in order, so that nothing is passed over that was
committed late. A webhook hears of nothing that was before it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEvent, AuditSeal
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef, scope_ref
from jobs.models import Alert, Webhook, WebhookCursor, WebhookDelivery
from jobs.webhooks import catalogue

VERSION = 1
BATCH = 1_000
MOST_WAITING = 10_000  # for one webhook; what comes beyond is not kept for it
LOOK_EVERY_S = 5.0
# Of these kinds of objects the name is told; others may bear the words of a mail (its subject, a search).
NAMED = (
    "accounts.",
    "domains.",
    "jobs.",
    "archive.store",
    "gateway.certificate",
    "gateway.ipentry",
    "gateway.routerrule",
)

_looked_at = float("-inf")
_wanted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. scopes: where, without the server; key: the same for the same event."""

    type: str
    key: str
    scopes: tuple[ScopeRef, ...]
    data: dict[str, Any]
    at: datetime
    names: frozenset[str] = frozenset()  # by which a webhook may have asked for it

    @property
    def id(self) -> str:
        return f"evt_{self.key}"[:80]

    def body(self) -> str:
        said = {
            "type": self.type,
            "version": VERSION,
            "timestamp": self.at.isoformat(),
            "id": self.id,
            "scope": {scope.level.value: scope.id for scope in self.scopes},
            "data": self.data,
        }
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def emit(type: str, scopes: tuple[ScopeRef, ...], *, key: str, data: dict[str, Any]) -> None:
    """Tell of an event in the caller's transaction. Cheap where nobody asked for it."""
    if is_wanted(type):
        emit_many([Event(type, f"{type}_{key}", scopes, data, timezone.now(), frozenset({type}))])


def emit_alert(alert: Alert) -> None:
    """Tell of an alert that was raised now; one that comes up again while it is open is the same."""
    data = {
        "alert": alert.pk, "severity": str(alert.severity), "kind": alert.kind, "text": alert.text[:300],
    }  # fmt: skip
    for name in ("alert.raised", *(each.name for each in catalogue.types_of_alert(alert.kind))):
        emit(name, alert.scopes(), key=str(alert.pk), data=data)


def emit_many(events: Sequence[Event]) -> int:
    """Tell of several; how many deliveries there are now. Harmless to repeat."""
    hooks = list(Webhook.objects.filter(is_enabled=True)) if events else []
    rows = [_delivery(hook, event) for hook in hooks for event in events if hears(hook, event)]
    full = _full(rows)
    kept = [row for row in rows if row.webhook_id not in full]
    WebhookDelivery.objects.bulk_create(kept, batch_size=BATCH, ignore_conflicts=True)
    return len(kept)


def hears(hook: Webhook, event: Event) -> bool:
    """Whether a webhook asked for this, and it happened on its scope since it was made."""
    is_there = hook.scope == SERVER or hook.scope in event.scopes
    return is_there and not event.names.isdisjoint(hook.events) and event.at >= hook.created_at


def is_wanted(type: str) -> bool:
    """Whether some webhook asked for it, as of a few seconds ago: so that the way of mail asks no database."""
    global _looked_at, _wanted
    now = time.monotonic()
    if now - _looked_at > LOOK_EVERY_S:
        chosen = Webhook.objects.filter(is_enabled=True).values_list("events", flat=True)
        _wanted = frozenset(name for names in chosen for name in names)
        _looked_at = now
    return type in _wanted


def look_again() -> None:
    """Somebody changed what is asked for."""
    global _looked_at
    _looked_at = float("-inf")


def _delivery(hook: Webhook, event: Event) -> WebhookDelivery:
    return WebhookDelivery(webhook=hook, event_id=event.id, type=event.type[:120], body=event.body())


def _full(rows: Iterable[WebhookDelivery]) -> set[int]:
    """Webhooks for which so much waits that no more is kept."""
    found = set()
    for key in {row.webhook_id for row in rows}:
        waiting = WebhookDelivery.objects.filter(webhook_id=key, state=WebhookDelivery.State.WAITING)
        if waiting[MOST_WAITING : MOST_WAITING + 1].exists():
            found.add(key)
    return found


# --- the audit trail -------------------------------------------------------------------------------------------------


def follow_audit() -> int:
    """Look through what was sealed since the last time; how many deliveries it made. One process at a time."""
    made = 0
    while True:
        looked, more = _follow_batch()
        made += more
        if looked < BATCH:
            return made


def _follow_batch() -> tuple[int, int]:
    with transaction.atomic():
        _cursor, is_new = WebhookCursor.objects.get_or_create(pk=1)
        locked = WebhookCursor.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if locked is None:
            return 0, 0
        if is_new or not Webhook.objects.filter(is_enabled=True).exists():
            _move(locked, _last_seal())
            return 0, 0
        seals = list(
            AuditSeal.objects.filter(sequence__gt=locked.sequence).order_by("sequence").values_list(
                "sequence", "event_id"
            )[:BATCH]
        )  # fmt: skip
        if not seals:
            return 0, 0
        events = AuditEvent.objects.filter(pk__in=[event_id for _sequence, event_id in seals]).order_by("pk")
        made = emit_many([found for event in events for found in events_of(event)])
        _move(locked, seals[-1][0])
        return len(seals), made


def _last_seal() -> int:
    return AuditSeal.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0


def _move(cursor: WebhookCursor, sequence: int) -> None:
    if cursor.sequence != sequence:
        cursor.sequence = sequence
        cursor.save(update_fields=["sequence"])


def events_of(event: AuditEvent) -> list[Event]:
    """What an event of the trail is told as: by each type that stands for it, and as itself."""
    scopes = (*scope_ref(Level.DOMAIN, event.domain_id), *scope_ref(Level.CUSTOMER, event.customer_id))
    data = _data(event)
    who = {"actor": event.actor_label, "via": event.via}
    found = [
        Event(
            each.name,
            f"{each.name}_{event.pk}",
            scopes,
            _told(data, event, each) | (who if each.needs is Right.VIEW_AUDIT else {}),
            event.at,
            frozenset({each.name}),
        )
        for each in catalogue.types_of(event.action)
    ]
    own = f"{catalogue.AUDIT}{event.action}"
    return [
        *found,
        Event(own, f"audit_{event.pk}", scopes, data | who, event.at, frozenset(catalogue.names_of(event.action))),
    ]


def _told(data: dict[str, Any], event: AuditEvent, each: catalogue.EventType) -> dict[str, Any]:
    """With the details that this type tells. Who did it only the trail's own readers may know."""
    return data | {name: event.details[name] for name in each.details if name in event.details}


def _data(event: AuditEvent) -> dict[str, Any]:
    """What was done to which object; never details, changes or reasons, which may quote mail."""
    is_named = event.object_type.startswith(NAMED)
    about = {"type": event.object_type, "id": event.object_id, "name": event.object_label if is_named else ""}
    return {"action": event.action, "object": about}
