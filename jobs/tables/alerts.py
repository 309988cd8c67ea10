"""The list of alerts."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.permissions import LEVEL_LABELS, Level
from config.kit.list_fields import Choice, Main, Number, State, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from jobs.alerts import words_of
from jobs.models import Alert

TONES = {"info": "busy", "warning": "warn", "error": "bad"}


def place(alert: Alert) -> str:
    """Where it lies, by name."""
    if alert.level == Level.SERVER:
        return str(LEVEL_LABELS[Level.SERVER])
    return alert.object_label or _("%(kind)s %(id)d") % {
        "kind": LEVEL_LABELS[Level(alert.level)],
        "id": alert.object_id,
    }


ALERTS: Listing[Alert] = Listing(
    "jobs.alerts",
    (
        Main("text", gettext_lazy("Alert"), show=words_of, url="jobs:alert-detail", words=True),
        State("severity", gettext_lazy("Kind"), choices=Alert.Severity.choices, tones=TONES, filter=True),
        Choice(
            "level",
            gettext_lazy("Where"),
            choices=[(str(k), v) for k, v in LEVEL_LABELS.items()],
            show=place,
            filter=True,
        ),
        Choice("for", gettext_lazy("For"), path="audience", choices=Alert.Audience.choices, shown=False),
        Number("times", gettext_lazy("Times"), shown=False, search=False),
        Time("posted", gettext_lazy("Posted"), path="posted_at"),
        Text("by", gettext_lazy("Posted by"), path="posted_by", long=True, shown=False),
        YesNo(
            "open",
            gettext_lazy("State"),
            path="still_open",
            yes=gettext_lazy("Open"),
            no=gettext_lazy("Acknowledged"),
            show=lambda alert: _("Open") if alert.is_open else _("Acknowledged"),
            filter=True,
        ),
    ),
    caption=gettext_lazy("Alerts"),
    views=(View(gettext_lazy("Open"), "open=yes"),),
    first_step=Empty(
        gettext_lazy("No alerts"),
        gettext_lazy("What somebody must know now stands here until it is acknowledged."),
        "bell",
    ),
    nothing=gettext_lazy("No alert like this"),
)
