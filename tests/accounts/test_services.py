"""People: making, inviting, changing, shutting out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts import audit, links, services
from accounts.actors import Actor
from accounts.errors import (
    AddressTaken,
    BadLink,
    BadPassword,
    Forbidden,
    LastAdministrator,
    UnknownUser,
    WrongPassword,
)
from accounts.models import ApiToken, AuditEvent, OneTimeLink, User
from accounts.permissions import Right
from accounts.secrets import token_hash
from tests import factories
from tests.factories import PASSWORD

BASE = "https://mail.example.org"


def token_of(link: str) -> str:
    return link.rstrip("/").rsplit("/", 1)[1]


def last_action() -> str:
    return AuditEvent.objects.latest("pk").action


def test_a_new_person_without_a_password_cannot_sign_in(administrator: User) -> None:
    person = services.create_user(Actor.for_user(administrator), email="New@Example.ORG", name=" New ")
    assert (person.email, person.name, person.is_administrator) == ("new@example.org", "New", False)
    assert not person.has_usable_password()
    assert last_action() == "user.create"


def test_an_address_belongs_to_one_person(user: User) -> None:
    with pytest.raises(AddressTaken):
        services.create_user(Actor.system(), email=user.email.upper())


@pytest.mark.parametrize("password", ["short", "1234567890123", "password123", "user@example.org"])
def test_weak_passwords_are_refused(user: User, password: str) -> None:
    with pytest.raises(BadPassword):
        services.set_password(Actor.system(), user, password=password)


def test_users_may_not_touch_people(user: User, stranger: User) -> None:
    actor = Actor.for_user(user)
    for attempt in (
        lambda: services.create_user(actor, email="x@example.org"),
        lambda: services.invite(actor, stranger),
        lambda: services.issue_reset_link(actor, stranger),
        lambda: services.set_password(actor, stranger, password=PASSWORD),
        lambda: services.disable_user(actor, stranger),
        lambda: services.enable_user(actor, stranger),
        lambda: services.create_token(actor, stranger, name="x"),
        lambda: services.ensure_administrator(actor, email="x@example.org"),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert User.objects.count() == 2


def test_an_administrator_shut_out_holds_no_right(administrator: User) -> None:
    administrator.is_active = False
    assert not Actor.for_user(administrator).has(Right.MANAGE_USERS)


def test_a_misspelt_right_is_an_error_not_a_refusal(user: User) -> None:
    with pytest.raises(ValueError, match="manage_everything"):
        Actor.for_user(user).has("manage_everything")


def test_an_invitation_sets_the_password_once(administrator: User) -> None:
    person = factories.make_user(password=None)
    link = services.invite(Actor.for_user(administrator), person, base_url=BASE)
    assert link.startswith(f"{BASE}/link/")
    assert not OneTimeLink.objects.filter(token_hash=token_of(link)).exists()  # only its hash is kept
    found = links.find(token_of(link))
    services.accept_link(found, password=PASSWORD)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    with pytest.raises(BadLink):
        links.find(token_of(link))
    with pytest.raises(BadLink):  # two had the page open: the second is too late
        services.accept_link(found, password=PASSWORD + "!")
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_a_weak_password_does_not_use_up_the_link(administrator: User) -> None:
    person = factories.make_user(password=None)
    token = token_of(services.invite(Actor.for_user(administrator), person))
    with pytest.raises(BadPassword):
        services.accept_link(links.find(token), password="short")
    assert links.find(token)


def test_links_expire_and_only_the_newest_works(administrator: User, user: User) -> None:
    actor = Actor.for_user(administrator)
    first, second = (token_of(services.issue_reset_link(actor, user)) for _ in range(2))
    with pytest.raises(BadLink):
        links.find(first)
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(BadLink):
        links.find(second)


def test_a_link_of_somebody_shut_out_does_not_work(administrator: User, user: User) -> None:
    actor = Actor.for_user(administrator)
    token = token_of(services.issue_reset_link(actor, user))
    found = links.find(token)
    services.disable_user(actor, user)
    with pytest.raises(BadLink):
        links.find(token)
    with pytest.raises(BadLink):
        links.use_up(found)
    with pytest.raises(Forbidden):
        services.issue_reset_link(actor, user)


def test_a_reset_link_ends_with_a_changed_password(administrator: User, user: User) -> None:
    token = token_of(services.issue_reset_link(Actor.for_user(administrator), user))
    services.change_password(Actor.for_user(user), old=PASSWORD, new="another good password")
    with pytest.raises(BadLink):
        links.find(token)


def test_changing_the_password_asks_for_the_old_one(user: User) -> None:
    actor = Actor.for_user(user)
    with pytest.raises(WrongPassword):
        services.change_password(actor, old="wrong", new="another good password")
    services.change_password(actor, old=PASSWORD, new="another good password")
    user.refresh_from_db()
    assert user.check_password("another good password")


def test_the_last_administrator_cannot_be_shut_out(administrator: User) -> None:
    actor = Actor.for_user(administrator)
    with pytest.raises(LastAdministrator):
        services.disable_user(actor, administrator)
    other = factories.make_administrator()
    services.disable_user(actor, administrator)
    with pytest.raises(LastAdministrator):
        services.disable_user(Actor.for_user(other), other)


def test_a_token_is_kept_as_a_hash(user: User) -> None:
    value = services.create_token(Actor.for_user(user), user, name="backup").value
    token = ApiToken.objects.get()
    assert token.token_hash == token_hash(value)
    assert value not in str(vars(token))
    assert value not in str(list(AuditEvent.objects.values()))


def test_the_first_administrator_link_is_new_at_each_start_until_there_is_one(db: None) -> None:
    first, second = (services.first_administrator_link(BASE) for _ in range(2))
    assert first and second and first != second
    with pytest.raises(BadLink):
        links.find(token_of(first))
    found = links.find(token_of(second))
    person = services.accept_first_administrator_link(found, email="me@example.org", name="Me", password=PASSWORD)
    assert person.is_administrator
    assert services.first_administrator_link(BASE) is None
    with pytest.raises(BadLink):
        services.accept_first_administrator_link(found, email="you@example.org", name="", password=PASSWORD)
    assert User.objects.count() == 1


def test_somebody_whom_an_import_made_can_become_the_first_administrator(db: None) -> None:
    person = factories.make_user("me@example.org", password=None)
    link = services.first_administrator_link(BASE)
    assert link is not None
    found = links.find(token_of(link))
    made = services.accept_first_administrator_link(found, email="me@example.org", name="Me", password=PASSWORD)
    assert (made.pk, made.is_administrator, made.name) == (person.pk, True, "Me")


def test_the_environment_makes_the_first_administrator_and_then_nothing_more(db: None) -> None:
    link = services.first_administrator_link(BASE)
    assert services.ensure_first_administrator("me@example.org", PASSWORD) is not None
    assert services.ensure_first_administrator("you@example.org", PASSWORD) is None
    assert link is not None
    with pytest.raises(BadLink):
        links.find(token_of(link))


def test_people_are_found_by_address_in_any_writing(user: User) -> None:
    assert services.find_user(f"  {user.email.upper()} ") == user
    with pytest.raises(UnknownUser):
        services.find_user("nobody@example.org")


def test_audit_events_cannot_be_changed_or_deleted(user: User) -> None:
    event = audit.record(Actor.for_user(user), "test.done", user, old="a", new={"b": [1, None]})
    for attempt in (lambda: AuditEvent.objects.filter(pk=event.pk).update(action="x"), event.delete):
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            attempt()
    assert AuditEvent.objects.get(pk=event.pk).details == {"old": "a", "new": {"b": [1, None]}}


def test_a_person_can_go_while_their_events_stay(stranger: User) -> None:
    event = audit.record(Actor.for_user(stranger), "test.done", stranger)
    stranger.delete()
    event.refresh_from_db()
    assert event.actor_label == "stranger@example.net"


def test_what_has_expired_is_forgotten(user: User) -> None:
    token_of(services.invite(Actor.system(), user))
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    services.forget_expired()
    assert not OneTimeLink.objects.exists()


def test_an_address_in_upper_case_cannot_get_into_the_database(db: None) -> None:
    with pytest.raises(Exception, match="user_email_lower"), transaction.atomic():
        User.objects.create(email="Upper@example.org")
    assert connection.is_usable()
