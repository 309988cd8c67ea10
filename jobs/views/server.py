"""The server's overviews: all settings, secrets by name, pending updates."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.requests import ActorRequest
from config.kit.known_settings import Setting
from config.kit.pages import render_page
from jobs import server_settings, server_state


@require_safe
def settings_list(request: ActorRequest) -> HttpResponse:
    query = request.GET.get("q", "")[:200]
    found = server_settings.list_settings(request.actor, query)
    groups: dict[str, list[Setting]] = {}
    for each in found:
        groups.setdefault(str(each.group), []).append(each)
    context = {"groups": list(groups.items()), "count": len(found), "query": query}
    return render_page(request, "jobs/server_settings.html", context, partial="settings")


@require_safe
def credentials(request: ActorRequest) -> HttpResponse:
    kinds = server_state.list_secrets(request.actor)
    context = {"kinds": kinds, "count": sum(kind.count for kind in kinds)}
    return render_page(request, "jobs/server_credentials.html", context)


@require_safe
def updates(request: ActorRequest) -> HttpResponse:
    return render_page(request, "jobs/server_updates.html", {"state": server_state.get_updates(request.actor)})
