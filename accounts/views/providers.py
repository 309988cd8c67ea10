"""Signing in with an identity provider: which one an address has, the way there, and the way back.

A form may not lead to another server (`form-action`), so the way there begins with a link. Whom an answer lets in is
`signing_in`'s.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import responsible, second_step, signing_in
from accounts.addresses import parse_address
from accounts.errors import BadAddress, Forbidden
from accounts.forms.sources import OrganisationForm
from accounts.gates import while_setting_up
from accounts.models import Source, User
from accounts.requests import ActorRequest
from accounts.services.source_sign_in import provider_of
from accounts.sources.errors import Denied, NotFresh, OtherAccount, SourceFailed
from accounts.sources.oidc import Claims, Question
from accounts.views.entering import let_in
from accounts.views.entry import AWAY, safe_target
from accounts.views.proving import ask, proved, target_of
from config.kit.pages import own_page, redirect_page, render_page

ASKED = "provider_asked"
LASTS_S = 600
AT_ONCE = 5
logger = logging.getLogger("postkeep.sources")


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_organisation(request: ActorRequest) -> HttpResponse:
    """The address first: people of its domain may sign in elsewhere. Says nothing of whether it is anybody's."""
    form, target = OrganisationForm(request.POST or None), safe_target(request)
    context: dict[str, Any] = {"form": form, "next": target}
    if request.method == "POST" and form.is_valid():
        try:
            address = str(parse_address(form.cleaned_data["email"]))
        except BadAddress as error:
            form.add_error("email", str(error))
        else:
            source = responsible.source_for(address)
            if source is not None and source.kind_of.is_web:
                asked = urlencode({"hint": address, "next": target})
                start = f"{reverse('accounts:provider-start', args=[source.pk])}?{asked}"
                return render_page(request, "accounts/sign_in_onward.html", {"source": source, "start": start})
            form.add_error("email", _("People of this domain sign in with their address and a password."))
    return render_page(request, "accounts/sign_in_organisation.html", context)


@never_cache
@login_not_required
@require_safe
def provider_start(request: ActorRequest, source_id: int) -> HttpResponse:
    """Remember what is asked, and send the browser to the provider."""
    source, target = _source(source_id), safe_target(request)
    if request.actor.user is not None:
        return redirect_page(request, target)
    try:
        sent = _send(request, source, Question.new(), target=target, hint=request.GET.get("hint", "")[:254])
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return _failed(request, AWAY, 503)
    request.session.set_expiry(LASTS_S)
    return sent


@never_cache
@while_setting_up
@require_safe
def provider_prove(request: ActorRequest) -> HttpResponse:
    """The way there for somebody who is signed in and proves once more who they are: they sign in there anew."""
    person, target = _who(request), target_of(request)
    source = second_step.proves_at(person)
    if source is None:
        return redirect_page(request, f"{reverse('accounts:prove')}?{urlencode({'next': target})}")
    try:
        return _send(request, source, Question.new(anew=True), target=target, hint=person.email, person=person)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return ask(request, person, second_step.PROVIDER, target=target, problem=str(AWAY), status=503)


@never_cache
@login_not_required
@require_safe
def provider_back(request: ActorRequest, source_id: int) -> HttpResponse:
    """What came back with the browser; each question is answered once."""
    source = _source(source_id)
    state = request.GET.get("state", "")
    found = next((each for each in _asked(request) if each["state"] == state and each["source"] == source.pk), None)
    if found is None or found["at"] < time.time() - LASTS_S:
        return _failed(request, _("This sign-in took too long, or was finished before. Begin again."), 403)
    request.session[ASKED] = [each for each in _asked(request) if each is not found]
    request.session.save()  # used up before anything is asked of the provider
    if found["since"] is not None:
        return _proved(request, source, found)
    try:
        said = signing_in.sign_in_by_provider(request, source, _claims(request, source, found))
    except Denied as error:
        logger.info("source %s (%s) let nobody in: %s", source.pk, source.name, error)
        return _failed(request, _("You could not be signed in. Ask your administrator if you should be."), 403)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return _failed(request, AWAY, 503)
    second = "provider" if said.has_second_factor else ""
    target = own_page(request, str(found["next"]))
    return let_in(request, said.user, target, how=said.how, second=second, word=said.word)


def _proved(request: ActorRequest, source: Source, found: dict[str, Any]) -> HttpResponse:
    """Somebody who is signed in came back: whether they are who was sent, and signed in there just now."""
    target = own_page(request, str(found["next"]))
    if request.actor.user is None or _who(request).pk != found["person"]:
        return _failed(request, _("This took too long, or was finished before. Begin again."), 403)
    person = _who(request)
    try:
        second_step.prove_by_provider(request.actor.acting or request.actor, source, _claims(request, source, found))
    except Forbidden:
        return redirect_page(request, f"{reverse('accounts:prove')}?{urlencode({'next': target})}")
    except SourceFailed as error:
        logger.info("source %s (%s) proved nothing: %s", source.pk, source.name, error.detail)
        status = 403 if isinstance(error, Denied) else 503
        return ask(
            request, person, second_step.PROVIDER, target=target, problem=_why_not(error, person.email), status=status
        )
    return proved(request, target)


def _why_not(error: SourceFailed, email: str) -> str:
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


def _who(request: ActorRequest) -> User:
    """Who is signed in, whomever they act as. Raises: Forbidden through a link."""
    actor = request.actor.acting or request.actor
    actor.require_in_person()
    assert actor.user is not None
    return actor.user


def _send(
    request: ActorRequest, source: Source, question: Question, *, target: str, hint: str, person: User | None = None
) -> HttpResponse:
    """To the provider; what was asked is kept until the browser comes back. Raises: SourceFailed."""
    url = provider_of(source).address_to_ask(question, redirect_uri=_back(request, source), hint=hint)
    asked = [each for each in _asked(request) if each["at"] > time.time() - LASTS_S][-AT_ONCE + 1 :]
    asked.append(
        {
            "source": source.pk, "state": question.state, "nonce": question.nonce, "verifier": question.verifier,
            "since": question.since, "person": person and person.pk, "next": target, "at": time.time(),
        }
    )  # fmt: skip
    request.session[ASKED] = asked
    return HttpResponseRedirect(url)


def _claims(request: ActorRequest, source: Source, found: dict[str, Any]) -> Claims:
    """What the provider says to the question. Raises: Denied, SourceFailed."""
    question = Question(found["state"], found["nonce"], found["verifier"], found["since"])
    given = {name: request.GET.get(name, "") for name in ("state", "code", "error", "iss")}
    return provider_of(source).answer(question, given, redirect_uri=_back(request, source))


def _source(source_id: int) -> Source:
    """Raises: Http404."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None or not source.counts or not source.kind_of.is_web:
        raise Http404("no such provider")
    return source


def _asked(request: ActorRequest) -> list[dict[str, Any]]:
    found = request.session.get(ASKED)
    return found if isinstance(found, list) else []


def _back(request: ActorRequest, source: Source) -> str:
    """An address of its own for each source, so that no provider's answer is taken for another's (RFC 9700 §4.4)."""
    return request.build_absolute_uri(reverse("accounts:provider-back", args=[source.pk]))


def _failed(request: ActorRequest, text: Any, status: int) -> HttpResponse:
    return render_page(request, "accounts/sign_in_failed.html", {"problem": text}, status=status)
