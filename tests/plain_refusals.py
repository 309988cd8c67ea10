"""The product's addresses, with refusals that are a number alone: for sweeps that are refused ten thousand times.

The shell around the page of a refusal costs more than all that decides it. What those pages look like to everybody, and
that drawing them writes nothing, is tests/test_access.py's too.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.urls import handler400, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return HttpResponse(status=403)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return HttpResponse(status=404)
