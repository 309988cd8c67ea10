"""Addresses of a process that serves one dialect at the root of a port of its own (settings.ROOT_DIALECT)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from api.dialects.door import refuse, view_of
from api.dialects.registry import Refusal
from api.dialects.served import BY_NAME

_dialect = BY_NAME[settings.ROOT_DIALECT or "james"]
_view = view_of(_dialect, "")


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What Django itself refuses."""
    return refuse(_dialect, Refusal(400, "failed", "The request can't be read."))


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refuse(_dialect, Refusal(404, "not-found", "There is nothing here."))


def handler500(request: HttpRequest) -> HttpResponse:
    return refuse(_dialect, Refusal(500, "failed", "The request failed."))


handler403 = handler404
urlpatterns = [re_path(r"^(?P<rest>[\s\S]*)\Z", _view, name="root")]
