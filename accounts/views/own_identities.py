"""One's own links to a source of identity: seen, made with a fresh proof here and there, undone."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import ProofNeeded
from accounts.models import Source
from accounts.requests import ActorRequest
from accounts.selectors.sources import get_own_identity, list_own_identities
from accounts.services.own_identities import (
    NotLinked,
    has_another_way,
    link_identity,
    linkable,
    require_linking,
    unlink_identity,
)
from accounts.sources.errors import Denied, SourceFailed
from accounts.sources.oidc import Question
from accounts.views.entry import AWAY
from accounts.views.provider_proofs import why_not
from accounts.views.provider_ways import LINK, claims_of, send
from config.kit.pages import redirect_page, render_page, toast

logger = logging.getLogger("postkeep.sources")


@require_safe
def own_identities(request: ActorRequest) -> HttpResponse:
    rows = list(list_own_identities(request.actor))
    person, may = request.actor.user, request.actor.in_person
    source = linkable(person) if person is not None and may else None
    context = {
        "rows": rows,
        "source": None if any(row.source_id == (source and source.pk) for row in rows) else source,
        "may_undo": person is not None and may and has_another_way(person),
    }
    return render_page(request, "accounts/own_identities.html", context)


@never_cache
@require_safe
def identity_link(request: ActorRequest) -> HttpResponse:
    """The way to the provider, after a fresh proof here."""
    person = require_linking(request.actor)
    source, target = linkable(person), reverse("accounts:own-identities")
    if source is None:
        return redirect_page(request, target)
    try:
        return send(request, source, Question.new(anew=True), purpose=LINK, target=target)
    except SourceFailed as error:
        logger.warning("source %s (%s): %s", source.pk, source.name, error.detail)
        toast(request, str(AWAY), "error")
        return redirect_page(request, target)


def come_back(request: ActorRequest, source: Source, found: dict[str, Any]) -> HttpResponse:
    """They came back from there, signed in anew."""
    try:
        link_identity(request.actor, source, claims_of(request, source, found))
    except ProofNeeded:
        toast(request, _("This took too long, or was finished before. Begin again."), "error")
    except NotLinked as error:
        toast(request, str(error), "error")
    except SourceFailed as error:
        logger.info("source %s (%s) linked nobody: %s", source.pk, source.name, error.detail)
        person = request.actor.user
        denied = isinstance(error, Denied) and person is not None
        toast(request, why_not(error, person.email) if denied and person else str(AWAY), "error")
    else:
        toast(request, _("Linked: from now on you come in by “%(name)s” too.") % {"name": source.name})
    return redirect_page(request, "accounts:own-identities")


@require_POST
def identity_unlink(request: ActorRequest, identity_id: int) -> HttpResponse:
    identity = get_own_identity(request.actor, identity_id)
    try:
        unlink_identity(request.actor, identity)
    except NotLinked as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("Unlinked from “%(name)s”.") % {"name": identity.source.name})
    return redirect_page(request, "accounts:own-identities")
