"""Where rights are shown, a place is called what it is called now, whoever renamed it and by which way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.permissions import Level, Right
from accounts.services import create_user
from accounts.services.administrators import update_administrator
from domains.services import brokers, customers
from domains.services.readdressing import rename_mailbox
from domains.services.renaming import rename_domain
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.factories import make_administrator, make_user

CONSOLE = Actor.system()


def held_on(level: Level, obj: Any) -> Grant:
    return Grant.objects.create(
        user=make_user(), rights=[Right.VIEW_USERS], level=level, object_id=obj.pk, object_label=str(obj)
    )


def renamed_broker() -> tuple[Grant, str]:
    broker = brokers.create_broker(CONSOLE, name="Old broker")
    grant = held_on(Level.BROKER, broker)
    brokers.update_broker(CONSOLE, broker, {"name": "New broker"})
    return grant, "New broker"


def renamed_customer() -> tuple[Grant, str]:
    customer = make_customer("Old customer")
    grant = held_on(Level.CUSTOMER, customer)
    customers.update_customer(CONSOLE, customer, {"name": "New customer"})
    return grant, "New customer"


def renamed_domain() -> tuple[Grant, str]:
    domain = make_domain("old.example")
    grant = held_on(Level.DOMAIN, domain)
    rename_domain(CONSOLE, domain, "new.example")
    return grant, "new.example"


def person_of_a_renamed_domain() -> tuple[Grant, str]:
    domain = make_domain("old.example")
    grant = held_on(Level.USER, make_mailbox_in(domain, "ada").user)
    rename_domain(CONSOLE, domain, "new.example")
    return grant, "ada@new.example"


def renamed_mailbox() -> tuple[Grant, str]:
    mailbox = make_mailbox_in(make_domain("example.com"), "ada")
    grant = held_on(Level.USER, mailbox.user)
    rename_mailbox(CONSOLE, mailbox, email="countess")
    return grant, "countess@example.com"


def mailbox_in_another_domain() -> tuple[Grant, str]:
    customer = make_customer()
    mailbox = make_mailbox_in(make_domain("a.example", customer=customer), "ada")
    make_domain("b.example", customer=customer)
    grant = held_on(Level.USER, mailbox.user)
    rename_mailbox(CONSOLE, mailbox, email="ada@b.example")
    return grant, "ada@b.example"


def administrator_with_another_address() -> tuple[Grant, str]:
    user = create_user(CONSOLE, email="old@elsewhere.example")
    grant = held_on(Level.USER, user)
    update_administrator(CONSOLE, user, {"email": "new@elsewhere.example"})
    return grant, "new@elsewhere.example"


RENAMINGS = (
    renamed_broker,
    renamed_customer,
    renamed_domain,
    person_of_a_renamed_domain,
    renamed_mailbox,
    mailbox_in_another_domain,
    administrator_with_another_address,
)


@pytest.mark.parametrize("rename", RENAMINGS, ids=lambda each: each.__name__)
def test_what_is_renamed_is_called_so_in_grants_and_on_the_list(
    rename: Callable[[], tuple[Grant, str]], client_for: Callable[[User], Client]
) -> None:
    others = held_on(Level.DOMAIN, make_domain("untouched.example"))
    grant, name = rename()
    grant.refresh_from_db()
    others.refresh_from_db()
    assert (grant.object_label, others.object_label) == (name, "untouched.example")
    page = client_for(make_administrator()).get("/server/administrators/").content.decode()
    assert name in page and "untouched.example" in page
