"""How the list of tasks looks."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from config.kit.tables import BaseTable, MainColumn, StateColumn, TextColumn, TimeColumn
from config.kit.templatetags.kit import duration, percent, progress_amount
from jobs.models import Task


class TaskTable(BaseTable):
    """One task a row, the newest first."""

    caption = _("Tasks")
    type = MainColumn(verbose_name=_("Task"))
    state = StateColumn(verbose_name=_("State"))
    progress = Column(verbose_name=_("Progress"), default="–", attrs={"td": {"class": "num cell-fit"}})
    actor_label = TextColumn(verbose_name=_("Asked by"))
    created_at = TimeColumn(verbose_name=_("Asked"))
    took = Column(
        verbose_name=_("Took"), accessor="pk", attrs={"td": {"class": "num cell-fit cell-soft cell-spare"}}, default="–"
    )

    def row_url(self, record: Task) -> str:
        return reverse("jobs:task-detail", args=[record.pk])

    def render_type(self, record: Task) -> SafeString:
        return format_html('{}&nbsp;<span class="muted num">#{}</span>', record.label, record.pk)

    def render_progress(self, record: Task) -> str:
        shown = record.progress or {}
        if record.is_active and shown.get("total"):
            return f"{percent(shown.get('done', 0), shown['total'])} %"
        return progress_amount(shown) if shown.get("done") else "–"

    def render_took(self, record: Task) -> str:
        if record.started_at is None or record.ended_at is None:
            return "–"
        return duration(record.ended_at - record.started_at)
