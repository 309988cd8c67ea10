"""Writes of domains and their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress as BadAccountAddress
from accounts.permissions import Right
from config.kit import versions
from domains.errors import BadAddress, Invalid, Taken
from domains.models import Customer, Domain, DomainName, Status
from domains.services import counting, domain_settings, quotas
from domains.services.domain_states import IN_USE
from domains.services.fields import checked_limits
from domains.services.policies import make_default_policy


def parse_name(text: str, *, field: str = "name") -> str:
    """A domain name in canonical form. Raises: BadAddress."""
    try:
        return canonical_domain(text)
    except BadAccountAddress as error:
        raise BadAddress(str(error), field=field) from error


def create_domain(
    actor: Actor,
    *,
    name: str,
    customer: Customer | None = None,
    status: str = Status.ENABLED,
    policy: Mapping[str, Any] | None = None,
    **values: Any,
) -> Domain:
    """A new domain, of a customer or of the server itself, with a default policy.

    policy: values of that policy ({"quarantine": True}); else all its services but the incoming one are off.
    values: `domain_settings.SETTINGS`; `domain_settings.LIMITS` and quotas for who may set those.
    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid.
    """
    actor.require(Right.CREATE_DOMAINS, customer)
    limits = {key: values.pop(key) for key in domain_settings.LIMITS if key in values}
    if limits:
        actor.require(Right.MANAGE_LIMITS, customer)
    own_quotas = {key: values.pop(key) for key in quotas.FIELDS if key in values}
    if own_quotas:
        actor.require(Right.MANAGE_QUOTAS, customer)
    canonical = parse_name(name)
    if status not in IN_USE:
        raise Invalid(_("A new domain is enabled, disabled or pending."), field="status")
    with transaction.atomic():
        domain = add_domain_row(actor, canonical, customer=customer, policy=policy, status=status)
        if limits or own_quotas or values:
            quotas.check_values(own_quotas)
            versions.change(domain, {**checked_limits(limits, domain_settings.LIMITS), **own_quotas})
            domain_settings.apply(actor, domain, values)
            Domain.objects.filter(pk=domain.pk).update(version=1)  # nobody saw it in between
            domain.version = 1
    return domain


def add_domain_row(
    actor: Actor,
    name: str,
    *,
    customer: Customer | None = None,
    policy: Mapping[str, Any] | None = None,
    status: str = Status.ENABLED,
) -> Domain:
    """The rows of a new domain with its event; `name` is canonical. For callers that asked the right.

    Raises: Taken, LimitReached.
    """
    counting.add_domain(customer)
    suspended = customer is not None and not Customer.objects.get(pk=customer.pk).is_enabled
    try:
        with transaction.atomic():
            domain = Domain.objects.create(name=name, customer=customer, status=status, suspended_by_customer=suspended)
            DomainName.objects.create(name=name, domain=domain, is_alias=False)
    except IntegrityError as error:
        raise Taken(_("%(domain)s is taken already.") % {"domain": name}, field="name") from error
    make_default_policy(domain, policy)
    audit.record(actor, "domain.create", domain)
    return domain
