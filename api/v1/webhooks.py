"""Webhooks: programs that hear of events on the server, of a customer or a domain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment, left_out
from api.v1 import subjects
from domains.models import Customer, Domain
from jobs.models import Webhook, WebhookDelivery
from jobs.webhooks import catalogue, selectors, services

group = Group(
    "Webhooks",
    "Programs that hear of events by requests that Postkeep sends them, signed as Standard Webhooks says.",
)
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Ticket system"])]
Url = Annotated[str, Field(min_length=8, max_length=500, examples=["https://tickets.example.org/hook"])]
Events = Annotated[
    list[Annotated[str, Field(max_length=120)]],
    Field(min_length=1, max_length=services.MOST_EVENTS, examples=[["message.quarantined", "audit.user.*"]]),
]
Scope = Literal["SERVER", "CUSTOMER", "DOMAIN"]
State = Literal["enabled", "failing", "disabled", "stopped"]


class WebhookAdd(Body):
    """A new webhook."""

    name: Name
    url: Url
    events: Events


class WebhookUpdate(Body):
    """What is left out stays as it is."""

    name: Name = left_out()
    url: Url = left_out()
    events: Events = left_out()
    is_enabled: bool = left_out()


class WebhookAnswer(Answer):
    """A webhook, without its secret. state: failing while nothing is taken, stopped when Postkeep switched it off."""

    id: int
    scope: Scope
    scope_id: int | None
    name: str
    url: str
    events: list[str]
    state: State
    failing_since: Moment | None
    delivered_at: Moment | None
    created_at: Moment


class WebhookMade(WebhookAnswer):
    """secret: answered this once; it signs every request."""

    secret: str


class SecretAnswer(Answer):
    """The new secret, answered this once."""

    secret: str


class WebhookDeliveryAnswer(Answer):
    """An event for a webhook. event: the body as it is sent; status: of the last answer, which begins with `answer`."""

    id: int
    event_id: str
    type: str
    event: dict[str, Any]
    state: Literal["waiting", "delivered", "failed"]
    attempts: int
    status: int | None
    answer: str
    took_ms: int | None
    created_at: Moment
    last_at: Moment | None
    next_at: Moment | None


class EventTypeAnswer(Answer):
    """An event that a webhook may choose. right: what it takes on the webhook's place."""

    name: str
    about: str
    right: str
    is_server_only: bool


def _facts(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.pk,
        "scope": hook.level.upper(),
        "scope_id": None if hook.level == Level.SERVER else hook.object_id,
        "name": hook.name,
        "url": hook.url,
        "events": hook.events,
        "state": hook.state,
        "failing_since": hook.failing_since,
        "delivered_at": hook.delivered_at,
        "created_at": hook.created_at,
    }


def present(hook: Webhook) -> WebhookAnswer:
    return WebhookAnswer(**_facts(hook))


def _present_all(actor: Actor, rows: Sequence[Webhook]) -> list[WebhookAnswer]:
    return [present(row) for row in rows]


def present_delivery(row: WebhookDelivery) -> WebhookDeliveryAnswer:
    return WebhookDeliveryAnswer(
        id=row.pk, event_id=row.event_id, type=row.type, event=json.loads(row.body),
        state=row.state,  # type: ignore[arg-type]
        attempts=row.attempts, status=row.status_code, answer=row.answer, took_ms=row.took_ms,
        created_at=row.created_at, last_at=row.last_at, next_at=row.next_at,
    )  # fmt: skip


WEBHOOKS = Listing(
    WebhookAnswer,
    _present_all,
    sorts={"id": "pk", "name": "name"},
    default="name",
    filters={
        "scope": filters.choice("level", "Where it lies.", {each.upper(): each.value for each in selectors.LEVELS}),
        "scopeId": filters.number("object_id", "The customer's or domain's id."),
    },
)


@group.list("/webhooks", WEBHOOKS)
def webhook_list(actor: Actor) -> QuerySet[Webhook]:
    """List the webhooks of the places whose settings one may change."""
    actor.require_somewhere(selectors.NEED)
    return selectors.list_webhooks(actor)


@group.get("/webhooks/events", admit=subjects.somewhere(selectors.NEED))
def webhook_events(actor: Actor, nothing: None) -> list[EventTypeAnswer]:
    """List the events that can be chosen; beside them audit.ACTION, audit.KIND.* and audit.* of the audit trail."""
    return [
        EventTypeAnswer(name=each.name, about=str(each.label), right=each.needs.value, is_server_only=each.server)
        for each in catalogue.event_types()
    ]


def _create(actor: Actor, scope: object, body: WebhookAdd) -> Created[WebhookMade]:
    hook, secret = services.create_webhook(actor, scope, name=body.name, url=body.url, events=body.events)
    return Created(WebhookMade(**_facts(hook), secret=secret), f"/webhooks/{hook.pk}")


@group.post("/server/webhooks", admit=subjects.server(Right.MANAGE_SERVER))
def server_webhook_create(actor: Actor, server: subjects.Server, body: WebhookAdd) -> Created[WebhookMade]:
    """Make a webhook that hears of what happens anywhere."""
    return _create(actor, SERVER, body)


@group.post("/customers/{int:customerId}/webhooks", admit=subjects.customer(selectors.NEED))
def customer_webhook_create(actor: Actor, customer: Customer, body: WebhookAdd) -> Created[WebhookMade]:
    """Make a webhook that hears of what happens in the customer's domains."""
    return _create(actor, customer, body)


@group.post("/domains/{int:domainId}/webhooks", admit=subjects.domain(selectors.NEED))
def domain_webhook_create(actor: Actor, domain: Domain, body: WebhookAdd) -> Created[WebhookMade]:
    """Make a webhook that hears of what happens in the domain."""
    return _create(actor, domain, body)


def _webhook(actor: Actor, webhook_id: int) -> Webhook:
    return selectors.get_webhook(actor, webhook_id)


@group.get("/webhooks/{int:webhookId}", admit=_webhook)
def webhook_detail(actor: Actor, webhook: Webhook) -> WebhookAnswer:
    """Read a webhook."""
    return present(webhook)


@group.patch("/webhooks/{int:webhookId}", admit=_webhook)
def webhook_change(actor: Actor, webhook: Webhook, body: WebhookUpdate) -> None:
    """Change a webhook, switch it off or on again."""
    given = body.changes()
    switched = given.pop("is_enabled", None)
    if given:
        services.change_webhook(actor, webhook, given)
    if switched is not None:
        services.switch_webhook(actor, webhook, on=switched)


@group.delete("/webhooks/{int:webhookId}", admit=_webhook)
def webhook_delete(actor: Actor, webhook: Webhook) -> None:
    """Delete a webhook, and forget what was sent to it."""
    services.delete_webhook(actor, webhook)


@group.post("/webhooks/{int:webhookId}/secret", admit=_webhook, status=200)
def webhook_secret(actor: Actor, webhook: Webhook) -> SecretAnswer:
    """Renew the secret; the old one signs nothing any more."""
    return SecretAnswer(secret=services.renew_secret(actor, webhook))


@group.post("/webhooks/{int:webhookId}/test", admit=_webhook)
def webhook_test(actor: Actor, webhook: Webhook) -> Created[WebhookDeliveryAnswer]:
    """Send a test event."""
    row = services.send_test(actor, webhook)
    return Created(present_delivery(row), f"/webhooks/{webhook.pk}/deliveries/{row.pk}")


@group.get("/webhooks/{int:webhookId}/deliveries", admit=_webhook)
def webhook_deliveries(actor: Actor, webhook: Webhook) -> list[WebhookDeliveryAnswer]:
    """List the newest thousand deliveries; after 30 days they go."""
    return [present_delivery(row) for row in selectors.list_deliveries(actor, webhook)[:1_000]]


def _delivery(actor: Actor, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    return selectors.get_delivery(actor, selectors.get_webhook(actor, webhook_id), delivery_id)


@group.get("/webhooks/{int:webhookId}/deliveries/{int:deliveryId}", admit=_delivery)
def webhook_delivery(actor: Actor, delivery: WebhookDelivery) -> WebhookDeliveryAnswer:
    """Read a delivery."""
    return present_delivery(delivery)


@group.post("/webhooks/{int:webhookId}/deliveries/{int:deliveryId}/again", admit=_delivery)
def webhook_resend(actor: Actor, delivery: WebhookDelivery) -> None:
    """Send the same event once more, under the same id."""
    services.send_again(actor, delivery)
