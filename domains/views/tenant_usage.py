"""How much of its limits a broker, customer or domain uses, and setting them: counters, and sizes from quotas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from django.db.models import Sum
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from domains.forms.tenants import LimitsForm
from domains.limits import UNLIMITED
from domains.models import Broker, Customer, Domain
from domains.services import broker_limits, quotas
from domains.tenant_wording import Usage
from domains.views.frames import refusing

Tenant = TypeVar("Tenant", Broker, Customer, Domain)
Whose = TypeVar("Whose", Broker, Customer, Domain, contravariant=True)


class Save(Protocol[Whose]):
    """The service that sets the limits."""

    def __call__(
        self, actor: Actor, tenant: Whose, values: Mapping[str, Any], /, *, expected: int | None
    ) -> object: ...


def answer_limits(
    request: ActorRequest,
    tenant: Tenant,
    names: Sequence[str],
    *,
    save: Save[Tenant],
    here: str,
    context: Callable[[], dict[str, Any]],
) -> HttpResponse:
    """The page of usage and limits; the form only for who may set them. The caller asked for the right.

    `here` is the page's name; `context` gives its frame and its usage, as they are after saving.
    """
    initial = {name: getattr(tenant, name) for name in (*names, "version")}
    form = LimitsForm(request.POST or None, model=type(tenant), names=names, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            save(request.actor, tenant, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The limits are saved."))
            return redirect_page(request, f"domains:{here}", tenant.pk)
    may_set = isinstance(tenant, Broker) or request.actor.has(Right.MANAGE_LIMITS, tenant)
    template = f"domains/{here.replace('-', '_')}.html"
    return render_page(request, template, context() | {"form": form if may_set else None})


def broker_usage(broker: Broker) -> list[Usage]:
    """What its customers have together. The caller asked whether the actor may see the broker."""
    used = broker_limits.used(broker)
    labels = {
        "customers": _("Customers"), "domains": _("Domains"), "mailbox_count": _("Mailboxes"),
        "alias_count": _("Aliases"), "group_count": _("Groups"), "list_count": _("Mailing lists"),
    }  # fmt: skip
    return [
        *(Usage(labels[name], used[name], getattr(broker, limit)) for name, limit in broker_limits.LIMITED.items()),
        *_sizes(broker.max_bytes, broker=broker),
    ]


def domain_usage(domain: Domain) -> list[Usage]:
    """The caller asked whether the actor may see the domain; the pages behind the numbers ask again."""
    users, groups, lists = (
        reverse(f"domains:{name}", args=[domain.pk]) for name in ("domain-users", "domain-groups", "domain-lists")
    )
    return [
        Usage(_("Mailboxes"), domain.mailbox_count, domain.max_mailboxes, url=users),
        Usage(_("Aliases"), domain.alias_count, domain.max_aliases),
        Usage(_("Groups"), domain.group_count, domain.max_groups, url=groups),
        Usage(_("Mailing lists"), domain.list_count, domain.max_lists, url=lists),
        *_sizes(domain.max_bytes, domain=domain),
    ]


def customer_usage(customer: Customer) -> list[Usage]:
    """The caller asked whether the actor may see the customer."""
    sums = Domain.objects.filter(customer=customer).aggregate(
        aliases=Sum("alias_count"), groups=Sum("group_count"), lists=Sum("list_count")
    )
    return [
        Usage(_("Domains"), customer.domain_count, customer.max_domains),
        Usage(_("Mailboxes"), customer.mailbox_count, customer.max_mailboxes),
        Usage(_("Aliases"), sums["aliases"] or 0, customer.max_aliases),
        Usage(_("Groups"), sums["groups"] or 0, customer.max_groups),
        Usage(_("Mailing lists"), sums["lists"] or 0, customer.max_lists),
        *_sizes(customer.max_bytes, customer=customer),
    ]


def occupation(tenant: Domain | Customer) -> list[Usage]:
    """What the mailboxes hold now, against what they may have together. The caller asked for the right."""
    of = {"domain": tenant} if isinstance(tenant, Domain) else {"customer": tenant}
    size, messages = quotas.occupied(**of)
    return [
        Usage(_("Kept in mailboxes"), size, tenant.max_bytes, is_size=True),
        Usage(_("Messages in mailboxes"), messages, None),
    ]


def _sizes(limit: int | None, **of: Any) -> list[Usage]:
    """What quotas give, where that is limited: adding it up reads every mailbox."""
    if limit is None or limit == UNLIMITED:
        return []
    return [Usage(_("Mailbox sizes, added up"), quotas.given(**of), limit, is_size=True)]
