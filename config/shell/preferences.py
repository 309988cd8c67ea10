"""How a person wants to see the pages: theme, language, row height.

Kept on the person where they are signed in, so that it follows them to another browser, and in a cookie always, so
that the sign-in page looks the same. Not for what the pages show.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST

from accounts.actors import Actor
from accounts.services import set_preferences
from config.kit.context import ROWS, THEMES
from config.kit.pages import own_page, redirect_page

_YEAR_S = 365 * 86_400


@login_not_required
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    chosen = {key: request.POST[key] for key in ("theme", "language", "rows") if key in request.POST}
    languages = [code for code, _name in settings.LANGUAGES]
    allowed = {"theme": list(THEMES), "rows": list(ROWS), "language": languages}
    if not chosen or any(value not in allowed[key] for key, value in chosen.items()):
        return HttpResponseBadRequest()
    _remember(request, chosen)
    quiet = request.headers.get("X-Requested-With") == "fetch"
    response = HttpResponse(status=204) if quiet else redirect_page(request, _way_back(request))
    for key, value in chosen.items():
        name = settings.LANGUAGE_COOKIE_NAME if key == "language" else key
        response.set_cookie(
            name, value, max_age=_YEAR_S, samesite="Lax", httponly=True, secure=settings.SESSION_COOKIE_SECURE
        )
    return response


def _remember(request: HttpRequest, chosen: dict[str, str]) -> None:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.user is not None:
        set_preferences(actor, **chosen)


def _way_back(request: HttpRequest) -> str:
    return own_page(request, request.POST.get("next", "/"))
