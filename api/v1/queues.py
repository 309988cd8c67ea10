"""Queues: what waits to leave, and the orders that can be given about it.

An order takes a filter and is done by a task; `count` says beforehand how many messages it would hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment, left_out
from api.v1 import subjects
from api.v1.profiles import TaskStarted
from gateway.models import QueueItem, QueueSettings
from gateway.queue_commands import QueueArguments, RejectArguments
from gateway.selectors import queues as selectors
from gateway.selectors.queues import QueueCount, Wanted
from gateway.services import queues
from jobs.services import submit

group = Group("Queues", "Messages on their way out: what waits, why, and what is to be done with it.")
State = Literal["waiting", "held"]


class QueueAnswer(Answer):
    """A queue in numbers. size: how many messages, of these `held` are held back."""

    name: str
    size: int
    held: int
    bytes: int
    oldest: Moment | None


class QueuedMessageAnswer(Answer):
    """A message for one recipient. name: the message's key; attempts: how often it was tried."""

    id: int
    name: str
    queue: str
    sender: str
    recipients: list[str]
    destination: str
    state: State
    attempts: int
    last_reply: str
    size: int
    created_at: Moment
    next_delivery: Moment
    expires_at: Moment


class AttemptAnswer(Answer):
    """A try and what the other server said."""

    at: Moment
    kind: str
    ok: bool
    host: str
    address: str
    tls: str
    code: int
    status: str
    reply: str
    possible_duplicate: bool


class QueuedMessageDetail(QueuedMessageAnswer):
    """The same with its tries, the newest first."""

    tries: list[AttemptAnswer]


class DestinationAnswer(Answer):
    """Where mail waits for; delivered, deferred and failed are of the last 24 hours."""

    destination: str
    name: str
    waiting: int
    held: int
    in_hand: int
    oldest: Moment | None
    next_at: Moment | None
    last_answer: str
    delivered: int
    deferred: int
    failed: int


class QueueFilter(Body):
    """Which messages; all that is said counts. Nothing said: all of the queue."""

    sender: Annotated[str | None, Field(max_length=320, description="“<>” for the empty one.")] = None
    recipient: Annotated[str, Field(max_length=320)] = ""
    name: Annotated[str, Field(max_length=32)] = ""
    destination: Annotated[str, Field(max_length=300)] = ""
    older_than_minutes: Annotated[int | None, Field(ge=0, le=10_000_000)] = None


class QueueReject(QueueFilter):
    """The same, and whether the senders are told why."""

    notice: bool = True
    text: Annotated[str, Field(max_length=300)] = ""


class QueueCounted(Answer):
    """How many messages a filter finds."""

    messages: int


class QueueSettingsAnswer(Answer):
    """How the queues are worked off. warningHours 0: senders don't hear of delays."""

    lifetime_hours: int
    warning_hours: int
    first_retry_s: int
    longest_retry_s: int
    per_destination: int
    connections: int
    most_recipients: int


class QueueSettingsChange(Body):
    """What is left out stays as it is."""

    lifetime_hours: Annotated[int, Field(ge=1, le=720)] = left_out()
    warning_hours: Annotated[int, Field(ge=0, le=720)] = left_out()
    first_retry_s: Annotated[int, Field(ge=5, le=86_400)] = left_out()
    longest_retry_s: Annotated[int, Field(ge=60, le=604_800)] = left_out()
    per_destination: Annotated[int, Field(ge=1, le=200)] = left_out()
    connections: Annotated[int, Field(ge=1, le=500)] = left_out()
    most_recipients: Annotated[int, Field(ge=1, le=1_000)] = left_out()


_server = subjects.server(Right.MANAGE_QUEUES)


def queue(actor: Actor, queue_name: str) -> QueueCount:
    """`admit` of everything about one queue."""
    return selectors.get_queue(actor, queue_name)


def message(actor: Actor, item_id: int) -> QueueItem:
    """`admit` of one message in a queue."""
    return selectors.get_item(actor, item_id)


def _present_queue(found: QueueCount) -> QueueAnswer:
    return QueueAnswer(
        name=found.name, size=found.waiting + found.held, held=found.held, bytes=found.size_bytes, oldest=found.oldest
    )


def _values(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.pk, "name": item.message.key, "queue": item.queue, "sender": item.sender,
        "recipients": [item.address], "destination": item.destination, "state": item.state,
        "attempts": item.attempts, "last_reply": item.last_reply, "size": item.message.size_bytes,
        "created_at": item.created_at, "next_delivery": item.next_at, "expires_at": item.expires_at,
    }  # fmt: skip


def _present(actor: Actor, rows: Sequence[QueueItem]) -> list[QueuedMessageAnswer]:
    return [QueuedMessageAnswer(**_values(row)) for row in rows]


MESSAGES = Listing(
    QueuedMessageAnswer,
    _present,
    sorts={"createdAt": "created_at", "id": "pk"},
    default="createdAt",
    filters={
        "queue": filters.exact("queue", "The queue."),
        "sender": filters.exact("sender", "The envelope sender."),
        "recipient": filters.exact("address", "The recipient."),
        "name": filters.exact("message__key", "The message's key."),
        "destination": filters.exact("destination", "Where it waits for."),
        "state": filters.exact("state", "waiting or held."),
    },
)


@group.get("/queues", admit=_server)
def queue_list(actor: Actor, found: object) -> list[QueueAnswer]:
    """List the queues with their sizes."""
    return [_present_queue(each) for each in selectors.list_queues(actor)]


@group.get("/queues/{queueName}", admit=queue)
def queue_detail(actor: Actor, found: QueueCount) -> QueueAnswer:
    """Read how a queue is."""
    return _present_queue(found)


@group.list("/queued-messages", MESSAGES)
def queued_message_list(actor: Actor) -> QuerySet[QueueItem]:
    """List what waits to leave, the oldest first."""
    return selectors.list_items(actor)


@group.get("/queued-messages/{int:itemId}", admit=message)
def queued_message_detail(actor: Actor, found: QueueItem) -> QueuedMessageDetail:
    """Read a message's envelope and tries; its content isn't told."""
    steps = found.recipient.steps.order_by("-pk")[:100] if found.recipient is not None else []
    tries = [
        AttemptAnswer(
            at=step.at, kind=step.kind, ok=bool(step.data.get("ok")), host=step.data.get("host", ""),
            address=step.data.get("address", ""), tls=step.data.get("tls", ""), code=step.data.get("code", 0),
            status=step.data.get("status", ""), reply=step.data.get("reply", ""),
            possible_duplicate=bool(step.data.get("possible_duplicate")),
        )
        for step in steps
        if "ok" in step.data
    ]  # fmt: skip
    return QueuedMessageDetail(**_values(found), tries=tries)


@group.post("/queues/{queueName}/count", admit=queue, reads=True)
def queue_count(actor: Actor, found: QueueCount, body: QueueFilter) -> QueueCounted:
    """Count the messages that an order with this filter would hit."""
    minutes = body.older_than_minutes
    wanted = Wanted(
        queue=found.name, sender=body.sender, recipient=body.recipient, name=body.name, destination=body.destination,
        older_than=None if minutes is None else timedelta(minutes=minutes),
    )  # fmt: skip
    return QueueCounted(messages=selectors.find_items(actor, wanted).count())


@group.post("/queues/{queueName}/flush", admit=queue, status=202)
def queue_flush(actor: Actor, found: QueueCount, body: QueueFilter) -> Created[TaskStarted]:
    """Try what waits now, whatever its time."""
    return _ordered(actor, "FlushQueue", found, body)


@group.post("/queues/{queueName}/hold", admit=queue, status=202)
def queue_hold(actor: Actor, found: QueueCount, body: QueueFilter) -> Created[TaskStarted]:
    """Keep messages from being tried until they are let go."""
    return _ordered(actor, "HoldQueue", found, body)


@group.post("/queues/{queueName}/free", admit=queue, status=202)
def queue_free(actor: Actor, found: QueueCount, body: QueueFilter) -> Created[TaskStarted]:
    """Let held messages go."""
    return _ordered(actor, "FreeQueue", found, body)


@group.post("/queues/{queueName}/reject", admit=queue, status=202)
def queue_reject(actor: Actor, found: QueueCount, body: QueueReject) -> Created[TaskStarted]:
    """Give messages up, with a notice to their senders or without."""
    values = body.model_dump() | {"sender": body.sender or ""}
    task = submit(actor, "RejectFromQueue", RejectArguments(queue=found.name, **values))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/queues/{queueName}/delete", admit=queue, status=202)
def queue_delete(actor: Actor, found: QueueCount, body: QueueFilter) -> Created[TaskStarted]:
    """Delete messages; nobody is told. Without a filter the queue is cleared."""
    return _ordered(actor, "DeleteFromQueue", found, body)


def _ordered(actor: Actor, name: str, found: QueueCount, body: QueueFilter) -> Created[TaskStarted]:
    values = body.model_dump() | {"sender": body.sender or ""}
    task = submit(actor, name, QueueArguments(queue=found.name, **values))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.get("/queue-destinations", admit=_server)
def queue_destination_list(actor: Actor, found: object) -> list[DestinationAnswer]:
    """List where mail waits for and where it went in the last day: 200 at most, the longest line first."""
    return [DestinationAnswer(**asdict(each)) for each in selectors.list_destinations(actor)]


@group.get("/queue-settings", admit=_server)
def queue_settings(actor: Actor, found: object) -> QueueSettingsAnswer:
    """Read how the queues are worked off."""
    return _present_settings(selectors.get_settings(actor))


@group.patch("/queue-settings", admit=_server)
def queue_settings_change(actor: Actor, found: object, body: QueueSettingsChange) -> None:
    """Change some of the settings."""
    queues.set_settings(actor, body.changes())


def _present_settings(row: QueueSettings) -> QueueSettingsAnswer:
    return QueueSettingsAnswer(**{name: getattr(row, name) for name in queues.LIMITS})
