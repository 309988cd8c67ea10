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
from domains.errors import BadAddress, Taken
from domains.models import Customer, Domain, DomainName
from domains.services import counting
from domains.services.policies import make_default_policy


def parse_name(text: str, *, field: str = "name") -> str:
    """A domain name in canonical form. Raises: BadAddress."""
    try:
        return canonical_domain(text)
    except BadAccountAddress as error:
        raise BadAddress(str(error), field=field) from error


def create_domain(actor: Actor, *, name: str, customer: Customer | None = None, **fields: Any) -> Domain:
    """A new domain, of a customer or of the server itself, with a default policy.

    fields: those of the row, and `policy`: values of that policy ({"quarantine": True}); else all its services but the
    incoming one are off. Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid.
    """
    actor.require(Right.CREATE_DOMAINS, customer)
    canonical = parse_name(name)
    with transaction.atomic():
        return add_domain_row(actor, canonical, customer=customer, **fields)


def add_domain_row(
    actor: Actor,
    name: str,
    *,
    customer: Customer | None = None,
    policy: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Domain:
    """The rows of a new domain with its event; `name` is canonical. For callers that asked the right.

    Raises: Taken, LimitReached.
    """
    counting.add_domain(customer)
    try:
        with transaction.atomic():
            domain = Domain.objects.create(name=name, customer=customer, **fields)
            DomainName.objects.create(name=name, domain=domain, is_alias=False)
    except IntegrityError as error:
        raise Taken(_("%(domain)s is taken already.") % {"domain": name}, field="name") from error
    make_default_policy(domain, policy)
    audit.record(actor, "domain.create", domain)
    return domain
