"""What an actor may do: by grants, on which scopes, through tokens and while acting as somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Grant, User
from accounts.permissions import BUILT_IN_ROLES, RIGHTS, SYSTEM_ADMINISTRATOR, Level, Right, rights_at
from accounts.scopes import EVERYWHERE, NOWHERE, ScopeRef
from domains.models import Broker
from tests import factories
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


def test_every_right_has_a_word_and_a_level() -> None:
    assert set(RIGHTS) == set(Right)
    assert all(Level.SERVER in info.levels for info in RIGHTS.values())


def test_roles_hold_only_rights_that_each_of_their_levels_carries_or_lose_them_there() -> None:
    for role in BUILT_IN_ROLES.values():
        if role.key != SYSTEM_ADMINISTRATOR:
            assert all(role.rights & rights_at(level) for level in role.levels)
            assert Right.MANAGE_SERVER not in role.rights


def test_a_domain_administrator_holds_rights_there_and_nowhere_else(db: None) -> None:
    customer = make_customer()
    own, other = make_domain(customer=customer), make_domain(customer=customer)
    actor = Actor.for_user(make_delegate(own))
    assert actor.has(Right.MANAGE_USERS, own) and not actor.has(Right.MANAGE_USERS, other)
    assert not actor.has(Right.MANAGE_USERS) and not actor.has(Right.MANAGE_USERS, customer)
    assert not actor.has(Right.CREATE_DOMAINS, own)
    assert actor.has(Right.SET_PASSWORDS, make_mailbox_in(own)) and not actor.has(
        Right.SET_PASSWORDS, make_mailbox_in(other)
    )
    assert actor.reach(Right.MANAGE_USERS).domains == {own.pk} and actor.reach(Right.MANAGE_SERVER) == NOWHERE
    assert actor.administers and not actor.is_administrator


def test_a_customer_administrator_reaches_all_domains_of_the_customer(db: None) -> None:
    customer = make_customer()
    actor = Actor.for_user(make_delegate(customer))
    assert actor.has(Right.MANAGE_USERS, make_domain(customer=customer)) and actor.has(Right.CREATE_DOMAINS, customer)
    assert not actor.has(Right.MANAGE_USERS, make_domain()) and not actor.has(Right.CREATE_DOMAINS, make_customer())


def test_a_grant_on_a_broker_reaches_its_customers(db: None) -> None:
    broker = Broker.objects.create(name="Reseller")
    customer = make_customer(broker=broker)
    user = factories.make_user()
    Grant.objects.create(user=user, role_key="customer_administrator", level=Level.BROKER, object_id=broker.pk)
    actor = Actor.for_user(user)
    mailbox = make_mailbox_in(make_domain(customer=customer))
    assert actor.has(Right.MANAGE_USERS, mailbox) and not actor.has(Right.MANAGE_USERS, make_mailbox_in(make_domain()))
    assert actor.reach(Right.VIEW_DOMAINS).customers == {customer.pk}


def test_an_expired_grant_and_a_disabled_person_hold_nothing(db: None) -> None:
    domain = make_domain()
    expired, disabled = make_delegate(domain), make_delegate(domain)
    Grant.objects.filter(user=expired).update(expires_at=timezone.now() - timedelta(seconds=1))
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    for person in (expired, disabled):
        assert not Actor.for_user(User.objects.get(pk=person.pk)).has(Right.VIEW_USERS, domain)


def test_a_right_above_the_level_of_its_grant_is_not_held(db: None) -> None:
    domain = make_domain()
    actor = Actor.for_user(make_delegate(domain, rights=[Right.MANAGE_SERVER, Right.VIEW_USERS, "gone"]))
    assert actor.rights_on(domain) == {Right.VIEW_USERS}


def test_nobody_dominates_who_holds_more(administrator: User) -> None:
    domain, other = make_domain(), make_domain()
    actor = Actor.for_user(make_delegate(domain))
    assert actor.dominates(make_delegate(domain)) and actor.dominates(factories.make_user())
    assert not actor.dominates(administrator) and not actor.dominates(make_delegate(other))
    assert not actor.dominates(make_delegate(domain, role="auditor"))  # who may open archives


def test_a_token_holds_at_most_its_rights_and_never_personal_ones(administrator: User) -> None:
    token = Actor.for_user(administrator).restricted([Right.VIEW_USERS, Right.READ_OTHERS_MAIL])
    assert token.has(Right.VIEW_USERS) and not token.has(Right.MANAGE_USERS) and not token.has(Right.READ_OTHERS_MAIL)
    assert not token.is_administrator and token.administers
    with pytest.raises(Forbidden):
        token.require_in_person()
    assert not Actor.for_user(administrator).restricted([]).administers


def test_acting_as_somebody_gives_the_intersection_and_no_mail(administrator: User, user: User) -> None:
    acting = Actor.for_user(administrator).acting_as(user, "asked by phone")
    assert not any(acting.has(right) for right in Right) and not acting.is_administrator
    assert not acting.may_read_mail and not acting.in_person
    domain = make_domain()
    delegate = Actor.for_user(administrator).acting_as(make_delegate(domain), "asked by phone")
    assert delegate.has(Right.VIEW_USERS, domain) and not delegate.has(Right.MANAGE_SERVER)


def test_system_and_console_reach_everywhere() -> None:
    assert Actor.system().reach(Right.MANAGE_USERS) == EVERYWHERE
    assert Actor.console().has(Right.GRANT_RIGHTS, ScopeRef(Level.DOMAIN, 7))
