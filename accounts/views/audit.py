"""The audit trail: as far as it is one's to read, one event, what happened in a scope, what was done to me."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import places, sentences
from accounts.lists import EVENTS
from accounts.models import AuditEvent
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.events import (
    COLUMNS,
    get_event,
    list_events,
    list_events_in,
    list_own_events,
    scope_column,
    seal_of,
)
from accounts.services.exporting import note_export
from accounts.views.grants import scope_from
from accounts.views.pages import scope_page
from config.kit.batches import in_batches
from config.kit.listing import BadTerm
from config.kit.pages import render_page


@require_safe
def event_list(request: ActorRequest) -> HttpResponseBase:
    """With `format=csv` or `format=json` as a file; taking it out is an event itself."""
    rows = list_events(request.actor)
    if request.GET.get("format") == "json":
        return _as_json(request)
    reach = request.actor.reach(Right.VIEW_AUDIT)
    context = {"may_verify": request.actor.has(Right.VIEW_AUDIT)}
    return EVENTS.answer(
        request,
        rows,
        "accounts/event_list.html",
        context,
        on_export=lambda: _note(request, "csv"),
        scattered=not reach.everything and not scope_column(reach),
        within=scope_column(reach),
    )


@require_safe
def event_detail(request: ActorRequest, event_id: int) -> HttpResponse:
    event = get_event(request.actor, event_id)
    context = {"event": event, "sentence": sentences.of(event.action), "seal": seal_of(event), **_values(event)}
    return render_page(request, "accounts/event_detail.html", context)


@require_safe
def scope_history(request: ActorRequest, level: str, object_id: int) -> HttpResponseBase:
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.VIEW_AUDIT)
    rows = list_events_in(request.actor, scope, obj)
    context = {"object": scope_page(request, scope, obj)}
    return EVENTS.answer(request, rows, "accounts/scope_history.html", context, within=COLUMNS.get(scope.level, ""))


@require_safe
def own_history(request: ActorRequest) -> HttpResponseBase:
    """What was done to my account, by whom, and why."""
    return EVENTS.answer(request, list_own_events(request.actor), "accounts/own_history.html", within="about_user_id")


def _values(event: AuditEvent) -> dict[str, Any]:
    named, said = sentences.field, sentences.value
    changes = [(named(name), said(name, old), said(name, new)) for name, (old, new) in event.changes.items()]
    details = [(named(name), said(name, value)) for name, value in sorted(event.details.items())]
    return {"changes": changes, "details": details}


def _note(request: ActorRequest, format: str) -> None:
    note_export(request.actor, format=format, query=request.GET.urlencode())


def _as_json(request: ActorRequest) -> HttpResponseBase:
    """A list of events, newest first, streamed."""
    try:
        rows = EVENTS.select(request.actor, list_events(request.actor), request.GET)
    except BadTerm as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    _note(request, "json")
    response = StreamingHttpResponse(_json_parts(rows), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="audit-trail-{timezone.localdate():%Y-%m-%d}.json"'
    return response


def _json_parts(rows: Any) -> Iterator[str]:
    yield "["
    for number, event in enumerate(in_batches(rows, descending=True)):
        yield ("," if number else "") + "\n" + json.dumps(_plain(event), ensure_ascii=False)
    yield "\n]\n"


def _plain(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "actor": event.actor_label,
        "actor_id": event.actor_id,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "object": event.object_label,
        "changes": event.changes,
        "details": event.details,
        "reason": event.reason,
        "address": event.address,
        "via": event.via,
        "customer_id": event.customer_id,
        "domain_id": event.domain_id,
        "about_user_id": event.about_user_id,
    }
