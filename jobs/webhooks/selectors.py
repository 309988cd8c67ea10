"""Reads of webhooks and of what was sent to them: who sees which."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level, Right
from jobs.models import Webhook, WebhookDelivery

NEED = Right.MANAGE_OPTIONS
LEVELS = (Level.SERVER, Level.CUSTOMER, Level.DOMAIN)


def need_on(level: str) -> Right:
    """What it takes to have webhooks on a scope of this level."""
    return Right.MANAGE_SERVER if level == Level.SERVER else NEED


def list_webhooks(actor: Actor) -> QuerySet[Webhook]:
    """Those of the scopes whose settings the actor may change; without their secrets. Fails closed."""
    rows = Webhook.objects.filter(places.condition(actor.reach(NEED))).defer("secret")
    return rows if actor.has(Right.MANAGE_SERVER) else rows.filter(~Q(level=Level.SERVER))


def get_webhook(actor: Actor, webhook_id: int) -> Webhook:
    """Raises: Http404, also for those of others."""
    found = list_webhooks(actor).filter(pk=webhook_id).first()
    if found is None:
        raise Http404("no such webhook")
    return found


def list_deliveries(actor: Actor, webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """What was sent to a webhook, the newest first."""
    return WebhookDelivery.objects.filter(webhook=webhook, webhook__in=list_webhooks(actor)).order_by("-pk")


def get_delivery(actor: Actor, webhook: Webhook, delivery_id: int) -> WebhookDelivery:
    """Raises: Http404."""
    found = list_deliveries(actor, webhook).filter(pk=delivery_id).first()
    if found is None:
        raise Http404("no such delivery")
    return found
