"""The audit trail: who did what to whom, from where and why; and what was done to oneself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from accounts import sentences
from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from accounts.selectors.events import get_event, list_events, list_events_in, list_own_events, scope_column, seal_of
from accounts.services.exporting import note_export
from api import filters
from api.answering import JSON
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Moment
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from config.kit.batches import in_batches
from jobs.commands import NoArguments
from jobs.services import submit

group = Group("Audit trail", "Who did what, when, from where and why. It is only ever added to, and sealed.")

DOORS = {name: name for name in ("page", "api", "shell", "task", "link")}


class Event(Answer):
    """One thing somebody did."""

    id: int
    at: Moment
    actor: Annotated[str, Field(description="Who did it, as they were called then.")]
    actor_id: Annotated[int | None, Field(description="The person; null for the shell and the machinery.")]
    action: Annotated[str, Field(examples=["user.disable"])]
    sentence: Annotated[str, Field(description="The action in words.")]
    object_type: str | None
    object_id: str | None
    object_label: str | None
    changes: Annotated[dict[str, list[JsonValue]], Field(description="By field: the old value and the new one.")]
    details: dict[str, JsonValue]
    reason: str | None
    address: Annotated[str | None, Field(description="Where the request came from.")]
    via: Annotated[str | None, Field(description="page, api, shell, task or link.")]
    customer_id: int | None
    domain_id: int | None
    user_id: Annotated[int | None, Field(description="The person it was done to.")]


class Seal(Answer):
    """The event's place in the chain of hashes."""

    sequence: int
    hash: str


class SealedEvent(Event):
    """An event with its seal; null in the second until it is sealed."""

    seal: Seal | None


class ExportQuery(BaseModel):
    """Which part of it."""

    model_config = ConfigDict(extra="forbid")

    afterId: Annotated[filters.QueryId, Field(description="Go on behind this event.")] = None  # noqa: N815
    since: Annotated[Moment | None, Field(description="From this moment on.")] = None
    until: Annotated[Moment | None, Field(description="Before this moment.")] = None


def present(row: AuditEvent) -> Event:
    return Event(**_values(row))


def _values(row: AuditEvent) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": row.at,
        "actor": row.actor_label,
        "actor_id": row.actor_id,
        "action": row.action,
        "sentence": str(sentences.of(row.action)),
        "object_type": row.object_type or None,
        "object_id": row.object_id or None,
        "object_label": row.object_label or None,
        "changes": row.changes,
        "details": row.details,
        "reason": row.reason or None,
        "address": row.address or None,
        "via": row.via or None,
        "customer_id": row.customer_id,
        "domain_id": row.domain_id,
        "user_id": row.about_user_id,
    }


def _present_all(actor: Actor, rows: Sequence[AuditEvent]) -> list[Event]:
    return [present(row) for row in rows]


EVENTS = Listing(
    Event,
    _present_all,
    sorts={"id": "pk"},
    default="-id",
    filters={
        "action": filters.exact("action", "The action, as user.disable."),
        "objectType": filters.exact("object_type", "The kind of object, as domains.domain."),
        "objectId": filters.exact("object_id", "The object's id, with objectType."),
        "actorId": filters.number("actor_id", "Who did it."),
        "customerId": filters.number("customer_id", "The customer it belongs to."),
        "domainId": filters.number("domain_id", "The domain it belongs to."),
        "userId": filters.number("about_user_id", "The person it was done to."),
        "via": filters.choice("via", "By which door.", DOORS),
        "since": filters.since("at", "At this moment or later."),
        "until": filters.until("at", "Before this moment."),
    },
)


# of one domain's or customer's administrator all events have its id
READABLE = replace(EVENTS, within=lambda actor: scope_column(actor.reach(Right.VIEW_AUDIT)))


@group.list("/audit/events", READABLE)
def event_list(actor: Actor) -> QuerySet[AuditEvent]:
    """List what happened, the newest first.

    As far as the caller may read the audit trail: that of their domains and customers, or all of it.
    """
    return list_events(actor)


def _event(actor: Actor, event_id: int) -> AuditEvent:
    return get_event(actor, event_id)


@group.get("/audit/events/{int:eventId}", admit=_event)
def event_detail(actor: Actor, event: AuditEvent) -> SealedEvent:
    """Read one event, with its seal.

    Also one about oneself.
    """
    seal = seal_of(event)
    shown = None if seal is None else Seal(sequence=seal.sequence, hash=seal.hash)
    return SealedEvent(**_values(event), seal=shown)


@group.stream("/audit/export", admit=subjects.somewhere(Right.VIEW_AUDIT), media=JSON, answer=list[Event])
def event_export(actor: Actor, query: ExportQuery) -> Iterator[bytes]:
    """Take out the audit trail, or a part of it, the oldest first.

    Sent while it is read, however much there is; where the line broke, `afterId` with the last event's id goes on.
    Taking it out is an event itself.
    """
    rows = list_events(actor)
    if query.afterId is not None:
        rows = rows.filter(pk__gt=query.afterId)
    if query.since is not None:
        rows = rows.filter(at__gte=query.since)
    if query.until is not None:
        rows = rows.filter(at__lt=query.until)
    asked = query.model_dump(mode="json", exclude_none=True)
    note_export(actor, format="api", query=urlencode(asked))
    return _as_array(rows)


def _as_array(rows: QuerySet[AuditEvent]) -> Iterator[bytes]:
    """One JSON array with an event a line."""
    yield b"["
    for number, row in enumerate(in_batches(rows)):
        yield (b",\n" if number else b"\n") + present(row).model_dump_json(by_alias=True).encode()
    yield b"\n]\n"


def _verifying(actor: Actor) -> None:
    actor.require(Right.VIEW_AUDIT)


@group.post("/audit/verification", admit=_verifying, status=202)
def event_verify(actor: Actor) -> Created[TaskAnswer]:
    """Compare the whole audit trail with its seals, as a task.

    Its `result` says whether it is sound, and else what was changed, removed or put in.
    """
    task = submit(actor, "VerifyAuditTrail", NoArguments())
    return Created(present_task(task), f"/tasks/{task.pk}")


@group.list("/me/events", EVENTS)
def own_events(actor: Actor) -> QuerySet[AuditEvent]:
    """List what was done to one's own account and mailbox, by whomever.

    Also who opened one's archive, and why.
    """
    return list_own_events(actor)


@group.list("/customers/{int:customerId}/events", EVENTS)
def customer_events(actor: Actor, customer_id: int) -> QuerySet[AuditEvent]:
    """List what happened with a customer and all that belongs to it."""
    found = subjects.customer()(actor, customer_id)
    return list_events_in(actor, ScopeRef(Level.CUSTOMER, found.pk), found)


@group.list("/domains/{int:domainId}/events", EVENTS)
def domain_events(actor: Actor, domain_id: int) -> QuerySet[AuditEvent]:
    """List what happened in a domain."""
    found = subjects.domain()(actor, domain_id)
    return list_events_in(actor, ScopeRef(Level.DOMAIN, found.pk), found)


@group.list("/users/{int:userId}/events", EVENTS)
def user_events(actor: Actor, user_id: int) -> QuerySet[AuditEvent]:
    """List what was done to a user."""
    found = subjects.mailbox(own=True)(actor, user_id)
    return list_events_in(actor, ScopeRef(Level.USER, user_id), found)
