"""Puts the actor on every request, and the person's own language, time zone and number of rows in force.

Stands after AuthenticationMiddleware and LocaleMiddleware. Not for deciding who may see a page:
LoginRequiredMiddleware and the services do.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts import options, sessions
from accounts.actors import Actor


class ActorMiddleware:
    """Sets `request.actor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        actor = sessions.actor_of(request)
        if actor is None:
            logout(request)
            actor = Actor.for_user(request.user, address=request.META.get("REMOTE_ADDR", ""), via="page")
        request.actor = actor  # type: ignore[attr-defined]
        request.standing_until = sessions.until_of(request)  # type: ignore[attr-defined]
        if actor.user is None:
            return self.get_response(request)
        if actor.user.language:
            translation.activate(actor.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        found = options.resolve_some(["TIME_ZONE", "PAGE_SIZE"], actor.user)
        size = found["PAGE_SIZE"]
        request.page_size = 0 if size.source is None else size.value  # type: ignore[attr-defined]
        with timezone.override(ZoneInfo(found["TIME_ZONE"].value)):
            response = self.get_response(request)
        response.setdefault("Cache-Control", "private, no-cache")  # no proxy keeps it, no browser shows it unasked
        return response
