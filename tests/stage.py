"""The cast of the access sweep, the ground they stand on, and a stage on which nothing lasts.

The ground: a customer with two domains, `domain` and `sibling`, and another customer with `elsewhere`. `user` lives in
`domain`, `stranger` in `elsewhere`; the delegates administer one of these and live nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import Client, override_settings

from accounts.models import User
from domains.models import Customer, Domain
from tests import factories
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


class Role(StrEnum):
    """Everybody who knocks at every door."""

    ANONYMOUS = "anonymous"
    USER = "user"
    STRANGER = "stranger"
    HELP_DESK = "help desk"
    AUDITOR = "auditor"
    DOMAIN = "domain administrator"
    SIBLING = "of a sibling domain"
    CUSTOMER = "customer administrator"
    ELSEWHERE = "of another customer"
    ADMINISTRATOR = "system administrator"


@dataclass(frozen=True)
class Cast:
    """Who stands in the tests, and where."""

    user: User
    stranger: User
    administrator: User
    help_desk: User
    auditor: User
    domain_administrator: User
    sibling_administrator: User
    customer_administrator: User
    elsewhere_administrator: User
    customer: Customer
    elsewhere_customer: Customer
    domain: Domain
    sibling: Domain
    elsewhere: Domain

    def person(self, role: Role) -> User | None:
        """Who plays a role."""
        return {
            Role.ANONYMOUS: None,
            Role.USER: self.user,
            Role.STRANGER: self.stranger,
            Role.HELP_DESK: self.help_desk,
            Role.AUDITOR: self.auditor,
            Role.DOMAIN: self.domain_administrator,
            Role.SIBLING: self.sibling_administrator,
            Role.CUSTOMER: self.customer_administrator,
            Role.ELSEWHERE: self.elsewhere_administrator,
            Role.ADMINISTRATOR: self.administrator,
        }[role]


def make_cast() -> Cast:
    """Everybody, made by the services."""
    customer, elsewhere_customer = make_customer("Ours"), make_customer("Theirs")
    domain = make_domain("example.org", customer)
    sibling = make_domain("sibling.example.org", customer)
    elsewhere = make_domain("example.net", elsewhere_customer)
    user, stranger = make_mailbox_in(domain, "user").user, make_mailbox_in(elsewhere, "stranger").user
    assert user is not None and stranger is not None
    return Cast(
        user=user,
        stranger=stranger,
        administrator=factories.make_administrator("administrator@example.org"),
        help_desk=make_delegate(domain, role="help_desk", email="help@delegates.example"),
        auditor=make_delegate(domain, role="auditor", email="auditor@delegates.example"),
        domain_administrator=make_delegate(domain, email="domain@delegates.example"),
        sibling_administrator=make_delegate(sibling, email="sibling@delegates.example"),
        customer_administrator=make_delegate(customer, email="customer@delegates.example"),
        elsewhere_administrator=make_delegate(elsewhere_customer, email="elsewhere@delegates.example"),
        customer=customer,
        elsewhere_customer=elsewhere_customer,
        domain=domain,
        sibling=sibling,
        elsewhere=elsewhere,
    )


@dataclass
class Stage:
    """The cast with a browser each. What a scene writes is gone after it."""

    cast: Cast
    _sessions: dict[Role, str] = field(default_factory=dict)
    _writes: list[str] = field(default_factory=list)

    def client(self, role: Role, **options: Any) -> Client:
        """A new browser in which this role is signed in."""
        client = Client(**options)
        person = self.cast.person(role)
        if person is not None:
            if role not in self._sessions:
                client.force_login(person)
                self._sessions[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
            client.cookies[settings.SESSION_COOKIE_NAME] = self._sessions[role]
        return client

    @contextmanager
    def scene(self) -> Iterator[list[str]]:
        """Everything written inside is taken back; gives the statements that wrote, as they come."""
        writes: list[str] = []
        point = transaction.savepoint()
        try:
            with connection.execute_wrapper(lambda *args: _watched(writes, *args)):
                yield writes
        finally:
            transaction.savepoint_rollback(point)


def _watched(writes: list[str], execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    text = str(sql).lstrip().upper()
    if text.startswith(("INSERT", "UPDATE", "DELETE")) and '"ACCOUNTS_SESSION"' not in text:
        writes.append(str(sql)[:200])
    return execute(sql, params, many, context)


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage in a transaction of its own, taken back at the end; the database must be open.

    Refusals on it are numbers without a page around them (tests.plain_refusals).
    """
    logging.disable(logging.WARNING)  # a refusal is logged with its traceback: thousands of them
    try:
        with override_settings(ROOT_URLCONF="tests.plain_refusals"), transaction.atomic():
            built = Stage(make_cast())
            for role in Role:
                built.client(role)
            yield built
            transaction.set_rollback(True)
    finally:
        logging.disable(logging.NOTSET)
