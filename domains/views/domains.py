"""Domains: the list, a new one, and the pages of one that show it and edit its settings where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.objects import ObjectPage, answer_value
from config.kit.pages import redirect_page, render_page, toast
from domains import inheritance, selectors
from domains.errors import DomainsError
from domains.forms.tenants import AccessForm, DomainForm, SettingForm
from domains.models import Customer, Domain, Status
from domains.services import domain_purging, domain_settings, domain_states
from domains.services.domains import create_domain
from domains.tables.tenants import DOMAINS
from domains.views import domain_values as shown
from domains.views.frames import domain_page, refusing
from domains.views.tenant_usage import answer_limits, domain_usage, occupation
from jobs import two_people
from jobs.bulk import submit_bulk

IN_PLACE = tuple(name for name in domain_settings.SETTINGS if name != "end_user_rights")


@require_safe
def domain_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_domains(request.actor)
    return DOMAINS.answer(
        request,
        rows,
        "domains/domain_list.html",
        {
            "may_make": request.actor.has_somewhere(Right.CREATE_DOMAINS),
            "may_import": request.actor.has_somewhere(Right.EDIT_DOMAINS),
        },
        bulk_url=reverse("domains:domain-bulk"),
        on_export=lambda: _record_export(request),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def domain_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, DOMAINS.name, back="domains:domain-list", submit=submit, list_label=DOMAINS.caption)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_create(request: ActorRequest) -> HttpResponse:
    """A new domain; `?customer=` proposes whose."""
    request.actor.require_somewhere(Right.CREATE_DOMAINS)
    customers = Customer.objects.visible_to(request.actor, Right.CREATE_DOMAINS).order_by("name")
    form = DomainForm(
        request.POST or None,
        initial={"customer": _proposed(request, customers)},
        customers=customers,
        may_be_nobodys=request.actor.has(Right.CREATE_DOMAINS),
    )
    if request.method == "POST" and form.is_valid():
        values = {key: value for key, value in form.cleaned_data.items() if value not in ("", None)}
        policy = dict.fromkeys(values.pop("services"), True)
        with refusing(form):
            domain = create_domain(request.actor, policy=policy, **values)
            toast(request, _("%(domain)s is added.") % {"domain": domain.display_name})
            return redirect_page(request, "domains:domain-detail", domain.pk)
    return render_page(request, "domains/domain_create.html", {"form": form})


@require_safe
def domain_detail(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = selectors.get_domain(request.actor, domain_id)
    actor = request.actor
    context = _frame(
        request,
        domain,
        values=shown.overview(request, domain),
        usage=domain_usage(domain),
        related=shown.names(request, domain),
        steps=shown.next_steps(request, domain),
        may_edit=actor.has(Right.EDIT_DOMAINS, domain),
        may_delete=actor.has(Right.DELETE_DOMAINS, domain),
        may_purge=domain.status == Status.DELETED
        and (domain_purging.may_purge(actor, domain) or two_people.needed(actor, Right.DELETE_DOMAINS, domain)),
        may_resume=domain_states.may_take_back(actor, domain, Right.EDIT_DOMAINS),
        may_restore=domain_states.may_take_back(actor, domain, Right.DELETE_DOMAINS),
        may_move=actor.has(Right.DELETE_DOMAINS, domain) and actor.has_somewhere(Right.CREATE_DOMAINS),
    )
    return render_page(request, "domains/domain_detail.html", context)


@require_safe
def domain_settings_page(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = selectors.get_domain(request.actor, domain_id)
    context = _frame(request, domain, groups=shown.groups(request, domain))
    return render_page(request, "domains/domain_settings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_value(request: ActorRequest, domain_id: int, name: str) -> HttpResponse:
    """One setting, edited where it stands."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    if name not in IN_PLACE:
        raise Http404("no such setting")
    form = SettingForm(request.POST or None, name=name, domain=domain)

    def save(values: Mapping[str, Any]) -> None:
        with refusing(form):
            domain_settings.update_domain(request.actor, domain, {name: values[name]}, expected=values["version"])

    back = "domain-detail" if name in domain_settings.TEXTS else "domain-settings"
    return answer_value(
        request,
        form,
        show=lambda: shown.value(request, domain, name),
        save=save,
        back_url=reverse(f"domains:{back}", args=[domain.pk]),
        page=_page(request, domain),
    )


@require_POST
def domain_reset(request: ActorRequest, domain_id: int, name: str) -> HttpResponse:
    """Back to what the customer or the server says."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    if name not in inheritance.FIELDS:
        raise Http404("no such setting")
    try:
        domain_settings.update_domain(request.actor, domain, {name: None})
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("It is inherited again."))
    return redirect_page(request, "domains:domain-settings", domain.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_access(request: ActorRequest, domain_id: int) -> HttpResponse:
    """What the people of the domain may do with their own things."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    setting = inheritance.settings_of(domain)["end_user_rights"]
    initial = {"inherit": setting.own is None, "rights": setting.value, "version": domain.version}
    form = AccessForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        expected = form.cleaned_data["version"]
        with refusing(form):
            domain_settings.update_domain(request.actor, domain, {"end_user_rights": form.value()}, expected=expected)
            toast(request, _("Saved."))
            return redirect_page(request, "domains:domain-settings", domain.pk)
    return render_page(request, "domains/domain_access.html", _frame(request, domain, form=form))


@require_http_methods(["GET", "HEAD", "POST"])
def domain_usage_page(request: ActorRequest, domain_id: int) -> HttpResponse:
    """Numbers against limits for everybody who sees the domain; the form for who may set limits."""
    need = Right.MANAGE_LIMITS if request.method == "POST" else Right.VIEW_DOMAINS
    domain = selectors.get_domain(request.actor, domain_id, need=need)
    return answer_limits(
        request,
        domain,
        domain_settings.LIMITS,
        save=domain_settings.set_domain_limits,
        here="domain-usage",
        context=lambda: _frame(request, domain, usage=domain_usage(domain) + occupation(domain)),
    )


def _record_export(request: ActorRequest) -> None:
    audit.record(request.actor, "domain.export", None, query=request.GET.urlencode()[:500])


def _page(request: ActorRequest, domain: Domain) -> ObjectPage:
    return domain_page(request, domain)


def _frame(request: ActorRequest, domain: Domain, **more: Any) -> dict[str, Any]:
    is_deleted = domain.status == Status.DELETED
    return {"object": _page(request, domain), "domain": domain, "is_deleted": is_deleted, **more}


def _proposed(request: ActorRequest, customers: QuerySet[Customer]) -> Customer | None:
    wanted = request.GET.get("customer", "")
    found = customers.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 19 else None
    only = list(customers[:2])
    return found or (only[0] if len(only) == 1 else None)
