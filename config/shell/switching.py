"""The menu behind a place in the top bar: other customers or domains, each with the address of the same page there."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.kit.context import Shell
from config.kit.switching import SHOWN, get_switcher, match_of


@require_safe
def switch(request: HttpRequest, name: str) -> HttpResponse:
    """`at` is the page the person is on, `q` what they type."""
    switcher, actor = get_switcher(name), Shell(request).actor
    match = match_of(request.GET.get("at", ""))
    if switcher is None or match is None or actor is None:
        raise Http404
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    places = list(switcher.choices(actor, match, text, SHOWN + 1))
    context = {
        "switcher": switcher,
        "places": places[:SHOWN],
        "is_long": len(places) > SHOWN or bool(text),
        "more": len(places) > SHOWN,
        "text": text,
        "at": request.GET.get("at", ""),
    }
    is_search = "q" in request.GET
    response = render(request, f"components/switcher_menu.html{'#choices' if is_search else ''}", context)
    response["Cache-Control"] = "private, no-store"
    return response
