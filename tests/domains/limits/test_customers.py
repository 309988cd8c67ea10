"""What a customer may have altogether: what is used of it, by how much, and that nobody gets past it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import User
from config.kit.templatetags.kit import size_text
from domains.errors import LimitReached
from domains.models import Customer, Mailbox
from domains.services import customers, quotas
from domains.services.aliases import add_alias
from domains.services.groups import create_group
from domains.services.lists.settings import create_list
from domains.tenant_wording import Usage
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
GIB = 1024**3


@pytest.fixture
def customer(db: None) -> Customer:
    """Two domains, a mailbox of 1 GiB in each, half of the first full."""
    customer = make_customer("Firm")
    for name in ("one.example", "two.example"):
        mailbox = make_mailbox_in(make_domain(name, customer), "ada", quota_bytes=GIB)
        if name.startswith("one"):
            Mailbox.objects.filter(pk=mailbox.pk).update(used_bytes=GIB // 2, used_messages=1234)
    return customer


def test_what_mailboxes_hold_and_may_hold_is_added_up_over_the_domains(
    client_for: Callable[[User | None], Client], customer: Customer
) -> None:
    customers.set_customer_limits(SYSTEM, customer, {"max_bytes": 4 * GIB, "max_mailboxes": 4})
    address = reverse("domains:customer-limits", args=[customer.pk])
    page = client_for(make_delegate(customer)).get(address).content.decode().replace("\xa0", " ")
    assert quotas.occupied(customer=customer) == (GIB // 2, 1234)
    assert "2 of 4 <" in page and ">50 %<" in page  # mailboxes, and sizes given
    kept, most = (size_text(size).replace("\xa0", " ") for size in (GIB // 2, 4 * GIB))
    assert f"{kept} of {most} <" in page
    assert ">12 %<" in page and "1,234" in page
    assert "Save the limits" not in page  # set above the customer


def test_the_numbers_and_sizes_of_all_domains_together_are_limited(customer: Customer) -> None:
    one = Mailbox.objects.get(address="ada@one.example")
    two = Mailbox.objects.get(address="ada@two.example")
    limits = {"max_mailboxes": 3, "max_aliases": 1, "max_groups": 1, "max_lists": 1, "max_bytes": 3 * GIB}
    customers.set_customer_limits(SYSTEM, customer, limits)
    make_mailbox_in(one.domain, "bob", quota_bytes=GIB)
    add_alias(SYSTEM, one, email="a")
    create_group(SYSTEM, one.domain, email="g", members=[])
    create_list(SYSTEM, one.domain, email="l", owner=one)
    for one_more in (
        lambda: make_mailbox_in(two.domain, "carl", quota_bytes=1),
        lambda: add_alias(SYSTEM, two, email="b"),
        lambda: create_group(SYSTEM, two.domain, email="h", members=[]),
        lambda: create_list(SYSTEM, two.domain, email="m", owner=two),
        lambda: quotas.set_mailbox_quota(SYSTEM, two, {"quota_bytes": GIB + 1}),
    ):
        with pytest.raises(LimitReached):
            one_more()


def test_quotas_without_end_are_over_every_limit_and_are_called_so() -> None:
    usage = Usage("Sizes", -1, GIB, is_size=True)
    assert (usage.percent, usage.tone, usage.ratio) == (100, "bad", "")
    assert usage.text.startswith("unlimited of 1")
    over = Usage("Mailboxes", 15, 10)
    assert (over.percent, over.tone, over.ratio.replace("\xa0", " ")) == (100, "bad", "150 %")
