"""The tester says what the gateway would do and which rule decides, and stores nothing."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.errors import Invalid
from domains.models import Domain
from domains.policy.decision import Action, Category, Keeping, Unit
from domains.policy.facts import AuthResult, Direction
from domains.policy.rules import RuleKind
from domains.services import policies
from domains.services.aliases import add_alias
from domains.services.rule_trials import Question, end_of, try_rules
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.domains.filters.builders import SYSTEM, make_rule


def a_message(**headers: str) -> bytes:
    message = EmailMessage()
    for name, value in ({"From": "Ann <ann@partner.example>", "To": "kim@own.example"} | headers).items():
        message[name] = value
    message["Date"] = "Mon, 01 Jun 2026 10:00:00 +0000"
    message.set_content("See https://evil.example/x and pay")
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="setup.exe")
    return message.as_bytes()


def test_a_message_is_judged_and_the_rule_is_shown(db: None) -> None:
    domain = make_domain("own.example")
    rule = make_rule(RuleKind.ATTACHMENT, domain)
    link = make_rule(RuleKind.URI, domain)
    before = AuditEvent.objects.count()
    trial = try_rules(SYSTEM, domain, Question(raw=a_message(), recipient="kim@own.example", spam_score=1.0))
    assert (trial.decision.category, trial.decision.action) == (Category.BAD_ATTACHMENT, Action.REFUSE)
    match = trial.decision.decided_by.match
    assert match is not None and trial.rules[match.kind, match.rule_id] == rule
    assert link in trial.rules.values()
    assert trial.decision.spam_score == 101.0
    assert trial.sender_was_taken and trial.facts.envelope_sender == "ann@partner.example"
    assert AuditEvent.objects.count() == before


def test_single_things_are_judged_without_a_message(db: None) -> None:
    domain = make_domain("own.example")
    for kind in RuleKind:
        make_rule(kind, domain)
    assert domain.default_policy is not None
    policies.update_policy(SYSTEM, domain.default_policy, {"outgoing": True})
    domain = Domain.objects.get(pk=domain.pk)
    for question, category in (
        (Question(sender="spam@evil.example"), Category.BLOCKED_SENDER),
        (Question(attachment="x.EXE"), Category.BAD_ATTACHMENT),
        (Question(link="https://www.evil.example/pay"), Category.SPAM),
        (Question(direction=Direction.OUTGOING, sender="a@own.example", text="4111111111111111"), Category.DLP),
        (Question(direction=Direction.OUTGOING, sender="a@own.example", text="hello"), Category.CLEAN),
        (Question(virus="EICAR"), Category.VIRUS),
    ):
        assert try_rules(SYSTEM, domain, question).decision.category is category, question


def test_a_mailbox_has_its_own_policy_and_rules_also_under_its_alias(db: None) -> None:
    domain = make_domain("own.example")
    mailbox = make_mailbox_in(domain, "kim")
    make_rule(RuleKind.SENDER, mailbox, value="news.example")
    add_alias(SYSTEM, mailbox, email="keeper@own.example")
    policies.set_policy_values(SYSTEM, mailbox, {"quarantine": True, "quarantine_props.store_blacklisted": True})
    for address in ("kim@own.example", "KEEPER@own.example"):
        trial = try_rules(SYSTEM, domain, Question(sender="a@news.example", recipient=address))
        assert (trial.mailbox, trial.decision.action) == (mailbox, Action.HOLD)
        until = trial.until(trial.decision.quarantine)
        assert until is not None and until - trial.facts.received_at == dt.timedelta(days=31)
    assert try_rules(SYSTEM, domain, Question(sender="a@news.example")).decision.category is Category.CLEAN


def test_what_is_assumed_of_spf_counts(db: None) -> None:
    domain = make_domain("own.example")
    make_rule(RuleKind.SENDER, domain, type="allow", value="partner.example", spf_required=True)
    question = Question(sender="ann@partner.example", spam_score=9.0)
    assert try_rules(SYSTEM, domain, question).decision.category is Category.SPAM
    passed = Question(sender="ann@partner.example", spam_score=9.0, spf=AuthResult.PASS)
    assert try_rules(SYSTEM, domain, passed).decision.category is Category.CLEAN


def test_only_who_sees_the_policies_may_try_and_only_addresses_of_the_domain(db: None) -> None:
    domain = make_domain("own.example")
    for actor in (Actor.for_user(make_delegate(make_domain())), Actor.for_user(make_mailbox_in(domain).user)):  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            try_rules(actor, domain, Question(sender="x@y.example"))
    auditor = Actor.for_user(make_delegate(domain, role="auditor"))
    for recipient in ("kim@elsewhere.example", "kim", "@"):
        with pytest.raises(Invalid) as caught:
            try_rules(auditor, domain, Question(recipient=recipient))
        assert caught.value.field == "recipient"
    with pytest.raises(Invalid):
        try_rules(auditor, domain, Question(raw=b"x" * (10 * 1024 * 1024 + 1)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=2_000), text=st.text(max_size=200))
def test_nothing_that_is_pasted_breaks_it(db: None, raw: bytes, text: str) -> None:
    domain = Domain.objects.filter(name="fuzz.example").first() or make_domain("fuzz.example")
    try_rules(SYSTEM, domain, Question(raw=raw, sender=text, attachment=text))
    try_rules(SYSTEM, domain, Question(sender=text, attachment=text, link=text, text=text))


def test_months_end_with_their_last_day() -> None:
    start = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    assert end_of(Keeping(1, Unit.MONTHS), start) == dt.datetime(2026, 2, 28, tzinfo=dt.UTC)
    assert end_of(Keeping(48, Unit.MONTHS), start) == dt.datetime(2030, 1, 31, tzinfo=dt.UTC)
