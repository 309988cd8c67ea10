"""Customers, domains and mailboxes for tests, made by the services."""

from __future__ import annotations

import itertools
from typing import Any

from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.permissions import Level
from domains.models import Customer, Domain, Mailbox
from domains.services.domains import create_domain
from domains.services.mailboxes import create_mailbox
from tests.factories import make_user

_numbers = itertools.count(1)


def make_customer(name: str | None = None, **fields: Any) -> Customer:
    return Customer.objects.create(name=name or f"Customer {next(_numbers)}", **fields)


def make_domain(name: str | None = None, customer: Customer | None = None, **fields: Any) -> Domain:
    return create_domain(
        Actor.system(), name=name or f"domain{next(_numbers)}.example.org", customer=customer, **fields
    )


def make_mailbox_in(domain: Domain, local: str | None = None, **fields: Any) -> Mailbox:
    email = f"{local or f'resident{next(_numbers)}'}@{domain.name}"
    return create_mailbox(Actor.system(), domain, email=email, **fields)


def make_delegate(
    scope: Customer | Domain, *, role: str | None = None, email: str | None = None, rights: list[str] | None = None
) -> User:
    """Somebody who administers a customer or a domain, and has no mailbox there."""
    level = Level.DOMAIN if isinstance(scope, Domain) else Level.CUSTOMER
    key = role if role is not None else f"{level}_administrator"
    user = make_user(email or f"delegate{next(_numbers)}@delegates.example.org")
    Grant.objects.create(
        user=user, role_key="" if rights else key, rights=rights or [], level=level, object_id=scope.pk,
        object_label=str(scope),
    )  # fmt: skip
    return user
