"""Privileges: what somebody may do with their own things, and by which doors they come in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, LastAdministrator
from accounts.models import AuditEvent, User
from accounts.permissions import EndUserRight
from accounts.services.people import disable_user
from accounts.services.privileges import (
    reset_login_privileges,
    set_authentication,
    set_distinguished_name,
    set_login_privileges,
    set_privileges,
)
from accounts.services.tokens import create_token
from accounts.tokens import actor_for_token
from domains.models import Domain
from tests import factories
from tests.domains.factories import make_mailbox_in
from tests.stage import Cast

SYSTEM = Actor.system()


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


@pytest.fixture
def person(cast: Cast) -> User:
    user = make_mailbox_in(cast.domain, "ada", password=factories.PASSWORD).user
    assert user is not None
    return user


def signs_in(person: User) -> bool:
    answer = Client().post(reverse("accounts:sign-in"), {"email": person.email, "password": factories.PASSWORD})
    return answer.status_code == 303


def test_what_is_not_named_is_taken(person: User) -> None:
    set_privileges(SYSTEM, person, ["login", "export"])
    actor = actor_of(person)
    assert {right for right in EndUserRight if not actor.may(right)} == {
        EndUserRight.CHANGE_PASSWORD,
        EndUserRight.IMPORT_MAIL,
    }
    set_privileges(SYSTEM, person, ["login", "changePassword", "archive", "export", "delete"])
    assert all(actor_of(person).may(right) for right in EndUserRight)


def test_without_login_nobody_comes_in_and_an_open_session_ends(person: User, client_for: Any) -> None:
    assert signs_in(person)
    client = client_for(person)
    set_privileges(SYSTEM, person, ["none"])
    assert not signs_in(person) and client.get(reverse("accounts:account")).status_code == 302


def test_a_domain_that_lets_nobody_in_lets_in_who_administers_it(cast: Cast, person: User, client_for: Any) -> None:
    Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=[])
    assert not signs_in(person)
    assert client_for(cast.domain_administrator).get(reverse("accounts:account")).status_code == 200


def test_admin_makes_a_system_administrator_and_anything_else_unmakes_one(cast: Cast, person: User) -> None:
    boss = actor_of(cast.administrator)
    set_privileges(boss, person, ["admin"])
    assert actor_of(person).is_administrator
    set_privileges(boss, person, ["login"])
    assert not actor_of(person).is_administrator
    with pytest.raises(LastAdministrator):
        set_privileges(SYSTEM, cast.administrator, ["login"])
    with pytest.raises(Forbidden):
        set_privileges(actor_of(cast.domain_administrator), person, ["admin"])


@pytest.mark.parametrize("values", [[], ["nothing"], ["none", "login"], ["admin", "login"], ["login,export"]])
def test_what_is_no_privilege_or_must_stand_alone_is_refused(person: User, values: list[str]) -> None:
    with pytest.raises(BadGrant):
        set_privileges(SYSTEM, person, values)


def test_doors_are_shut_one_by_one(person: User) -> None:
    value = create_token(SYSTEM, person, name="x").value
    set_login_privileges(SYSTEM, person, ["web", "imap"])
    assert signs_in(person) and actor_for_token(value, address="") is None
    set_login_privileges(SYSTEM, person, ["api"])
    assert not signs_in(person) and actor_for_token(value, address="") is not None
    set_login_privileges(SYSTEM, person, ["none"])
    assert not signs_in(person) and actor_for_token(value, address="") is None
    reset_login_privileges(SYSTEM, person)
    assert signs_in(person) and actor_for_token(value, address="") is not None


def test_the_last_administrator_keeps_a_door(cast: Cast) -> None:
    with pytest.raises(LastAdministrator):
        set_login_privileges(SYSTEM, cast.administrator, ["api"])
    with pytest.raises(LastAdministrator):
        set_authentication(SYSTEM, cast.administrator, "directoryServices")


def test_administrators_don_t_all_become_people_of_a_directory_or_without_a_door(cast: Cast) -> None:
    """Else a directory that is away locks out everybody who could point to another one."""
    second, third = (factories.make_administrator(f"{name}@example.org") for name in ("second", "third"))
    waiting = factories.make_user("waiting@example.org", password=None)  # invited, and never came
    User.objects.filter(pk=waiting.pk).update(is_administrator=True)
    set_authentication(SYSTEM, cast.administrator, "directoryServices")
    set_login_privileges(SYSTEM, second, ["api"])
    with pytest.raises(LastAdministrator):
        set_authentication(SYSTEM, third, "directoryServices")
    with pytest.raises(LastAdministrator):
        set_login_privileges(SYSTEM, third, ["api"])
    with pytest.raises(LastAdministrator):
        disable_user(SYSTEM, third)
    disable_user(SYSTEM, cast.administrator)  # who was none of those that count
    assert signs_in(third)


def test_a_password_kept_here_does_not_open_what_the_directory_keeps(person: User) -> None:
    set_authentication(SYSTEM, person, "directoryServices")
    assert not signs_in(person)
    set_authentication(SYSTEM, person, "integrated")
    assert signs_in(person)
    set_distinguished_name(SYSTEM, person, " cn=Ada,dc=example ")
    assert User.objects.get(pk=person.pk).distinguished_name == "cn=Ada,dc=example"
    with pytest.raises(BadGrant):
        set_authentication(SYSTEM, person, "kerberos")
    with pytest.raises(BadGrant):
        set_distinguished_name(SYSTEM, person, "x" * 501)
    actions = AuditEvent.objects.filter(action="user.set_authentication")
    assert actions.count() == 3


def test_nobody_sets_their_own_nor_those_of_who_holds_more(cast: Cast, person: User) -> None:
    set_privileges(actor_of(cast.domain_administrator), person, ["login"])
    for user, target in (
        (person, person),
        (cast.domain_administrator, cast.domain_administrator),
        (cast.help_desk, person),
        (cast.stranger, person),
        (cast.domain_administrator, cast.stranger),
    ):
        with pytest.raises(Forbidden):
            set_privileges(actor_of(user), User.objects.get(pk=target.pk), ["login"])
    with pytest.raises(Forbidden):
        set_privileges(actor_of(cast.administrator).acting_as(person, "asked to"), person, ["login"])
