"""What a broker's customers may have together: used, limited, and that nobody gets past it by any door."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from domains.errors import Invalid, LimitReached
from domains.models import Broker, Customer, Mailbox
from domains.services import broker_limits, brokers, customers, moving, quotas
from domains.services.aliases import add_alias
from domains.services.domains import create_domain
from domains.services.groups import create_group
from domains.services.lists.settings import create_list
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.domains.importing.helping import refused, run

SYSTEM = Actor.system()
GIB = 1024**3
FULL = {
    "max_customers": 2, "max_domains": 2, "max_mailboxes": 2, "max_aliases": 1, "max_groups": 1, "max_lists": 1,
    "max_bytes": 2 * GIB,
}  # fmt: skip


@pytest.fixture
def broker(db: None) -> Broker:
    """Two customers, each with a domain and a mailbox of 1 GiB; an alias, a group and a list in the first."""
    broker = brokers.create_broker(SYSTEM, name="Resale")
    for number in (1, 2):
        customer = make_customer(f"Firm {number}", broker=broker)
        mailbox = make_mailbox_in(make_domain(f"d{number}.example", customer), "ada", quota_bytes=GIB)
        if number == 1:
            add_alias(SYSTEM, mailbox, email="a")
            create_group(SYSTEM, mailbox.domain, email="g")
            create_list(SYSTEM, mailbox.domain, email="l", owner=mailbox)
    return broker


def test_the_sum_over_the_customers_is_limited(broker: Broker) -> None:
    broker_limits.set_broker_limits(SYSTEM, broker, FULL)
    customer = Customer.objects.get(name="Firm 2")
    mailbox = Mailbox.objects.select_related("domain").get(address="ada@d2.example")
    for one_more in (
        lambda: customers.create_customer(SYSTEM, name="Firm 3", broker=broker),
        lambda: create_domain(SYSTEM, name="more.example", customer=customer),
        lambda: make_mailbox_in(mailbox.domain, "carl", quota_bytes=1),
        lambda: add_alias(SYSTEM, mailbox, email="b"),
        lambda: create_group(SYSTEM, mailbox.domain, email="h"),
        lambda: create_list(SYSTEM, mailbox.domain, email="m", owner=mailbox),
        lambda: quotas.set_mailbox_quota(SYSTEM, mailbox, {"quota_bytes": GIB + 1}),
    ):
        with pytest.raises(LimitReached):
            one_more()
    broker_limits.set_broker_limits(SYSTEM, broker, {name: value + 1 for name, value in FULL.items()})
    make_mailbox_in(mailbox.domain, "carl", quota_bytes=1)
    with pytest.raises(LimitReached):
        make_mailbox_in(Mailbox.objects.get(address="ada@d1.example").domain, "carl", quota_bytes=0)


def test_domains_and_customers_come_only_where_there_is_room(broker: Broker) -> None:
    other = make_customer("Elsewhere")
    moved = make_domain("moved.example", other)
    make_mailbox_in(moved, "ada", quota_bytes=GIB)
    first, second = Customer.objects.filter(broker=broker).order_by("pk")
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_domains": 2})
    assert moving.plan(SYSTEM, [moved], first).obstacles
    with pytest.raises(LimitReached):
        moving.move_domain(SYSTEM, moved, first)
    inside = first.domains.get()
    assert not moving.plan(SYSTEM, [inside], second).obstacles, "it is counted with this broker already"
    moving.move_domain(SYSTEM, inside, second)
    with pytest.raises(LimitReached):
        customers.update_customer(SYSTEM, other, {"broker": broker})
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_domains": None, "max_bytes": 2 * GIB})
    with pytest.raises(LimitReached):
        customers.update_customer(SYSTEM, other, {"broker": broker})
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_bytes": 3 * GIB, "max_customers": 3})
    customers.update_customer(SYSTEM, Customer.objects.get(pk=other.pk), {"broker": broker})
    assert broker_limits.used(broker) | {"alias_count": 0} == {
        "customers": 3, "domains": 3, "mailbox_count": 3, "alias_count": 0, "group_count": 1, "list_count": 1,
    }  # fmt: skip


def test_a_file_of_users_goes_no_further_than_a_broker(broker: Broker, tmp_path: Path) -> None:
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_mailboxes": 4})
    text = "email,quota_mb\nb@d1.example,0\nb@d2.example,0\nc@d1.example,0\n"
    assert refused(tmp_path / "f.csv", "users", text) == [(4, "email")]
    assert run(tmp_path / "f.csv", "users", text.rpartition("c@")[0]).created == 2
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_mailboxes": None, "max_bytes": 2 * GIB})
    with pytest.raises(LimitReached):
        run(tmp_path / "f.csv", "users", "email,quota_mb\nd@d1.example,1\n")


def test_only_who_runs_brokers_sets_their_limits_and_it_is_recorded(
    client_for: Callable[[User | None], Client], broker: Broker, administrator: User
) -> None:
    address = reverse("domains:broker-limits", args=[broker.pk])
    delegate = make_delegate(Customer.objects.filter(broker=broker)[0])
    assert client_for(delegate).post(address, {"max_domains": "5"}).status_code == 403
    with pytest.raises(Forbidden):
        broker_limits.set_broker_limits(Actor.for_user(delegate), broker, {"max_domains": 5})
    with pytest.raises(Invalid):
        broker_limits.set_broker_limits(SYSTEM, broker, {"max_domains": -2})
    browser = client_for(administrator)
    assert browser.post(address, {"max_domains": "4", "version": broker.version}).status_code == 303
    page = browser.get(address).content.decode()
    assert "2 of 4" in page and "Save the limits" in page
    assert AuditEvent.objects.get(action="broker.set_limits").changes == {"max_domains": [None, 4]}
    assert browser.post(address, {"max_domains": "x", "version": broker.version + 1}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_of_two_customers_who_take_the_last_place_at_once_one_gets_it() -> None:
    broker = brokers.create_broker(SYSTEM, name="Resale")
    places = [make_domain(f"d{number}.example", make_customer(f"F{number}", broker=broker)) for number in (1, 2)]
    broker_limits.set_broker_limits(SYSTEM, broker, {"max_mailboxes": 1})
    barrier, told = threading.Barrier(2), []

    def take(index: int) -> None:
        try:
            barrier.wait(timeout=20)
            make_mailbox_in(places[index], "ada")
            told.append("made")
        except LimitReached:
            told.append("full")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(told) == ["full", "made"]
    assert Mailbox.objects.count() == 1
