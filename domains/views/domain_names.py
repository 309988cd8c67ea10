"""The names of a domain: its aliases, added, replaced, given up, made the main name; and another main name."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from domains import selectors
from domains.commands.domain_lifecycle import RenameDomainArguments
from domains.errors import DomainsError
from domains.forms.tenants import NamesForm, RenameForm
from domains.models import Domain, DomainName, Status
from domains.services import domain_names, renaming
from domains.services.renaming import Plan
from domains.views.frames import domain_page, refusing
from jobs import services as tasks

AT_ONCE = 5_000  # mailboxes renamed while the person waits; more are a task


@require_http_methods(["GET", "HEAD", "POST"])
def domain_names_page(request: ActorRequest, domain_id: int) -> HttpResponse:
    """All names; POST adds some."""
    need = Right.EDIT_DOMAINS if request.method == "POST" else Right.VIEW_DOMAINS
    domain = selectors.get_domain(request.actor, domain_id, need=need)
    form = NamesForm(request.POST if request.method == "POST" else None, initial={"version": domain.version})
    if request.method == "POST":
        domain_names.require_claiming(request.actor, domain)
        if form.is_valid():
            with refusing(form):
                added = domain_names.add_names(
                    request.actor, domain, form.cleaned_data["names"], expected=form.cleaned_data["version"]
                )
                said = ngettext("%(n)d name is added.", "%(n)d names are added.", len(added)) % {"n": len(added)}
                toast(
                    request, said if added else _("The domain has these names already."), "success" if added else "info"
                )
                return redirect_page(request, "domains:domain-names", domain.pk)
    return render_page(request, "domains/domain_names.html", _names(request, domain, form))


@require_http_methods(["GET", "HEAD", "POST"])
def domain_names_replace(request: ActorRequest, domain_id: int) -> HttpResponse:
    """All aliases at once."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    aliases = [alias.display_name for alias in domain.names.filter(is_alias=True).order_by("name")]
    initial = {"names": aliases, "version": domain.version}
    form = NamesForm(request.POST or None, initial=initial, prefix="all")
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            domain_names.replace_names(
                request.actor, domain, form.cleaned_data["names"], expected=form.cleaned_data["version"]
            )
            toast(request, _("These are the names of the domain now."))
            return redirect_page(request, "domains:domain-names", domain.pk)
    context = {"object": domain_page(request, domain), "domain": domain, "form": form}
    return render_page(request, "domains/domain_names_replace.html", context)


@require_POST
def domain_name_remove(request: ActorRequest, domain_id: int, name_id: int) -> HttpResponse:
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    name = _alias(domain, name_id)
    try:
        domain_names.remove_name(request.actor, domain, name)
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("%(name)s is given up. Somebody else may claim it now.") % {"name": name.display_name})
    return redirect_page(request, "domains:domain-names", domain.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_rename(request: ActorRequest, domain_id: int) -> HttpResponse:
    """Another main name: first what would change, in numbers, then done; `?name=` proposes one (an alias)."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.EDIT_DOMAINS)
    proposed = {"name": request.GET.get("name", "")[:255], "version": domain.version}
    form = RenameForm(request.POST if request.method == "POST" else None, initial=proposed)
    plan = None
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            plan = renaming.plan(request.actor, domain, form.cleaned_data["name"])
            if request.POST.get("confirmed") == plan.new and not plan.is_blocked:
                return _rename(request, domain, form.cleaned_data, plan)
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "form": form,
        "plan": plan,
        "may_claim": domain_names.may_claim_names(request.actor, domain),
    }
    return render_page(request, "domains/domain_rename.html", context)


def _rename(request: ActorRequest, domain: Domain, values: dict[str, Any], plan: Plan) -> HttpResponse:
    if plan.mailboxes > AT_ONCE:
        arguments = RenameDomainArguments(domain.name, plan.new, values["keep_old"], values["reason"])
        task = tasks.submit(request.actor, "RenameDomain", arguments)
        toast(request, _("This takes a moment. Its progress is here."), "info")
        return redirect_page(request, "jobs:task-detail", task.pk)
    renaming.rename_domain(
        request.actor,
        domain,
        plan.new,
        keep_old=values["keep_old"],
        reason=values["reason"],
        expected=values["version"],
    )
    toast(request, _("The domain is called %(name)s now.") % {"name": domain.display_name})
    return redirect_page(request, "domains:domain-detail", domain.pk)


def _names(request: ActorRequest, domain: Domain, form: NamesForm) -> dict[str, Any]:
    may_edit = domain.status != Status.DELETED and request.actor.has(Right.EDIT_DOMAINS, domain)
    return {
        "object": domain_page(request, domain),
        "domain": domain,
        "aliases": list(domain.names.filter(is_alias=True).order_by("name")),
        "form": form,
        "may_edit": may_edit,
        "may_claim": may_edit and domain_names.may_claim_names(request.actor, domain),
        "rename_url": reverse("domains:domain-rename", args=[domain.pk]),
    }


def _alias(domain: Domain, name_id: int) -> DomainName:
    found = domain.names.filter(pk=name_id).first()
    if found is None:
        raise Http404("no such name")
    return found
