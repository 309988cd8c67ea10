"""What happens to every call of every dialect, in one order: from a blocked network? (403) · on? (404) · from an
allowed network? (403) · small enough? (413) · the dialect's own answer · the list of last calls.

Guesses at credentials that are slowed down are answered 429, by the dialect's credentials.

Whatever is raised and the dialect doesn't answer itself is translated as in API v1 and said in the dialect's own shape;
never a page, never a traceback. Words are English: programs compare them. Not for credentials or routes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import translation

from api import problems
from api.dialects import call as calling
from api.dialects import calls, clients, settings
from api.dialects.call import Call
from api.dialects.registry import Dialect, Refusal

log = logging.getLogger("postkeep.dialects")
KINDS = {401: "unauthenticated", 403: "forbidden", 404: "not-found", 413: "too-large", 429: "too-many"}


def view_of(dialect: Dialect, prefix: str) -> Callable[..., HttpResponse]:
    """The view of all addresses below a prefix ("/james", or "" at the root of its own port)."""

    def view(request: HttpRequest, rest: str = "") -> HttpResponse:
        with translation.override("en"):
            return answer(calling.of(request, dialect, prefix))

    view.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie of the pages opens anything here
    view.login_required = False  # type: ignore[attr-defined]  # the dialect's own credentials do
    return view


def answer(call: Call) -> HttpResponse:
    """The answer to one call."""
    began = time.monotonic()
    response = _checked(call)
    response.setdefault("Cache-Control", "no-store")
    log.debug("%s %s: %d", call.dialect.name, call.operation or call.method, response.status_code)
    response._has_been_logged = True  # type: ignore[attr-defined]  # a script's refusals are its daily life, no warnings
    if not getattr(response, "is_hidden", False):
        calls.note(
            call.dialect.name,
            actor=call.actor.label if call.actor is not None else "",
            operation=call.operation or f"{call.method} {call.path}",
            result=call.result or str(response.status_code),
            is_good=response.status_code < 400 and not call.result.startswith("!"),
            client=call.address,
            began=began,
        )
    return response


def _checked(call: Call) -> HttpResponse:
    assert call.dialect.answer is not None
    try:
        if clients.is_blocked(call.address):
            return _hidden(refuse(call.dialect, Refusal(403, "client", clients.BLOCKED)))
        state = settings.state(call.dialect)
        if not state.is_on:
            return _hidden(refuse(call.dialect, Refusal(404, "off", "There is nothing here.")))
        if why := clients.why_not(state, call.address):
            return refuse(call.dialect, Refusal(403, "client", why))
        if _length(call.request) > call.dialect.body_bytes:
            return refuse(call.dialect, Refusal(413, "too-large", "The body is too large."))
        call.settings = state.options
        return call.dialect.answer(call)
    except RequestDataTooBig:
        return refuse(call.dialect, Refusal(413, "too-large", "The body is too large."))
    except UnreadablePostError:
        return refuse(call.dialect, Refusal(400, "failed", "The body ended early."))
    except Exception as error:
        return refuse(call.dialect, refusal_of(error, call))


def refusal_of(error: Exception, call: Call) -> Refusal:
    """What the frame says of an error that a service or selector raised."""
    problem = problems.translate(error, {})
    if problem.status >= 500:
        log.error("%s %s failed", call.dialect.name, call.operation or call.method, exc_info=error)
    kind = KINDS.get(problem.status, "unavailable" if problem.status == 503 else "failed")
    return Refusal(problem.status, kind, problem.detail or str(problem.title), problem.headers)


def refuse(dialect: Dialect, refusal: Refusal) -> HttpResponse:
    """A refusal in the dialect's own shape."""
    assert dialect.refuse is not None
    response = dialect.refuse(refusal)
    for name, value in refusal.headers.items():
        response.setdefault(name, value)
    return response


def _hidden(response: HttpResponse) -> HttpResponse:
    response.is_hidden = True  # type: ignore[attr-defined]  # strangers can't fill the list of a dialect that is off
    return response


def _length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isdecimal() and len(text) < 12 else 1 << 40
