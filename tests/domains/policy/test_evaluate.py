"""The decision: which category wins, what happens to the message, and what always holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.policy.decision import Action, Category, Decision, Keeping, Unit
from domains.policy.evaluate import Recipient, evaluate
from domains.policy.facts import Authentication, AuthResult, Direction, Envelope, Facts, SenderVerify
from domains.policy.policy import ArchiveProps, Policy, QuarantineProps, RelayProps, RetentionProps, merge
from domains.policy.reading import facts_from_message
from domains.policy.reasons import TEXTS, Code
from domains.policy.rules import id_key
from domains.policy.senders import SenderRule, SenderType
from domains.policy.signs import NOT_READ
from tests.domains.policy import messages
from tests.domains.policy.builders import (
    ANY_FACTS,
    ANY_POLICY,
    ANY_RULE,
    NOW,
    RECIPIENTS,
    allow,
    block,
    book,
    deny,
    file,
    incoming,
    judge,
    outgoing,
)

MB = 1024 * 1024
KEEP = Policy(name="keep", quarantine=True, outgoing=True)

FOUND: dict[Category, dict[str, Any]] = {
    Category.TOO_BIG: {"size_bytes": 22 * MB},
    Category.VIRUS: {"virus_names": ("Eicar-Test-Signature",)},
    Category.BLOCKED_SENDER: {"envelope_sender": "x@evil.example"},
    Category.SENDER_VERIFY: {"sender_verify": SenderVerify.FAILED},
    Category.BAD_ATTACHMENT: {"attachments": (file("setup.exe"),)},
    Category.SPAM: {"spam_score": 5.0},
    Category.BAD_HEADERS: {"bad_headers": ("missing-date",)},
    Category.BAD_ENCODING: {"bad_encoding": ("charset",)},
    Category.ADVERT: {"advert_signs": ("list-unsubscribe",)},
    Category.CLEAN: {},
}
RULES = (block("evil.example"), deny(r"\.exe$"))
SWITCHES = {
    Category.VIRUS: ("", "store_virus", ""),
    Category.BLOCKED_SENDER: ("", "store_blacklisted", "store_blacklisted"),
    Category.SENDER_VERIFY: ("", "store_sender_verify", "store_sender_verify"),
    Category.BAD_ATTACHMENT: ("relay_bad_attachments", "store_bad_attachments", "store_bad_attachments"),
    Category.SPAM: ("relay_spam", "store_spam", "store_spam"),
    Category.BAD_HEADERS: ("relay_bad_headers", "store_bad_headers", "store_bad_headers"),
    Category.BAD_ENCODING: ("", "store_bad_encoding", "store_bad_encoding"),
    Category.ADVERT: ("relay_advert", "store_advert", "store_advert"),
}


def under(**values: Any) -> Policy:
    """A policy with these values by path, everything else off or as the manual has it."""
    paths = {path.replace("__", "."): value for path, value in values.items()}
    return merge([("test", {"name": "test", "relay_props.spam_score_limit": 20.0, **paths})]).policy


@pytest.mark.parametrize("category", FOUND)
def test_each_category_is_recognised(category: Category) -> None:
    decision = judge(incoming(**FOUND[category]), *RULES)
    assert decision.category is category
    assert decision.decided_by.category is category


@pytest.mark.parametrize("category", SWITCHES)
@pytest.mark.parametrize("quarantine", [False, True])
@pytest.mark.parametrize("relays", [False, True])
@pytest.mark.parametrize("stores", [False, True])
def test_what_the_switches_say_happens(category: Category, quarantine: bool, relays: bool, stores: bool) -> None:
    relay, store, _archive = SWITCHES[category]
    values: dict[str, Any] = {"quarantine": quarantine, f"quarantine_props__{store}": stores}
    if relay:
        values[f"relay_props__{relay}"] = relays
    decision = judge(incoming(**FOUND[category]), *RULES, policy=under(**values))
    expected = Action.HOLD if quarantine and stores else Action.REFUSE
    if relay and relays:
        expected = Action.DELIVER
    assert decision.action is expected
    assert decision.quarantine == (Keeping(31, Unit.DAYS) if expected is Action.HOLD else None)


def test_what_is_too_big_or_not_served_is_always_refused() -> None:
    everything = replace(KEEP, quarantine_props=QuarantineProps(31, *[True] * 8), archive=True)
    assert judge(incoming(size_bytes=21 * MB), policy=everything).action is Action.DELIVER
    assert judge(incoming(size_bytes=21 * MB + 1), policy=everything).action is Action.REFUSE
    off = judge(incoming(), policy=replace(everything, incoming=False))
    assert (off.category, off.action, off.archive) == (Category.NOT_SERVED, Action.REFUSE, None)
    off = judge(outgoing(), policy=replace(everything, outgoing=False))
    assert (off.category, off.action) == (Category.NOT_SERVED, Action.REFUSE)


@pytest.mark.parametrize(
    ("score", "action", "prefix"),
    [
        (4.99, Action.DELIVER, ""),
        (5.0, Action.DELIVER, "[SPAM] "),
        (9.99, Action.DELIVER, "[SPAM] "),
        (10.0, Action.HOLD, ""),
        (1e9, Action.HOLD, ""),
        (float("nan"), Action.DELIVER, ""),
    ],
)
def test_spam_is_delivered_with_a_mark_up_to_the_limit(score: float, action: Action, prefix: str) -> None:
    relay = RelayProps(relay_spam=True, prefix_spam="[SPAM] ", spam_score_limit=10.0)
    decision = judge(incoming(spam_score=score), policy=replace(KEEP, relay_props=relay))
    assert (decision.action, decision.subject_prefix) == (action, prefix)


def test_advertising_gets_its_mark_and_spam_that_advertises_gets_the_mark_of_spam() -> None:
    relay = RelayProps(True, True, "[AD] ", "[SPAM] ", spam_score_limit=10.0)
    policy = replace(KEEP, relay_props=relay)
    advert: dict[str, Any] = {"advert_signs": ("list-unsubscribe",)}
    assert judge(incoming(**advert), policy=policy).subject_prefix == "[AD] "
    both = judge(incoming(spam_score=6.0, **advert), policy=policy)
    assert (both.category, both.subject_prefix) == (Category.SPAM, "[SPAM] ")
    nameless = replace(policy, relay_props=replace(relay, prefix_spam=""))
    assert judge(incoming(spam_score=6.0, **advert), policy=nameless).subject_prefix == "[AD] "


def test_what_keeps_a_message_back_decides_over_what_would_deliver_it() -> None:
    relay = RelayProps(relay_bad_attachments=True)
    decision = judge(
        incoming(attachments=(file("setup.exe"),), spam_score=9.0), *RULES, policy=replace(KEEP, relay_props=relay)
    )
    assert (decision.category, decision.action) == (Category.SPAM, Action.HOLD)
    assert [finding.category for finding in decision.findings] == [Category.BAD_ATTACHMENT, Category.SPAM]


@pytest.mark.parametrize("category", SWITCHES)
def test_what_the_archive_switches_say_is_archived(category: Category) -> None:
    switch = SWITCHES[category][2]
    for wanted in (True, False):
        values = {f"archive_props__{switch}": wanted} if switch else {}
        decision = judge(incoming(**FOUND[category]), *RULES, policy=under(archive=True, quarantine=True, **values))
        assert decision.archive == (Keeping(48, Unit.MONTHS) if wanted and switch else None)


def test_clean_mail_is_retained_and_archived_as_the_services_say() -> None:
    both = replace(KEEP, retention=True, archive=True)
    for facts in (incoming(), outgoing()):
        decision = judge(facts, policy=both)
        assert (decision.retention, decision.archive) == (Keeping(5, Unit.DAYS), Keeping(48, Unit.MONTHS))
        assert (judge(facts).retention, judge(facts).archive) == (None, None)
    neither = replace(
        both,
        retention_props=RetentionProps(store_mail_out=False, store_clean_mail_in=False),
        archive_props=ArchiveProps(store_mail_out=False, store_clean_mail_in=False),
    )
    for facts in (incoming(), outgoing()):
        assert (judge(facts, policy=neither).retention, judge(facts, policy=neither).archive) == (None, None)
    advert = judge(incoming(advert_signs=("x",)), policy=both)
    assert (advert.action, advert.retention, advert.archive) == (Action.DELIVER, None, None)


def test_archiving_by_copy_waits_for_the_mailbox_and_leaves_what_never_gets_there_to_the_switches() -> None:
    policy = replace(
        KEEP, archive=True, archive_props=ArchiveProps(12, archive_by_copy=True, store_clean_mail_in=False)
    )
    assert judge(incoming(), policy=policy).archive == Keeping(12, Unit.MONTHS, by_copy=True)
    assert judge(incoming(advert_signs=("x",)), policy=policy).archive == Keeping(12, Unit.MONTHS, by_copy=True)
    assert judge(incoming(spam_score=9.0), policy=policy).archive == Keeping(12, Unit.MONTHS)


def test_outgoing_mail_is_judged_for_what_would_harm_others() -> None:
    keeps = replace(KEEP, archive=True, retention=True)
    for known, category in (
        ({"spam_score": 9.0}, Category.SPAM),
        ({"virus_names": ("Eicar",)}, Category.VIRUS),
        ({"attachments": (file("setup.exe"),)}, Category.BAD_ATTACHMENT),
        ({"size_bytes": 99 * MB}, Category.TOO_BIG),
    ):
        decision = judge(outgoing(**known), *RULES, policy=keeps)
        assert decision.category is category
        assert decision.action is not Action.DELIVER
        assert (decision.retention, decision.archive) == (None, None)
    relaying = replace(
        keeps, relay_props=RelayProps(relay_spam=True, relay_bad_attachments=True, spam_score_limit=99.0)
    )
    assert judge(outgoing(spam_score=9.0), policy=relaying).action is Action.HOLD


def test_outgoing_mail_is_not_judged_for_its_form_or_its_purpose_nor_by_sender_rules() -> None:
    known: dict[str, Any] = {"bad_headers": ("missing-date",), "bad_encoding": ("charset",), "advert_signs": ("x",)}
    decision = judge(outgoing(**known), block("example.org"))
    assert decision.category is Category.CLEAN
    assert [note.code for note in decision.notes] == [Code.ONLY_NOTED_OUTGOING]


@pytest.mark.parametrize("code", ["archive-unread", "archive-entries", "archive-inside", "archive-locked"])
def test_an_archive_that_cannot_be_read_is_what_the_policy_says(code: str) -> None:
    strict = under(quarantine=True, outgoing=True, relay_props__relay_unread_archives=False)
    for mail in (incoming(incomplete=(code, "uris")), outgoing(incomplete=(code, "uris"))):
        assert judge(mail).category is Category.CLEAN
        decision = judge(mail, policy=strict)
        assert (decision.category, decision.action) == (Category.BAD_ATTACHMENT, Action.HOLD)
        assert str(decision.decided_by.why) == f"It has an archive that can't be looked into: {NOT_READ[code]}."
        assert str(decision.notes[0]) == f"Not everything was looked at: {NOT_READ[code]}; links after the first ones."
    assert judge(incoming(incomplete=("uris",)), policy=strict).category is Category.CLEAN


def test_what_was_not_looked_at_is_noted() -> None:
    decision = judge(incoming(incomplete=("archive-unread",), spam_score=None))
    assert {note.code for note in decision.notes} == {Code.NOT_ALL_READ, Code.NO_SCORE}


HOUSE = SenderRule(30, SenderType.PROTECTED, "carla@example.org", "example.org", display_name="Carla Chief")


@pytest.mark.parametrize(
    ("raw", "category", "action", "rule_id"),
    [
        (messages.FRIEND, Category.CLEAN, Action.DELIVER, None),
        (messages.NEWSLETTER, Category.ADVERT, Action.DELIVER, None),
        (messages.DISCUSSION, Category.CLEAN, Action.DELIVER, None),
        (messages.NO_DATE, Category.BAD_HEADERS, Action.HOLD, None),
        (messages.TWO_SUBJECTS, Category.BAD_HEADERS, Action.HOLD, None),
        (messages.CHIEF, Category.SENDER_VERIFY, Action.REFUSE, 30),
        (messages.BROKEN_BASE64, Category.BAD_ENCODING, Action.HOLD, None),
        (messages.PROGRAM, Category.BAD_ATTACHMENT, Action.HOLD, 1),
    ],
)
def test_messages_with_real_headers(raw: bytes, category: Category, action: Action, rule_id: int | None) -> None:
    sent_by_friends = Authentication(spf=AuthResult.PASS, spf_domain="friends.example")
    envelope = Envelope("bob@friends.example", ("ada@example.org",), received_at=NOW, authentication=sent_by_friends)
    decision = judge(facts_from_message(raw, envelope), HOUSE, *RULES, policy=KEEP)
    match = decision.decided_by.match
    assert (decision.category, decision.action, match.rule_id if match else None) == (category, action, rule_id)


def test_every_code_has_a_sentence_and_every_sentence_its_data() -> None:
    assert set(TEXTS) == set(Code)


RULE_LISTS = st.lists(ANY_RULE, max_size=5)


@settings(max_examples=300, deadline=None)
@given(ANY_FACTS, ANY_POLICY, RULE_LISTS, RECIPIENTS)
def test_anything_is_decided_explained_and_can_be_stored(
    facts: Facts, policy: Policy, rules: list[Any], recipient: Recipient
) -> None:
    decision = evaluate(facts, policy, book(*rules), recipient)
    assert [finding.decides for finding in decision.findings].count(True) == 1
    assert decision.decided_by.overruled is None
    assert (decision.decided_by.category, decision.decided_by.action) == (decision.category, decision.action)
    for finding in decision.findings:
        assert str(finding.why) and str(finding.overruled)
    assert all(str(note) for note in decision.notes)
    assert json.loads(json.dumps(decision.as_data(), allow_nan=False))["category"] == decision.category.value


@settings(max_examples=200, deadline=None)
@given(ANY_FACTS, ANY_POLICY, RULE_LISTS, RECIPIENTS, st.randoms(use_true_random=False))
def test_the_order_in_which_rules_come_changes_nothing(
    facts: Facts, policy: Policy, rules: list[Any], recipient: Recipient, random: Any
) -> None:
    unique = list({(type(rule), id_key(rule.id)): rule for rule in rules}.values())
    shuffled = unique.copy()
    random.shuffle(shuffled)
    first = evaluate(facts, policy, book(*unique), recipient)
    # repr: a score that is not a number equals nothing, not even itself
    assert repr(evaluate(facts, policy, book(*shuffled), recipient)) == repr(first)


@settings(deadline=None)
@given(ANY_FACTS, ANY_POLICY, RULE_LISTS, RECIPIENTS)
def test_no_rule_delivers_a_virus_or_what_is_too_big(
    facts: Facts, policy: Policy, rules: list[Any], recipient: Recipient
) -> None:
    infected = replace(facts, virus_names=("Eicar",))
    decision = evaluate(infected, policy, book(*rules, allow("example.org"), allow(".example")), recipient)
    assert decision.action is not Action.DELIVER
    assert decision.category in (Category.VIRUS, Category.TOO_BIG, Category.NOT_SERVED)
    assert (decision.archive, decision.retention) == (None, None)


@settings(deadline=None)
@given(ANY_FACTS, ANY_POLICY, RULE_LISTS, RECIPIENTS)
def test_what_is_kept_follows_from_the_services(
    facts: Facts, policy: Policy, rules: list[Any], recipient: Recipient
) -> None:
    decision: Decision = evaluate(facts, policy, book(*rules), recipient)
    assert (decision.quarantine is not None) is (decision.action is Action.HOLD)
    assert decision.quarantine is None or policy.quarantine
    assert decision.retention is None or (policy.retention and decision.action is Action.DELIVER)
    assert decision.archive is None or policy.archive
    assert not decision.subject_prefix or decision.action is Action.DELIVER
    if facts.direction is Direction.OUTGOING and decision.category is not Category.CLEAN:
        assert decision.action is not Action.DELIVER


@settings(deadline=None)
@given(ANY_FACTS, ANY_POLICY, RULE_LISTS, RECIPIENTS, st.floats(0, 100), st.floats(0, 100))
def test_a_higher_score_never_gets_a_message_through(
    facts: Facts, policy: Policy, rules: list[Any], recipient: Recipient, one: float, other: float
) -> None:
    low, high = (
        evaluate(replace(facts, spam_score=score), policy, book(*rules), recipient) for score in sorted((one, other))
    )
    assert not (low.action is not Action.DELIVER and high.action is Action.DELIVER)
