"""Policies of a domain, its default, and what a mailbox has instead."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from config.kit.versions import ChangedMeanwhile
from domains.errors import InUse, Invalid, Taken
from domains.models import Domain, Mailbox, Policy
from domains.services import policies
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def test_a_domain_has_a_policy_with_all_services_off_but_incoming(db: None) -> None:
    policy = make_domain("got.example").default_policy
    assert policy is not None and policy.name == "Policy of got.example"
    values = policies.values_of(policy)
    assert [values[name] for name in ("incoming", "outgoing", "quarantine", "retention", "archive")] == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert (values["mail_size_limit_mb"], values["quarantine_props.duration_days"]) == (21, 31)


def test_only_what_is_given_changes(db: None) -> None:
    domain = make_domain()
    policy = policies.create_policy(SYSTEM, domain, {"name": "strict", "quarantine": True, "spam_score": 3.5})
    policies.update_policy(SYSTEM, policy, {"quarantine_props.store_virus": True})
    values = policies.values_of(Policy.objects.get(pk=policy.pk))
    assert (values["spam_score"], values["quarantine_props.store_virus"], values["quarantine"]) == (3.5, True, True)
    changes = AuditEvent.objects.get(action="policy.update").changes
    assert changes == {"quarantine_props.store_virus": [False, True]}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x", "spam_score": "high"}, "spam_score"),
        ({"name": "x", "mail_size_limit_mb": 0}, "mail_size_limit_mb"),
        ({"name": "x", "relay_props.advert_prefix": "a\r\nBcc: everybody"}, "relay_props.advert_prefix"),
        ({"name": "x", "archive_props.pigeons": 1}, "archive_props.pigeons"),
    ],
)
def test_bad_values_are_refused_by_name(db: None, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        policies.create_policy(SYSTEM, make_domain(), values)
    assert caught.value.field == field


def test_names_are_unique_within_a_domain(db: None) -> None:
    domain = make_domain()
    policies.create_policy(SYSTEM, domain, {"name": "x"})
    other = policies.create_policy(SYSTEM, domain, {"name": "y"})
    policies.create_policy(SYSTEM, make_domain(), {"name": "x"})
    with pytest.raises(Taken) as caught:
        policies.create_policy(SYSTEM, domain, {"name": "x"})
    assert caught.value.field == "name"
    with pytest.raises(Taken) as caught:
        policies.update_policy(SYSTEM, other, {"name": "x"})
    assert caught.value.field == "name"


def test_a_policy_in_use_stays(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    domain = Domain.objects.get(pk=mailbox.domain_id)
    own = policies.create_policy(SYSTEM, domain, {"name": "own"})
    policies.set_mailbox_policy(SYSTEM, mailbox, own)
    assert domain.default_policy is not None
    for policy in (own, domain.default_policy):
        with pytest.raises(InUse):
            policies.delete_policy(SYSTEM, policy)
    policies.set_mailbox_policy(SYSTEM, mailbox, None)
    policies.delete_policy(SYSTEM, own)


def test_every_value_says_where_it_comes_from_and_goes_back(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    policies.set_policy_values(SYSTEM, mailbox, {"spam_score": 4.0})
    merged = policies.effective_policy(Mailbox.objects.get(pk=mailbox.pk))
    assert (merged.policy.spam_score, merged.sources["spam_score"], merged.sources["quarantine"]) == (
        4.0, "mailbox", "domain",
    )  # fmt: skip
    policies.set_policy_values(SYSTEM, mailbox, {"spam_score": None})
    merged = policies.effective_policy(Mailbox.objects.get(pk=mailbox.pk))
    assert (merged.policy.spam_score, merged.sources["spam_score"]) == (5.0, "domain")
    with pytest.raises(Invalid):
        policies.set_policy_values(SYSTEM, mailbox, {"spam_score": -1.0})


def test_policies_of_another_domain_are_out_of_reach(db: None) -> None:
    own, other = make_domain(), make_domain()
    mailbox = make_mailbox_in(own)
    actor = Actor.for_user(make_delegate(own))
    foreign = policies.create_policy(SYSTEM, other, {"name": "x"})
    for refused in (
        lambda: policies.create_policy(actor, other, {"name": "y"}),
        lambda: policies.update_policy(actor, foreign, {"name": "y"}),
        lambda: policies.delete_policy(actor, foreign),
        lambda: policies.set_default_policy(actor, other, foreign),
        lambda: policies.create_policy(Actor.for_user(make_delegate(own, role="help_desk")), own, {"name": "y"}),
    ):
        with pytest.raises(Forbidden):
            refused()
    with pytest.raises(Invalid):
        policies.set_default_policy(actor, own, foreign)
    with pytest.raises(Invalid):
        policies.set_mailbox_policy(actor, mailbox, foreign)


def test_the_second_of_two_administrators_is_told(db: None) -> None:
    policy = make_domain().default_policy
    assert policy is not None
    seen = policy.version
    policies.update_policy(SYSTEM, policy, {"quarantine": True}, expected=seen)
    with pytest.raises(ChangedMeanwhile):
        policies.update_policy(SYSTEM, policy, {"quarantine": False}, expected=seen)
