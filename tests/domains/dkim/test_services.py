"""DKIM keys of a domain: made, put to work, rotated, retired; the private half is shown nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains import dkim_keys
from domains.errors import DomainsError, Invalid, Taken, WrongState
from domains.models import DkimKey, DomainName
from domains.services import dkim
from tests.domains.factories import make_delegate, make_domain

SYSTEM = Actor.system()


def test_a_key_is_made_published_under_every_name_and_put_to_work(db: None) -> None:
    domain = make_domain("stark.example")
    DomainName.objects.create(name="winterfell.example", domain=domain)
    key = dkim.create_key(SYSTEM, domain, selector="Protect", kind="ed25519")
    assert (key.selector, key.state) == ("protect", "pending")
    names = [record.name for record in dkim.records_of(key)]
    assert names == ["protect._domainkey.stark.example", "protect._domainkey.winterfell.example"]
    record = dkim_keys.parse_record(dkim.records_of(key)[0].text)
    private = dkim_keys.parse_private_key(DkimKey.objects.get(pk=key.pk).private_key.reveal())
    assert dkim_keys.is_same_key(record, private)
    assert dkim.activate_key(SYSTEM, key).state == "active"


def test_rotating_makes_a_key_that_waits_and_takes_over_when_put_to_work(db: None) -> None:
    domain = make_domain()
    first = dkim.create_key(SYSTEM, domain, kind="ed25519", activate=True)
    second = dkim.rotate(SYSTEM, domain)
    assert (second.state, second.algorithm) == ("pending", "ed25519") and second.selector != first.selector
    dkim.activate_key(SYSTEM, second)
    states = dict(domain.dkim_keys.values_list("pk", "state"))
    assert states == {first.pk: "retired", second.pk: "active"}
    with pytest.raises(WrongState):
        dkim.delete_key(SYSTEM, second)
    dkim.retire_key(SYSTEM, second)
    assert dkim.delete_all_keys(SYSTEM, domain) == 2


def test_a_key_brought_along_is_read_and_never_told(db: None) -> None:
    pem = dkim_keys.generate(dkim_keys.KeyKind.ED25519).private_pem()
    key = dkim.create_key(SYSTEM, make_domain(), selector="old", private_key=pem)
    assert key.algorithm == "other" and "PRIVATE" not in str(key.private_key)
    events = json.dumps(list(AuditEvent.objects.values("details", "changes")))
    assert pem.splitlines()[1] not in events


def test_bad_input_is_refused_by_name(db: None) -> None:
    domain = make_domain()
    dkim.create_key(SYSTEM, domain, selector="a", kind="ed25519")
    cases: list[tuple[dict[str, Any], type[DomainsError], str]] = [
        ({"selector": "no good"}, Invalid, "selector"),
        ({"kind": "dsa"}, Invalid, "kind"),
        ({"private_key": "nonsense"}, Invalid, "private_key"),
        ({"selector": "a", "kind": "ed25519"}, Taken, "selector"),
    ]
    for values, error, field in cases:
        with pytest.raises(error) as caught:
            dkim.create_key(SYSTEM, domain, **values)
        assert caught.value.field == field


@pytest.mark.parametrize("role", ["domain_administrator", "auditor"])
def test_who_lacks_the_right_there_changes_nothing(db: None, role: str) -> None:
    domain = make_domain()
    key = dkim.create_key(SYSTEM, domain, kind="ed25519")
    actor = Actor.for_user(make_delegate(domain if role == "auditor" else make_domain(), role=role))
    for refused in (
        lambda: dkim.create_key(actor, domain, kind="ed25519"),
        lambda: dkim.activate_key(actor, key),
        lambda: dkim.retire_key(actor, key),
        lambda: dkim.delete_key(actor, key),
        lambda: dkim.delete_all_keys(actor, domain),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert DkimKey.objects.get().state == "pending"
