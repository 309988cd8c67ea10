"""The list of webhooks."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import places
from accounts.permissions import LEVEL_LABELS, Level
from config.kit.list_fields import Choice, Main, Text, Time, YesNo
from config.kit.listing import Listing
from config.kit.tables import Empty
from jobs.models import Webhook
from jobs.webhooks.selectors import LEVELS


def place(hook: Webhook) -> str:
    """Where it lies, by name."""
    if hook.level == Level.SERVER:
        return str(LEVEL_LABELS[Level.SERVER])
    label = getattr(hook, "place_label", None) or places.labels([hook.scope]).get(hook.scope, "")
    return label or f"{LEVEL_LABELS[Level(hook.level)]} {hook.object_id}"


def state_words(hook: Webhook) -> str:
    return {
        "enabled": _("In use"),
        "failing": _("Nothing is taken"),
        "disabled": _("Switched off"),
        "stopped": _("Switched off by Postkeep"),
    }[hook.state]


TONES = {"enabled": "good", "failing": "warn", "disabled": "", "stopped": "bad"}

WEBHOOKS: Listing[Webhook] = Listing(
    "jobs.webhooks",
    (
        Main("name", gettext_lazy("Name"), sort=True, url="jobs:webhook-detail", search=False),
        Text("url", gettext_lazy("Address"), mono=True, long=True, search=False),
        Choice(
            "level",
            gettext_lazy("Where"),
            choices=[(level.value, LEVEL_LABELS[level]) for level in LEVELS],
            filter=True,
        ),
        YesNo(
            "used",
            gettext_lazy("State"),
            path="is_enabled",
            yes=gettext_lazy("In use"),
            no=gettext_lazy("Switched off"),
            show=state_words,
            filter=True,
        ),
        Time("delivered", gettext_lazy("Last delivery"), path="delivered_at"),
    ),
    sort="name",
    caption=gettext_lazy("Webhooks"),
    first_step=Empty(
        gettext_lazy("No webhooks"),
        gettext_lazy("A program hears of events by requests that Postkeep sends it, signed and repeated until taken."),
        "bolt",
        action="jobs:webhook-create",
        action_label=gettext_lazy("Add a webhook"),
    ),
    nothing=gettext_lazy("No webhook like this"),
)
