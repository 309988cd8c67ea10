"""Signing in with an identity provider: which one an address has, the way there, and the way back.

A form may not lead to another server (`form-action`), so the way there begins with a link. Whom an answer lets in is
`signing_in`'s.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import responsible, signing_in
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.forms.sources import OrganisationForm
from accounts.models import Source
from accounts.requests import ActorRequest
from accounts.sources.errors import Denied, SourceFailed
from accounts.sources.oidc import Question
from accounts.views import own_identities, provider_proofs
from accounts.views.entering import let_in
from accounts.views.entry import AWAY, safe_target
from accounts.views.provider_ways import LINK, PROVE, SIGN_IN, claims_of, failed, send, take
from config.kit.pages import own_page, redirect_page, render_page

_COMERS = {PROVE: provider_proofs.come_back, LINK: own_identities.come_back}
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
    hint = request.GET.get("hint", "")[:254]
    try:
        return send(request, source, Question.new(), purpose=SIGN_IN, target=target, hint=hint)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return failed(request, AWAY, 503)


@never_cache
@login_not_required
@require_safe
def provider_back(request: ActorRequest, source_id: int) -> HttpResponse:
    """What came back with the browser; each question is answered once."""
    source = _source(source_id)
    found = take(request, source)
    if found is None:
        return failed(request, _("This sign-in took too long, or was finished before. Begin again."), 403)
    if found["purpose"] in _COMERS:
        return _COMERS[found["purpose"]](request, source, found)
    try:
        said = signing_in.sign_in_by_provider(request, source, claims_of(request, source, found))
    except Denied as error:
        logger.info("source %s (%s) let nobody in: %s", source.pk, source.name, error)
        return failed(request, _("You could not be signed in. Ask your administrator if you should be."), 403)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        return failed(request, AWAY, 503)
    second = "provider" if said.has_second_factor else ""
    target = own_page(request, str(found["next"]))
    return let_in(
        request, said.user, target, how=said.how, second=second, word=said.word, source=source, said=said.said
    )


def _source(source_id: int) -> Source:
    """Raises: Http404."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None or not source.counts or not source.kind_of.is_web:
        raise Http404("no such provider")
    return source
