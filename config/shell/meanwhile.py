"""The second of two people whose button met a change of somebody else, on pages that have no form to tell it on.

Forms say it themselves (domains.views.frames, accounts.views); here ends what nobody caught. Not for programs: the
API answers 412 (api.problems).
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.kit.versions import ChangedMeanwhile
from config.shell.errors import conflict


class ChangedMeanwhileMiddleware:
    """Answers 409 with a page that says so; nothing was changed, since the service's transaction is rolled back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return conflict(request) if isinstance(exception, ChangedMeanwhile) else None
