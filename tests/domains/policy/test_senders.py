"""Sender rules: what they fit, whose win, when an ALLOW counts; and protection from impersonation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domains.policy.canonical import BadForm
from domains.policy.decision import Action, Category
from domains.policy.evaluate import Recipient
from domains.policy.facts import Authentication, AuthResult, Direction, Mailbox, SenderVerify, Signature, Where
from domains.policy.policy import Policy
from domains.policy.protected import look
from domains.policy.reasons import Code
from domains.policy.senders import ListPriority, SenderRule, parse_value, sender_problems
from tests.domains.policy.builders import NOW, SPF_PASS, allow, block, incoming, judge, protected

DOMAIN_FIRST = Recipient("ada@example.org", ListPriority.DOMAIN)
SPAM: dict[str, Any] = {"spam_score": 9.0}


@pytest.mark.parametrize(
    ("value", "sender", "fits"),
    [
        ("bob@friends.example", "bob@friends.example", True),
        ("Bob@Friends.Example", "BOB@friends.example", True),
        ("bob@friends.example", "rob@friends.example", False),
        ("friends.example", "bob@friends.example", True),
        ("@friends.example", "bob@friends.example", True),
        ("*@friends.example", "bob@friends.example", True),
        ("friends.example", "bob@mail.friends.example", False),
        (".friends.example", "bob@mail.friends.example", True),
        (".friends.example", "bob@friends.example", True),
        ("*.friends.example", "bob@a.b.friends.example", True),
        (".friends.example", "bob@badfriends.example", False),
        ("bücher.example", "bob@xn--bcher-kva.example", True),
        ("bob@xn--bcher-kva.example", "bob@BÜCHER.example", True),
        ("müller@friends.example", "mu\u0308ller@friends.example", True),
    ],
)
def test_a_value_fits_addresses_in_any_spelling(value: str, sender: str, fits: bool) -> None:
    decision = judge(incoming(sender), block(value))
    assert (decision.category is Category.BLOCKED_SENDER) is fits


def test_the_option_for_sub_domains_does_what_the_dot_does() -> None:
    rule = block("friends.example", subdomains=True)
    assert judge(incoming("bob@a.friends.example"), rule).category is Category.BLOCKED_SENDER


@pytest.mark.parametrize("bad", ["", "a b@example.org", "exa mple.org", "@", "straße.example", "a@b@c", "*"])
def test_a_value_that_is_neither_address_nor_domain_is_refused(bad: str) -> None:
    with pytest.raises(BadForm):
        parse_value(bad)


def test_a_blocked_sender_is_blocked_by_envelope_from_or_sender() -> None:
    evil = Mailbox("", "x@evil.example")
    for known in ({"envelope_sender": "x@evil.example"}, {"header_from": (evil,)}, {"header_sender": (evil,)}):
        decision = judge(incoming(**known), block("evil.example"))
        assert (decision.category, decision.action) == (Category.BLOCKED_SENDER, Action.REFUSE)


def test_the_match_says_where_and_what() -> None:
    decision = judge(incoming("bob@friends.example"), block(".example", id=7))
    match = decision.decided_by.match
    assert match is not None
    assert (match.rule_id, match.where, match.piece) == (7, Where.ENVELOPE_SENDER, "bob@friends.example")
    assert str(match.why) == "The sender bob@friends.example is blocked."


@pytest.mark.parametrize(
    ("rules", "recipient", "deciding"),
    [
        ([allow("friends.example"), block("friends.example", "example.org")], None, 1),
        ([allow("friends.example"), block("friends.example", "example.org")], DOMAIN_FIRST, 2),
        ([block("friends.example"), allow("friends.example", "example.org")], None, 2),
        ([block("friends.example"), allow("friends.example", "example.org")], DOMAIN_FIRST, 1),
        # the other owner's rules count when the first has none
        ([block("friends.example", "example.org")], None, 2),
        ([block("friends.example")], DOMAIN_FIRST, 2),
        # nobody else's do
        ([block("friends.example", "eve@example.org"), allow("friends.example", "example.net")], None, None),
        # within one owner's: the closer one, then BLOCK, then the smaller id
        ([block("friends.example"), allow("bob@friends.example")], None, 1),
        ([block("bob@friends.example"), allow("friends.example")], None, 2),
        ([block(".example"), allow(".friends.example")], None, 1),
        ([block(".friends.example"), allow("friends.example")], None, 1),
        ([allow("friends.example", id=1), block("friends.example", id=2)], None, 2),
        ([block("friends.example", id=9), block("friends.example", id=4)], None, 4),
    ],
)
def test_which_of_several_rules_decides(rules: list[SenderRule], recipient: Recipient | None, deciding: int) -> None:
    decision = judge(incoming(), *rules, recipient=recipient or Recipient("ada@example.org"))
    match = decision.decided_by.match
    assert (match.rule_id if match else None) == deciding


def test_who_was_beaten_and_by_whom_is_told() -> None:
    rules = [allow("friends.example"), block("friends.example", "example.org"), block("bob@friends.example", id=5)]
    decision = judge(incoming(), *rules)
    told = {f.match.rule_id: f.overruled and str(f.overruled) for f in decision.findings if f.match}
    assert told == {5: None, 1: "Rule 5 comes first.", 2: "Rules of ada@example.org come first."}


def test_an_allow_overrules_doubt() -> None:
    doubtful: dict[str, Any] = {
        "spam_score": 50.0,
        "bad_headers": ("missing-date",),
        "bad_encoding": ("charset",),
        "advert_signs": ("list-unsubscribe",),
        "sender_verify": SenderVerify.FAILED,
    }
    assert judge(incoming(**doubtful)).action is not Action.DELIVER
    decision = judge(incoming(**doubtful), allow("bob@friends.example"))
    assert (decision.category, decision.action, decision.subject_prefix) == (Category.CLEAN, Action.DELIVER, "")
    assert decision.decided_by.why.code is Code.SENDER_ALLOWED
    assert all(finding.overruled for finding in decision.findings if finding.category is not Category.CLEAN)


def test_an_allow_never_overrules_danger_or_size() -> None:
    for known, category in (
        ({"virus_names": ("Eicar",)}, Category.VIRUS),
        ({"size_bytes": 22 * 1024 * 1024}, Category.TOO_BIG),
    ):
        assert judge(incoming(**known), allow("friends.example")).category is category


@pytest.mark.parametrize(
    ("known", "counts"),
    [
        ({"authentication": SPF_PASS}, True),
        ({}, False),
        ({"authentication": Authentication(spf=AuthResult.SOFTFAIL, spf_domain="friends.example")}, False),
        # SPF passed for the attacker's own domain; From is only a claim
        (
            {
                "envelope_sender": "x@evil.example",
                "authentication": Authentication(spf=AuthResult.PASS, spf_domain="evil.example"),
            },
            False,
        ),
        # a bounce address below From's domain is aligned
        (
            {
                "envelope_sender": "b@bounce.friends.example",
                "authentication": Authentication(spf=AuthResult.PASS, spf_domain="bounce.friends.example"),
            },
            True,
        ),
        # two addresses in From prove nothing
        (
            {
                "envelope_sender": "x@evil.example",
                "header_from": (Mailbox("", "bob@friends.example"), Mailbox("", "x@evil.example")),
                "authentication": Authentication(spf=AuthResult.PASS, spf_domain="evil.example"),
            },
            False,
        ),
    ],
)
def test_an_allow_that_requires_spf_counts_only_when_spf_passed_for_it(known: dict[str, Any], counts: bool) -> None:
    decision = judge(incoming(**{**SPAM, **known}), allow("friends.example", spf_required=True))
    assert (decision.action is Action.DELIVER) is counts
    assert counts or "header_from" in known or Code.ALLOW_NEEDS_SPF in {note.code for note in decision.notes}


def test_an_allow_by_from_alone_needs_exactly_one_from() -> None:
    two = (Mailbox("", "bob@friends.example"), Mailbox("", "x@evil.example"))
    decision = judge(incoming(envelope_sender="x@evil.example", header_from=two, **SPAM), allow("friends.example"))
    assert decision.category is Category.SPAM


@pytest.mark.parametrize(
    ("expires_at", "counts"),
    [
        (None, True),
        (NOW + timedelta(seconds=1), True),
        (NOW, False),
        (NOW - timedelta(days=1), False),
        (datetime(2026, 4, 30), False),  # without a zone it is UTC
    ],
)
def test_an_expired_rule_is_ignored_and_noted(expires_at: datetime | None, counts: bool) -> None:
    decision = judge(incoming(), block("friends.example", expires_at=expires_at))
    assert (decision.category is Category.BLOCKED_SENDER) is counts
    assert (Code.RULE_EXPIRED in {note.code for note in decision.notes}) is not counts


def test_a_rule_that_cant_be_read_is_left_out_and_told() -> None:
    decision = judge(incoming(), block("not a domain"), protected("???"))
    assert decision.category is Category.CLEAN
    assert [note.code for note in decision.notes] == [Code.RULE_UNREADABLE] * 2


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (allow("exa mple"), "value"),
        (allow("friends.example", "nobody at home"), "owner"),
        (block("friends.example", spf_required=True), "spf_required"),
        (block("bob@friends.example", subdomains=True), "subdomains"),
        (block("friends.example", display_name="Bob"), "display_name"),
        (protected("example.org", display_name="Bob"), "display_name"),
        (allow("friends.example", description="x" * 1001), "description"),
        (allow("friends.example", description="\0"), "description"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_field(rule: SenderRule, field: str) -> None:
    assert [name for name, _said in sender_problems(rule)] == [field]


def test_a_good_rule_has_no_problems() -> None:
    assert sender_problems(protected("ada@example.org", display_name="Ada Lovelace")) == []


CHIEF = Mailbox("Carla Chief", "chief@example.org")
CHIEF_RULE = protected("chief@example.org", display_name="Carla Chief")
HOUSE_RULE = protected("example.org", id=4)


@pytest.mark.parametrize(
    ("rule", "known", "code"),
    [
        (HOUSE_RULE, {"header_from": (CHIEF,)}, Code.IMPERSONATES_ADDRESS),
        (CHIEF_RULE, {"header_from": (CHIEF,)}, Code.IMPERSONATES_ADDRESS),
        (CHIEF_RULE, {"header_from": (Mailbox("", "ada@example.org"),)}, None),
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@sub.example.org"),)}, None),
        (protected(".example.org"), {"header_from": (Mailbox("", "x@sub.example.org"),)}, Code.IMPERSONATES_ADDRESS),
        # proven: DMARC, aligned SPF, aligned DKIM
        (HOUSE_RULE, {"header_from": (CHIEF,), "authentication": Authentication(dmarc=AuthResult.PASS)}, None),
        (HOUSE_RULE, {"header_from": (CHIEF,), "authentication": Authentication(AuthResult.PASS, "example.org")}, None),
        (
            HOUSE_RULE,
            {
                "header_from": (CHIEF,),
                "authentication": Authentication(dkim=(Signature("example.org", AuthResult.PASS),)),
            },
            None,
        ),
        # not proven: a signature of all of .org
        (
            HOUSE_RULE,
            {"header_from": (CHIEF,), "authentication": Authentication(dkim=(Signature("org", AuthResult.PASS),))},
            Code.IMPERSONATES_ADDRESS,
        ),
        # not proven: somebody else's SPF or DKIM, a broken signature, a second From
        (
            HOUSE_RULE,
            {"header_from": (CHIEF,), "authentication": Authentication(AuthResult.PASS, "evil.example")},
            Code.IMPERSONATES_ADDRESS,
        ),
        (
            HOUSE_RULE,
            {
                "header_from": (CHIEF,),
                "authentication": Authentication(dkim=(Signature("example.org", AuthResult.FAIL),)),
            },
            Code.IMPERSONATES_ADDRESS,
        ),
        (
            HOUSE_RULE,
            {
                "header_from": (CHIEF, Mailbox("", "x@evil.example")),
                "authentication": Authentication(AuthResult.PASS, "example.org", dmarc=AuthResult.PASS),
            },
            Code.IMPERSONATES_ADDRESS,
        ),
        # the name that is shown
        (HOUSE_RULE, {"header_from": (Mailbox("chief@example.org", "x@evil.example"),)}, Code.SHOWS_PROTECTED_ADDRESS),
        (HOUSE_RULE, {"header_from": (Mailbox("Help (example.org)", "x@evil.example"),)}, Code.SHOWS_PROTECTED_ADDRESS),
        (CHIEF_RULE, {"header_from": (Mailbox("CHIEF, Cárla", "x@evil.example"),)}, Code.SHOWS_PROTECTED_NAME),
        (CHIEF_RULE, {"header_from": (Mailbox("Carl Chief", "x@evil.example"),)}, None),
        # domains that look like it
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@examp1e.org"),)}, Code.LOOKS_LIKE_PROTECTED),
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@mail.exarnple.org"),)}, Code.LOOKS_LIKE_PROTECTED),
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@еxаmplе.org"),)}, Code.LOOKS_LIKE_PROTECTED),
        (HOUSE_RULE, {"reply_to": (Mailbox("", "x@exámple.org"),)}, Code.LOOKS_LIKE_PROTECTED),
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@example.com"),)}, None),
        # a rule of somebody else's
        (protected("example.org", "example.net"), {"header_from": (CHIEF,)}, None),
        (protected("example.org", "eve@example.org"), {"header_from": (CHIEF,)}, None),
        (HOUSE_RULE, {"header_from": (Mailbox("", "x@friends.example"),)}, None),
    ],
)
def test_what_pretends_to_be_a_protected_sender_fails_verification(
    rule: SenderRule, known: dict[str, Any], code: Code | None
) -> None:
    decision = judge(incoming(**known), rule)
    if code is None:
        assert decision.category is Category.CLEAN
    else:
        assert (decision.category, decision.decided_by.why.code) == (Category.SENDER_VERIFY, code)


def test_letters_of_other_writings_look_like_ours() -> None:
    assert look("xn--pypal-4ve.example") == look("paypal.example")  # p a(Cyrillic) y p a l
    assert look("paypal.example") != look("payroll.example")


def test_a_protected_domain_that_looks_like_another_protected_one_is_genuine() -> None:
    proven = {"authentication": Authentication(dmarc=AuthResult.PASS)}
    known = incoming("x@example-mail.org", **proven)
    assert judge(known, protected("examplemail.org")).category is Category.SENDER_VERIFY
    both = (protected("examplemail.org"), protected("example-mail.org", id=4))
    assert judge(known, *both).category is Category.CLEAN


def test_a_plain_allow_vouches_for_nobody_who_writes_in_a_protected_name() -> None:
    forged = incoming("chief@example.org")
    for rule in (allow("example.org"), allow("example.org", "example.org")):
        assert judge(forged, rule, HOUSE_RULE).category is Category.SENDER_VERIFY


def test_the_domains_allow_that_spf_confirmed_vouches_for_a_service_that_writes_in_our_name() -> None:
    newsletter = incoming(
        "bounce@sender.example",
        header_from=(CHIEF,),
        authentication=Authentication(AuthResult.PASS, "sender.example"),
    )
    assert judge(newsletter, HOUSE_RULE).category is Category.SENDER_VERIFY
    by_user = allow("sender.example", spf_required=True)
    assert judge(newsletter, HOUSE_RULE, by_user).category is Category.SENDER_VERIFY
    by_domain = allow("sender.example", "example.org", spf_required=True)
    decision = judge(newsletter, HOUSE_RULE, by_domain)
    assert decision.category is Category.CLEAN
    blocked = judge(newsletter, HOUSE_RULE, by_domain, block("sender.example"))
    assert blocked.category is Category.BLOCKED_SENDER
    assert [f.overruled for f in blocked.findings if f.category is Category.SENDER_VERIFY] == [None]


def test_a_failed_verification_counts_where_the_domain_asks_for_it() -> None:
    failed = incoming(sender_verify=SenderVerify.FAILED)
    keep = Policy(name="x", quarantine=True)
    assert judge(failed, policy=keep).category is Category.SENDER_VERIFY
    decision = judge(failed, policy=keep, recipient=Recipient("ada@example.org", sender_verify=False))
    assert decision.category is Category.CLEAN
    assert Code.VERIFY_OFF in {note.code for note in decision.notes}


def test_outgoing_mail_in_the_name_of_others_is_kept_back_where_the_domain_verifies_senders() -> None:
    forged = replace(incoming(sender_verify=SenderVerify.FAILED), direction=Direction.OUTGOING)
    keep = Policy(name="x", quarantine=True, outgoing=True)
    decision = judge(forged, policy=keep)
    assert decision.category is Category.SENDER_VERIFY and decision.action is not Action.DELIVER
    assert next(each for each in decision.findings if each.decides).why.code is Code.NOT_THEIR_ADDRESS
    lenient = judge(forged, policy=keep, recipient=Recipient("ada@example.org", sender_verify=False))
    assert lenient.category is Category.CLEAN
    assert Code.VERIFY_OFF in {note.code for note in lenient.notes}
