"""What changes a domain as a whole: state, customer, deletion, restoring, purge; each says its numbers first."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import options, proving
from accounts.errors import Forbidden
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import day
from domains import selectors
from domains.commands.domain_lifecycle import MoveDomainArguments, PurgeDeletedDomainsArguments
from domains.errors import DomainsError
from domains.forms.tenants import DomainDeleteForm, MoveForm
from domains.models import Customer, Domain, Status
from domains.purge_wording import plan_lines
from domains.services import domain_purging, domain_states, moving
from domains.views.domain_names import AT_ONCE
from domains.views.frames import domain_page, refusing
from jobs import services as tasks
from jobs import two_people
from jobs.views.approvals import ask_and_answer


@require_POST
def domain_state(request: ActorRequest, domain_id: int) -> HttpResponse:
    """Enable, disable, or set to pending."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    try:
        domain_states.set_status(
            request.actor, domain, request.POST.get("status", ""), reason=request.POST.get("reason", "")[:500]
        )
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        said = {
            Status.ENABLED: _("%(domain)s is in service."),
            Status.DISABLED: _("%(domain)s is suspended: its mail stops, and its people can't sign in."),
        }.get(Status(domain.status), _("%(domain)s waits to be put into service."))
        toast(request, said % {"domain": domain.display_name})
    return redirect_page(request, "domains:domain-detail", domain.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_move(request: ActorRequest, domain_id: int) -> HttpResponse:
    """To another customer: first what it comes to and what is in the way, then done."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.DELETE_DOMAINS)
    request.actor.require_somewhere(Right.CREATE_DOMAINS)
    customers = Customer.objects.visible_to(request.actor, Right.CREATE_DOMAINS).exclude(pk=domain.customer_id or 0)
    may_be_nobodys = domain.customer_id is not None and request.actor.has(Right.CREATE_DOMAINS)
    form = MoveForm(
        request.POST or None,
        initial={"version": domain.version},
        customers=customers.order_by("name"),
        may_be_nobodys=may_be_nobodys,
    )
    plan = None
    if request.method == "POST" and form.is_valid():
        customer = form.cleaned_data["customer"]
        plan = moving.plan(request.actor, [domain], customer)
        if request.POST.get("confirmed") == _key(customer) and not plan.obstacles:
            with refusing(form):
                return _move(request, domain, customer, form.cleaned_data)
    confirmed = _key(form.cleaned_data["customer"]) if plan is not None else ""
    context = _frame(request, domain, form=form, plan=plan, confirmed=confirmed)
    return render_page(request, "domains/domain_move.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_delete(request: ActorRequest, domain_id: int) -> HttpResponse:
    """Deleting as a state; what will be purged later is said now."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.DELETE_DOMAINS)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = DomainDeleteForm(request.POST or None, initial={"version": domain.version}, domain=domain)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            domain_states.delete_domain(
                request.actor, domain, reason=form.cleaned_data["reason"], expected=form.cleaned_data["version"]
            )
            assert domain.purge_at is not None
            until = day(domain.purge_at)
            said = _("%(domain)s is deleted. It can be restored until %(day)s.")
            toast(request, said % {"domain": domain.display_name, "day": until})
            return redirect_page(request, "domains:domain-detail", domain.pk)
    days = options.value(domain_states.DELETION_DAYS, domain)
    plan = domain_purging.plan(request.actor, domain)
    context = _frame(request, domain, form=form, days=days, plan=plan, lines=plan_lines(plan))
    return render_page(request, "domains/domain_delete.html", context)


@require_POST
def domain_restore(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = selectors.get_domain(request.actor, domain_id, need=Right.DELETE_DOMAINS)
    try:
        domain_states.restore_domain(request.actor, domain)
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("%(domain)s is back, with everything in it.") % {"domain": domain.display_name})
    return redirect_page(request, "domains:domain-detail", domain.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_purge(request: ActorRequest, domain_id: int) -> HttpResponse:
    """What goes and what stays, in numbers; then done, by who may before its date (a large one as a task)."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.DELETE_DOMAINS)
    if domain.status != Status.DELETED:
        toast(request, _("Only a deleted domain is purged."), "warning")
        return redirect_page(request, "domains:domain-detail", domain.pk)
    waits = domain_purging.is_early(domain) and two_people.needed(request.actor, Right.DELETE_DOMAINS, domain)
    may_ask = waits or domain_purging.may_purge(request.actor, domain)
    if request.method == "POST" and not may_ask:
        raise Forbidden("before its date")
    form = DomainDeleteForm(request.POST or None, initial={"version": domain.version}, domain=domain)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            answer = _purge(request, domain, form)
            if answer is not None:
                return answer
    plan = domain_purging.plan(request.actor, domain)
    context = _frame(request, domain, form=form if may_ask else None, plan=plan, lines=plan_lines(plan), waits=waits)
    return render_page(request, "domains/domain_purge.html", context)


def _purge(request: ActorRequest, domain: Domain, form: DomainDeleteForm) -> HttpResponse | None:
    reason = form.cleaned_data["reason"]
    if domain_purging.is_early(domain) and two_people.needed(request.actor, Right.DELETE_DOMAINS, domain):
        return ask_and_answer(request, form, "PurgeDeletedDomains", PurgeDeletedDomainsArguments([domain.name]))
    if domain.mailbox_count > AT_ONCE:
        task = tasks.submit(request.actor, "PurgeDeletedDomains", PurgeDeletedDomainsArguments([domain.name]))
        toast(request, _("This takes a moment. Its progress is here."), "info")
        return redirect_page(request, "jobs:task-detail", task.pk)
    domain_purging.purge_domain(request.actor, domain, reason=reason)
    toast(request, _("%(domain)s is purged. Archived mail stays.") % {"domain": domain.display_name})
    return redirect_page(request, "domains:domain-list")


def _move(request: ActorRequest, domain: Domain, customer: Customer | None, values: dict[str, Any]) -> HttpResponse:
    if domain.mailbox_count > AT_ONCE:
        arguments = MoveDomainArguments(domain.name, customer.name if customer else "", values["reason"])
        task = tasks.submit(request.actor, "MoveDomain", arguments)
        toast(request, _("This takes a moment. Its progress is here."), "info")
        return redirect_page(request, "jobs:task-detail", task.pk)
    moving.move_domain(request.actor, domain, customer, reason=values["reason"], expected=values["version"])
    whose = customer.name if customer else _("the server itself")
    said = _("%(domain)s belongs to %(customer)s now.") % {"domain": domain.display_name, "customer": whose}
    toast(request, said)
    if not request.actor.has(Right.VIEW_DOMAINS, domain):
        return redirect_page(request, "domains:domain-list")
    return redirect_page(request, "domains:domain-detail", domain.pk)


def _key(customer: Customer | None) -> str:
    return "server" if customer is None else str(customer.pk)


def _frame(request: ActorRequest, domain: Domain, **more: Any) -> dict[str, Any]:
    return {"object": domain_page(request, domain), "domain": domain, **more}
