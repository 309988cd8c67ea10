"""How long requests take, by the name of their route: counted in this process, for programs that watch.

Labels are bounded: names of routes are ours, what leads nowhere is one name, and what a client sends is never a label.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)
BUCKETS = (0.01, 0.05, 0.15, 0.5, 2.0, 10.0)
NOWHERE = "none"
_SECONDS = Histogram(
    "postkeep_http_request_seconds",
    "How long requests took, by route and kind of answer",
    ("route", "answer"),
    buckets=BUCKETS,
    registry=REGISTRY,
)


class RequestFiguresMiddleware:
    """Stands outermost, so that all the others count too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = self.get_response(request)
            status = response.status_code
        finally:
            note(request, status, time.perf_counter() - began)
        return response


def note(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    route = match.view_name if match is not None and match.view_name else NOWHERE
    kind = f"{status // 100}xx" if 100 <= status < 600 else "other"
    _SECONDS.labels(route, kind).observe(seconds)
