"""What a person sees when something went wrong: the same shell, a way out, and an id that stands in the log.

Not for deciding what is wrong; that is Django's and the services'. The id is the request's (config.middleware).
"""

from __future__ import annotations

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _

from config.middleware import current_request_id

log = logging.getLogger("postkeep.pages")


def _page(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    values = {"error_id": current_request_id(), "status": status, **context}
    response = render(request, f"{status}.html", values, status=status)
    response["X-Error-ID"] = current_request_id()
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 404)


def conflict(request: HttpRequest) -> HttpResponse:
    """409: somebody else changed the object meanwhile (config.shell.meanwhile)."""
    return _page(request, 409)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """settings.CSRF_FAILURE_VIEW: mostly a page that stood open too long."""
    log.warning("CSRF check failed on %s: %s", request.path, reason)
    response = render(request, "403_csrf.html", {"error_id": current_request_id()}, status=403)
    response["X-Error-ID"] = current_request_id()
    return response


def too_many(request: HttpRequest, *, wait_s: int) -> HttpResponse:
    """429: for throttled doors; says how long."""
    response = _page(request, 429, wait_s=wait_s)
    response["Retry-After"] = str(wait_s)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500. The page is drawn without the shell when the shell itself is what fails (the database is away)."""
    log.error("Error page 500 shown for %s %s, error id %s", request.method, request.path, current_request_id())
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError | ConnectionError):
        return starting()
    try:
        return _page(request, 500)
    except Exception:
        log.exception("The error page's shell failed too; the plain page was shown")
        return plain_page(_("Something went wrong on our side"), status=500)


def starting() -> HttpResponse:
    """503: the database or the broker doesn't answer (yet). The page tries again by itself."""
    response = plain_page(_("Postkeep is starting"), status=503, template="503.html")
    response["Retry-After"] = "3"
    return response


def plain_page(title: str, *, status: int, template: str = "500_plain.html") -> HttpResponse:
    """An error page that needs neither a session nor the database."""
    text = loader.get_template(template).render({"title": title, "error_id": current_request_id()})
    response = HttpResponse(text, status=status)
    response["X-Error-ID"] = current_request_id()
    return response
