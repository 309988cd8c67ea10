"""Another address: everything that names it comes along, and nobody takes an address that isn't theirs."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OneTimeLink, User
from accounts.services import invite
from domains.errors import BadAddress, Invalid, LimitReached, Taken
from domains.models import Address, AllowedSender, Domain, DomainName, Mailbox, Recipient
from domains.services.aliases import add_alias, aliases_of
from domains.services.groups import create_group
from domains.services.readdressing import rename_address, rename_mailbox
from tests.domains.addresses.cast import actor_of, chief_in
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def test_the_person_signs_in_with_the_new_address_and_old_links_end(db: None) -> None:
    mailbox = make_mailbox_in(make_domain("example.com"), "ada")
    assert mailbox.user is not None
    invite(SYSTEM, mailbox.user)
    rename_mailbox(SYSTEM, mailbox, email="Ada.King@Example.com")
    assert (mailbox.address, mailbox.user.email) == ("ada.king@example.com", "ada.king@example.com")
    assert Address.objects.get().text == "ada.king@example.com"
    assert not OneTimeLink.objects.exists()
    event = AuditEvent.objects.get(action="mailbox.rename")
    assert event.changes == {"address": ["ada@example.com", "ada.king@example.com"]}


def test_groups_aliases_senders_and_catch_alls_say_the_new_name(db: None) -> None:
    domain = make_domain("example.com")
    Domain.objects.filter(pk=domain.pk).update(catch_all="ada@example.com")
    DomainName.objects.create(name="example.net", domain=domain)
    mailbox = make_mailbox_in(domain, "ada")
    group = create_group(
        SYSTEM, domain, email="all", members=["ada@example.net", "king@example.com"], senders="listed",
        allowed_senders=["ada@example.com"],
    )  # fmt: skip
    alias = add_alias(SYSTEM, mailbox, email="a")
    rename_mailbox(SYSTEM, mailbox, email="king")
    assert list(Recipient.objects.filter(address=group).values_list("email", "target")) == [
        ("king@example.com", mailbox.claim_id)
    ]
    group.refresh_from_db()
    assert group.recipient_count == 1
    assert Recipient.objects.get(address=alias).email == "king@example.com"
    assert AllowedSender.objects.get().value == "king@example.com"
    domain.refresh_from_db()
    assert domain.catch_all == "king@example.com"


def test_the_old_address_stays_as_an_alias_where_wanted(db: None) -> None:
    domain = make_domain("example.com")
    mailbox = make_mailbox_in(domain, "ada")
    rename_mailbox(SYSTEM, mailbox, email="king", keep_alias=True)
    assert [alias.text for alias in aliases_of(mailbox)] == ["ada@example.com"]
    domain.refresh_from_db()
    assert (domain.mailbox_count, domain.alias_count) == (1, 1)


def test_a_mailbox_moves_to_another_domain_of_its_customer(db: None) -> None:
    customer = make_customer()
    first, second = make_domain("a.example", customer), make_domain("b.example", customer)
    mailbox = make_mailbox_in(first, "ada")
    rename_mailbox(SYSTEM, mailbox, email="ada@b.example")
    first.refresh_from_db()
    second.refresh_from_db()
    assert mailbox.user is not None and mailbox.user.home_domain_id == second.pk
    assert (mailbox.domain, mailbox.address) == (second, "ada@b.example")
    assert [(d.mailbox_count, d.active_count) for d in (first, second)] == [(0, 0), (1, 1)]


def test_it_never_leaves_its_customer_nor_goes_where_the_actor_has_no_right(db: None) -> None:
    mine, other = make_domain("a.example", make_customer()), make_domain("b.example", make_customer())
    mailbox = make_mailbox_in(mine, "ada")
    with pytest.raises(Invalid):
        rename_mailbox(SYSTEM, mailbox, email="ada@b.example")
    with pytest.raises(BadAddress):
        rename_mailbox(actor_of(make_delegate(mine)), mailbox, email="ada@b.example")
    with pytest.raises(Forbidden):
        rename_mailbox(actor_of(make_delegate(other)), mailbox, email="ada@a.example")
    assert Mailbox.objects.get().address == "ada@a.example"


def test_a_full_domain_takes_nobody_in(db: None) -> None:
    first, _full = make_domain("a.example"), make_domain("b.example", max_mailboxes=0)
    mailbox = make_mailbox_in(first, "ada")
    with pytest.raises(LimitReached):
        rename_mailbox(SYSTEM, mailbox, email="ada@b.example")
    first.refresh_from_db()
    assert (first.mailbox_count, Address.objects.get().text) == (1, "ada@a.example")


def test_a_taken_address_stays_with_who_has_it(db: None) -> None:
    domain = make_domain("example.com")
    mailbox = make_mailbox_in(domain, "ada")
    create_group(SYSTEM, domain, email="all")
    with pytest.raises(Taken, match="group"):
        rename_mailbox(SYSTEM, mailbox, email="ALL")
    mailbox.refresh_from_db()
    assert mailbox.address == "ada@example.com"


def test_the_chiefs_address_is_not_changed_by_a_delegate(db: None) -> None:
    domain = make_domain("example.com")
    chief = chief_in(domain)
    with pytest.raises(Forbidden):
        rename_mailbox(actor_of(make_delegate(domain)), chief, email="other")
    assert User.objects.filter(email="chief@example.com").exists()


def test_a_group_gets_another_address(db: None) -> None:
    domain = make_domain("example.com")
    inner = create_group(SYSTEM, domain, email="inner", members=["x@elsewhere.example"])
    outer = create_group(SYSTEM, domain, email="outer", members=["inner@example.com", "new@example.com"])
    rename_address(SYSTEM, inner, email="new")
    outer.refresh_from_db()
    assert list(outer.recipients.values_list("email", flat=True)) == ["new@example.com"]
    assert outer.recipient_count == 1


def test_a_group_that_named_the_address_it_gets_now_doesnt_deliver_to_itself(db: None) -> None:
    domain = make_domain("example.com")
    group = create_group(SYSTEM, domain, email="old", members=["new@example.com", "x@elsewhere.example"])
    rename_address(SYSTEM, group, email="new")
    group.refresh_from_db()
    assert (group.recipients.get().email, group.recipient_count) == ("x@elsewhere.example", 1)


@pytest.mark.django_db(transaction=True)
def test_two_moves_in_opposite_directions_both_end() -> None:
    first, second = make_domain("a.example"), make_domain("b.example")
    moves = [(make_mailbox_in(first, "ada").pk, "ada@b.example"), (make_mailbox_in(second, "bob").pk, "bob@a.example")]
    barrier, errors = threading.Barrier(2), []

    def move(pk: int, email: str) -> None:
        try:
            barrier.wait()
            rename_mailbox(SYSTEM, Mailbox.objects.get(pk=pk), email=email)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=each) for each in moves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(Domain.objects.order_by("name").values_list("mailbox_count", "active_count")) == [(1, 1), (1, 1)]
