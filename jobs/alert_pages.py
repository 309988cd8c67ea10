"""How alerts stand above pages (config.kit.banners)."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Level
from config.kit.banners import IN_SIGHT, Banner, Banners
from config.kit.nav import ActorLike
from jobs import alert_selectors, alerts
from jobs.models import Alert

MOST_COUNTED = 50


def pressing(actor: ActorLike) -> Banners:
    """What this actor must know now, the newest first; one query."""
    if not isinstance(actor, Actor):
        return Banners()
    found = list(alert_selectors.list_pressing(actor)[:MOST_COUNTED])
    shown = [_banner(actor, alert) for alert in found[:IN_SIGHT]]
    return Banners(shown, len(found) - len(shown), reverse("jobs:alert-list"))


def _banner(actor: Actor, alert: Alert) -> Banner:
    return Banner(
        text=alerts.words_of(alert),
        tone=alert.severity,
        at=alert.last_at,
        place="" if alert.level == Level.USER and alerts.may_settle(actor, alert) else alert.object_label,
        url=alert.url,
        dismiss_url=reverse("jobs:alert-acknowledge", args=[alert.pk]),
        dismiss_label=_("Acknowledge") if alerts.may_settle(actor, alert) else _("Put away"),
    )
