"""How the lists of tasks and of approvals look, and what they can be asked."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.kit.list_fields import Choice, Custom, Main, State, Text, Time
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import duration, percent, progress_amount
from jobs import selectors
from jobs.commands import label_of
from jobs.models import Approval, Task


def _types(actor: Any) -> list[tuple[str, str]]:
    return [(name, label_of(name)) for name in selectors.list_types(actor)]


def _name(task: Task) -> SafeString:
    return format_html('{}&nbsp;<span class="muted num">#{}</span>', task.label, task.pk)


def _progress(task: Task) -> str | None:
    shown = task.progress or {}
    if task.is_active and shown.get("total"):
        return f"{percent(shown.get('done', 0), shown['total'])} %"
    return progress_amount(shown) if shown.get("done") else None


def _took(task: Task) -> str | None:
    return None if task.started_at is None or task.ended_at is None else duration(task.ended_at - task.started_at)


def _took_s(task: Task) -> float | None:
    return (
        None if task.started_at is None or task.ended_at is None else (task.ended_at - task.started_at).total_seconds()
    )


TASKS: Listing[Task] = Listing(
    "jobs.tasks",
    (
        Main("task", _("Task"), path="type", show=_name, url="jobs:task-detail", search=False),
        Choice("type", _("Type"), choices=_types, column=False, filter=True),
        State(
            "state",
            _("State"),
            choices=Task.State.choices,
            groups={"active": (_("Waiting or running"), Task.ACTIVE)},
            filter=True,
        ),
        Custom("progress", _("Progress"), show=_progress, css="num cell-fit", search=False),
        Text("by", _("Asked by"), path="actor_label", words=True, long=True),
        Time("asked", _("Asked"), path="created_at"),
        Time("ended", _("Ended"), path="ended_at", shown=False),
        Custom("took", _("Took"), show=_took, export=_took_s, css="num cell-fit cell-soft cell-spare", search=False),
    ),
    caption=_("Tasks"),
    views=(View(_("Running"), "state=active"), View(_("Failed"), "state=failed&state=interrupted")),
    first_step=Empty(_("No tasks yet"), _("Imports, exports and checks appear here while they run."), "queue-list"),
    nothing=_("No task like this"),
)


def _commands(actor: Any) -> list[tuple[str, str]]:
    return [(each.name, label_of(each.name)) for each in selectors.list_startable(actor) if each.two_people is not None]


APPROVALS: Listing[Approval] = Listing(
    "jobs.approvals",
    (
        Main("subject", _("Of what"), path="subject", url="jobs:approval-detail", words=True, long=True),
        Choice("what", _("What"), path="command", choices=_commands, show=lambda row: row.label, filter=True),
        State("state", _("State"), choices=Approval.State.choices, filter=True),
        Choice("basis", _("On what grounds"), choices=Approval.Basis.choices, filter=True, shown=False),
        Text("by", _("Asked by"), path="requester_label", words=True, long=True),
        Time("asked", _("Asked"), path="created_at"),
        Text("decided_by", _("Decided by"), path="decider_label", long=True, shown=False),
        Time("expires", _("Waits until"), path="expires_at", shown=False),
    ),
    caption=_("Approvals"),
    views=(
        View(_("Waiting"), "state=waiting"),
        View(_("Without a second person"), "basis=emergency&basis=nobody_else&basis=rule_off"),
    ),
    first_step=Empty(
        _("Nothing was asked for yet"),
        _("What can't be undone waits here until a second person approves it: purges, ended holds, shorter retention."),
        "check-badge",
    ),
    nothing=_("No request like this"),
)
