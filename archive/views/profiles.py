"""Profiles: the list, one with its state, making, changing, trying, running, and whether it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import OuterRef, Subquery
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Forbidden
from accounts.requests import ActorRequest
from archive.errors import BadProfile
from archive.models import Completeness, Gap, Profile, ProfileKind, ProfileRun
from archive.profile_forms import AutomaticForm, ProfileForm
from archive.profile_tables import PROFILES, DayTable, GapTable, TriedTable, outcome_html
from archive.profiles import completeness
from archive.profiles.fields import fields_of
from archive.services.profiles import keeping, trying
from archive.services.profiles.arguments import ProfileArguments
from archive.views.doors import archive_page
from config.kit.objects import Danger, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import keyset
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs.services import submit


@require_safe
def profile_list(request: ActorRequest) -> HttpResponseBase:
    _require_some(request)
    latest = ProfileRun.objects.filter(profile=OuterRef("pk")).order_by("-started_at")
    rows = keeping.list_profiles(request.actor).annotate(
        last_outcome=Subquery(latest.values("outcome")[:1]), last_started=Subquery(latest.values("started_at")[:1])
    )
    return PROFILES.answer(request, rows, "archive/profile_list.html")


@require_safe
def profile_kinds(request: ActorRequest) -> HttpResponse:
    _require_some(request)
    kinds = [kind for kind in ProfileKind if request.actor.has(keeping.right_for(kind))]
    context = {
        "archiving": [(kind, kind.label) for kind in kinds if not kind.exports],
        "exporting": [(kind, kind.label) for kind in kinds if kind.exports],
    }
    return render_page(request, "archive/profile_kinds.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def profile_create(request: ActorRequest, kind: str) -> HttpResponse:
    _require_some(request)
    if kind not in ProfileKind.values:
        raise Http404("no such kind")
    request.actor.require(keeping.right_for(kind))
    form = ProfileForm(request.POST if request.method == "POST" else None, kind=kind)
    if "look" in request.POST:
        form = ProfileForm.looked_at(request.POST, kind=kind)
    elif request.method == "POST" and form.is_valid():
        with _refusing(form):
            profile = keeping.create_profile(
                request.actor, name=form.cleaned_data["name"], kind=kind, values=form.values()
            )
            toast(request, _("The profile “%(name)s” is made. Try it, then run it.") % {"name": profile})
            return redirect_page(request, "archive:profile-detail", profile.pk)
    context = {"form": form, "kind": kind, "kind_label": ProfileKind(kind).label}
    return render_page(request, "archive/profile_create.html", context)


@require_safe
@archive_page
def profile_detail(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    return render_page(request, "archive/profile_detail.html", _detail(profile), partial="live")


def _detail(profile: Profile) -> dict[str, Any]:
    runs = list(profile.runs.select_related("task").order_by("-started_at", "-pk")[:10])
    active = next((run.task for run in runs if run.task is not None and run.task.is_active), None)
    return {
        "profile": profile,
        "runs": [(run, outcome_html(run.outcome)) for run in runs],
        "last": outcome_html(runs[0].outcome) if runs else outcome_html("never"),
        "task": active,
        "values": _values(profile),
        "automatic": AutomaticForm(
            initial={"automatic": profile.automatic, "pause_s": profile.pause_s, "window": profile.window}
        ),
        "totals": None if profile.exports else completeness.totals(profile),
        "danger": Danger(
            _("Delete this profile"),
            _("The profile and what it knows of its source are forgotten. What it archived stays."),
            _("Delete profile"),
            reverse("archive:profile-delete", args=[profile.pk]),
        ),
    }


def _values(profile: Profile) -> list[ShownValue]:
    shown = keeping.properties(profile)
    lines = []
    for each in fields_of(profile.kind):
        if each.secret:
            stored = shown["has" + each.outside[:1].upper() + each.outside[1:]]
            value: Any = _("stored") if stored else ""
        else:
            value = _words(each.kind, shown[each.outside], dict(each.choices))
        if value not in ("", None):
            lines.append(ShownValue(each.label, value, css="mono" if each.name in ("host", "path") else ""))
    return lines


def _words(kind: str, value: Any, choices: dict[str, Any]) -> Any:
    match kind:
        case "choice":
            return choices.get(value, value)
        case "flag":
            return _("Yes") if value else _("No")
        case "lines":
            return ", ".join(value)
        case "pairs":
            return ", ".join(f"{pair['from']} → {pair['to']}" for pair in value)
        case "long":
            return _("given") if value else ""
        case "number":
            return None if value is None else str(value)
    return value


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def profile_edit(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    given = request.POST if request.method == "POST" else None
    form = ProfileForm(given, kind=profile.kind, profile=profile)
    if "look" in request.POST:
        form = ProfileForm.looked_at(request.POST, kind=profile.kind, profile=profile)
    elif request.method == "POST" and form.is_valid():
        with _refusing(form):
            data = form.cleaned_data
            keeping.update_profile(
                request.actor, profile, name=data["name"], values=form.values(), expected=data["version"]
            )
            toast(request, _("The profile “%(name)s” is changed.") % {"name": profile})
            return redirect_page(request, "archive:profile-detail", profile.pk)
    return render_page(request, "archive/profile_edit.html", {"form": form, "profile": profile})


@require_POST
@archive_page
def profile_run(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    task = submit(request.actor, "RunProfile", ProfileArguments(id=profile.pk))
    Profile.objects.filter(pk=profile.pk).update(task=task)
    toast(request, _("“%(name)s” runs.") % {"name": profile})
    return redirect_page(request, "jobs:task-detail", task.pk)


@never_cache
@require_POST
@archive_page
def profile_try(request: ActorRequest, profile_id: int) -> HttpResponse:
    """The answer is the page itself: nothing of it is kept."""
    profile = keeping.get_profile(request.actor, profile_id)
    found = trying.try_profile(request.actor, profile)
    for each in found["mailboxes"]:
        each["table"] = TriedTable([row for row in each["folders"] if row["wanted"]], request=request)
        each["skipped"] = [row["path"] for row in each["folders"] if not row["wanted"]]
    return render_page(request, "archive/profile_try.html", {"profile": profile, "found": found})


@require_POST
@archive_page
def profile_automatic(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    form = AutomaticForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with _refusing(form):
            if data["automatic"]:
                keeping.set_automatic(
                    request.actor, profile, automatic=True, pause_s=data["pause_s"], window=data["window"]
                )
                toast(request, _("“%(name)s” runs by itself from now on.") % {"name": profile})
            else:
                keeping.set_automatic(request.actor, profile, automatic=False)
                toast(request, _("“%(name)s” runs only when it is told to.") % {"name": profile})
            return redirect_page(request, "archive:profile-detail", profile.pk)
    context = {**_detail(profile), "automatic": form}
    return render_page(request, "archive/profile_detail.html", context, status=422)


@require_POST
@archive_page
def profile_delete(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    keeping.delete_profile(request.actor, profile)
    toast(request, _("The profile “%(name)s” is deleted.") % {"name": profile})
    return redirect_page(request, "archive:profile-list")


@require_safe
@archive_page
def profile_completeness(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    gaps = list(Gap.objects.filter(folder__profile=profile).select_related("folder")[:200])
    days = Completeness.objects.filter(profile=profile).select_related("mailbox")
    page = keyset(request, days, order="-pk", per_page=50)
    context = {
        "profile": profile,
        "totals": completeness.totals(profile),
        "checked_at": days.order_by("-checked_at").values_list("checked_at", flat=True).first(),
        "table": DayTable(page.rows, request=request, pager=page.pager),
        "gaps": GapTable(gaps, request=request) if gaps else None,
    }
    return render_page(request, "archive/profile_completeness.html", context)


@require_POST
@archive_page
def profile_check(request: ActorRequest, profile_id: int) -> HttpResponse:
    profile = keeping.get_profile(request.actor, profile_id)
    task = submit(request.actor, "CheckProfile", ProfileArguments(id=profile.pk))
    toast(request, _("Counting “%(name)s” again.") % {"name": profile})
    return redirect_page(request, "jobs:task-detail", task.pk)


def _require_some(request: ActorRequest) -> None:
    if not any(request.actor.has(keeping.right_for(kind)) for kind in ProfileKind.values):
        raise Forbidden("neither importing nor exporting mail of others")


@contextmanager
def _refusing(form: Form) -> Iterator[None]:
    """What a service refuses stands at its field."""
    try:
        yield
    except BadProfile as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
