"""The lists: one's own quarantine and recent mail, those of everybody an administrator looks after, and requests."""

from __future__ import annotations

from functools import partial

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from gateway.models import Folder, Recipient
from gateway.selectors import quarantine as selectors
from gateway.tables.quarantine import MANAGED, OWN, OWN_RECENT, OWN_RELEASED, RECENT, RELEASED, REQUESTS
from jobs.bulk import submit_bulk

HELD, DONE = Recipient.State.HELD, Recipient.State.RELEASED


@require_safe
def own_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_own(request.actor)
    context = {"tab": "held"}
    return OWN.answer(request, rows, "gateway/own_list.html", context, bulk_url=reverse("gateway:own-bulk"))


@require_safe
def own_released(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_own(request.actor, state=DONE)
    return OWN_RELEASED.answer(request, rows, "gateway/own_list.html", {"tab": "released"})


@require_safe
def own_recent(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_own(request.actor, Folder.RETENTION)
    return OWN_RECENT.answer(request, rows, "gateway/own_list.html", {"tab": "recent"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def own_bulk(request: ActorRequest) -> HttpResponseBase:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, OWN.name, back="gateway:own-list", submit=submit, list_label=OWN.caption)


@require_safe
def quarantine_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_managed(request.actor)
    bulk_url = reverse("gateway:quarantine-bulk")
    return MANAGED.answer(request, rows, "gateway/quarantine_list.html", {"tab": "held"}, bulk_url=bulk_url)


@require_safe
def released_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_managed(request.actor, state=DONE)
    return RELEASED.answer(request, rows, "gateway/quarantine_list.html", {"tab": "released"})


@require_safe
def recent_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_managed(request.actor, Folder.RETENTION)
    return RECENT.answer(request, rows, "gateway/quarantine_list.html", {"tab": "recent"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def quarantine_bulk(request: ActorRequest) -> HttpResponseBase:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, MANAGED.name, back="gateway:quarantine-list", submit=submit, list_label=MANAGED.caption)


@require_safe
def request_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_requests(request.actor)
    return REQUESTS.answer(request, rows, "gateway/quarantine_list.html", {"tab": "requests"})
