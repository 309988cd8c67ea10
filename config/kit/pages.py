"""How a view answers: a whole page or one partial of it, a redirect that htmx understands, a toast.

One URL serves both; the header htmx sends decides. Nothing here knows what a page is about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

Level = Literal["info", "success", "warning", "error"]
_LEVELS: dict[Level, int] = {
    "info": messages.INFO,
    "success": messages.SUCCESS,
    "warning": messages.WARNING,
    "error": messages.ERROR,
}


class HtmxRequest(HttpRequest):
    """A request after HtmxMiddleware, for annotations."""

    htmx: HtmxDetails


def wants_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a region: not for boosted links and not to restore its history, which need whole pages."""
    htmx = cast("HtmxDetails | None", getattr(request, "htmx", None))
    return bool(htmx) and htmx is not None and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partial: str | None = None,
    status: int | None = None,
) -> HttpResponse:
    """Answer with the page, or with `template#partial` when htmx asks for it.

    A context whose `form` is bound and wrong answers 422, so that htmx and tests can tell it from success.
    """
    values = dict(context or {})
    if status is None:
        form = values.get("form")
        status = 422 if form is not None and getattr(form, "is_bound", False) and form.errors else 200
    chosen = f"{template}#{partial}" if partial and wants_partial(request) else template
    response = render(request, chosen, values, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def redirect_page(request: HttpRequest, to: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """Go to another page after a write: 303 for a form, HX-Redirect for htmx (a whole page, which shows the toast)."""
    url = resolve_url(to, *args, **kwargs)
    if wants_partial(request):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = iri_to_uri(url)
        patch_vary_headers(response, ["HX-Request"])
        return response
    redirect = HttpResponseRedirect(url)
    redirect.status_code = 303
    return redirect


def own_page(request: HttpRequest, wanted: str, otherwise: str = "/") -> str:
    """An address that somebody sent, if it is the path of a page of ours: never another server's, nor a page's name."""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours and wanted.startswith("/") else otherwise


def toast(request: HttpRequest, text: Any, level: Level = "success") -> None:
    """Say what happened on the next page the person sees, whichever that is."""
    messages.add_message(request, _LEVELS[level], str(text))


def toast_now(response: HttpResponse, text: Any, level: Level = "success") -> HttpResponse:
    """Say what happened beside a partial that is swapped in now (header HX-Trigger)."""
    response["HX-Trigger"] = json.dumps({"toast": {"text": str(text), "level": level}})
    return response
