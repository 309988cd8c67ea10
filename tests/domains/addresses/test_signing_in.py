"""Signing in with another address of one's mailbox: only where the domain lets people, and it tells nobody anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import AuditEvent, FailedSignIn, SignInThrottle, User
from accounts.scopes import SERVER
from accounts.services.options import set_option
from domains.models import Address, Domain, DomainName
from domains.services.aliases import add_alias
from domains.services.forwards import create_forward
from domains.services.groups import create_group
from domains.services.mailbox_states import set_status
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.factories import PASSWORD

SYSTEM = Actor.system()
OTHERS = ("countess@lovelace.example", "ADA@Analytical.Example", "countess@analytical.example")


@pytest.fixture
def domain(db: None) -> Domain:
    """ada, with an alias, in a domain with a second name."""
    domain = make_domain("lovelace.example", make_customer())
    DomainName.objects.create(name="analytical.example", domain=domain)
    ada = make_mailbox_in(domain, "ada", password=PASSWORD)
    add_alias(SYSTEM, ada, email="countess")
    create_group(SYSTEM, domain, email="group", members=[ada.address])
    create_forward(SYSTEM, domain, email="forward", targets=[ada.address])
    return domain


def enter(email: str, password: str = PASSWORD) -> int:
    return Client().post("/sign-in/", {"email": email, "password": password}).status_code


@pytest.mark.parametrize("where", ["server", "customer", "domain"])
def test_any_address_of_the_mailbox_signs_in_where_it_is_let(domain: Domain, where: str) -> None:
    assert [enter(other) for other in OTHERS] == [422, 422, 422]
    SignInThrottle.objects.all().delete()
    set_option(
        SYSTEM, {"server": SERVER, "customer": domain.customer, "domain": domain}[where], "SIGN_IN_BY_ALIAS", True
    )
    assert [enter(other) for other in OTHERS] == [303, 303, 303]
    assert enter("ada@lovelace.example") == 303
    event = AuditEvent.objects.filter(action="user.sign_in").first()
    assert event is not None and event.object_label == "ada@lovelace.example"


def test_what_is_not_the_mailboxs_own_lets_nobody_in(domain: Domain) -> None:
    set_option(SYSTEM, domain, "SIGN_IN_BY_ALIAS", True)
    for address in ("group@lovelace.example", "forward@lovelace.example", "nobody@lovelace.example", "x", "@", ""):
        assert enter(address) == 422
    SignInThrottle.objects.all().delete()
    assert enter("countess@lovelace.example", "wrong password") == 422
    Address.objects.filter(local="countess").update(is_enabled=False)
    assert enter("countess@lovelace.example") == 422
    Address.objects.filter(local="countess").update(is_enabled=True)
    mailbox = Address.objects.get(local="ada").mailbox
    set_status(SYSTEM, mailbox, "disabled")
    assert enter("countess@lovelace.example") == 422


def test_another_domain_lets_its_own_people_only(domain: Domain) -> None:
    beside = make_domain("beside.example", domain.customer)
    add_alias(SYSTEM, Address.objects.get(local="ada").mailbox, email="ada@beside.example")
    set_option(SYSTEM, beside, "SIGN_IN_BY_ALIAS", True)
    assert enter("ada@beside.example") == 422  # the domain of the mailbox decides


def test_an_account_of_that_address_comes_first(domain: Domain) -> None:
    """Nobody gets in at somebody else's account because an alias is written like it."""
    set_option(SYSTEM, domain, "SIGN_IN_BY_ALIAS", True)
    own = User(email="countess@lovelace.example")
    own.set_password("quite another one")
    own.save()
    assert enter("countess@lovelace.example") == 422
    assert enter("countess@lovelace.example", "quite another one") == 303


def test_guesses_count_for_the_person_however_the_address_is_written(domain: Domain) -> None:
    set_option(SYSTEM, domain, "SIGN_IN_BY_ALIAS", True)
    for address in (*OTHERS, "ada@lovelace.example"):
        assert enter(address, "wrong") == 422
    assert [row.failures for row in SignInThrottle.objects.filter(key__startswith="account:")] == [4]


def test_a_failure_says_and_asks_the_same_whoever_it_is(
    domain: Domain, client_for: Callable[[User | None], Client]
) -> None:
    set_option(SYSTEM, domain, "SIGN_IN_BY_ALIAS", True)
    said, asked = set(), set()
    for address in ("ada@lovelace.example", OTHERS[0], OTHERS[1], "group@lovelace.example", "x@nowhere.example"):
        SignInThrottle.objects.all().delete()
        FailedSignIn.objects.all().delete()
        client = Client()
        client.get("/sign-in/")
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/sign-in/", {"email": address, "password": "wrong"})
        if not address.endswith("@nowhere.example"):  # which domains are here anybody is told who sends them mail
            asked.add(len(queries))
        said.add(answer.content.decode().replace(address, "…").partition("<form")[2].partition("csrf")[0])
        assert answer.status_code == 422 and "belong together" in answer.content.decode()
    assert len(said) == 1 and len(asked) == 1
