"""The overview: how the system is doing, for administrators. Everybody else starts at their own mail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from config.kit import dashboard
from config.kit.context import Shell
from config.kit.pages import redirect_page, render_page


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    actor = Shell(request).actor
    if actor is None or not actor.administers:
        own = _own_mail()
        if own:
            return redirect_page(request, own)
    first_steps = dashboard.first_steps_for(actor) if actor else []
    figures = dashboard.figures_for(actor) if actor else []
    context = {
        "first_steps": first_steps,
        "figures": figures if not first_steps or any(figure.value for figure in figures) else [],
        "cards": dashboard.cards_for(actor) if actor else [],
    }
    return render_page(request, "config/overview.html", context, partial="live")


def _own_mail() -> str:
    try:
        return reverse("archive:search")
    except NoReverseMatch:
        return ""
