"""The page behind a confirmation of a subscription: it only asks; the button confirms. For whoever holds the link."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.requests import ActorRequest
from config.kit.pages import render_page
from domains.services.lists import subscribing


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_confirm(request: ActorRequest, token: str) -> HttpResponse:
    """Mail scanners follow links, so that a GET changes nothing."""
    try:
        if request.method == "POST":
            context = {"subscriber": subscribing.confirm(token), "is_done": True}
        else:
            context = {"subscriber": subscribing.find_request(token), "is_done": False}
    except subscribing.NoRequest:
        return render_page(request, "domains/list_confirm.html", {"is_gone": True}, status=404)
    return render_page(request, "domains/list_confirm.html", context)
