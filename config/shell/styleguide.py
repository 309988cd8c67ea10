"""Every component in every state on one page, for the people who build pages. Administrators only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django.core.exceptions import PermissionDenied

from config.kit.context import Shell
from config.kit.pages import render_page


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    actor = Shell(request).actor
    if actor is None or not actor.is_administrator:
        raise PermissionDenied
    return render_page(request, "config/styleguide.html", {})
