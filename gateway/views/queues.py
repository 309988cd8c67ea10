"""The queues: what waits, one item of it, destinations in numbers, settings."""

from __future__ import annotations

from functools import partial

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from domains.errors import DomainsError
from gateway import wording
from gateway.forms.queues import QueueSettingsForm
from gateway.models import QueueItem
from gateway.selectors import queues as selectors
from gateway.selectors.queues import Wanted
from gateway.services import queues
from gateway.services.queues import LIMITS
from gateway.tables.queues import QUEUED, TONES
from jobs.bulk import submit_bulk

EDIT = ["GET", "HEAD", "POST"]


@require_safe
def queue(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_items(request.actor)
    return QUEUED.answer(request, rows, "gateway/queue.html", bulk_url=reverse("gateway:queue-bulk"))


@require_http_methods(EDIT)
def queue_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, QUEUED.name, back="gateway:queue", submit=submit, list_label=QUEUED.caption)


@require_safe
def queue_item(request: ActorRequest, item_id: int) -> HttpResponse:
    """Envelope, tries and answers; no content."""
    item = selectors.get_item(request.actor, item_id)
    steps = item.recipient.steps.order_by("-pk")[:100] if item.recipient is not None else []
    return render_page(
        request,
        "gateway/queue_item.html",
        {
            "item": item,
            "tone": TONES.get(item.state, ""),
            "destination": selectors.names_of([item.destination])[item.destination],
            "parameters": " ".join(f"{name}={value}" for name, value in sorted(item.parameters.items())),
            "may_track": item.recipient is not None and request.actor.has(Right.TRACK_MAIL, item.recipient),
            "steps": [
                (each, wording.step_text(each), wording.step_more(each), wording.STEP_TONES.get(each.kind, ""))
                for each in steps
            ],
        },
    )


@require_POST
def queue_item_turn(request: ActorRequest, item_id: int) -> HttpResponse:
    """Try now, hold back or let go: what can be taken back needs no page before it."""
    item = selectors.get_item(request.actor, item_id)
    orders = {"flush": queues.flush_items, "hold": queues.hold_items, "free": queues.free_items}
    order = orders.get(request.POST.get("do", ""))
    rows = QueueItem.objects.filter(pk=item.pk)
    if order is None:
        toast(request, _("There is no such order."), "error")
    elif order(request.actor, rows, about={"name": item.message.key}):
        toast(request, _("Done."))
    return redirect_page(request, "gateway:queue-item", item.pk)


@require_safe
def destinations(request: ActorRequest) -> HttpResponse:
    """Where mail waits for and where it went, the longest line first."""
    text = request.GET.get("q", "").strip()[:200]
    rows = selectors.list_destinations(request.actor, text=text)
    return render_page(request, "gateway/destinations.html", {"rows": rows, "text": text}, partial="rows")


@require_POST
def destination_flush(request: ActorRequest) -> HttpResponse:
    """Try everything for one destination now."""
    destination = request.POST.get("destination", "")[:300]
    rows = selectors.find_items(request.actor, Wanted(destination=destination))
    count = queues.flush_items(request.actor, rows, about={"destination": destination}) if destination else 0
    text = ngettext("%(n)s message is tried now.", "%(n)s messages are tried now.", count)
    toast(request, text % {"n": number(count)})
    return redirect_page(request, "gateway:destinations")


@require_http_methods(EDIT)
def queue_settings(request: ActorRequest) -> HttpResponse:
    row = selectors.get_settings(request.actor)
    initial = {"version": row.version, **{name: getattr(row, name) for name in LIMITS}}
    form = QueueSettingsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            queues.set_settings(request.actor, form.values(), expected=form.cleaned_data["version"])
        except DomainsError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        else:
            toast(request, _("The settings are saved. Delivery follows them within seconds."))
            return redirect_page(request, "gateway:queue-settings")
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "gateway/queue_settings.html", {"form": form}, status=status)
