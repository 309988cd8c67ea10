"""What every page of kept mail does with what goes wrong. Not for pages themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpResponseBase

from accounts.requests import ActorRequest
from archive.errors import StoreUnavailable
from archive.store.errors import Damaged, NotFound
from archive.views.doors import unavailable
from gateway.content import DamagedContent
from gateway.errors import CopyGone

View = Callable[..., HttpResponseBase]
DAMAGES = (Damaged, DamagedContent)


def kept_page(view: View) -> View:
    """What isn't kept any more isn't there: 404. A store that can't be opened just now: 503."""

    @wraps(view)
    def translated(request: ActorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (CopyGone, NotFound) as error:
            raise Http404(str(error)) from error
        except StoreUnavailable as error:
            return unavailable(request, error)

    return translated
