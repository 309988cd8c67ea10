"""The public health answer, and the administrators' page that shows each component."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import audit, proving
from accounts.permissions import Right
from config.kit import health, recovery
from config.kit.pages import redirect_page, render_page, toast
from jobs import health_commands


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    if health.all_needed_answer():
        return JsonResponse({"status": "ok"})
    response = JsonResponse({"status": "unavailable"}, status=503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log each 503 as an error of ours
    return response


@require_safe
def health_page(request: HttpRequest) -> HttpResponse:
    request.actor.require(Right.VIEW_HEALTH)  # type: ignore[attr-defined]
    reports = health.run_all()
    context = {
        "reports": reports,
        "worst": _worst(reports),
        "is_recovery_confirmed": recovery.confirmation() is not None,
    }
    return render_page(request, "config/health.html", context, partial="components")


@require_safe
def health_component(request: HttpRequest, name: str) -> HttpResponse:
    """One component by its name: what it says, alone."""
    try:
        reports = health_commands.check_component(request.actor, name)  # type: ignore[attr-defined]
    except health_commands.UnknownComponent as error:
        raise Http404("no such component") from error
    context = {"name": name, "reports": reports, "worst": _worst(reports)}
    return render_page(request, "config/health_component.html", context, partial="reports")


@require_POST
def recovery_confirm(request: HttpRequest) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    actor.require(Right.MANAGE_SERVER)
    proving.require_recent(actor)
    recovery.confirm(actor.label)
    audit.record(actor, "server.confirm_recovery_key", None)
    toast(request, _("Noted: the recovery key is kept in a safe place."))
    return redirect_page(request, "config:health")


def _worst(reports: list[health.Report]) -> health.State:
    states = {report.state for report in reports}
    return "error" if "error" in states else "warning" if "warning" in states else "ok"
