"""Every component in every state on one page, for the people who build pages. Administrators only.

The examples are invented here; nothing on the page is real.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.charts import BarChart, bar_chart
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import Pager
from config.kit.tables import (
    BaseTable,
    Empty,
    MainColumn,
    NumberColumn,
    SizeColumn,
    StateColumn,
    TextColumn,
    TimeColumn,
)

COLOURS = re.findall(
    r"\S+",
    "page surface raised sunken hover chosen text text-soft line line-strong control accent accent-fill accent-soft"
    " good good-soft good-dot warn warn-soft warn-dot bad bad-soft bad-dot bad-fill held held-soft held-dot mark",
)
STATES = ("waiting", "in_progress", "cancel_requested", "completed", "failed", "interrupted", "cancelled", "held")


@dataclass
class ExampleTask:
    """As much of a jobs.models.Task as components/progress.html looks at."""

    pk: str
    state: str
    progress: dict[str, Any] = field(default_factory=dict)
    is_active: bool = False


class ExampleForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What people see. It can be changed later.")
    address = forms.EmailField(initial="mail@example.org")
    days = forms.IntegerField(
        label="Keep for",
        initial=30,
        min_value=1,
        help_text="Counted from the day a message was archived.",
        widget=forms.NumberInput({"data-unit": "days", "data-group": "How long"}),
    )
    kind = forms.ChoiceField(choices=[("mbox", "mbox"), ("maildir", "Maildir"), ("eml", "Single files")])
    order = forms.ChoiceField(
        choices=[("date", "Newest first"), ("relevance", "Most relevant first")],
        widget=forms.RadioSelect,
        initial="date",
    )
    note = forms.CharField(widget=forms.Textarea({"rows": 3}), required=False)
    upload = forms.FileField(required=False)
    agree = forms.BooleanField(label="Also tell the owner", required=False, help_text="They get a mail today.")


class ExampleTable(BaseTable):
    caption = "Stores (example)"
    choose = True
    sorts = {"name": "name", "created": "-created"}
    name = MainColumn(verbose_name="Name")
    state = StateColumn(verbose_name="State")
    path = TextColumn(verbose_name="Path")
    messages = NumberColumn(verbose_name="Messages")
    size = SizeColumn(verbose_name="Size")
    created = TimeColumn(verbose_name="Created")

    def row_url(self, record: Any) -> str:
        return f"#{record['name']}"

    def row_name(self, record: Any) -> str:
        return str(record["name"])

    def row_key(self, record: Any) -> str:
        return str(record["name"])


@require_http_methods(["GET", "HEAD", "POST"])
def styleguide(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_SERVER)
    if request.method == "POST":
        toast(request, "The example was confirmed. Nothing was changed.")
        return redirect_page(request, "config:styleguide")
    if request.GET.get("toasts"):
        for level in ("success", "info", "warning", "error"):
            toast(request, f"This is a notice of the kind “{level}”.", level)
        messages.get_messages(request)
    return render_page(request, "config/styleguide.html", _examples(request))


def _examples(request: HttpRequest) -> dict[str, Any]:
    wrong = ExampleForm({"name": "", "address": "no address", "days": "0", "kind": "mbox", "order": "date"})
    wrong.is_valid()
    return {
        "colours": COLOURS,
        "states": STATES,
        "right_form": ExampleForm(prefix="right"),
        "wrong_form": wrong,
        "tasks": _tasks(),
        "chart": _chart(),
        "table": _table(request),
        "facts": [("Path", "/srv/postkeep/stores/main", "mono"), ("Messages", 28032), ("Bound to", None)],
        "chips": [
            {"label": "With attachment", "url": "?a", "active": True},
            {"label": "Larger than 1 MiB", "url": "?b", "active": False},
        ],
        "pager": Pager("28,032 in all", "?after=x", "?before=y", "?", "Newer", "Older", "Newest"),
        "moments": [timezone.now() - dt.timedelta(seconds=s) for s in (5, 200, 9000, 90_000, 50_000_000)],
    }


def _tasks() -> list[ExampleTask]:
    counters = {"archived": 11_934, "duplicates": 12, "rejected": 1}
    running = {"done": 11_947, "total": 28_032, "unit": "messages", "rate": 6512.4, "eta_s": 3, "counters": counters}
    return [
        ExampleTask("waiting", "waiting"),
        ExampleTask("running", "in_progress", running | {"note": "lists.mbox"}, is_active=True),
        ExampleTask("bytes", "in_progress", {"done": 734_003_200, "unit": "bytes", "rate": 31_457_280}, is_active=True),
        ExampleTask("done", "completed", running | {"done": 28_032, "eta_s": None}),
        ExampleTask("failed", "failed", {"done": 400, "total": 28_032, "unit": "messages"}),
        ExampleTask("interrupted", "interrupted", {"done": 9_000, "total": 28_032, "unit": "messages"}),
    ]


def _chart() -> BarChart:
    points = [(f"{day} Nov", (day * 7919) % 431 if day % 7 not in (0, 1) else day) for day in range(1, 31)]
    return bar_chart(
        points,
        title="Messages archived per day",
        summary="Messages archived per day in November: between 1 and 430.",
        label_title="Day",
        value_title="Messages",
    )


def _table(request: HttpRequest) -> ExampleTable:
    now = timezone.now()
    rows = [
        {"name": "Main", "state": "current", "path": "/srv/postkeep/stores/main", "messages": 28_032,
         "size": 61_839_211, "created": now - dt.timedelta(minutes=12)},
        {"name": "2024", "state": "normal", "path": "/srv/postkeep/stores/2024", "messages": 1_204_771,
         "size": 48_318_382_080, "created": now - dt.timedelta(days=400)},
        {"name": "Before the move", "state": "disabled", "path": "/mnt/old/very/long/path/that/ends/before-the-move",
         "messages": 7, "size": 913, "created": now - dt.timedelta(days=3000)},
    ]  # fmt: skip
    return ExampleTable(rows, request=request, empty=Empty("No stores"))
