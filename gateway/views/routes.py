"""The router table, and where an address would go."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.models import Relay
from domains.views.frames import refusing
from gateway.forms.reception import RouteCheckForm, RouteForm
from gateway.selectors.reception import get_route, list_routes
from gateway.services import routes
from gateway.services.routes import Destination
from gateway.tables.reception import ROUTES


@require_safe
def route_list(request: ActorRequest) -> HttpResponseBase:
    return ROUTES.answer(request, list_routes(request.actor), "gateway/route_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def route_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_GATEWAY)
    form = RouteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            rule = routes.create_route(request.actor, form.values())
            if form.cleaned_data["position"]:
                routes.move_route(request.actor, rule, position=form.cleaned_data["position"])
            toast(request, _("The line counts from the next message on."))
            return redirect_page(request, "gateway:route-list")
    return render_page(request, "gateway/route_create.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def route_edit(request: ActorRequest, rule_id: int) -> HttpResponse:
    rule = get_route(request.actor, rule_id)
    names = ("pattern", "kind", "target", "comment", "is_enabled", "version")
    place = list_routes(request.actor).filter(position__lte=rule.position).count()
    form = RouteForm(request.POST or None, initial={name: getattr(rule, name) for name in names} | {"position": place})
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            routes.update_route(request.actor, rule, form.values(), expected=form.cleaned_data["version"])
            if form.cleaned_data["position"] not in (None, place):
                routes.move_route(request.actor, rule, position=form.cleaned_data["position"])
            toast(request, _("Saved."))
            return redirect_page(request, "gateway:route-list")
    danger = Danger(
        _("Delete the line"),
        _("Addresses that it fits go where the next line that fits leads them, or as the directory says."),
        _("Delete the line"),
        reverse("gateway:route-delete", args=[rule.pk]),
    )
    return render_page(request, "gateway/route_edit.html", {"form": form, "rule": rule, "danger": danger})


@require_POST
def route_delete(request: ActorRequest, rule_id: int) -> HttpResponse:
    rule = get_route(request.actor, rule_id)
    routes.delete_route(request.actor, rule)
    toast(request, _("The line for %(pattern)s is deleted.") % {"pattern": rule.pattern})
    return redirect_page(request, "gateway:route-list")


@require_safe
def route_check(request: ActorRequest) -> HttpResponse:
    """Where would this address go? First the table, then the directory."""
    request.actor.require(Right.MANAGE_GATEWAY)
    form = RouteCheckForm(request.GET or None)
    found: Destination | None = None
    if form.is_bound and form.is_valid():
        with refusing(form):
            data = form.cleaned_data
            found = routes.where_would_it_go(request.actor, data["address"], data["sender"])
    ways = [] if found is None or found.resolved is None else list(found.resolved.routes)
    relays = Relay.objects.in_bulk([way.relay_id for way in ways if way.relay_id])
    context = {
        "form": form,
        "found": found,
        "ways": [(way, way.transport or relays.get(way.relay_id or 0)) for way in ways[:200]],
        "more": max(0, len(ways) - 200),
    }
    return render_page(request, "gateway/route_check.html", context, status=422 if form.errors else 200)
