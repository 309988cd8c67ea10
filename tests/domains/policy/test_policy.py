"""Policies: the manual's defaults, what is refused, and where each value comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domains.policy.policy import (
    DEFAULTS,
    PATHS,
    ArchiveProps,
    Policy,
    QuarantineProps,
    RelayProps,
    RetentionProps,
    as_mapping,
    merge,
    override_problems,
    problems,
)

GOOD = Policy(name="Standard")


def test_the_defaults_are_those_of_the_manuals_new_domain() -> None:
    assert (GOOD.mail_size_limit_mb, GOOD.spam_score, GOOD.incoming, GOOD.outgoing) == (21, 5.0, True, False)
    assert GOOD.relay_props == RelayProps(False, True, "", "", False, False, 5.0)
    assert GOOD.quarantine_props == QuarantineProps(31, True, False, False, False, False, True, True, True)
    assert GOOD.retention_props == RetentionProps(5, True, True)
    assert GOOD.archive_props == ArchiveProps(48, False, True, True, True, True, True, True, False, False, False)
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 256),
        ("mail_size_limit_mb", 0),
        ("mail_size_limit_mb", 5000),
        ("mail_size_limit_mb", True),
        ("mail_size_limit_mb", 2.5),
        ("spam_score", 0),
        ("spam_score", float("nan")),
        ("spam_score", float("inf")),
        ("spam_score", "5"),
        ("incoming", 1),
        ("relay_props.prefix_spam", "[SPAM]\r\nBcc: x@evil.example"),
        ("relay_props.prefix_spam", "x" * 61),
        ("quarantine_props.duration_days", 0),
        ("quarantine_props.duration_days", 100_000),
        ("retention_props.duration_days", -1),
        ("archive_props.duration_months", 0),
        ("archive_props.store_spam", "yes"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(path: str, value: Any) -> None:
    policy = merge([("domain", {"name": "x", path: value})]).policy
    assert [field for field, said in problems(policy) if str(said)] == [path]
    assert [field for field, _said in override_problems({path: value}, GOOD)] == [path]


def test_spam_that_is_delivered_needs_room_below_the_limit() -> None:
    delivering = replace(GOOD, relay_props=RelayProps(relay_spam=True))
    [(field, said)] = problems(delivering)
    assert field == "relay_props.spam_score_limit"
    assert str(said) == "Spam begins at 5.0 and would never be delivered: this must be more."
    assert problems(replace(GOOD, relay_props=RelayProps(relay_spam=True, spam_score_limit=20.0))) == []


def test_every_value_has_a_path_and_comes_back_from_it() -> None:
    assert len(PATHS) == 8 + 8 + 9 + 3 + 11  # the manual's, and whether unread archives are delivered
    changed = {path: (not value) if isinstance(value, bool) else value for path, value in DEFAULTS.items()}
    assert as_mapping(merge([("all", changed)]).policy) == changed


def test_a_mailbox_overrides_its_domain_and_each_value_says_where_it_comes_from() -> None:
    domain = {"name": "House", "spam_score": 6.8, "relay_props.prefix_spam": "[SPAM]"}
    merged = merge([("domain", domain), ("mailbox", {"spam_score": 9.0, "quarantine_props.duration_days": None})])
    assert merged.policy.spam_score == 9.0
    assert merged.policy.relay_props.prefix_spam == "[SPAM]"
    sources = merged.sources
    assert [sources[path] for path in ("spam_score", "relay_props.prefix_spam", "quarantine_props.duration_days")] == [
        "mailbox",
        "domain",
        "default",
    ]


def test_an_override_is_checked_with_what_lies_below_it() -> None:
    below = replace(GOOD, relay_props=RelayProps(relay_spam=True, spam_score_limit=8.0))
    assert [field for field, _ in override_problems({"spam_score": 8.0}, below)] == ["relay_props.spam_score_limit"]
    assert override_problems({"spam_score": 7.9, "relay_props.relay_spam": None}, below) == []
    assert [field for field, _ in override_problems({"sapm_score": 1.0}, below)] == ["sapm_score"]


def test_a_path_that_no_policy_has_is_no_value() -> None:
    with pytest.raises(ValueError, match="sapm_score"):
        merge([("mailbox", {"sapm_score": 1.0})])
