"""One name space per domain: an address is claimed once, whatever it is."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from accounts.actors import Actor
from domains.errors import BadAddress, LimitReached, Taken
from domains.models import Address, Domain, DomainName, Recipient
from domains.services import claims
from tests.domains.factories import make_customer, make_domain, make_mailbox_in


def test_an_address_is_claimed_once_in_every_case_and_form(db: None) -> None:
    domain = make_domain("bücher.example")
    make_mailbox_in(domain, "Ada")
    for text in ("ada", "ADA@bücher.example", "ada@xn--bcher-kva.example"):
        with pytest.raises(Taken), transaction.atomic():
            claims.claim(Actor.system(), domain, claims.parse_local(text, domain), Address.Kind.GROUP)
    domain.refresh_from_db()
    assert (domain.mailbox_count, domain.group_count, domain.active_count) == (1, 0, 1)


def test_an_address_of_another_domain_is_refused(db: None) -> None:
    with pytest.raises(BadAddress):
        claims.parse_local("ada@elsewhere.example", make_domain())


def test_an_alias_name_leads_to_the_same_claim(db: None) -> None:
    domain = make_domain("example.com")
    DomainName.objects.create(name="example.net", domain=domain)
    mailbox = make_mailbox_in(domain, "ada")
    assert claims.find("Ada@Example.NET") == mailbox.claim == claims.find("ada@example.com")
    assert claims.find("ada@example.org") is None and claims.find("nonsense") is None


def test_recipients_elsewhere_lead_to_an_address_once_it_is_ours(db: None) -> None:
    domain = make_domain("example.com")
    group = claims.claim(Actor.system(), domain, "all", Address.Kind.GROUP)
    Recipient.objects.create(address=group, email="ada@example.com")
    mailbox = make_mailbox_in(domain, "ada")
    assert Recipient.objects.get().target == mailbox.claim


def test_the_last_place_is_not_given_twice(db: None) -> None:
    customer = make_customer(max_mailboxes=2)
    first, second = make_domain(customer=customer), make_domain(customer=customer, max_mailboxes=1)
    make_mailbox_in(second)
    with pytest.raises(LimitReached):
        make_mailbox_in(second)
    make_mailbox_in(first)
    with pytest.raises(LimitReached):
        make_mailbox_in(first)
    customer.refresh_from_db()
    assert customer.mailbox_count == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_at_once_exactly_one_wins() -> None:
    domain = make_domain()
    start, results = threading.Barrier(6), []

    def claim() -> None:
        start.wait()
        try:
            with transaction.atomic():
                claims.claim(Actor.system(), Domain.objects.get(pk=domain.pk), "ada", Address.Kind.FORWARD)
            results.append("won")
        except Taken:
            results.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["taken"] * 5 + ["won"]
    domain.refresh_from_db()
    assert domain.forward_count == 1
