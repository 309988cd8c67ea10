"""Proving once more who one is at one's identity provider: the way there, and what comes back of it."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import second_step, sessions
from accounts.errors import Forbidden
from accounts.gates import while_setting_up
from accounts.models import Source, User
from accounts.requests import ActorRequest
from accounts.sources.errors import Denied, NotFresh, OtherAccount, SourceFailed
from accounts.sources.oidc import Question
from accounts.views.entry import AWAY
from accounts.views.provider_ways import PROVE, claims_of, send
from accounts.views.proving import ask, proved, target_of
from config.kit.pages import own_page, redirect_page

logger = logging.getLogger("postkeep.sources")


@never_cache
@while_setting_up
@require_safe
def provider_prove(request: ActorRequest) -> HttpResponse:
    """The way there: somebody who is signed in here signs in there anew."""
    person, target = who(request), target_of(request)
    source = second_step.proves_at(person)
    if source is None:
        return redirect_page(request, f"{reverse('accounts:prove')}?{urlencode({'next': target})}")
    try:
        return send(request, source, Question.new(anew=True), purpose=PROVE, target=target, hint=person.email)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return ask(request, person, second_step.PROVIDER, target=target, problem=str(AWAY), status=503)


def come_back(request: ActorRequest, source: Source, found: dict[str, Any]) -> HttpResponse:
    """They came back: whether they are who was sent, and signed in there just now."""
    person, target = who(request), own_page(request, str(found["next"]))
    try:
        claims = claims_of(request, source, found)
        second_step.prove_by_provider(request.actor.acting or request.actor, source, claims)
    except Forbidden:
        return redirect_page(request, f"{reverse('accounts:prove')}?{urlencode({'next': target})}")
    except SourceFailed as error:
        logger.info("source %s (%s) proved nothing: %s", source.pk, source.name, error.detail)
        problem, status = why_not(error, person.email), 403 if isinstance(error, Denied) else 503
        return ask(request, person, second_step.PROVIDER, target=target, problem=problem, status=status)
    sessions.note_said(request, source, claims.said)
    return proved(request, target)


def why_not(error: SourceFailed, email: str) -> str:
    """Why an answer proves nothing, for the person."""
    if isinstance(error, OtherAccount):
        return _("You signed in there as somebody else. Sign in there as %(email)s.") % {"email": email}
    if isinstance(error, NotFresh):
        return _(
            "Your provider doesn't say that you signed in there just now, so this proves nothing. If it asked you, "
            "tell your administrator: it must say “auth_time”."
        )
    if isinstance(error, Denied):
        return _("This proves nothing now. Try again, or choose another way.")
    return str(AWAY)


def who(request: ActorRequest) -> User:
    """Who is signed in, whomever they act as. Raises: Forbidden through a link."""
    actor = request.actor.acting or request.actor
    actor.require_in_person()
    assert actor.user is not None
    return actor.user
