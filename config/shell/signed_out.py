"""Django's LoginRequiredMiddleware for pages whose regions renew themselves.

htmx follows a redirect by itself and would draw the sign-in page into the region that asked; it is told to leave the
page instead, and the person comes back to it after signing in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from config.kit.pages import toast, wants_partial


class SignedInMiddleware(LoginRequiredMiddleware):
    def handle_no_permission(  # type: ignore[override]  # the stub allows redirects only, Django any answer
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        if not wants_partial(request):
            return super().handle_no_permission(request, view_func)
        toast(request, _("You have been signed out. Sign in again to go on."), "info")
        response = HttpResponse(status=200)
        response["HX-Redirect"] = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': _page_of(request)})}"
        return response


def _page_of(request: HttpRequest) -> str:
    """The page the region stands on, not the region's own address."""
    htmx = getattr(request, "htmx", None)
    return (htmx and htmx.current_url_abs_path) or "/"
