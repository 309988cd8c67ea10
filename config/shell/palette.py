"""The palette (Ctrl-K) and the count of running tasks in the top bar: small partials every page may ask for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.kit.context import Shell
from config.kit.finding import find_objects
from config.kit.nav import items_for


@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """Everything this person may open; the browser filters it while they type."""
    actor = Shell(request).actor
    return _private(render(request, "config/palette.html", {"items": list(items_for(actor)) if actor else []}))


@require_safe
def palette_objects(request: HttpRequest) -> HttpResponse:
    """Objects whose name has `q`, as far as this person may see them."""
    actor = Shell(request).actor
    hits = find_objects(actor, request.GET.get("q", "")) if actor else []
    return _private(render(request, "config/palette.html#objects", {"hits": hits}))


@require_safe
def running(request: HttpRequest) -> HttpResponse:
    return render(request, "components/running.html")


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
