"""Mailboxes come into being with the first mail for their address."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import services as people
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from domains.errors import BadAddress
from domains.models import Domain, Mailbox
from domains.selectors import mailbox_of
from domains.services.mailboxes import ensure_mailbox
from tests.domains.factories import make_domain


def test_an_unknown_address_gets_domain_person_and_mailbox(db: None) -> None:
    mailbox, is_new = ensure_mailbox(Actor.console(), " Ada@MÜNCHEN.example ")
    assert is_new
    assert mailbox.address == "ada@xn--mnchen-3ya.example"
    assert mailbox.domain.name == "xn--mnchen-3ya.example"
    assert mailbox.user is not None
    assert not mailbox.user.has_usable_password()
    assert mailbox_of(mailbox.user) == mailbox
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "domain.create",
        "user.create",
        "mailbox.create",
    }


def test_a_second_time_nothing_is_made(db: None) -> None:
    first, _ = ensure_mailbox(Actor.console(), "ada@example.org")
    again, is_new = ensure_mailbox(Actor.console(), "ADA@example.org")
    assert (again, is_new) == (first, False)
    assert (Domain.objects.count(), Mailbox.objects.count(), User.objects.count()) == (1, 1, 1)


def test_a_person_without_a_mailbox_gets_theirs(administrator: User) -> None:
    assert mailbox_of(administrator) is None
    mailbox, is_new = ensure_mailbox(Actor.for_user(administrator), administrator.email)
    assert is_new and mailbox.user == administrator


def test_a_user_may_make_their_own_mailbox_and_no_other(user: User, stranger: User) -> None:
    actor = Actor.for_user(user)
    make_domain(user.email.rpartition("@")[2])
    assert ensure_mailbox(actor, user.email)[0].user == user
    for address in (stranger.email, "new@example.org"):
        with pytest.raises(Forbidden):
            ensure_mailbox(actor, address)
    assert Mailbox.objects.count() == 1


def test_nobody_takes_a_domain_by_having_an_address_in_it(user: User) -> None:
    with pytest.raises(BadAddress, match="not a domain of this server"):
        ensure_mailbox(Actor.for_user(user), user.email)
    assert not Domain.objects.exists() and not Mailbox.objects.exists()


@pytest.mark.parametrize("address", ["", "nobody", '"a b"@example.org', "a@b@c", "x" * 70 + "@example.org"])
def test_what_is_no_address_is_refused_and_leaves_nothing(db: None, address: str) -> None:
    with pytest.raises(BadAddress):
        ensure_mailbox(Actor.console(), address)
    assert not Domain.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_the_same_mailbox() -> None:
    found: list[tuple[int, bool]] = []

    def ensure() -> None:
        mailbox, is_new = ensure_mailbox(Actor.console(), "ada@example.org")
        found.append((mailbox.pk, is_new))
        connection.close()

    threads = [threading.Thread(target=ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({pk for pk, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1


def test_a_mailbox_outlives_its_person(db: None) -> None:
    mailbox, _ = ensure_mailbox(Actor.console(), "ada@example.org")
    assert mailbox.user is not None
    mailbox.user.delete()
    mailbox.refresh_from_db()
    assert mailbox.user is None
    people.create_user(Actor.console(), email="ada@example.org")
    again, is_new = ensure_mailbox(Actor.console(), "ada@example.org")
    assert (again, is_new) == (mailbox, False)


def test_the_database_refuses_upper_case(db: None) -> None:
    for make in (
        lambda: Domain.objects.create(name="Example.org"),
        lambda: Mailbox.objects.create(domain=Domain.objects.create(name="example.org"), address="Ada@example.org"),
    ):
        with pytest.raises(IntegrityError, match="lower"), transaction.atomic():
            make()
