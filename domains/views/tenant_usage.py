"""How much of their limits a customer and a domain use: numbers from counters, sizes from the quotas given."""

from __future__ import annotations

from django.db.models import Sum
from django.utils.translation import gettext as _

from domains.limits import UNLIMITED
from domains.models import Customer, Domain
from domains.services import quotas
from domains.tenant_wording import Usage


def domain_usage(domain: Domain) -> list[Usage]:
    """The caller asked whether the actor may see the domain."""
    return [
        Usage(_("Mailboxes"), domain.mailbox_count, domain.max_mailboxes),
        Usage(_("Aliases"), domain.alias_count, domain.max_aliases),
        Usage(_("Groups"), domain.group_count, domain.max_groups),
        Usage(_("Mailing lists"), domain.list_count, domain.max_lists),
        *_sizes(domain.max_bytes, domain, None),
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
        *_sizes(customer.max_bytes, None, customer),
    ]


def _sizes(limit: int | None, domain: Domain | None, customer: Customer | None) -> list[Usage]:
    """What quotas give, where that is limited: adding it up reads every mailbox."""
    if limit is None or limit == UNLIMITED:
        return []
    return [Usage(_("Mailbox sizes, added up"), quotas.given(domain=domain, customer=customer), limit, is_size=True)]
