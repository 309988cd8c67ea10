"""Absence note, facts, rights of others and pulls of a mailbox; and asking whether a password is right."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden, TooManyAttempts
from accounts.models import AuditEvent, SignInThrottle, User
from accounts.services.verifying import opens_doors, verify_password
from config.kit.net import Gate
from domains.errors import Invalid, Taken
from domains.models import Mailbox, RemotePull
from domains.services import account_rights, profiles, pulls
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import PASSWORD

SYSTEM = Actor.system()
PULL: dict[str, Any] = {
    "name": "old", "protocol": "pop3", "host": "pop.example.org", "port": 110, "use_tls": False, "username": "ada",
    "password": "opens sesame",
}  # fmt: skip


def own(mailbox: Mailbox) -> Actor:
    assert mailbox.user is not None
    return Actor.for_user(mailbox.user)


def test_an_absence_note_says_something_and_ends_after_it_begins(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    profiles.set_absence(own(mailbox), mailbox, on=True, text="Away", start=date(2026, 12, 1), end=date(2026, 12, 9))
    for values, field in (
        ({"on": True, "text": " "}, "text"),
        ({"on": True, "text": "x", "start": date(2026, 2, 1), "end": date(2026, 1, 1)}, "end"),
        ({"on": False, "subject": "a\nBcc: b"}, "subject"),
    ):
        with pytest.raises(Invalid) as caught:
            profiles.set_absence(SYSTEM, mailbox, **values)  # type: ignore[arg-type]
        assert caught.value.field == field


def test_facts_are_merged_and_null_removes_one(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    profiles.set_information(SYSTEM, mailbox, {"Location": "Oslo", "floor": 3})
    assert profiles.set_information(SYSTEM, mailbox, {"floor": None}).information == {"Location": "Oslo"}
    for values in ({"no good": 1}, {"x": {"a": 1}}, {"x": "y" * 5000}):
        with pytest.raises(Invalid):
            profiles.set_information(SYSTEM, mailbox, values)
    with pytest.raises(Forbidden):
        profiles.set_information(own(mailbox), mailbox, {"Location": "Rome"})
    assert profiles.set_preferences(own(mailbox), mailbox, {"rows": 50}).preferences == {"rows": 50}


def test_what_a_domain_does_not_let_people_do_they_do_not(db: None) -> None:
    mailbox = make_mailbox_in(make_domain(end_user_rights=["sign_in"]))
    with pytest.raises(Forbidden):
        profiles.set_absence(own(mailbox), mailbox, on=False)
    with pytest.raises(Forbidden):
        profiles.set_absence(Actor.for_user(make_delegate(make_domain())), mailbox, on=False)
    profiles.set_absence(Actor.for_user(make_delegate(mailbox.domain)), mailbox, on=False)


def test_rights_of_others_are_given_within_the_customer_only(db: None) -> None:
    customer = make_customer()
    mailbox, near = (make_mailbox_in(make_domain(customer=customer)) for _ in range(2))
    far = make_mailbox_in(make_domain())
    assert account_rights.set_rights(own(mailbox), mailbox, {near.address.upper(): "srl", "anyone": "l"}) == {
        near.address: "lrs",
        "anyone": "l",
    }
    assert account_rights.effective_rights(mailbox, near) == "lrs"
    assert account_rights.effective_rights(mailbox, far) == "l"
    assert account_rights.effective_rights(mailbox, mailbox) == account_rights.LETTERS
    for rights, field in (({far.address: "l"}, f"rights.{far.address}"), ({"anyone": "q"}, "rights.anyone")):
        with pytest.raises(Invalid) as caught:
            account_rights.set_rights(SYSTEM, mailbox, rights)
        assert caught.value.field == field
    assert account_rights.set_rights(SYSTEM, mailbox, {"anyone": ""}) == {}


def test_a_pull_keeps_its_password_sealed_and_to_itself(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    pull = pulls.create_pull(own(mailbox), mailbox, PULL)
    with pytest.raises(Taken):
        pulls.create_pull(SYSTEM, mailbox, PULL)
    for change in ({"host": "mine.example.net"}, {"port": 1110}, {"use_tls": True}):
        with pytest.raises(Invalid) as caught:
            pulls.update_pull(SYSTEM, pull, change)
        assert caught.value.field == "password"
    pulls.update_pull(SYSTEM, pull, {"every_minutes": 30})
    assert RemotePull.objects.get().password.reveal() == "opens sesame"
    assert "sesame" not in json.dumps(list(AuditEvent.objects.values("details", "changes")), default=str)
    with pytest.raises(Forbidden):
        pulls.update_pull(Actor.for_user(make_delegate(make_domain())), pull, {"every_minutes": 5})


@pytest.fixture
def pop3() -> Iterator[tuple[str, int]]:
    """A POP3 server (RFC 1939) that lets in ada with her password, for two connections."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            connection, _address = server.accept()
            with connection, connection.makefile("rwb") as talk:
                talk.write(b"+OK ready\r\n")
                talk.flush()
                for line in talk:
                    word, _space, rest = line.strip().partition(b" ")
                    wrong = word == b"PASS" and rest != b"opens sesame"
                    talk.write(b"-ERR no\r\n" if wrong else b"+OK\r\n")
                    talk.flush()
                    if word == b"QUIT":
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield ("127.0.0.1", server.getsockname()[1])
    server.close()


def test_a_pull_is_tried_through_the_gate(db: None, pop3: tuple[str, int]) -> None:
    host, port = pop3
    mailbox = make_mailbox_in(make_domain())
    pull = pulls.create_pull(SYSTEM, mailbox, PULL | {"host": host, "port": port})
    assert pulls.try_pull(SYSTEM, pull) == "refused_by_gate"
    gate = Gate(networks=(ip_network("127.0.0.0/8"),), ports=frozenset({port}))
    assert pulls.try_pull(SYSTEM, pull, gate=gate) == ""
    pulls.update_pull(SYSTEM, pull, {"password": "wrong"})
    assert pulls.try_pull(SYSTEM, pull, gate=gate) == "authentication"


def test_a_program_that_asks_for_passwords_holds_up_nobody_else_and_learns_nothing_of_administrators(db: None) -> None:
    domain = make_domain()
    people = [make_mailbox_in(domain, f"u{number}", password=PASSWORD).user for number in range(7)]
    asker = make_delegate(domain)
    actor = replace(Actor.for_user(asker, address="192.0.2.77"), token_id=1)
    for person in people:
        for _ in range(3):  # 21 in all: a network waits after 20
            assert person is not None and not verify_password(actor, person, "wrong")
    assert people[0] is not None and verify_password(actor, people[0], PASSWORD)
    keys = set(SignInThrottle.objects.values_list("key", flat=True))
    assert "verify:token:1" in keys and not any(key.startswith("network:") for key in keys)
    with pytest.raises(Forbidden):  # a token that only reads guesses nothing
        verify_password(replace(actor, read_only=True), people[0], PASSWORD)
    User.objects.filter(pk=people[1].pk if people[1] else 0).update(is_administrator=True)
    with pytest.raises(Forbidden):
        verify_password(actor, User.objects.get(is_administrator=True), PASSWORD)


def test_an_expired_or_unwanted_password_opens_no_mail_program_s_door(db: None) -> None:
    domain = make_domain()
    user = make_mailbox_in(domain, password=PASSWORD).user
    assert user is not None
    actor = Actor.for_user(make_delegate(domain))
    assert opens_doors(actor, user, PASSWORD) and not opens_doors(actor, user, "wrong")
    User.objects.filter(pk=user.pk).update(password_wanted=True)
    user.refresh_from_db()
    assert verify_password(actor, user, PASSWORD) and not opens_doors(actor, user, PASSWORD)


def test_asking_for_a_password_is_slowed_down_and_needs_a_right(db: None) -> None:
    domain = make_domain()
    mailbox = make_mailbox_in(domain, password=PASSWORD)
    assert mailbox.user is not None
    actor = Actor.for_user(make_delegate(domain))
    assert verify_password(actor, mailbox.user, PASSWORD)
    assert not verify_password(actor, mailbox.user, "wrong")
    with pytest.raises(Forbidden):
        verify_password(Actor.for_user(make_delegate(make_domain())), mailbox.user, PASSWORD)
    with pytest.raises(TooManyAttempts):
        for _ in range(30):
            verify_password(actor, mailbox.user, "wrong")
