"""The names of a domain: claimed once over the server, by who may claim; given up by who may change it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from accounts.services.options import set_option
from config.kit.versions import ChangedMeanwhile
from domains.errors import BadAddress, InUse, Invalid, Taken, WrongState
from domains.models import Address, AllowedSender, Domain, DomainName, Recipient
from domains.services import claims, domain_states
from domains.services.domain_names import ADMINISTRATORS_ADD_NAMES, add_names, remove_name, replace_names
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

CONSOLE = Actor.console()


def names_of(domain: Domain) -> list[str]:
    return list(domain.names.filter(is_alias=True).order_by("name").values_list("name", flat=True))


def test_aliases_are_added_in_canonical_form_and_once(db: None) -> None:
    domain = make_domain("example.com")
    added = add_names(CONSOLE, domain, ["Bücher.example", "example.net", "EXAMPLE.net", "example.com"])
    assert [name.name for name in added] == ["xn--bcher-kva.example", "example.net"]
    assert add_names(CONSOLE, domain, ["example.net"]) == []
    assert AuditEvent.objects.get(action="domain.add_names").details["names"] == [name.name for name in added]


@pytest.mark.parametrize("name", ["example.org", "alias.example.org", "ALIAS.example.org"])
def test_a_name_of_another_domain_is_refused_and_nothing_is_added(name: str, db: None) -> None:
    other, domain = make_domain("example.org"), make_domain("example.com")
    add_names(CONSOLE, other, ["alias.example.org"])
    with pytest.raises(Taken):
        add_names(CONSOLE, domain, ["new.example", name])
    assert names_of(domain) == []


@pytest.mark.parametrize("name", ["", "no spaces.example", "a@b.example", "-x.example", "x" * 300, "ß.example"])
def test_what_is_no_domain_name_is_refused(name: str, db: None) -> None:
    with pytest.raises(BadAddress):
        add_names(CONSOLE, make_domain(), [name])


def test_a_paste_of_ten_thousand_names_is_refused_at_once(db: None) -> None:
    domain = make_domain()
    with pytest.raises(Invalid):
        replace_names(CONSOLE, domain, [f"name{number}.example" for number in range(10_000)])
    assert names_of(domain) == []


def test_an_alias_is_given_up_and_free_again_but_never_the_own_name(db: None) -> None:
    domain, other = make_domain("example.com"), make_domain("example.org")
    (alias,) = add_names(CONSOLE, domain, ["alias.example"])
    with pytest.raises(InUse):
        remove_name(CONSOLE, domain, domain.names.get(name="example.com"))
    with pytest.raises(DomainName.DoesNotExist):
        remove_name(CONSOLE, other, alias)
    remove_name(CONSOLE, domain, alias)
    assert [name.name for name in add_names(CONSOLE, other, ["alias.example"])] == ["alias.example"]


def test_all_aliases_are_replaced_at_once(db: None) -> None:
    domain = make_domain("example.com")
    add_names(CONSOLE, domain, ["a.example", "b.example"])
    kept = domain.names.get(name="b.example").pk
    replace_names(CONSOLE, domain, ["b.example", "C.example", "example.com"])
    assert names_of(domain) == ["b.example", "c.example"]
    assert domain.names.get(name="b.example").pk == kept
    make_domain("taken.example")
    with pytest.raises(Taken):
        replace_names(CONSOLE, domain, ["taken.example"])
    assert names_of(domain) == ["b.example", "c.example"]


def test_who_saw_older_names_is_told(db: None) -> None:
    domain = make_domain("example.com")
    seen = Domain.objects.get(pk=domain.pk)
    add_names(CONSOLE, domain, ["a.example"])
    with pytest.raises(ChangedMeanwhile):
        replace_names(CONSOLE, seen, [], expected=seen.version)
    assert names_of(domain) == ["a.example"]


def test_only_who_may_add_domains_claims_names(db: None) -> None:
    customer = make_customer()
    domain = make_domain("example.com", customer=customer)
    of_domain, of_customer = Actor.for_user(make_delegate(domain)), Actor.for_user(make_delegate(customer))
    add_names(of_customer, domain, ["a.example", "b.example"])
    with pytest.raises(Forbidden):
        add_names(of_domain, domain, ["bank.example"])
    with pytest.raises(Forbidden):
        replace_names(of_domain, domain, ["a.example", "bank.example"])
    replace_names(of_domain, domain, ["a.example"])  # giving up is theirs
    assert names_of(domain) == ["a.example"]
    set_option(CONSOLE, customer, ADMINISTRATORS_ADD_NAMES, True)
    add_names(of_domain, domain, ["c.example"])
    with pytest.raises(Forbidden):
        add_names(Actor.for_user(make_delegate(make_domain())), domain, ["d.example"])


def test_a_deleted_domain_gets_no_names(db: None) -> None:
    domain = make_domain()
    domain_states.delete_domain(CONSOLE, domain)
    with pytest.raises(WrongState):
        add_names(CONSOLE, domain, ["a.example"])


def test_members_elsewhere_lead_to_our_addresses_once_the_name_is_ours(db: None) -> None:
    domain, other = make_domain("example.com"), make_domain("example.org")
    mailbox = make_mailbox_in(domain, "ada")
    group = claims.claim(CONSOLE, other, "all", Address.Kind.GROUP)
    for email in ("ada@alias.example", "bob@alias.example"):
        Recipient.objects.create(address=group, email=email)
    twice = claims.claim(CONSOLE, other, "twice", Address.Kind.GROUP)
    Recipient.objects.create(address=twice, email="ada@alias.example")
    Recipient.objects.create(address=twice, email="ada@example.com", target=mailbox.claim)
    Address.objects.filter(kind=Address.Kind.GROUP).update(recipient_count=2)
    add_names(CONSOLE, domain, ["alias.example"])
    assert [(each.email, each.target_id) for each in group.recipients.all()] == [
        ("ada@example.com", mailbox.claim_id),
        ("bob@alias.example", None),
    ]
    assert [each.email for each in twice.recipients.all()] == ["ada@example.com"]
    twice.refresh_from_db()
    assert twice.recipient_count == 1


def test_senders_of_a_name_that_was_given_up_are_let_in_no_more(db: None) -> None:
    domain = make_domain("example.com")
    (alias,) = add_names(CONSOLE, domain, ["alias.example"])
    group = claims.claim(CONSOLE, domain, "all", Address.Kind.GROUP)
    for value in ("@alias.example", "ada@alias.example", "@example.com", "@not-alias.example"):
        AllowedSender.objects.create(address=group, value=value)
    remove_name(CONSOLE, domain, alias)
    assert [each.value for each in group.allowed_senders.all()] == ["@example.com", "@not-alias.example"]


@pytest.mark.django_db(transaction=True)
def test_of_two_domains_that_claim_a_name_at_once_exactly_one_gets_it() -> None:
    domains = [make_domain() for _ in range(4)]
    start, results = threading.Barrier(4), []

    def claim(domain: Domain) -> None:
        start.wait()
        try:
            add_names(CONSOLE, domain, ["wanted.example"])
            results.append("got it")
        except Taken:
            results.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=[domain]) for domain in domains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["got it", "taken", "taken", "taken"]
