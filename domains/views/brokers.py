"""Brokers and outgoing providers: short lists that the server's administrators keep."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains import selectors
from domains.errors import DomainsError
from domains.forms.tenants import BrokerForm, ProviderForm
from domains.models import Status
from domains.services import broker_limits, brokers, providers
from domains.tables.tenants import BROKERS, PROVIDERS
from domains.views.frames import refusing
from domains.views.tenant_usage import answer_limits, broker_usage


@require_safe
def broker_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_brokers(request.actor).annotate(customer_count=Count("customers"))
    return BROKERS.answer(request, rows, "domains/broker_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def broker_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_BROKERS)
    form = BrokerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            broker = brokers.create_broker(
                request.actor, name=form.cleaned_data["name"], external_id=form.cleaned_data["external_id"]
            )
            toast(request, _("%(name)s is a broker now.") % {"name": broker})
            return redirect_page(request, "domains:broker-list")
    return render_page(request, "domains/broker_create.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def broker_edit(request: ActorRequest, broker_id: int) -> HttpResponse:
    broker = selectors.get_broker(request.actor, broker_id)
    initial = {name: getattr(broker, name) for name in ("name", "external_id", "version")}
    form = BrokerForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("name", "external_id")}
        with refusing(form):
            brokers.update_broker(request.actor, broker, values, expected=form.cleaned_data["version"])
            toast(request, _("Saved."))
            return redirect_page(request, "domains:broker-list")
    count = broker.customers.count()
    danger = Danger(
        _("Delete the broker"),
        _("It has no customers. What was granted on it goes with it; people stay."),
        _("Delete %(name)s") % {"name": broker},
        reverse("domains:broker-delete", args=[broker.pk]),
        typed=broker.name,
    )
    context = {"form": form, "broker": broker, "count": count, "danger": None if count else danger}
    return render_page(request, "domains/broker_edit.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def broker_limits_page(request: ActorRequest, broker_id: int) -> HttpResponse:
    """What its customers have together, and what they may."""
    broker = selectors.get_broker(request.actor, broker_id)
    return answer_limits(
        request,
        broker,
        broker_limits.LIMITS,
        save=broker_limits.set_broker_limits,
        here="broker-limits",
        context=lambda: {"broker": broker, "usage": broker_usage(broker)},
    )


@require_POST
def broker_delete(request: ActorRequest, broker_id: int) -> HttpResponse:
    broker = selectors.get_broker(request.actor, broker_id)
    name = broker.name
    try:
        brokers.delete_broker(request.actor, broker)
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:broker-edit", broker_id)
    toast(request, _("%(name)s is deleted.") % {"name": name})
    return redirect_page(request, "domains:broker-list")


@require_safe
def provider_list(request: ActorRequest) -> HttpResponseBase:
    there = ~Q(domains__status=Status.PURGED)
    rows = selectors.list_providers(request.actor).annotate(domain_count=Count("domains", filter=there))
    return PROVIDERS.answer(request, rows, "domains/provider_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def provider_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_SERVER)
    form = ProviderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            provider = providers.create_provider(request.actor, **form.cleaned_data)
            toast(request, _("Domains can choose %(name)s now.") % {"name": provider})
            return redirect_page(request, "domains:provider-list")
    return render_page(request, "domains/provider_create.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def provider_edit(request: ActorRequest, provider_id: int) -> HttpResponse:
    provider = selectors.get_provider(request.actor, provider_id)
    initial = {name: getattr(provider, name) for name in ("name", "spf_provider", "is_active")}
    form = ProviderForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            providers.update_provider(request.actor, provider, form.cleaned_data)
            toast(request, _("Saved."))
            return redirect_page(request, "domains:provider-list")
    count = provider.domains.exclude(status=Status.PURGED).count()
    danger = Danger(
        _("Delete the provider"),
        _("No domain sends through it."),
        _("Delete %(name)s") % {"name": provider},
        reverse("domains:provider-delete", args=[provider.pk]),
    )
    context = {"form": form, "provider": provider, "count": count, "danger": None if count else danger}
    return render_page(request, "domains/provider_edit.html", context)


@require_POST
def provider_delete(request: ActorRequest, provider_id: int) -> HttpResponse:
    provider = selectors.get_provider(request.actor, provider_id)
    name = provider.name
    try:
        providers.delete_provider(request.actor, provider)
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:provider-edit", provider_id)
    toast(request, _("%(name)s is deleted.") % {"name": name})
    return redirect_page(request, "domains:provider-list")
