"""Puts the actor on every request, and the person's own language, time zone and number of rows in force.

Of whom a second factor is overdue, is led to the pages that set one up, whatever they ask for; who signed in with a
password that must be changed, to the page that changes it; and a page that needs a fresh proof of who it is
(`ProofNeeded`) asks for it.
Stands after AuthenticationMiddleware and LocaleMiddleware. Not for deciding who may see a page:
LoginRequiredMiddleware and the services do.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import blocking, crowd, enforcement, gates, networks, options, password_age, sessions, throttle
from accounts.actors import Actor
from accounts.errors import ProofNeeded, TooManyAttempts
from accounts.models import OptionValue, Session
from accounts.scopes import chain_of
from accounts.views.entering import DEVICE_COOKIE
from accounts.views.proving import ask_for_proof
from config.kit.pages import redirect_page, toast

SIGN_IN_PATH = "/sign-in/"  # accounts:sign-in
SAID_EVERY_S = 60.0
logger = logging.getLogger("postkeep.accounts")
_OPTIONS = ["TIME_ZONE", "PAGE_SIZE", "SESSION_IDLE_MINUTES", *enforcement.NAMES, *password_age.NAMES]


class BlockedNetworksMiddleware:
    """Refuses every request from a network that is shut out. Stands where REMOTE_ADDR is the client's own by now.

    Where guesses alone shut it out, browsers that have signed in here before go on: else whoever guesses in an office,
    or behind an address that thousands share, shuts out everybody there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        block = blocking.block_of(str(request.META.get("REMOTE_ADDR", "")))
        is_open = block is None or (block.is_automatic and throttle.has_signed_in(request.COOKIES.get(DEVICE_COOKIE)))
        if is_open or networks.is_dialect(request.path_info):
            return self.get_response(request)
        return HttpResponse("This network is blocked here.\n", status=403, content_type="text/plain; charset=utf-8")


Refusal = Callable[[HttpRequest, TooManyAttempts], HttpResponse]
_doors: dict[str, Refusal] = {}


def register_door(path: str, refuse: Refusal) -> None:
    """Another path to which people's passwords are posted, and how it says that too many come."""
    _doors[path] = refuse


class _SentAway:
    """How many were sent away, in one line of the log a minute: a crowd pushes nothing else out of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times, self._said_at = 0, -math.inf

    def note(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._times += 1
            if now - self._said_at < SAID_EVERY_S:
                return
            times, self._times, self._said_at = self._times, 0, now
        logger.warning("too many sign in at once: %d attempts were sent away unseen since this was said last", times)


class SignInCrowdMiddleware:
    """Gives whoever sends a password a place in their order, or a short answer at once where too many are before them:
    no session, no template and no database for a crowd that guesses. Who sends a token too isn't guessing a password.
    Stands behind BlockedNetworksMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._sent_away = _SentAway()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refuse = _doors.get(request.path_info)
        has_token = refuse is not _come_again and "HTTP_AUTHORIZATION" in request.META
        if request.method != "POST" or refuse is None or has_token:
            return self.get_response(request)
        try:
            with crowd.place(str(request.META.get("REMOTE_ADDR", "")), request.COOKIES.get(DEVICE_COOKIE)):
                return self.get_response(request)
        except TooManyAttempts as error:
            response = refuse(request, error)
            response._has_been_logged = True  # type: ignore[attr-defined]  # by Django: a line for each fills the log
            self._sent_away.note()
            response["Content-Length"] = str(len(response.content))  # past the middleware that counts it otherwise
            return response


def _come_again(request: HttpRequest, error: TooManyAttempts) -> HttpResponse:
    """A page of a few lines that costs next to nothing, in the browser's language."""
    with translation.override(translation.get_language_from_request(request)):
        title = _("Many sign in just now")
        text = _("Your password was not looked at yet. Wait a few seconds, go back, and send it once more.")
        back = _("Back to the sign-in page")
    page = (
        f'<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{title}</title><h1>{title}</h1><p>{text}</p><p><a href="{SIGN_IN_PATH}">{back}</a></p>\n'
    )
    headers = {"Retry-After": str(error.retry_after_s), "Cache-Control": "no-store"}
    return HttpResponse(page, status=429, headers=headers)


register_door(SIGN_IN_PATH, _come_again)


class ActorMiddleware:
    """Sets `request.actor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        actor = sessions.actor_of(request)
        request.second_factor = enforcement.FREE  # type: ignore[attr-defined]
        request.own_password = password_age.NONE  # type: ignore[attr-defined]
        found: dict[str, options.Resolved] = {}
        if actor is not None and actor.user is not None:
            # one query for the one the pages are for and the one who is signed in (they differ while acting)
            asked = options.question(_OPTIONS, [actor.user, request.user])
            rows = list(asked.query.rows())
            found, own = asked.answers(rows)
            if sessions.is_idle(request, int(own["SESSION_IDLE_MINUTES"].value)):
                actor = None
            else:
                standing_of = _standing(actor.acting or actor, rows, sessions.row_of(request))
                request.second_factor = standing_of  # type: ignore[attr-defined]
                if actor.in_person:
                    standing = password_age.standing_of(request.user, own)  # type: ignore[arg-type]
                    request.own_password = standing  # type: ignore[attr-defined]
        if actor is None:
            logout(request)
            actor = Actor.for_user(request.user, address=request.META.get("REMOTE_ADDR", ""), via="page")
        request.actor = actor  # type: ignore[attr-defined]
        request.standing_until = sessions.until_of(request)  # type: ignore[attr-defined]
        if actor.user is None:
            return self.get_response(request)
        sessions.note_use(request)
        if actor.user.language:
            translation.activate(actor.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        size = found["PAGE_SIZE"]
        request.page_size = 0 if size.source is None else size.value  # type: ignore[attr-defined]
        with timezone.override(ZoneInfo(found["TIME_ZONE"].value)):
            response = self.get_response(request)
        response.setdefault("Cache-Control", "private, no-cache")  # no proxy keeps it, no browser shows it unasked
        return response

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        standing: enforcement.Standing = request.second_factor  # type: ignore[attr-defined]
        if gates.is_open(view_func):
            return None
        if sessions.is_asked_for_password(request):
            if request.own_password.is_due:  # type: ignore[attr-defined]
                toast(request, _("First choose a new password; then everything is open again."), "info")
                return redirect_page(request, "accounts:change-password")
            sessions.forget_password_asked(request)
        if not standing.is_overdue:
            return None
        actor: Actor = request.actor  # type: ignore[attr-defined]
        if actor.acting is not None:
            sessions.end_acting(request)
        elif not actor.in_person:  # a temporary sign-in can't set one up
            logout(request)
        toast(request, _("Set up a second factor first; then everything is open again."), "info")
        return redirect_page(request, "accounts:own-factors")

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return ask_for_proof(request) if isinstance(exception, ProofNeeded) else None


def _standing(who: Actor, rows: list[OptionValue], session: Session | None) -> enforcement.Standing:
    """Of the person who is signed in, whomever they act as. rows: of their options, among others'."""
    if who.user is None:
        return enforcement.FREE
    own = chain_of(who.user)
    lying = [row for row in rows if row.scope in own]
    return enforcement.standing_of(
        who.user, None if who.user.is_administrator else who.held, lying=lying, session=session
    )
