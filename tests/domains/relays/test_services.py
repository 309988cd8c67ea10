"""Relays: made, changed, tried, and never a way to somebody else's passwords."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.errors import InUse, Invalid
from domains.models import Domain, Relay
from domains.services import checks, relays
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
VALUES: dict[str, Any] = {
    "name": "main", "transport_dest": "mx.example.org", "transport_type": "SMTPS_MAY", "transport_port": 25,
}  # fmt: skip


def make_relay(domain: Domain, **more: Any) -> Relay:
    return relays.create_relay(SYSTEM, domain, VALUES | more)


def test_the_first_relay_is_the_default_and_there_is_one(db: None) -> None:
    domain = make_domain()
    first, second = make_relay(domain), make_relay(domain, name="second")
    assert first.is_default and not second.is_default
    relays.update_relay(SYSTEM, second, {"is_default": True})
    assert list(domain.relays.filter(is_default=True)) == [second]
    with pytest.raises(Invalid):
        relays.update_relay(SYSTEM, second, {"is_default": False})
    with pytest.raises(InUse):
        relays.delete_relay(SYSTEM, second)
    relays.delete_relay(SYSTEM, Relay.objects.get(pk=first.pk))
    relays.delete_relay(SYSTEM, second)


def test_a_relay_that_mailboxes_have_stays(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    make_relay(mailbox.domain)
    mailbox.relay = make_relay(mailbox.domain, name="second")
    mailbox.save()
    with pytest.raises(InUse):
        relays.delete_relay(SYSTEM, mailbox.relay)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"transport_dest": "no host"}, "transport_dest"),
        ({"transport_type": "UUCP"}, "transport_type"),
        ({"transport_port": 70000}, "transport_port"),
        ({"auth_data": {"pigeon": 1}}, "auth_data.pigeon"),
        ({"api_data": {"host": {"a": 1}}}, "api_data.host"),
    ],
)
def test_what_is_no_relay_is_refused_by_name(db: None, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        make_relay(make_domain(), **change)
    assert caught.value.field == field


def test_secrets_are_kept_sealed_and_stand_in_no_event(db: None) -> None:
    relay = make_relay(
        make_domain(),
        username="postkeep",
        password="opens sesame",
        auth_type="ldap",
        auth_data={"host": "ldap.example.org", "bind_password": "hunter2"},
        api_data={"clientSecret": "shh", "clientId": "postkeep"},
    )
    relays.update_relay(SYSTEM, relay, {"password": "another"})
    relay = Relay.objects.get(pk=relay.pk)
    assert relay.password.reveal() == "another"
    assert json.loads(relay.auth_secret.reveal()) == {"bind_password": "hunter2"}
    assert relay.auth_data == {"host": "ldap.example.org"} and relay.api_data == {"clientId": "postkeep"}
    events = json.dumps(list(AuditEvent.objects.values("details", "changes", "object_label")), default=str)
    assert not any(word in events for word in ("sesame", "another", "hunter2", "shh"))
    relays.update_relay(SYSTEM, relay, {"auth_data": {"host": "ldap.example.org"}})
    assert json.loads(Relay.objects.get(pk=relay.pk).auth_secret.reveal()) == {"bind_password": "hunter2"}
    relays.update_relay(SYSTEM, relay, {"auth_data": {"host": "ldap.example.org", "bind_password": ""}})
    assert not Relay.objects.get(pk=relay.pk).auth_secret


def test_a_kept_password_never_goes_to_another_server(db: None) -> None:
    relay = make_relay(
        make_domain(),
        username="postkeep",
        password="opens sesame",
        api_data={"host": "ews.example.org", "password": "x"},
    )
    for change, field in (
        ({"transport_dest": "mine.example.net"}, "password"),
        ({"fallback_dest": "mine.example.net"}, "password"),
        ({"transport_port": 2525}, "password"),
        ({"api_data": {"host": "mine.example.net"}}, "api_data.password"),
    ):
        with pytest.raises(Invalid) as caught:
            relays.update_relay(SYSTEM, relay, change)
        assert caught.value.field == field
    relays.update_relay(SYSTEM, relay, {"transport_dest": "mine.example.net", "password": "new"})


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"fallback_dest": "", "fallback_type": "", "fallback_port": None}, False),
        ({"fallback_dest": None}, False),
        ({"fallback_dest": "MX2.example.org"}, False),
        ({"transport_dest": "mx2.example.org", "fallback_dest": "mx.example.org"}, False),  # both know it already
        ({"fallback_port": 2525}, True),
        ({"fallback_dest": "", "transport_dest": "mine.example.net"}, True),
        ({"fallback_dest": "mine.example.net"}, True),
    ],
)
def test_the_password_is_asked_again_only_for_a_server_that_did_not_have_it(
    db: None, change: dict[str, Any], asks: bool
) -> None:
    relay = make_relay(
        make_domain(), username="postkeep", password="opens sesame", fallback_dest="mx2.example.org", fallback_port=25
    )
    if asks:
        with pytest.raises(Invalid):
            relays.update_relay(SYSTEM, relay, change)
    else:
        relays.update_relay(SYSTEM, relay, change)
    assert Relay.objects.get(pk=relay.pk).password.reveal() == "opens sesame"


def test_a_second_server_that_comes_back_is_asked_about(db: None) -> None:
    relay = make_relay(make_domain(), username="postkeep", password="x", fallback_dest="mx2.example.org")
    relays.update_relay(SYSTEM, relay, {"fallback_dest": ""})
    with pytest.raises(Invalid):
        relays.update_relay(SYSTEM, relay, {"fallback_dest": "mx2.example.org"})


def test_a_delegate_manages_relays_of_their_domain_only(db: None) -> None:
    own, other = make_domain(), make_domain()
    actor = Actor.for_user(make_delegate(own))
    relay = relays.create_relay(actor, own, VALUES)
    foreign = make_relay(other)
    for refused in (
        lambda: relays.create_relay(actor, other, VALUES),
        lambda: relays.update_relay(actor, foreign, {"name": "x"}),
        lambda: relays.delete_relay(actor, foreign),
        lambda: checks.try_relay(actor, foreign),
        lambda: checks.try_values(actor, other, VALUES),
        lambda: relays.update_relay(Actor.for_user(make_delegate(own, role="help_desk")), relay, {}),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_a_private_host_is_not_tried_and_the_delegate_learns_the_kind_only(db: None) -> None:
    domain = make_domain()
    actor = Actor.for_user(make_delegate(domain))
    relay = make_relay(domain, transport_dest="127.0.0.1", transport_port=2525)
    check = checks.try_relay(actor, relay)
    assert check.severity == "error"
    (entry,) = checks.entries_for(actor, check)
    assert entry["category"] == "refused_by_gate" and entry["facts"] is None
    assert all(step["detail"] == "" for step in entry["steps"])
    assert checks.transcript_for(actor, check) == ""
    assert any(step["detail"] for step in checks.entries_for(SYSTEM, check)[0]["steps"])
    assert checks.try_relay(actor, relay).pk == check.pk  # within seconds
