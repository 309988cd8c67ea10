"""The kinds of page that are made of many components, working: a list, an object. Administrators only.

The list shows this server's tasks with every kind of field (it sorts by more than an index serves: tasks are few). The
object is invented, and what is changed on it is kept in the person's session only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit import bulk, switching, tabs
from config.kit.bulk_pages import answer_bulk
from config.kit.list_fields import Custom, Main, Number, State, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.objects import Danger, ObjectPage, Related, ShownValue, answer_value
from config.kit.pages import redirect_page, render_page, toast
from config.kit.switching import Place
from jobs import selectors
from jobs.actions import CancelTasks
from jobs.bulk import submit_bulk
from jobs.models import Task

GUIDE_LIST: Listing[Task] = Listing(
    "guide",
    (
        Main("name", gettext_lazy("Task"), path="type", words=True, sort=True, url="jobs:task-detail"),
        State("state", gettext_lazy("State"), choices=Task.State.choices, filter=True),
        YesNo("finished", gettext_lazy("Finished"), path="is_finished", filter=True, shown=False),
        Text("by", gettext_lazy("Asked by"), path="actor_label", words=True, long=True),
        Text("address", gettext_lazy("Address"), path="actor__email", whole=True, folded=True, sort=True, shown=False),
        Number("dispatches", gettext_lazy("Dispatches"), sort=True, shown=False),
        Time("asked", gettext_lazy("Asked"), path="created_at", sort=True),
        Time("ended", gettext_lazy("Ended"), path="ended_at", sort=True, blanks_last=True),
        Custom("key", gettext_lazy("Number"), show=lambda task: f"#{task.pk}", css="num cell-spare", search=False),
    ),
    sort="-asked",
    caption=gettext_lazy("A list"),
    views=(View(gettext_lazy("Failed this month"), "state=failed&asked=-30d"),),
)  # fmt: skip

_RESET = {"language": "English"}


class ValueForm(forms.Form):
    value = forms.CharField(label="Value", max_length=60)


def _let_in(request: ActorRequest) -> Actor:
    request.actor.require(Right.MANAGE_SERVER)
    return request.actor


def _tasks(actor: Actor) -> QuerySet[Task]:
    return selectors.list_tasks(actor).select_related("actor").annotate(is_finished=Q(ended_at__isnull=False))


@require_safe
def styleguide_list(request: ActorRequest) -> HttpResponseBase:
    rows = _tasks(_let_in(request))
    bulk_url = reverse("config:styleguide-bulk")
    return GUIDE_LIST.answer(request, rows, "config/styleguide_list.html", bulk_url=bulk_url)


@require_http_methods(["GET", "HEAD", "POST"])
def styleguide_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, _let_in(request))
    return answer_bulk(request, "guide", back="config:styleguide-list", submit=submit, list_label=GUIDE_LIST.caption)


@require_safe
def styleguide_object(request: ActorRequest) -> HttpResponse:
    _let_in(request)
    context = {
        "object": _page(request),
        "values": [_name(request), *_values(request)],
        "api_body": {"description": "The example domain"},
        "related": Related(
            _("Domain aliases"),
            [(f"alias{n}.example", "#related", _("since 2024")) for n in range(1, 4)],
            1204,
            "#related",
        ),
        "danger": Danger(
            _("Delete the domain"),
            _("Nobody can sign in or get mail there any more. It can be reverted for 30 days; archived mail stays."),
            _("Delete example.org"),
            reverse("config:styleguide-value-reset"),
            typed="example.org",
            numbers=[(117, _("mailboxes")), (12, _("groups and forwards")), (3, _("domain aliases"))],
        ),
    }
    return render_page(request, "config/styleguide_object.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def styleguide_value(request: ActorRequest) -> HttpResponse:
    _let_in(request)
    form = ValueForm(request.POST or None, initial={"value": _name(request).value})

    def save(values: Mapping[str, Any]) -> None:
        if values["value"] == "taken":
            form.add_error("value", _("Another domain has this name."))
            return
        request.session["guide-name"] = values["value"]

    back_url = reverse("config:styleguide-object")
    return answer_value(request, form, show=lambda: _name(request), save=save, back_url=back_url, page=_page(request))


@require_POST
def styleguide_value_reset(request: ActorRequest) -> HttpResponse:
    _let_in(request)
    request.session.pop("guide-name", None)
    toast(request, _("The example is as it was."))
    return redirect_page(request, "config:styleguide-object")


def _page(request: ActorRequest) -> ObjectPage:
    return ObjectPage.of(
        request,
        "example",
        None,
        name="example.org",
        state="active",
        facts=[_("117 mailboxes"), _("Customer Example Ltd"), _("since 2024")],
        crumbs=[(_("Style guide"), reverse("config:styleguide"))],
    )


def _name(request: ActorRequest) -> ShownValue:
    own = request.session.get("guide-name")
    return ShownValue(
        _("Description"),
        own or _("The example domain"),
        key="name",
        edit_url=reverse("config:styleguide-value"),
        source=_("the server"),
        reset_url=reverse("config:styleguide-value-reset") if own else "",
        help=_("Type “taken” to see what a refusal looks like."),
    )


def _values(request: ActorRequest) -> Sequence[ShownValue]:
    reset_url = reverse("config:styleguide-value-reset")
    return [
        ShownValue(_("Language"), "English", source=_("Example Ltd"), source_url="#values"),
        ShownValue(_("Keep mail for"), _("10 years"), source=_("the server"), reset_url=reset_url),
        ShownValue(_("External id"), "crm-4711", css="mono"),
        ShownValue(_("Branding"), None),
    ]  # fmt: skip


class GuideSwitcher:
    """Thirty invented domains, on the style guide's own pages."""

    name = "example"
    label = gettext_lazy("Example domain")

    def current(self, request: HttpRequest, match: ResolverMatch) -> Place | None:
        is_here = match.view_name in ("config:styleguide-list", "config:styleguide-object")
        return Place(request.GET.get("place", "example.org")[:60], "") if is_here else None

    def choices(self, actor: Any, match: ResolverMatch, text: str, limit: int) -> Sequence[Place]:
        names = [f"example{number}.org" for number in range(1, 31)] if actor.is_administrator else []
        page = reverse(match.view_name) if match.view_name.startswith("config:styleguide-") else "/"
        return [Place(name, f"{page}?place={name}") for name in names if text.casefold() in name][:limit]


def register() -> None:
    bulk.register(GUIDE_LIST, _tasks, CancelTasks(), is_example=True)
    switching.register_switcher(GuideSwitcher(), order=900)
    no_arguments: Any = lambda obj: ()  # noqa: E731
    tabs.register("example", gettext_lazy("Overview"), "config:styleguide-object", order=10, args=no_arguments)
    tabs.register(
        "example",
        gettext_lazy("A list"),
        "config:styleguide-list",
        order=20,
        args=no_arguments,
        count=lambda actor, obj: selectors.count_running(actor),
    )
