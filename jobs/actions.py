"""What can be done to many tasks or alerts at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.templatetags.kit import number
from jobs import alerts, services
from jobs.errors import NotRunnable
from jobs.models import Alert, Task


class CancelTasks(Action):
    """Waiting ones are cancelled, running ones asked to stop; those that ended stay as they are."""

    name = "cancel"
    label = gettext_lazy("Cancel")
    icon = "x-mark"

    def preview(self, actor: Actor, rows: QuerySet[Task], values: Mapping[str, Any]) -> Preview:
        mine = Q() if actor.has(Right.MANAGE_TASKS_ALL) else Q(actor=None if actor.user is None else actor.user.pk)
        counts = rows.aggregate(
            waiting=Count("pk", filter=mine & Q(state=Task.State.WAITING)),
            running=Count("pk", filter=mine & Q(state=Task.State.IN_PROGRESS)),
            others=Count("pk", filter=~mine if mine else Q(pk__in=[])),
            all=Count("pk"),
        )
        will = counts["waiting"] + counts["running"]
        changes = [
            Group(counts["waiting"], ngettext("is cancelled", "are cancelled", counts["waiting"])),
            Group(counts["running"], ngettext("is asked to stop", "are asked to stop", counts["running"])),
        ]
        left = [
            Group(counts["all"] - counts["others"] - will, _("has ended or is stopping")),
            Group(counts["others"], _("is somebody else's")),
        ]
        title = ngettext("Cancel %(count)s task", "Cancel %(count)s tasks", will) % {"count": number(will)}
        return Preview(will, title, [each for each in changes if each.count], [each for each in left if each.count])

    def run(self, actor: Actor, rows: Sequence[Task], values: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        for task in rows:
            try:
                services.cancel(actor, task)
                outcome.done += 1
            except NotRunnable:
                outcome.refuse(_("has ended or is stopping"))
            except Forbidden:
                outcome.refuse(_("is somebody else's"))
        return outcome

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(count)s task ends.", "%(count)s tasks end.", outcome.done)
        return text % {"count": number(outcome.done)}


class AcknowledgeAlerts(Action):
    """They are taken care of; what is for others to acknowledge goes out of one's own sight, or stays."""

    name = "acknowledge"
    label = gettext_lazy("Acknowledge")
    icon = "check"

    def preview(self, actor: Actor, rows: QuerySet[Alert], values: Mapping[str, Any]) -> Preview:
        counts = rows.aggregate(open=Count("pk", filter=Q(acknowledged_at=None)), all=Count("pk"))
        will, done = counts["open"], Group(counts["all"] - counts["open"], _("is acknowledged already"))
        title = ngettext("Acknowledge %(count)s alert", "Acknowledge %(count)s alerts", will) % {"count": number(will)}
        return Preview(will, title, [], [done] if done.count else [])

    def run(self, actor: Actor, rows: Sequence[Alert], values: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        for alert in rows:
            try:
                if alert.is_open:
                    alerts.acknowledge_alert(actor, alert)
                    outcome.done += 1
                else:
                    outcome.refuse(_("is acknowledged already"))
            except Forbidden:
                outcome.refuse(_("is for others to acknowledge"))
        return outcome

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(count)s alert is acknowledged.", "%(count)s alerts are acknowledged.", outcome.done)
        return text % {"count": number(outcome.done)}
