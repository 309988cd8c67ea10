"""How keeping is: what waits to be kept, and why."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kit import health
from config.kit.health import Report
from config.kit.templatetags.kit import exact_time, number
from gateway.models import Kept

LATE_S = 120.0
MOST_COUNTED = 10_000


def register() -> None:
    health.register(gettext_lazy("Keeping"), check_keeping)


def check_keeping() -> Report:
    """Whether what came in reaches the stores."""
    waiting = Kept.objects.filter(state=Kept.State.WAITING).order_by("pk")
    first = waiting.first()
    if first is None:
        return Report("ok", _("all kept mail is in its store"))
    count = waiting[: MOST_COUNTED + 1].count()
    facts = {_("Waiting"): number(count), _("Since"): exact_time(first.created_at)}
    if first.problem:
        return Report("error", _("mail waits to be kept: %(why)s") % {"why": first.problem}, facts)
    if (timezone.now() - first.created_at).total_seconds() > LATE_S:
        return Report("warning", _("mail waits to be kept for longer than it should"), facts)
    return Report("ok", _("mail is being put into stores"), facts)
