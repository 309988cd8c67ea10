"""Brokers, customers and outgoing providers: made, changed, suspended, and deleted only when empty."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant, OptionValue, Role, User
from accounts.permissions import EndUserRight, Right
from accounts.services.options import set_option
from config.kit.versions import ChangedMeanwhile
from domains.errors import InUse, Invalid, LimitReached, Taken, WrongState
from domains.models import Broker, Customer, Domain, Mailbox, OutgoingProvider
from domains.services import brokers, customers, domain_purging, domain_states, providers
from domains.services.domain_settings import update_domain
from domains.services.domains import create_domain
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import make_user

CONSOLE = Actor.console()


def make_broker(name: str = "Broker") -> Broker:
    return brokers.create_broker(CONSOLE, name=name)


def of_broker(broker: Broker) -> Actor:
    user = make_user()
    Grant.objects.create(
        user=user, level="broker", object_id=broker.pk,
        rights=[Right.MANAGE_CUSTOMERS, Right.MANAGE_LIMITS, Right.VIEW_CUSTOMERS],
    )  # fmt: skip
    return Actor.for_user(user)


def test_a_customer_is_made_changed_and_listed_by_who_may(db: None) -> None:
    customer = customers.create_customer(CONSOLE, name=" Example Ltd ", external_id="4711")
    assert (customer.name, customer.external_id) == ("Example Ltd", "4711")
    changes = customers.update_customer(CONSOLE, customer, {"description": "mail for the works", "name": "Example AG"})
    assert changes["name"] == ("Example Ltd", "Example AG")
    assert AuditEvent.objects.get(action="customer.edit").changes["description"] == ["", "mail for the works"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines", "nul\0"])
def test_what_is_no_name_is_refused_with_its_field(name: str, db: None) -> None:
    with pytest.raises(Invalid) as refused:
        customers.create_customer(CONSOLE, name=name)
    assert refused.value.field == "name"


def test_two_customers_have_two_names(db: None) -> None:
    first, second = make_customer("First"), make_customer("Second")
    with pytest.raises(Taken):
        customers.create_customer(CONSOLE, name="First")
    with pytest.raises(Taken):
        customers.update_customer(CONSOLE, second, {"name": first.name})


def test_the_customers_own_administrator_changes_neither_it_nor_its_limits(db: None) -> None:
    customer = make_customer()
    actor = Actor.for_user(make_delegate(customer))
    for act in (
        lambda: customers.update_customer(actor, customer, {"name": "Mine"}),
        lambda: customers.set_customer_limits(actor, customer, {"max_domains": -1}),
        lambda: customers.disable_customer(actor, customer),
        lambda: customers.delete_customer(actor, customer),
        lambda: customers.contents(actor, customer),
        lambda: customers.create_customer(actor, name="Another"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_a_brokers_administrator_reaches_its_customers_and_no_others(db: None) -> None:
    broker, other = make_broker("one"), make_broker("two")
    actor = of_broker(broker)
    mine = customers.create_customer(actor, name="Mine", broker=broker)
    actor = Actor.for_user(User.objects.get(pk=actor.user.pk)) if actor.user else actor  # the next request
    customers.set_customer_limits(actor, mine, {"max_domains": 3})
    for forbidden in (other, None):
        with pytest.raises(Forbidden):
            customers.create_customer(actor, name="Not mine", broker=forbidden)
        with pytest.raises(Forbidden):
            customers.update_customer(actor, mine, {"broker": forbidden})
    with pytest.raises(Forbidden):
        customers.update_customer(actor, make_customer(broker=other), {"name": "Taken over"})


def test_limits_are_numbers_unlimited_or_none(db: None) -> None:
    customer = make_customer()
    customers.set_customer_limits(CONSOLE, customer, {"max_domains": 1, "max_mailboxes": -1, "max_bytes": None})
    make_domain(customer=customer)
    with pytest.raises(LimitReached):
        make_domain(customer=customer)
    for values in ({"max_domains": -2}, {"max_domains": 1 << 61}, {"max_wishes": 1}, {"max_domains": True}):
        with pytest.raises(Invalid):
            customers.set_customer_limits(CONSOLE, customer, values)


def test_a_disabled_customers_domains_are_suspended_each_in_its_own_state(db: None) -> None:
    customer = make_customer()
    enabled, disabled = make_domain(customer=customer), make_domain(customer=customer)
    domain_states.disable_domain(CONSOLE, disabled)
    user = make_mailbox_in(enabled).user
    assert user is not None
    assert customers.disable_customer(CONSOLE, customer, reason="unpaid") == 2
    enabled.refresh_from_db()
    assert (enabled.status, enabled.suspended_by_customer, enabled.is_serving) == ("enabled", True, False)
    assert not Actor.for_user(user).may(EndUserRight.SIGN_IN)
    later = create_domain(CONSOLE, name="later.example", customer=customer)
    assert later.suspended_by_customer
    customers.enable_customer(CONSOLE, customer)
    assert Actor.for_user(user).may(EndUserRight.SIGN_IN)
    assert [each.is_serving for each in Domain.objects.order_by("pk")] == [True, False, True]


def test_the_second_of_two_who_disable_a_customer_is_told(db: None) -> None:
    customer = make_customer()
    seen = Customer.objects.get(pk=customer.pk)
    customers.disable_customer(CONSOLE, customer)
    with pytest.raises(WrongState):
        customers.disable_customer(CONSOLE, seen)
    with pytest.raises(ChangedMeanwhile):
        customers.update_customer(CONSOLE, seen, {"name": "x"}, expected=1)


@pytest.mark.django_db(transaction=True)
def test_a_domain_made_while_its_customer_is_disabled_is_suspended_too() -> None:
    customer = make_customer()
    start = threading.Barrier(2)

    def make() -> None:
        start.wait()
        create_domain(CONSOLE, name="racing.example", customer=customer)
        connection.close()

    thread = threading.Thread(target=make)
    thread.start()
    start.wait()
    customers.disable_customer(CONSOLE, Customer.objects.get(pk=customer.pk))
    thread.join()
    assert Domain.objects.get().suspended_by_customer


def test_a_customer_with_domains_stays_and_says_what_is_in_the_way(db: None) -> None:
    customer = make_customer()
    domain = make_domain(customer=customer)
    with pytest.raises(InUse, match="1 domain"):
        customers.delete_customer(CONSOLE, customer)
    domain_states.delete_domain(CONSOLE, domain)
    found = customers.contents(CONSOLE, customer)
    assert (found.domains, found.deleted_domains, found.is_empty) == (0, 1, False)
    with pytest.raises(InUse, match="waits for"):
        customers.delete_customer(CONSOLE, customer)
    mailbox = make_mailbox_in(make_domain("kept.example"))
    domain_purging.purge_domain(CONSOLE, domain)
    customers.delete_customer(CONSOLE, customer)
    assert not Customer.objects.filter(pk=customer.pk).exists()
    assert Domain.objects.get(pk=domain.pk).customer is None
    assert Mailbox.objects.get(pk=mailbox.pk).status == "enabled"


def test_what_was_granted_on_a_customer_goes_with_it(db: None) -> None:
    customer = make_customer()
    user = make_delegate(customer)
    role = Role.objects.create(name="desk", rights=[Right.VIEW_USERS], level="customer", object_id=customer.pk)
    Grant.objects.create(user=make_user(), role=role, level="customer", object_id=customer.pk)
    set_option(CONSOLE, customer, "LANGUAGE", "de")
    customers.delete_customer(CONSOLE, customer)
    assert not (Grant.objects.exists() or Role.objects.exists() or OptionValue.objects.exists())
    assert User.objects.filter(pk=user.pk).exists()


def test_a_renamed_customer_is_called_so_where_rights_are_shown(db: None) -> None:
    customer = make_customer("Old")
    make_delegate(customer)
    customers.update_customer(CONSOLE, customer, {"name": "New"})
    assert Grant.objects.get().object_label == "New"


def test_a_broker_is_deleted_only_without_customers(db: None) -> None:
    broker = make_broker()
    customer = make_customer(broker=broker)
    of_broker(broker)
    brokers.update_broker(CONSOLE, broker, {"name": "Reseller"})
    with pytest.raises(Taken):
        make_broker("Reseller")
    with pytest.raises(InUse, match="1 customer"):
        brokers.delete_broker(CONSOLE, broker)
    customers.update_customer(CONSOLE, customer, {"broker": None})
    brokers.delete_broker(CONSOLE, broker)
    assert not Broker.objects.exists() and not Grant.objects.filter(level="broker").exists()


def test_only_who_may_manages_brokers_and_providers(db: None) -> None:
    broker, provider = make_broker(), providers.create_provider(CONSOLE, name="P", spf_provider="spf.example.net")
    actor = of_broker(broker)
    for act in (
        lambda: brokers.create_broker(actor, name="x"),
        lambda: brokers.update_broker(actor, broker, {"name": "x"}),
        lambda: brokers.delete_broker(actor, broker),
        lambda: providers.create_provider(actor, name="x", spf_provider="x.example"),
        lambda: providers.update_provider(actor, provider, {"name": "x"}),
        lambda: providers.delete_provider(actor, provider),
    ):
        with pytest.raises(Forbidden):
            act()


def test_providers_have_a_name_for_spf_and_stay_while_a_domain_uses_them(db: None) -> None:
    provider = providers.create_provider(CONSOLE, name="Mailer", spf_provider="_SPF.Example.net.")
    assert provider.spf_provider == "_spf.example.net"
    for wrong in ("", "no name", "a b.example", "include:x.example"):
        with pytest.raises(Invalid):
            providers.create_provider(CONSOLE, name="Other", spf_provider=wrong)
    with pytest.raises(Taken):
        providers.create_provider(CONSOLE, name="Mailer", spf_provider="x.example")
    domain = make_domain()
    update_domain(CONSOLE, domain, {"outgoing_providers": [provider.pk]})
    with pytest.raises(InUse):
        providers.delete_provider(CONSOLE, provider)
    providers.update_provider(CONSOLE, provider, {"is_active": False})
    with pytest.raises(Invalid):
        update_domain(CONSOLE, make_domain(), {"outgoing_providers": [provider]})
    update_domain(CONSOLE, domain, {"outgoing_providers": [provider]})  # who has it keeps it
    update_domain(CONSOLE, domain, {"outgoing_providers": []})
    providers.delete_provider(CONSOLE, provider)
    assert not OutgoingProvider.objects.exists()
