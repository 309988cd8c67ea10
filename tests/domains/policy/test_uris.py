"""URI rules: they change the spam score, once."""

from __future__ import annotations

import pytest

from domains.policy.decision import Action, Category
from domains.policy.facts import Uri, Where
from domains.policy.patterns import PatternMode
from domains.policy.uris import UriAction, UriIndex, UriRule, uri_problems
from tests.domains.policy.builders import incoming, judge


def rule(
    action: UriAction, filter: str, *, id: int = 1, mode: PatternMode = PatternMode.DOMAIN, priority: int = 1
) -> UriRule:
    return UriRule(id, action, filter, mode, priority)


def link(host: str, path: str = "/", listed_score: float = 0.0) -> Uri:
    return Uri(host, f"https://{host}{path}", listed_score)


def test_a_blocked_host_makes_spam_of_a_message() -> None:
    decision = judge(incoming(uris=(link("www.evil.example"),)), rule(UriAction.BLOCK, "evil.example"))
    assert (decision.category, decision.spam_score) == (Category.SPAM, 100.0)
    assert "It links to www.evil.example, which is blocked: +100.0." in [str(f.why) for f in decision.findings]


def test_an_allowed_host_makes_a_message_clean() -> None:
    facts = incoming(uris=(link("good.example"),), spam_score=30.0)
    decision = judge(facts, rule(UriAction.ALLOW, "good.example"))
    assert (decision.category, decision.action, decision.spam_score) == (Category.CLEAN, Action.DELIVER, -70.0)


def test_each_kind_counts_once_and_both_cancel_out() -> None:
    links = tuple(link(f"{name}.evil.example") for name in "abc")
    assert judge(incoming(uris=links), rule(UriAction.BLOCK, "evil.example")).spam_score == 100.0
    both = (rule(UriAction.BLOCK, "evil.example"), rule(UriAction.ALLOW, "good.example", id=2))
    assert judge(incoming(uris=(*links, link("good.example")), spam_score=7.0), *both).spam_score == 7.0


def test_a_skipped_domain_takes_off_what_block_lists_added_because_of_it() -> None:
    facts = incoming(
        uris=(link("listed.example", listed_score=4.0), link("other.example", listed_score=2.0)), spam_score=7
    )
    assert judge(facts).category is Category.SPAM
    decision = judge(facts, rule(UriAction.SKIP, "listed.example"))
    assert (decision.category, decision.spam_score) == (Category.CLEAN, 3.0)


def test_the_first_rule_for_a_link_is_the_one_that_counts() -> None:
    specific = rule(UriAction.ALLOW, "good.evil.example", id=9, priority=0)
    general = rule(UriAction.BLOCK, "evil.example", id=1)
    index = UriIndex([general, specific])
    assert [index.rule_for(link(host)) for host in ("x.example",)] == [None]
    assert index.judge([link("good.evil.example")]).change == -100.0
    assert index.judge([link("bad.evil.example")]).change == 100.0


@pytest.mark.parametrize(
    ("mode", "filter", "uri", "where"),
    [
        (PatternMode.REGEX, "evil", link("www.evil.example"), Where.URI_HOST),
        (PatternMode.REGEX, "evil.*/pay/", link("www.evil.example", "/pay/now"), Where.URI),
        (PatternMode.REGEX, "pay", link("www.evil.example", "/pay/now"), None),
        (PatternMode.WILDCARD, "*.evil.example", link("www.EVIL.example"), Where.URI_HOST),
        (PatternMode.TEXT, "evil.example/pay", link("www.evil.example", "/pay/now"), Where.URI),
        (PatternMode.DOMAIN, "evil.example", link("evil.example.good.example"), None),
        (PatternMode.DOMAIN, "bücher.example", link("www.bücher.example"), Where.URI_HOST),
    ],
)
def test_a_filter_is_about_the_host_or_with_a_slash_about_the_whole_link(
    mode: PatternMode, filter: str, uri: Uri, where: Where | None
) -> None:
    found = UriIndex([rule(UriAction.BLOCK, filter, mode=mode)]).rule_for(uri)
    assert (found[1] if found else None) == where


def test_a_message_without_a_score_gets_one_only_by_a_rule() -> None:
    assert judge(incoming(spam_score=None)).spam_score is None
    assert (
        judge(incoming(spam_score=None, uris=(link("e.example"),)), rule(UriAction.BLOCK, "e.example")).spam_score
        == 100
    )


def test_a_bad_filter_is_a_problem_with_its_place() -> None:
    assert [field for field, _ in uri_problems(rule(UriAction.BLOCK, "exa mple"))] == ["filter"]
    assert uri_problems(rule(UriAction.BLOCK, "example.org")) == []
