"""Mailboxes with their persons: making, editing, and what a delegate can't do to who holds more."""

from __future__ import annotations

import pytest

from accounts import services as accounts_services
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from config.kit.versions import ChangedMeanwhile
from domains.errors import Invalid, LimitReached, Taken, WrongState
from domains.models import Address, Domain, Mailbox, Status
from domains.services.groups import create_group
from domains.services.mailboxes import create_mailbox, update_mailbox
from tests.domains.addresses.cast import actor_of, chief_in, grant
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import make_administrator, make_user


def test_a_delegate_makes_a_mailbox_with_its_person(db: None) -> None:
    domain = make_domain("example.com", default_language="de")
    mailbox = create_mailbox(
        actor_of(make_delegate(domain)), domain, email="Ada", first_name="Ada", last_name="Lovelace", quota_bytes=5000
    )
    assert (mailbox.address, mailbox.name, mailbox.quota_bytes) == ("ada@example.com", "Ada Lovelace", 5000)
    assert mailbox.user is not None and mailbox.user.language == "de"
    assert (mailbox.user.home_domain_id, mailbox.user.is_active) == (domain.pk, True)


def test_a_pending_mailbox_takes_no_mail_and_lets_nobody_in(db: None) -> None:
    domain = make_domain()
    mailbox = make_mailbox_in(domain, status=Status.PENDING)
    domain.refresh_from_db()
    assert mailbox.claim is not None and mailbox.user is not None
    assert (mailbox.claim.is_enabled, mailbox.user.is_active, domain.active_count) == (False, False, 0)


def test_a_domain_of_others_is_closed(db: None) -> None:
    delegate = actor_of(make_delegate(make_domain()))
    other = make_domain()
    with pytest.raises(Forbidden):
        create_mailbox(delegate, other, email="ada")
    with pytest.raises(Forbidden):
        update_mailbox(delegate, make_mailbox_in(other), {"name": "Eve"})
    assert not Mailbox.objects.filter(name="Eve").exists()


def test_nothing_is_made_in_a_deleted_domain(db: None) -> None:
    domain = make_domain()
    Domain.objects.filter(pk=domain.pk).update(status=Status.DELETED)
    domain.refresh_from_db()
    with pytest.raises(WrongState):
        make_mailbox_in(domain)


def test_quotas_fit_into_what_the_domain_may_give(db: None) -> None:
    domain = make_domain(max_quota_bytes=100, quota_bytes=40, max_bytes=150)
    make_mailbox_in(domain, quota_bytes=100)
    make_mailbox_in(domain)  # 40 inherited
    for quota in (101, -1):
        with pytest.raises(LimitReached):
            make_mailbox_in(domain, quota_bytes=quota)
    with pytest.raises(LimitReached):
        make_mailbox_in(domain, quota_bytes=11)
    make_mailbox_in(domain, quota_bytes=10)
    assert Mailbox.objects.count() == 3


def test_a_sum_of_sizes_needs_a_quota_everywhere(db: None) -> None:
    with pytest.raises(LimitReached, match="add up to more"):
        make_mailbox_in(make_domain(customer=make_customer(max_bytes=1000)))


def test_without_the_right_to_set_quotas_no_quota_is_given(db: None) -> None:
    domain = make_domain()
    delegate = actor_of(make_delegate(domain, rights=["manage_users", "view_users"]))
    with pytest.raises(Forbidden):
        create_mailbox(delegate, domain, email="ada", quota_bytes=5)
    assert create_mailbox(delegate, domain, email="ada").quota_bytes is None


def test_editing_keeps_the_label_in_step_and_tells_the_second_of_two(db: None) -> None:
    mailbox = make_mailbox_in(make_domain(), name="Ada")
    seen = mailbox.version
    update_mailbox(Actor.system(), mailbox, {"name": "Ada L."}, expected=seen)
    assert Mailbox.objects.get(name="Ada L.").user == User.objects.get(name="Ada L.")
    with pytest.raises(ChangedMeanwhile):
        update_mailbox(Actor.system(), mailbox, {"name": "Eve"}, expected=seen)
    assert AuditEvent.objects.filter(action="mailbox.edit").count() == 1


def test_the_label_follows_when_people_change_their_own_name(db: None) -> None:
    mailbox = make_mailbox_in(make_domain(), name="Ada")
    assert mailbox.user is not None
    accounts_services.set_preferences(Actor.for_user(mailbox.user), name="Ada King")
    mailbox.refresh_from_db()
    assert mailbox.name == "Ada King"


def test_a_language_that_isnt_offered_is_refused(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    with pytest.raises(Invalid):
        update_mailbox(Actor.system(), mailbox, {"language": "tlh"})


def test_nobody_edits_who_holds_more(db: None) -> None:
    domain = make_domain(customer=make_customer())
    delegate = actor_of(make_delegate(domain))
    over_it = make_mailbox_in(domain, "boss")
    assert domain.customer_id is not None
    grant(over_it, "customer_administrator", ScopeRef(Level.CUSTOMER, domain.customer_id))
    for mailbox in (chief_in(domain), over_it):
        with pytest.raises(Forbidden):
            update_mailbox(delegate, mailbox, {"name": "Mallory"})


def test_an_administrators_address_is_not_taken_from_them(db: None) -> None:
    domain = make_domain("example.com")
    root = make_administrator("root@example.com")
    delegate = actor_of(make_delegate(domain))
    with pytest.raises(Taken):
        create_mailbox(delegate, domain, email="root")
    with pytest.raises(Taken):
        create_group(delegate, domain, email="root", members=["mallory@example.com"])
    assert not Address.objects.exists()
    assert create_mailbox(actor_of(root), domain, email="root").user == root


def test_a_plain_person_without_a_mailbox_isnt_drawn_into_a_domain(db: None) -> None:
    domain = make_domain("example.com")
    person = make_user("ada@example.com")
    with pytest.raises(Taken):
        create_mailbox(actor_of(make_delegate(domain)), domain, email="ada")
    person.refresh_from_db()
    assert person.home_domain_id is None
