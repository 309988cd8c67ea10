"""Customers and domains in the navigation, the palette, the top bar's places, the tabs, and on the overview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import ResolverMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import bulk, dashboard, nav, switching, tabs
from config.kit.dashboard import Figure, FirstStep
from config.kit.finding import Found, register_objects
from config.kit.switching import Place, same_page
from config.kit.templatetags.kit import day
from domains import selectors
from domains.bulk.tenants import CUSTOMER_ACTIONS, DOMAIN_ACTIONS
from domains.models import Customer, Domain
from domains.tables.tenants import CUSTOMERS, DOMAINS, named
from domains.views.tenant_usage import domain_usage

SHOWN = 6


def register() -> None:
    _navigation()
    _tabs()
    bulk.register(DOMAINS, selectors.list_domains, *DOMAIN_ACTIONS)
    bulk.register(CUSTOMERS, selectors.list_customers, *CUSTOMER_ACTIONS)
    register_objects(gettext_lazy("Customer"), "building-office", find_customers, order=20)
    register_objects(gettext_lazy("Domain"), "globe-alt", find_domains, order=30)
    switching.register_switcher(CustomerSwitcher(), order=10)
    switching.register_switcher(DomainSwitcher(), order=20)
    dashboard.register_first_step(first_domain)
    dashboard.register_figure(_domains, order=10)
    dashboard.register_card(
        "domains-near-limits", gettext_lazy("Near their limits"), "domains/card_domains.html", near_limits,
        order=36, span=6, url_name="domains:domain-list", more=gettext_lazy("All domains"),
    )  # fmt: skip
    dashboard.register_card(
        "domains-waiting", gettext_lazy("Domains that wait"), "domains/card_domains.html", waiting,
        order=37, span=6, url_name="domains:domain-list", more=gettext_lazy("All domains"),
    )  # fmt: skip


def _navigation() -> None:
    nav.register(
        "directory", gettext_lazy("Customers"), "domains:customer-list", "building-office",
        right=Right.VIEW_CUSTOMERS, order=10, keys="c", words=gettext_lazy("tenants organisations"),
    )  # fmt: skip
    nav.register(
        "directory", gettext_lazy("Domains"), "domains:domain-list", "globe-alt", right=Right.VIEW_DOMAINS, order=20,
        keys="d", words=gettext_lazy("names aliases"),
    )  # fmt: skip
    nav.register_command(
        gettext_lazy("Brokers"), "domains:broker-list", "briefcase", right=Right.MANAGE_BROKERS, section="directory",
        order=11,
    )  # fmt: skip
    nav.register(
        "server", gettext_lazy("Outgoing providers"), "domains:provider-list", "paper-airplane",
        right=Right.MANAGE_SERVER, order=45, words=gettext_lazy("SPF sending"),
    )  # fmt: skip
    nav.register_command(
        gettext_lazy("New customer"), "domains:customer-create", "plus", right=Right.MANAGE_CUSTOMERS,
        section="directory", order=12,
    )  # fmt: skip
    nav.register_command(
        gettext_lazy("Add a domain"), "domains:domain-create", "plus", right=Right.CREATE_DOMAINS, section="directory",
        order=21,
    )  # fmt: skip


def _tabs() -> None:
    customer, domain = Right.VIEW_CUSTOMERS, Right.VIEW_DOMAINS
    tabs.register(
        "customer", gettext_lazy("Overview"), "domains:customer-detail", right=customer, order=10,
        under=("domains:customer-edit",),
    )  # fmt: skip
    tabs.register(
        "customer", gettext_lazy("Domains"), "domains:customer-domains", right=domain, order=20,
        count=lambda actor, obj: int(obj.domain_count),
    )  # fmt: skip
    tabs.register("customer", gettext_lazy("Limits"), "domains:customer-limits", right=customer, order=40)
    tabs.register(
        "domain", gettext_lazy("Overview"), "domains:domain-detail", right=domain, order=10,
        under=("domains:domain-move", "domains:domain-delete", "domains:domain-purge"),
    )  # fmt: skip
    tabs.register(
        "domain", gettext_lazy("Names"), "domains:domain-names", right=domain, order=20,
        under=("domains:domain-rename", "domains:domain-names-replace"),
    )  # fmt: skip
    tabs.register(
        "domain", gettext_lazy("Settings"), "domains:domain-settings", right=domain, order=30,
        under=("domains:domain-value", "domains:domain-access"),
    )  # fmt: skip
    tabs.register("domain", gettext_lazy("Limits"), "domains:domain-usage", right=domain, order=40)


# --- the palette --------------------------------------------------------------------------------------------------


def find_customers(actor: Any, text: str, limit: int) -> Iterable[Found]:
    seen = Customer.objects.visible_to(actor, Right.VIEW_CUSTOMERS).filter(name__icontains=text)
    for customer in seen.order_by("name")[:limit]:
        yield Found(customer.name, reverse("domains:customer-detail", args=[customer.pk]))


def find_domains(actor: Any, text: str, limit: int) -> Iterable[Found]:
    if not actor.has_somewhere(Right.VIEW_DOMAINS):
        return
    seen = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).filter(named(text)).select_related("customer")
    for domain in seen.order_by("name")[:limit]:
        aside = domain.customer.name if domain.customer else ""
        yield Found(domain.display_name, reverse("domains:domain-detail", args=[domain.pk]), aside)


# --- the top bar --------------------------------------------------------------------------------------------------


class CustomerSwitcher:
    """The customer a page is about, for who has more than one."""

    name = "customer"
    label = gettext_lazy("Customer")

    def current(self, request: HttpRequest, match: ResolverMatch) -> Place | None:
        key = match.kwargs.get("customer_id")
        if not isinstance(key, int):
            return None
        actor = getattr(request, "actor", None)
        seen = Customer.objects.visible_to(actor, Right.VIEW_CUSTOMERS).filter(pk=key) if actor else None
        found = seen.first() if seen is not None else None
        return None if found is None else Place(found.name, reverse("domains:customer-detail", args=[found.pk]))

    def choices(self, actor: Any, match: ResolverMatch, text: str, limit: int) -> Sequence[Place]:
        seen = Customer.objects.visible_to(actor, Right.VIEW_CUSTOMERS).filter(name__icontains=text).order_by("name")
        here = match.kwargs.get("customer_id")
        return [
            Place(
                each.name,
                same_page(match, "customer_id", each.pk, otherwise=reverse("domains:customer-detail", args=[each.pk])),
                each.pk == here,
            )
            for each in seen[:limit]
        ]


class DomainSwitcher:
    """The domain a page is about."""

    name = "domain"
    label = gettext_lazy("Domain")

    def current(self, request: HttpRequest, match: ResolverMatch) -> Place | None:
        key = match.kwargs.get("domain_id")
        if not isinstance(key, int):
            return None
        actor = getattr(request, "actor", None)
        seen = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).filter(pk=key) if actor else None
        found = seen.first() if seen is not None else None
        if found is None:
            return None
        return Place(found.display_name, reverse("domains:domain-detail", args=[found.pk]))

    def choices(self, actor: Any, match: ResolverMatch, text: str, limit: int) -> Sequence[Place]:
        seen = Domain.objects.visible_to(actor, Right.VIEW_DOMAINS).order_by("name")
        if text:
            seen = seen.filter(named(text))
        here = match.kwargs.get("domain_id")
        return [
            Place(
                each.display_name,
                same_page(match, "domain_id", each.pk, otherwise=reverse("domains:domain-detail", args=[each.pk])),
                each.pk == here,
            )
            for each in seen[:limit]
        ]


# --- the overview -------------------------------------------------------------------------------------------------


def first_domain(actor: Any) -> FirstStep | None:
    """Nothing served yet: the first domain."""
    if not actor.has_somewhere(Right.CREATE_DOMAINS) or selectors.list_domains(actor).exists():
        return None
    return FirstStep(
        _("No domain is served yet"),
        _("Add the domain behind the @ of your addresses, then its users, by hand or with a CSV file."),
        reverse("domains:domain-create"),
        _("Add a domain"),
        icon="globe-alt",
    )


def _domains(actor: Any) -> Figure | None:
    if not actor.has_somewhere(Right.VIEW_DOMAINS):
        return None
    return Figure(gettext_lazy("Domains"), selectors.list_domains(actor).count(), url=reverse("domains:domain-list"))


def near_limits(actor: Any) -> dict[str, Any] | None:
    """Domains in which something is nearly used up; nothing where all have room."""
    if not isinstance(actor, Actor) or not actor.has_somewhere(Right.VIEW_DOMAINS):
        return None
    found = selectors.domains_near_limits(actor).order_by("name")[:SHOWN]
    lines = [(domain, ", ".join(_tight(domain))) for domain in found]
    return {"lines": lines} if lines else None


def waiting(actor: Any) -> dict[str, Any] | None:
    """Deleted domains that are purged soon, and pending ones."""
    if not isinstance(actor, Actor) or not actor.has_somewhere(Right.VIEW_DOMAINS):
        return None
    purged = list(selectors.domains_to_be_purged(actor)[:SHOWN])
    lines = [(domain, _("purged on %(day)s") % {"day": day(domain.purge_at)}) for domain in purged]
    pending = selectors.pending_domains(actor).order_by("created_at")[: SHOWN - len(lines)]
    lines += [(domain, _("pending")) for domain in pending]
    return {"lines": lines} if lines else None


def _tight(domain: Domain) -> list[str]:
    return [f"{each.label} {each.text}" for each in domain_usage(domain) if each.tone]
