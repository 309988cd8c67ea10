"""Customers: the list, a new one, and the pages of one: overview, domains, limits, state, deletion."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.objects import Danger, Related, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import ago, number
from domains import selectors
from domains.errors import DomainsError
from domains.forms.tenants import CustomerForm
from domains.models import Broker, Customer
from domains.services import customers
from domains.tables.tenants import CUSTOMERS, DOMAINS
from domains.views.frames import customer_page, refusing
from domains.views.tenant_usage import answer_limits, customer_usage, occupation
from jobs.bulk import submit_bulk

SHOWN = 6


@require_safe
def customer_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_customers(request.actor)
    return CUSTOMERS.answer(
        request,
        rows,
        "domains/customer_list.html",
        {"may_make": request.actor.has_somewhere(Right.MANAGE_CUSTOMERS)},
        bulk_url=reverse("domains:customer-bulk"),
        on_export=lambda: _record_export(request),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def customer_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(
        request, CUSTOMERS.name, back="domains:customer-list", submit=submit, list_label=CUSTOMERS.caption
    )


@require_http_methods(["GET", "HEAD", "POST"])
def customer_create(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.MANAGE_CUSTOMERS)
    needs_broker = not request.actor.has(Right.MANAGE_CUSTOMERS)
    form = CustomerForm(request.POST or None, brokers=_brokers(request), needs_broker=needs_broker)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            values = {key: value for key, value in form.cleaned_data.items() if key != "version"}
            customer = customers.create_customer(request.actor, **values)
            toast(request, _("%(customer)s is a customer now.") % {"customer": customer})
            return redirect_page(request, "domains:customer-detail", customer.pk)
    return render_page(request, "domains/customer_create.html", {"form": form})


@require_safe
def customer_detail(request: ActorRequest, customer_id: int) -> HttpResponse:
    customer = selectors.get_customer(request.actor, customer_id)
    may_manage = request.actor.has(Right.MANAGE_CUSTOMERS, customer)
    may_see = request.actor.has(Right.VIEW_DOMAINS, customer)
    context = {
        "object": customer_page(request, customer),
        "customer": customer,
        "values": _values(customer),
        "usage": customer_usage(customer),
        "related": _domains(request, customer) if may_see else None,
        "may_manage": may_manage,
        "danger": _danger(request, customer) if may_manage else None,
    }
    return render_page(request, "domains/customer_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def customer_edit(request: ActorRequest, customer_id: int) -> HttpResponse:
    customer = selectors.get_customer(request.actor, customer_id, need=Right.MANAGE_CUSTOMERS)
    names = ("name", "description", "external_id", "broker", "version")
    initial = {name: getattr(customer, name) for name in names}
    form = CustomerForm(request.POST or None, initial=initial, brokers=_brokers(request, customer))
    if request.method == "POST" and form.is_valid():
        values = {key: value for key, value in form.cleaned_data.items() if key != "version"}
        with refusing(form):
            customers.update_customer(request.actor, customer, values, expected=form.cleaned_data["version"])
            toast(request, _("Saved."))
            return redirect_page(request, "domains:customer-detail", customer.pk)
    return render_page(request, "domains/customer_edit.html", _frame(request, customer, form=form))


@require_safe
def customer_domains(request: ActorRequest, customer_id: int) -> HttpResponseBase:
    customer = selectors.get_customer(request.actor, customer_id, need=Right.VIEW_DOMAINS)
    rows = selectors.list_domains(request.actor, customer.pk)
    may_make = request.actor.has(Right.CREATE_DOMAINS, customer)
    context = _frame(request, customer, may_make=may_make)
    return DOMAINS.answer(
        request, rows, "domains/customer_domains.html", context, bulk_url=reverse("domains:domain-bulk")
    )


@require_http_methods(["GET", "HEAD", "POST"])
def customer_limits(request: ActorRequest, customer_id: int) -> HttpResponse:
    """Usage against limits for everybody who sees the customer; the form for who may set limits."""
    need = Right.MANAGE_LIMITS if request.method == "POST" else Right.VIEW_CUSTOMERS
    customer = selectors.get_customer(request.actor, customer_id, need=need)
    return answer_limits(
        request,
        customer,
        customers.LIMITS,
        save=customers.set_customer_limits,
        here="customer-limits",
        context=lambda: _frame(request, customer, usage=customer_usage(customer) + occupation(customer)),
    )


@require_POST
def customer_state(request: ActorRequest, customer_id: int) -> HttpResponse:
    customer = selectors.get_customer(request.actor, customer_id, need=Right.MANAGE_CUSTOMERS)
    enable = request.POST.get("enabled") == "yes"
    act = customers.enable_customer if enable else customers.disable_customer
    try:
        count = act(request.actor, customer, reason=request.POST.get("reason", "")[:500])
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:customer-detail", customer.pk)
    said = (
        ngettext("%(n)s domain is served again.", "%(n)s domains are served again.", count)
        if enable
        else ngettext("%(n)s domain is suspended.", "%(n)s domains are suspended.", count)
    )
    toast(request, said % {"n": number(count)})
    return redirect_page(request, "domains:customer-detail", customer.pk)


@require_POST
def customer_delete(request: ActorRequest, customer_id: int) -> HttpResponse:
    customer = selectors.get_customer(request.actor, customer_id, need=Right.MANAGE_CUSTOMERS)
    name = customer.name
    try:
        customers.delete_customer(request.actor, customer)
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:customer-detail", customer_id)
    toast(request, _("%(customer)s is deleted.") % {"customer": name})
    return redirect_page(request, "domains:customer-list")


def _frame(request: ActorRequest, customer: Customer, **more: Any) -> dict[str, Any]:
    return {"object": customer_page(request, customer), "customer": customer, **more}


def _brokers(request: ActorRequest, customer: Customer | None = None) -> QuerySet[Broker]:
    """Where the actor may have a customer, and where this one is."""
    mine = Broker.objects.visible_to(request.actor, Right.MANAGE_CUSTOMERS)
    return (
        mine if customer is None or customer.broker_id is None else mine | Broker.objects.filter(pk=customer.broker_id)
    )


def _values(customer: Customer) -> list[ShownValue]:
    return [
        ShownValue(_("Description"), customer.description),
        ShownValue(_("External id"), customer.external_id, css="mono"),
        ShownValue(_("Broker"), str(customer.broker) if customer.broker else _("none: of this server itself")),
        ShownValue(_("Added"), ago(customer.created_at)),
    ]


def _domains(request: ActorRequest, customer: Customer) -> Related:
    found = selectors.list_domains(request.actor, customer.pk).order_by("name")
    rows = [
        (domain.display_name, reverse("domains:domain-detail", args=[domain.pk]), _mailboxes(domain.mailbox_count))
        for domain in found[:SHOWN]
    ]
    add = reverse("domains:domain-create") + f"?customer={customer.pk}"
    may_add = request.actor.has(Right.CREATE_DOMAINS, customer)
    return Related(
        _("Domains"),
        rows,
        customer.domain_count,
        reverse("domains:customer-domains", args=[customer.pk]),
        add_url=add if may_add else "",
        add_label=_("Add a domain"),
    )


def _mailboxes(count: int) -> str:
    return ngettext("%(count)s mailbox", "%(count)s mailboxes", count) % {"count": number(count)}


def _danger(request: ActorRequest, customer: Customer) -> Danger | None:
    """Deleting, where nothing is in the way; what is in the way is said on the page."""
    found = customers.contents(request.actor, customer)
    if not found.is_empty:
        return None
    return Danger(
        _("Delete the customer"),
        _("It has no domains. What was granted on it goes with it; people stay."),
        _("Delete %(customer)s") % {"customer": customer},
        reverse("domains:customer-delete", args=[customer.pk]),
        typed=customer.name,
        numbers=[
            (count, what)
            for count, what in (
                (found.grants, ngettext("person's rights on it", "people's rights on it", found.grants)),
                (found.roles, ngettext("own role", "own roles", found.roles)),
                (found.options, ngettext("option", "options", found.options)),
            )
            if count
        ],
    )


def _record_export(request: ActorRequest) -> None:
    audit.record(request.actor, "customer.export", None, query=request.GET.urlencode()[:500])
