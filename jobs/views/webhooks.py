"""Webhooks: the list, one with what was sent to it, making, changing, testing, sending again."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places
from accounts.permissions import Level
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs.errors import BadArguments, NotRunnable
from jobs.forms.webhooks import WebhookForm
from jobs.models import Webhook
from jobs.tables.webhooks import TONES, WEBHOOKS, place, state_words
from jobs.webhooks import catalogue, selectors, services
from jobs.webhooks.catalogue import EventType

SHOWN = 50


@require_safe
def webhook_list(request: ActorRequest) -> HttpResponseBase:
    request.actor.require_somewhere(selectors.NEED)
    return WEBHOOKS.answer(request, selectors.list_webhooks(request.actor), "jobs/webhook_list.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_create(request: ActorRequest) -> HttpResponse:
    """The secret is shown on the answer to the POST, once."""
    actor = request.actor
    actor.require_somewhere(selectors.NEED)
    level = Level.SERVER if actor.has(selectors.need_on(Level.SERVER)) else Level.DOMAIN
    form = WebhookForm(request.POST or None, choices=_choices(request), is_new=True, initial={"level": level})
    if request.method == "POST" and form.is_valid():
        scope = _scope(request, form)
        if scope is not None:
            try:
                given = form.cleaned_data
                hook, secret = services.create_webhook(
                    actor, scope, name=given["name"], url=given["url"], events=form.chosen()
                )
            except BadArguments as error:
                _refuse(form, error)
            else:
                return _show_secret(request, hook, secret)
    return render_page(request, "jobs/webhook_create.html", {"form": form})


@require_safe
def webhook_detail(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    rows = selectors.list_deliveries(request.actor, hook)
    context: dict[str, Any] = {
        "webhook": hook,
        "place": place(hook),
        "place_url": places.url_of(hook.scope),
        "state_words": state_words(hook),
        "tone": TONES[hook.state],
        "events": list(zip(hook.events, catalogue.words(hook.events), strict=True)),
        "deliveries": rows[:SHOWN],
        "is_cut": rows[SHOWN : SHOWN + 1].exists(),
        "danger": Danger(
            _("Delete this webhook"),
            _("It hears nothing more, and what was sent to it is forgotten."),
            _("Delete the webhook"),
            reverse("jobs:webhook-delete", args=[hook.pk]),
        ),
    }
    return render_page(request, "jobs/webhook_detail.html", context, partial="deliveries")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_edit(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    initial = {"name": hook.name, "url": hook.url, "version": hook.version} | WebhookForm.initial_of(hook.events)
    choices = services.choices(request.actor, hook.scope)
    form = WebhookForm(request.POST or None, choices=choices, is_new=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        values = {"name": given["name"], "url": given["url"], "events": form.chosen()}
        try:
            services.change_webhook(request.actor, hook, values, expected=given["version"])
        except BadArguments as error:
            _refuse(form, error)
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        else:
            toast(request, _("The webhook is changed."))
            return redirect_page(request, "jobs:webhook-detail", hook.pk)
    return render_page(request, "jobs/webhook_edit.html", {"form": form, "webhook": hook})


@require_POST
def webhook_switch(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    on = request.POST.get("enabled") == "yes"
    services.switch_webhook(request.actor, hook, on=on)
    toast(request, _("The webhook is in use.") if on else _("The webhook is switched off."))
    return redirect_page(request, "jobs:webhook-detail", hook.pk)


@require_POST
def webhook_test(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    try:
        services.send_test(request.actor, hook)
    except NotRunnable as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("A test event is on its way; what was answered stands below within seconds."))
    return redirect_page(request, "jobs:webhook-detail", hook.pk)


@never_cache
@require_POST
def webhook_secret(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    return _show_secret(request, hook, services.renew_secret(request.actor, hook))


@require_POST
def webhook_delete(request: ActorRequest, webhook_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    services.delete_webhook(request.actor, hook)
    toast(request, _("The webhook is deleted."))
    return redirect_page(request, "jobs:webhook-list")


@require_safe
def webhook_delivery(request: ActorRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    row = selectors.get_delivery(request.actor, hook, delivery_id)
    return render_page(request, "jobs/webhook_delivery.html", {"webhook": hook, "delivery": row})


@require_POST
def webhook_resend(request: ActorRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    hook = selectors.get_webhook(request.actor, webhook_id)
    row = selectors.get_delivery(request.actor, hook, delivery_id)
    try:
        services.send_again(request.actor, row)
    except NotRunnable as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("The event is sent again."))
    return redirect_page(request, "jobs:webhook-detail", hook.pk)


def _show_secret(request: ActorRequest, hook: Webhook, secret: str) -> HttpResponse:
    return render_page(request, "jobs/webhook_secret.html", {"webhook": hook, "secret": secret})


def _choices(request: ActorRequest) -> list[EventType]:
    """Those that may be chosen somewhere; the service asks for the very place."""
    return [each for each in catalogue.event_types() if request.actor.has_somewhere(each.needs)]


def _scope(request: ActorRequest, form: WebhookForm) -> ScopeRef | None:
    """Where it shall lie, or None with the reason on the form; what isn't theirs looks like nothing."""
    level = Level(form.cleaned_data["level"])
    scope = SERVER if level == Level.SERVER else places.find(level, form.cleaned_data["place"])
    if scope is None or not request.actor.has(selectors.need_on(level), scope):
        form.add_error("place" if level != Level.SERVER else "level", _("There is no such place that is yours."))
        return None
    return scope


def _refuse(form: WebhookForm, error: BadArguments) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))
