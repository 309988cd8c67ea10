"""What was counted of an account or a domain, on a tab of its own; and setting it back."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Level
from accounts.requests import ActorRequest
from accounts.scopes import ScopeRef
from accounts.views.pages import scope_page
from config.kit.objects import Danger, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import filesize_exact, number
from jobs import counting
from jobs.counting import LABELS, LEVELS, RIGHTS


@require_safe
def counters(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    where = _level(level)
    obj = counting.require_reading(request.actor, where, object_id)
    found = counting.get_statistics(request.actor, where, object_id)
    may_reset = request.actor.has(RIGHTS[where][1], obj)
    context = {
        "object": scope_page(request, ScopeRef(where, object_id), obj),
        "values": [_shown(name, found.amounts[name]) for name in LABELS],
        "reset_at": found.reset_at,
        "danger": _danger(level, object_id) if may_reset else None,
        "api_path": f"/api/v1/{'users' if where == Level.USER else 'domains'}/{object_id}/statistics",
    }
    return render_page(request, "jobs/counters.html", context)


@require_POST
def counters_reset(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    counting.reset_statistics(request.actor, _level(level), object_id)
    toast(request, _("The counters begin anew."))
    return redirect_page(request, "jobs:counters", level, object_id)


def _level(level: str) -> Level:
    """Raises: Http404."""
    if level not in LEVELS:
        raise Http404("nothing is counted there")
    return Level(level)


def _shown(name: str, amount: int) -> ShownValue:
    return ShownValue(LABELS[name], filesize_exact(amount) if name.startswith("bytes_") else number(amount), css="num")


def _danger(level: str, object_id: int) -> Danger:
    return Danger(
        _("Begin anew"),
        _("All counters are set to nothing. What was archived and what stands in the audit trail stays."),
        _("Reset the counters"),
        reverse("jobs:counters-reset", args=[level, object_id]),
    )
