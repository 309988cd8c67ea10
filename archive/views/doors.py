"""What every page of the archive does with the archive's errors. Not for pages themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from accounts.requests import ActorRequest
from archive.errors import (
    ArchiveClosed,
    BackupUnknown,
    ExportGone,
    MessageUnknown,
    ProfileUnknown,
    StoreUnavailable,
    StoreUnknown,
)
from archive.store.errors import NotFound
from config.kit.pages import render_page

View = Callable[..., HttpResponseBase]
UNKNOWN = (MessageUnknown, ArchiveClosed, StoreUnknown, ExportGone, NotFound, ProfileUnknown, BackupUnknown)


def archive_page(view: View) -> View:
    """What somebody may not see does not exist for them: 404. A store that can't be opened just now: 503."""

    @wraps(view)
    def translated(request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except UNKNOWN as error:
            raise Http404(str(error)) from error
        except StoreUnavailable as error:
            return unavailable(request, error)

    return translated


def unavailable(request: ActorRequest, error: StoreUnavailable) -> HttpResponse:
    """The folder or the key of a store is missing: said as it is to administrators, in general to others."""
    why = str(error) if request.actor.is_administrator else ""
    response = render_page(request, "archive/unavailable.html", {"why": why}, status=503)
    response["Retry-After"] = "30"
    return response


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with, also where nothing was filled in or ticked; None where it is only shown."""
    return request.POST if request.method == "POST" else None
