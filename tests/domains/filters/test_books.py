"""From rows to a decision: what the gateway will ask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from domains.models import Domain, DomainName, Mailbox
from domains.policy.decision import Category
from domains.policy.evaluate import evaluate
from domains.policy.facts import Attachment, Direction, Facts, Text, Where
from domains.policy.facts import Mailbox as Entry
from domains.policy.rules import RuleKind
from domains.services import policies, rules
from domains.services.rule_books import book_for, policy_for, recipient_for
from tests.domains.factories import make_domain, make_mailbox_in
from tests.domains.filters.builders import SYSTEM, make_rule

Queries = Callable[[int], AbstractContextManager[Any]]


def judged(mailbox: Mailbox, facts: Facts) -> Category:
    fresh = Mailbox.objects.select_related("domain", "policy").get(pk=mailbox.pk)
    book = book_for(fresh.domain, fresh)
    return evaluate(facts, policy_for(fresh), book, recipient_for(fresh)).category


def test_a_rule_counts_as_soon_as_it_is_there_and_no_longer(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    facts = Facts(attachments=(Attachment(names=("setup.exe",)),))
    assert judged(mailbox, facts) is Category.CLEAN
    rule = make_rule(RuleKind.ATTACHMENT, mailbox.domain)
    assert judged(mailbox, facts) is Category.BAD_ATTACHMENT
    rules.set_rule_enabled(SYSTEM, rule, enabled=False)
    assert judged(mailbox, facts) is Category.CLEAN
    rules.set_rule_enabled(SYSTEM, rule, enabled=True)
    rules.delete_rule(SYSTEM, rule)
    assert judged(mailbox, facts) is Category.CLEAN


def test_a_mailboxs_rules_are_its_own_and_the_domain_decides_who_wins(db: None) -> None:
    mailbox, other = make_mailbox_in(domain := make_domain()), make_mailbox_in(domain)
    facts = Facts(envelope_sender="news@shop.example")
    make_rule(RuleKind.SENDER, domain, value="shop.example")
    make_rule(RuleKind.SENDER, mailbox, value="news@shop.example", type="allow")
    assert (judged(mailbox, facts), judged(other, facts)) == (Category.CLEAN, Category.BLOCKED_SENDER)
    Domain.objects.filter(pk=domain.pk).update(list_priority="domain")
    assert judged(mailbox, facts) is Category.BLOCKED_SENDER


def test_a_protected_name_of_one_mailbox_is_seen_there_alone(db: None) -> None:
    mailbox, other = make_mailbox_in(domain := make_domain()), make_mailbox_in(domain)
    make_rule(RuleKind.SENDER, mailbox, value="bank.example", type="protected")
    facts = Facts(header_from=(), envelope_sender="x@evil.example")
    from_bank = Facts(header_from=(_mailbox("x@bank.example"),), envelope_sender="x@evil.example")
    assert judged(mailbox, facts) is Category.CLEAN
    assert (judged(mailbox, from_bank), judged(other, from_bank)) == (Category.SENDER_VERIFY, Category.CLEAN)


def test_an_alias_of_the_domain_is_no_way_out_for_secrets(db: None) -> None:
    mailbox = make_mailbox_in(domain := make_domain())
    policies.update_policy(SYSTEM, _policy(domain), {"outgoing": True})
    make_rule(RuleKind.DLP, domain, expression="secret")

    def leaks(sender: str) -> Category:
        texts = (Text(Where.BODY, "the SECRET plan"),)
        return judged(mailbox, Facts(direction=Direction.OUTGOING, envelope_sender=sender, texts=texts))

    assert leaks(f"x@{domain.name}") is Category.DLP
    assert leaks("x@alias.example") is Category.CLEAN
    DomainName.objects.create(domain=domain, name="alias.example")
    assert leaks("x@alias.example") is Category.DLP


def test_a_kept_book_costs_two_queries_however_many_rules(db: None, django_assert_num_queries: Queries) -> None:
    mailbox = make_mailbox_in(domain := make_domain())
    for number in range(5):
        make_rule(RuleKind.SENDER, domain, value=f"x{number}.example")
        make_rule(RuleKind.SENDER, mailbox, value=f"y{number}.example")
    first = book_for(domain)
    with django_assert_num_queries(1):
        assert book_for(domain) is first
    with django_assert_num_queries(2):
        book_for(domain, mailbox)


def _policy(domain: Domain) -> Any:
    return Domain.objects.select_related("default_policy").get(pk=domain.pk).default_policy


def _mailbox(address: str) -> Entry:
    return Entry("", address)
