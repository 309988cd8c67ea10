"""Filters of domains and mailboxes: rights, order, what is refused and how, many at once, and the compiled book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import Http404
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant
from config.kit.versions import ChangedMeanwhile
from domains.errors import Invalid, LimitReached, Taken
from domains.models import AttachmentRule, DlpRule, Domain, Mailbox, SenderRule
from domains.policy.rules import RuleKind
from domains.services import rule_lists, rule_values, rules
from tests.domains.addresses.cast import actor_of, chief_in
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.domains.filters.builders import SYSTEM, VALUES, make_attachments, make_rule, order_of

SENDER, ATTACHMENT, URI, DLP = RuleKind


@pytest.mark.parametrize("kind", RuleKind)
def test_a_rule_is_made_changed_and_deleted_and_the_trail_says_so(db: None, kind: RuleKind) -> None:
    domain = make_domain()
    rule = make_rule(kind, domain)
    rules.set_rule_enabled(SYSTEM, rule, enabled=False)
    rules.delete_rule(SYSTEM, rule)
    event = rule_values.KINDS[kind].event
    found = AuditEvent.objects.filter(action__startswith=event).order_by("pk")
    assert [each.action.partition(".")[2] for each in found] == ["create", "update", "delete"]
    assert found[1].changes == {"is_enabled": [True, False]}
    assert found[0].domain_id == domain.pk


@pytest.mark.parametrize("kind", RuleKind)
def test_only_the_right_over_that_domain_lets_rules_be_changed(db: None, kind: RuleKind) -> None:
    customer = make_customer()
    own, other = make_domain(customer=customer), make_domain(customer=customer)
    rule = make_rule(kind, other)
    for actor in (Actor.for_user(make_delegate(own)), Actor.for_user(make_delegate(other, role="auditor"))):
        attempts: list[Callable[[Actor], Any]] = [
            lambda a: rules.create_rule(a, kind, other, VALUES[kind] | {"is_enabled": False}),
            lambda a: rules.update_rule(a, rule, {"is_enabled": False}),
            lambda a: rules.delete_rule(a, rule),
            lambda a: rules.move_rule(a, rule, 1),
            lambda a: rule_lists.create_rules(a, kind, other, []),
            lambda a: rule_lists.replace_rules(a, kind, other, []),
            lambda a: rule_lists.delete_rules(a, [rule]),
        ]
        for attempt in attempts:
            with pytest.raises(Forbidden):
                attempt(actor)
    rules.create_rule(Actor.for_user(make_delegate(own)), kind, own, VALUES[kind])


def test_filters_and_leaks_are_different_rights(db: None) -> None:
    domain = make_domain()
    actor = Actor.for_user(make_delegate(domain, rights=["manage_filters"]))
    rules.create_rule(actor, SENDER, domain, VALUES[SENDER])
    with pytest.raises(Forbidden):
        rules.create_rule(actor, DLP, domain, VALUES[DLP])


def test_people_block_senders_for_themselves_where_their_domain_lets_them(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    rule = rules.create_rule(actor_of(mailbox.user), SENDER, mailbox, VALUES[SENDER])
    assert isinstance(rule, SenderRule) and rule.owner == mailbox.address and rule.domain_id == mailbox.domain_id
    other = make_mailbox_in(mailbox.domain)
    with pytest.raises(Forbidden):
        rules.create_rule(actor_of(other.user), SENDER, mailbox, VALUES[SENDER] | {"type": "allow"})
    Domain.objects.filter(pk=mailbox.domain_id).update(end_user_rights=["sign_in"])
    with pytest.raises(Forbidden):
        rules.create_rule(actor_of(mailbox.user), SENDER, mailbox, VALUES[SENDER] | {"type": "allow"})


def test_a_right_over_one_person_is_one_over_their_sender_rules(db: None) -> None:
    domain = make_domain()
    mailbox, other = make_mailbox_in(domain), make_mailbox_in(domain)
    helper = make_mailbox_in(domain)
    assert mailbox.user is not None and helper.user is not None
    Grant.objects.create(user=helper.user, rights=["manage_filters"], level="user", object_id=mailbox.user.pk)
    rules.create_rule(actor_of(helper.user), SENDER, mailbox, VALUES[SENDER])
    with pytest.raises(Forbidden):
        rules.create_rule(actor_of(helper.user), SENDER, other, VALUES[SENDER])


def test_nobody_filters_the_mail_of_somebody_who_holds_more(db: None) -> None:
    domain = make_domain()
    with pytest.raises(Forbidden):
        rules.create_rule(Actor.for_user(make_delegate(domain)), SENDER, chief_in(domain), VALUES[SENDER])


@pytest.mark.parametrize(
    ("kind", "values", "field", "said"),
    [
        (SENDER, {"value": "no sender at all"}, "value", "not a domain name"),
        (SENDER, {"value": ""}, "value", "needed"),
        (SENDER, {"type": "love"}, "type", "One of: allow, block, protected"),
        (SENDER, {"spf_required": True}, "spf_required", "Only a rule that allows"),
        (SENDER, {"display_name": "The chief"}, "display_name", "Only a protected address"),
        (SENDER, {"description": "x" * 1001}, "description", "1000"),
        (SENDER, {"description": "a\0b"}, "description", "can't be kept"),
        (ATTACHMENT, {"filter": r"abc(def"}, "filter", "Character 4"),
        (ATTACHMENT, {"filter": "a\\Cb"}, "filter", "Character 2"),
        (ATTACHMENT, {"filter": "x" * 5000}, "filter", "4096"),
        (ATTACHMENT, {"mode": "domain"}, "mode", "One of"),
        (URI, {"filter": "not a host", "mode": "domain"}, "filter", "Character 1"),
        (DLP, {"expression": "*", "mode": "regex"}, "expression", "Character 1"),
        (DLP, {"targets_content": False}, "targets_content", "Choose what it looks at"),
        (DLP, {"identifier": "a\nb"}, "identifier", "visible"),
        (URI, {"colour": "red"}, "colour", "No rule has this field"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_with_its_place(
    db: None, kind: RuleKind, values: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        make_rule(kind, make_domain(), **values)
    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "subdomains", "kept"),
    [
        ("Spam@EVIL.example", False, "spam@evil.example"),
        ("@evil.example", False, "evil.example"),
        ("*.evil.example", False, ".evil.example"),
        ("münchen.example", True, ".xn--mnchen-3ya.example"),
    ],
)
def test_senders_are_kept_in_one_form(db: None, given: str, subdomains: bool, kept: str) -> None:
    domain = make_domain()
    rule = make_rule(SENDER, domain, value=given, subdomains=subdomains)
    assert (rule.value, rule.subdomains) == (kept, kept.startswith("."))
    with pytest.raises(Taken) as caught:
        make_rule(SENDER, domain, value=kept)
    assert caught.value.field == "value"
    rules.update_rule(SYSTEM, rule, {"description": "known"})
    assert SenderRule.objects.get(pk=rule.pk).value == kept


def test_a_rule_for_below_becomes_one_for_the_domain_alone(db: None) -> None:
    rule = make_rule(SENDER, make_domain(), value=".evil.example")
    rules.update_rule(SYSTEM, rule, {"value": "evil.example"})
    assert rule.value == "evil.example"
    rules.update_rule(SYSTEM, rule, {"subdomains": True})
    assert rule.value == ".evil.example"
    rules.update_rule(SYSTEM, rule, {"subdomains": False})
    assert rule.value == "evil.example"


@pytest.mark.parametrize("kind", RuleKind)
def test_the_same_rule_twice_is_refused(db: None, kind: RuleKind) -> None:
    domain = make_domain()
    make_rule(kind, domain)
    make_rule(kind, make_domain())
    with pytest.raises(Taken):
        make_rule(kind, domain)


def test_an_expression_as_long_as_can_be_is_kept(db: None) -> None:
    domain = make_domain()
    text = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(4096))
    make_rule(ATTACHMENT, domain, filter=text, mode="text")
    with pytest.raises(Taken):
        make_rule(ATTACHMENT, domain, filter=text, mode="text")


def test_places_stay_dense_whatever_happens(db: None) -> None:
    domain = make_domain()
    a, b, c, d = make_attachments(domain, "a", "b", "c", "d")
    rules.move_rule(SYSTEM, d, 2)
    assert order_of(domain) == [(1, "a"), (2, "d"), (3, "b"), (4, "c")]
    rules.move_rule(SYSTEM, a, 99)
    assert order_of(domain) == [(1, "d"), (2, "b"), (3, "c"), (4, "a")]
    rules.delete_rule(SYSTEM, b)
    assert order_of(domain) == [(1, "d"), (2, "c"), (3, "a")]
    rules.create_rule(SYSTEM, ATTACHMENT, domain, VALUES[ATTACHMENT] | {"filter": "e"}, place=1)
    assert order_of(domain) == [(1, "e"), (2, "d"), (3, "c"), (4, "a")]
    rule_lists.delete_rules(SYSTEM, [AttachmentRule.objects.get(pk=d.pk), AttachmentRule.objects.get(pk=a.pk)])
    assert order_of(domain) == [(1, "e"), (2, "c")]
    with pytest.raises(Invalid):
        rules.move_rule(SYSTEM, c, 0)
    assert AuditEvent.objects.filter(action="attachment_rule.move").first() is not None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6)), max_size=8))
def test_moving_is_what_a_list_does(db: None, moves: list[tuple[int, int]]) -> None:
    domain = make_domain()
    made = make_attachments(domain, *"abcde")
    model = list("abcde")
    for number, place in moves:
        rules.move_rule(SYSTEM, made[number], place)
        model.remove("abcde"[number])
        model.insert(min(place, 5) - 1, "abcde"[number])
    assert order_of(domain) == list(enumerate(model, start=1))


def test_the_second_of_two_administrators_is_told(db: None) -> None:
    rule = make_rule(SENDER, make_domain())
    seen = rule.version
    rules.update_rule(SYSTEM, rule, {"type": "allow"}, expected=seen)
    with pytest.raises(ChangedMeanwhile):
        rules.update_rule(SYSTEM, rule, {"type": "block"}, expected=seen)
    with pytest.raises(ChangedMeanwhile):
        rules.delete_rule(SYSTEM, rule, expected=seen)


def test_putting_a_rule_forgets_what_isnt_said(db: None) -> None:
    rule = make_rule(SENDER, make_domain(), type="allow", spf_required=True, description="old")
    rules.replace_rule(SYSTEM, rule, {"type": "block", "value": "x.example"})
    assert (rule.type, rule.value, rule.spf_required, rule.description) == ("block", "x.example", False, "")


def test_many_are_added_all_or_none_and_the_bad_one_is_named(db: None) -> None:
    domain = make_domain()
    good = {"type": "block", "value": "a.example"}
    for bad, field, said in (
        ({"type": "block", "value": "no sender"}, "1.value", "Entry 2"),
        ({"type": "BLOCK", "value": "A.example"}, "1.value", "The same as entry 1"),
    ):
        with pytest.raises((Invalid, Taken)) as caught:
            rule_lists.create_rules(SYSTEM, SENDER, domain, [good, bad])
        assert caught.value.field == field
        assert said in str(caught.value)
        assert not SenderRule.objects.exists()
    made = rule_lists.create_rules(SYSTEM, SENDER, domain, [good, good | {"value": "b.example"}])
    assert [str(rule) for rule in made] == ["a.example", "b.example"]
    with pytest.raises(Taken):
        rule_lists.create_rules(SYSTEM, SENDER, domain, [good | {"value": "c.example"}, good])
    assert SenderRule.objects.count() == 2
    assert AuditEvent.objects.filter(action="sender_rule.create").count() == 2


def test_replacing_keeps_what_stays(db: None) -> None:
    domain, mailbox = make_domain(), make_mailbox_in(make_domain())
    for owner in (domain, mailbox):
        kept = make_rule(SENDER, owner, value="kept.example")
        make_rule(SENDER, owner, value="gone.example")
        result = rule_lists.replace_rules(
            SYSTEM,
            SENDER,
            owner,
            [{"type": "block", "value": "new.example"}, {"type": "block", "value": "kept.example", "description": "!"}],
        )
        assert (result.added, result.changed, result.removed) == (1, 1, 1)
        assert [str(rule) for rule in result.rules] == ["new.example", "kept.example"]
        assert result.rules[1].pk == kept.pk
        assert rules.rows_of(rule_values.KINDS[SENDER], owner).count() == 2


def test_replacing_puts_in_order(db: None) -> None:
    domain = make_domain()
    make_attachments(domain, "a", "b", "c")
    wanted = [VALUES[ATTACHMENT] | {"filter": each} for each in "cxa"]
    rule_lists.replace_rules(SYSTEM, ATTACHMENT, domain, wanted)
    assert order_of(domain) == [(1, "c"), (2, "x"), (3, "a")]


def test_rules_of_any_owners_are_added_together_or_not_at_all(db: None) -> None:
    customer = make_customer()
    own, foreign = make_domain("own.example", customer), make_domain("foreign.example")
    mailbox = make_mailbox_in(own, "pat")
    make_mailbox_in(foreign, "pat")
    actor = Actor.for_user(make_delegate(own))
    entry = {"type": "BLOCK", "value": "x.example"}
    made = rule_lists.create_sender_rules(
        actor,
        [
            entry | {"owner": "PAT@own.example"},
            entry | {"owner": "own.example"},
            entry | {"owner": "Own.example", "value": "y.example"},
        ],
    )
    assert [(rule.owner, rule.value) for rule in made] == [
        (mailbox.address, "x.example"),
        ("own.example", "x.example"),
        ("own.example", "y.example"),
    ]
    for owner in ("foreign.example", "pat@foreign.example", "nobody@own.example", "nowhere.example", "@", "a@b@c"):
        with pytest.raises(Http404, match="Entry 2"):
            rule_lists.create_sender_rules(
                actor, [entry | {"owner": "own.example", "value": "z.example"}, entry | {"owner": owner}]
            )
    with pytest.raises(Invalid) as caught:
        rule_lists.create_sender_rules(actor, [entry])
    assert caught.value.field == "0.owner"
    auditor = Actor.for_user(make_delegate(own, role="auditor"))
    with pytest.raises(Forbidden):
        rule_lists.create_sender_rules(auditor, [entry | {"owner": "own.example", "value": "z.example"}])
    assert SenderRule.objects.count() == 3


def test_there_is_a_limit(db: None) -> None:
    domain = make_domain()
    many = [VALUES[ATTACHMENT] | {"filter": f"x{number}"} for number in range(501)]
    with pytest.raises(LimitReached):
        rule_lists.create_rules(SYSTEM, ATTACHMENT, domain, many)
    rule_lists.create_rules(SYSTEM, ATTACHMENT, domain, many[:500])
    with pytest.raises(LimitReached):
        make_rule(ATTACHMENT, domain)
    mailbox = make_mailbox_in(domain)
    with pytest.raises(LimitReached):
        rule_lists.create_rules(
            SYSTEM, SENDER, mailbox, ({"type": "block", "value": f"x{n}.example"} for n in range(1_001))
        )
    assert not DlpRule.objects.exists() and Mailbox.objects.count() == 1
