"""Commands about webhooks: listing, making, changing, testing, what was sent to them, and sending again.

A secret goes in and never comes out: results of commands are kept, and secrets are shown once, on the page or by the
API. Whoever makes a webhook by a command brings its secret along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from jobs.commands import About, NoArguments, Secret, command
from jobs.errors import BadArguments
from jobs.models import Webhook, WebhookDelivery
from jobs.running import TaskRun
from jobs.webhooks import selectors, services
from jobs.webhooks.selectors import NEED, need_on

Result = dict[str, object]
LISTED_MAX = 1_000
_PLACE = gettext_lazy("server, customer:NAME or domain:NAME.")
_SECRET = gettext_lazy("whsec_ and 24 to 64 random bytes in base64; the receiver checks signatures with it.")


@dataclass(frozen=True, slots=True)
class CreateWebhookArguments:
    """A new webhook with its secret."""

    name: str
    url: str
    events: list[str]
    secret: Annotated[Secret, About(gettext_lazy("Secret"), _SECRET)]
    scope: Annotated[str, About(gettext_lazy("Place"), _PLACE)] = "server"


@dataclass(frozen=True, slots=True)
class WebhookArguments:
    """Which."""

    id: int


@dataclass(frozen=True, slots=True)
class SetWebhookArguments:
    """What is left out stays."""

    id: int
    name: str | None = None
    url: str | None = None
    events: list[str] = field(default_factory=list)
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class SetWebhookSecretArguments:
    """The receiver's new secret; the old one signs nothing any more."""

    id: int
    secret: Annotated[Secret, About(gettext_lazy("Secret"), _SECRET)]


@dataclass(frozen=True, slots=True)
class DeliveriesArguments:
    """Of which, and how many at most, the newest first."""

    id: int
    limit: Annotated[int, About(least=1, most=LISTED_MAX)] = 100


@dataclass(frozen=True, slots=True)
class DeliveryArguments:
    """Which delivery of which webhook."""

    id: int
    delivery: int


def as_json(hook: Webhook) -> Result:
    """A webhook as commands show it."""
    label = "server" if hook.scope == SERVER else places.labels([hook.scope]).get(hook.scope, "")
    return {
        "id": hook.pk,
        "scope": label if hook.scope == SERVER else f"{hook.level}:{label}",
        "name": hook.name,
        "url": hook.url,
        "events": list(hook.events),
        "state": hook.state,
        "lastDelivery": hook.delivered_at.isoformat() if hook.delivered_at else None,
        "failingSince": hook.failing_since.isoformat() if hook.failing_since else None,
    }


def delivery_as_json(row: WebhookDelivery) -> Result:
    """A delivery without its body, which the API has."""
    return {
        "id": row.pk,
        "event": row.event_id,
        "type": row.type,
        "state": str(row.state),
        "tries": row.attempts,
        "status": row.status_code,
        "answer": row.answer,
        "lastTry": row.last_at.isoformat() if row.last_at else None,
        "nextTry": row.next_at.isoformat() if row.next_at else None,
    }


def _scope(actor: Actor, text: str) -> ScopeRef:
    """Raises: BadArguments (also for places of others), Forbidden."""
    level, _colon, name = text.partition(":")
    if text == "server":
        return SERVER
    scope = places.find(Level(level), name) if level in ("customer", "domain") else None
    try:
        if scope is None:
            raise Http404
        places.get(actor, scope, need_on(scope.level))
    except Http404 as error:
        raise BadArguments(_("There is no such place."), field="scope") from error
    return scope


@command("GetWebhooks", needs=NEED, arguments=NoArguments, label=gettext_lazy("List of webhooks"))
def get_webhooks(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List the webhooks of the places whose settings one may change."""
    return {"webhooks": [as_json(each) for each in selectors.list_webhooks(actor)[:LISTED_MAX]]}


@command("CreateWebhook", needs=NEED, arguments=CreateWebhookArguments, label=gettext_lazy("New webhook"))
def create_webhook(actor: Actor, run: TaskRun, arguments: CreateWebhookArguments) -> Result:
    """Make a webhook of the server, a customer or a domain."""
    where = _scope(actor, arguments.scope)
    hook, _secret = services.create_webhook(
        actor, where, name=arguments.name, url=arguments.url, events=arguments.events, secret=arguments.secret
    )
    return as_json(hook)


@command("SetWebhook", needs=NEED, arguments=SetWebhookArguments, label=gettext_lazy("Change of a webhook"))
def set_webhook(actor: Actor, run: TaskRun, arguments: SetWebhookArguments) -> Result:
    """Change a webhook, switch it off or on again."""
    hook = selectors.get_webhook(actor, arguments.id)
    given = {"name": arguments.name, "url": arguments.url, "events": arguments.events or None}
    values = {name: value for name, value in given.items() if value is not None}
    if values:
        services.change_webhook(actor, hook, values)
    if arguments.enabled is not None:
        services.switch_webhook(actor, hook, on=arguments.enabled)
    return as_json(hook)


@command(
    "SetWebhookSecret",
    needs=NEED,
    arguments=SetWebhookSecretArguments,
    label=gettext_lazy("New secret of a webhook"),
)
def set_webhook_secret(actor: Actor, run: TaskRun, arguments: SetWebhookSecretArguments) -> Result:
    """Have a webhook's requests signed with another secret."""
    hook = selectors.get_webhook(actor, arguments.id)
    services.set_secret(actor, hook, arguments.secret)
    return as_json(hook)


@command("DeleteWebhook", needs=NEED, arguments=WebhookArguments, label=gettext_lazy("Deletion of a webhook"))
def delete_webhook(actor: Actor, run: TaskRun, arguments: WebhookArguments) -> Result:
    """Delete a webhook, and forget what was sent to it."""
    hook = selectors.get_webhook(actor, arguments.id)
    services.delete_webhook(actor, hook)
    return {"deleted": hook.name}


@command("TestWebhook", needs=NEED, arguments=WebhookArguments, label=gettext_lazy("Test event for a webhook"))
def test_webhook(actor: Actor, run: TaskRun, arguments: WebhookArguments) -> Result:
    """Send a webhook an event that says it is a test; GetWebhookDeliveries tells what was answered."""
    return delivery_as_json(services.send_test(actor, selectors.get_webhook(actor, arguments.id)))


@command(
    "GetWebhookDeliveries", needs=NEED, arguments=DeliveriesArguments, label=gettext_lazy("What was sent to a webhook")
)
def get_webhook_deliveries(actor: Actor, run: TaskRun, arguments: DeliveriesArguments) -> Result:
    """List what was sent to a webhook, the newest first."""
    hook = selectors.get_webhook(actor, arguments.id)
    rows = selectors.list_deliveries(actor, hook)[: arguments.limit]
    return {"deliveries": [delivery_as_json(each) for each in rows]}


@command(
    "SendWebhookAgain", needs=NEED, arguments=DeliveryArguments, label=gettext_lazy("Event for a webhook once more")
)
def send_webhook_again(actor: Actor, run: TaskRun, arguments: DeliveryArguments) -> Result:
    """Send the same event once more, under the same id."""
    hook = selectors.get_webhook(actor, arguments.id)
    row = selectors.get_delivery(actor, hook, arguments.delivery)
    services.send_again(actor, row)
    return delivery_as_json(row)
