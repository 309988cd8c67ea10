"""Alerts: the list, one alert, posting, acknowledging, removing."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places
from accounts.errors import AccountsError, Forbidden
from accounts.permissions import Level, Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.objects import Danger
from config.kit.pages import own_page, redirect_page, render_page, toast
from jobs import alert_selectors, alerts
from jobs.bulk import submit_bulk
from jobs.errors import JobsError
from jobs.forms import AlertForm
from jobs.models import Alert
from jobs.tables.alerts import ALERTS, TONES, place


@require_safe
def alert_list(request: ActorRequest) -> HttpResponseBase:
    rows = alert_selectors.list_alerts(request.actor)
    context = {"may_post": request.actor.has_somewhere(Right.MANAGE_ALERTS)}
    return ALERTS.answer(request, rows, "jobs/alert_list.html", context, bulk_url=reverse("jobs:alert-bulk"))


@require_http_methods(["GET", "HEAD", "POST"])
def alert_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, ALERTS.name, back="jobs:alert-list", submit=submit, list_label=ALERTS.caption)


@require_http_methods(["GET", "HEAD", "POST"])
def alert_create(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.MANAGE_ALERTS)
    on_server = request.actor.has(Right.MANAGE_ALERTS)
    form = AlertForm(request.POST or None, initial={"level": Level.SERVER if on_server else Level.DOMAIN})
    if request.method == "POST" and form.is_valid():
        alert = _post(request, form)
        if alert is not None:
            toast(request, _("The alert is posted."))
            return redirect_page(request, "jobs:alert-detail", alert.pk)
    return render_page(request, "jobs/alert_create.html", {"form": form})


@require_safe
def alert_detail(request: ActorRequest, alert_id: int) -> HttpResponse:
    alert = alert_selectors.get_alert(request.actor, alert_id)
    context: dict[str, Any] = {
        "alert": alert,
        "text": alerts.words_of(alert),
        "tone": TONES[alert.severity],
        "place": place(alert),
        "place_url": places.url_of(alert.scope),
        "may_settle": alerts.may_settle(request.actor, alert),
    }
    if request.actor.has(Right.MANAGE_ALERTS, alert):
        context["danger"] = Danger(
            _("Remove this alert"),
            _("It disappears for everybody, as if it had never been posted."),
            _("Remove alert"),
            reverse("jobs:alert-delete", args=[alert.pk]),
        )
    return render_page(request, "jobs/alert_detail.html", context)


@require_POST
def alert_acknowledge(request: ActorRequest, alert_id: int) -> HttpResponse:
    """From its page, or from above any page, to which it goes back."""
    alert = alert_selectors.get_alert(request.actor, alert_id)
    alerts.acknowledge_alert(request.actor, alert)
    toast(request, _("The alert is acknowledged.") if not alert.is_open else _("The alert is put away."))
    return redirect_page(request, own_page(request, request.POST.get("next", ""), reverse("jobs:alert-list")))


@require_POST
def alert_delete(request: ActorRequest, alert_id: int) -> HttpResponse:
    alert = alert_selectors.get_alert(request.actor, alert_id)
    alerts.delete_alert(request.actor, alert)
    toast(request, _("The alert is removed."))
    return redirect_page(request, "jobs:alert-list")


def _post(request: ActorRequest, form: AlertForm) -> Alert | None:
    """The alert, or None with the reason on the form; what isn't theirs looks like nothing."""
    given = form.cleaned_data
    level = Level(given["level"])
    scope = places.find(level, given["place"])
    if scope is None or not request.actor.has(Right.MANAGE_ALERTS, scope):
        form.add_error("place" if level != Level.SERVER else "level", _("There is no such place that you watch over."))
        return None
    try:
        return alerts.post_alert(
            request.actor,
            given["text"],
            scope=scope,
            severity=given["severity"],
            audience=given["audience"],
            mail=given["mail"],
        )
    except Forbidden:
        raise
    except (JobsError, AccountsError) as error:
        form.add_error("text", str(error))
        return None
