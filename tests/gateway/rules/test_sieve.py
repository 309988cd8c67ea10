"""The language of mail rules: what is understood, what it makes of a message, and that nothing breaks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.forms.mail_rules import days_of, numbers_of_days
from gateway.sieve import BadScript, parse, run
from gateway.sieve.mail import Mail
from gateway.sieve.running import MOST_WORK, Outcome, Setting
from gateway.sieve.simple import (
    ACTIONS,
    OPERATIONS,
    TAKES_VALUE,
    Act,
    BadRule,
    Condition,
    Rule,
    in_order,
    rules_of,
    text_of,
)

NOW = datetime(2026, 12, 6, 9, 30, tzinfo=UTC)  # a Sunday
FIELDS = (
    ("from", "Bob Builder <bob@Friends.example>"),
    ("to", "ada+bridges@example.org, Ben <ben@example.org>"),
    ("subject", "=?utf-8?q?The_bridge_=C3=BCber_it?="),
    ("date", "Sun, 29 Nov 2026 10:00:00 +0100"),
    ("x-score", "12"),
)
MAIL = Mail("bob@friends.example", "ada+bridges@example.org", 3000, FIELDS, ("It stands.\nReally.",))
EVERYTHING = (
    'require ["body", "copy", "date", "envelope", "environment", "fileinto", "imap4flags", "mailbox", "regex", '
    '"reject", "relational", "subaddress", "vacation", "variables"];\n'
)


def outcome(text: str, mail: Mail = MAIL, **setting: Any) -> Outcome:
    return run(parse(EVERYTHING + text), mail, Setting(now=NOW, **setting))


def says(test: str) -> bool:
    return outcome(f'if {test} {{ fileinto "yes"; }}').of("fileinto") != []


@pytest.mark.parametrize(
    "test",
    [
        'header :contains "Subject" "über"',
        'header :is "subject" "the bridge über it"',
        'not header :comparator "i;octet" :is "subject" "the bridge über it"',
        'header :matches "subject" "The *?it"',
        'header :matches "subject" "*bridge*"',
        'not header :matches "subject" "bridge*"',
        'header :matches "subject" "*"',
        'header :regex "subject" "^the b[a-z]+ "',
        'not header :is "nothing" ""',
        'address :domain "from" "friends.example"',
        'address :localpart :is ["to", "cc"] "ben"',
        'address :user "to" "ada"',
        'address :detail "to" "bridges"',
        'not address :detail "from" ""',
        'envelope :all :is "from" "bob@friends.example"',
        'envelope :detail "to" "bridges"',
        'exists ["from", "x-score"]',
        'not exists ["from", "nothing"]',
        "size :over 2K",
        "size :under 4000",
        'body :text :contains "really"',
        'header :value "ge" :comparator "i;ascii-numeric" "x-score" "9"',
        'not header :value "ge" "x-score" "9"',
        'address :count "eq" :comparator "i;ascii-numeric" "to" "2"',
        'currentdate :is "weekday" "0"',
        'currentdate :zone "+1500" :is "hour" "00"',
        'date :originalzone "date" "hour" "10"',
        'date :zone "+0000" "date" "hour" "09"',
        'currentdate :value "le" "date" "2026-12-24"',
        'anyof (false, not true, allof (true, exists "from"))',
        'environment "vnd.postkeep.verdict" "spam"',
        'not environment "nothing" "spam"',
    ],
)
def test_a_test_says_what_the_standard_says(test: str) -> None:
    text = f'if {test} {{ fileinto "yes"; }}'
    assert outcome(text, environment={"vnd.postkeep.verdict": "spam"}).of("fileinto"), test


def test_variables_hold_what_wildcards_stood_for() -> None:
    text = """
        if header :matches "subject" "The * *" { set :upperfirst "thing" "${1}"; set "rest" "${2}"; }
        if string :is "${thing}" "Bridge" { fileinto "${thing}/${rest}${nothing}"; }
    """
    assert outcome(text).of("fileinto")[0].data["folder"] == "Bridge/über it"


def test_what_is_done_and_whether_the_message_is_kept() -> None:
    assert outcome("").keeps
    assert not outcome("discard;").keeps
    assert outcome("discard; keep;").keeps
    assert outcome('fileinto :copy "x"; redirect :copy "b@c.example";').keeps
    assert not outcome('fileinto "x";').keeps and not outcome('redirect "b@c.example";').keeps
    stopped = outcome("if true { keep; stop; } discard;")
    assert stopped.keeps and [each.kind for each in stopped.actions] == ["keep"]
    branches = outcome('if false { discard; } elsif true { addflag ["\\\\Seen", "a b"]; } else { discard; }')
    assert branches.keeps and branches.flags == ("\\Seen", "a", "b")
    assert outcome('setflag "x"; addflag "y"; removeflag "X"; keep :flags "z";').flags == ("y", "z")
    answering = outcome('vacation :days 3 :subject "Away" text:\r\nGone.\r\n..dot\r\n.\r\n;').of("vacation")[0].data
    assert answering["seconds"] == 3 * 86400 and answering["text"] == "Gone.\r\n.dot\r\n"


def test_rules_and_lines_are_named() -> None:
    found = outcome('# rule:[Bridges]\nif header :contains "subject" "bridge" {\n    fileinto "B";\n}\nkeep;\n')
    assert [(each.rule, each.line, each.name, each.result) for each in found.trace] == [
        ("Bridges", 3, "header", True),
        ("Bridges", 4, "fileinto", None),
        ("", 6, "keep", None),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("keep;\n  foo;", 2, 3),
        ('fileinto "x";', 1, 1),
        ('require "nothing";', 1, 1),
        ('keep;\nrequire "fileinto";', 2, 1),
        ('redirect "nobody";', 1, 1),
        ('require "fileinto"; fileinto "a//b";', 1, 21),
        ("keep", 1, 5),
        ("if true {\nkeep;\n", 3, 1),
        ("if true { keep; } }", 1, 19),
        ("if " + "not " * 16 + "true { keep; }", 1, 64),
        ("if true {" * 16 + "}" * 16, 1, 144),
        ('require "regex";\nif header :regex "a" "(" { keep; }', 2, 4),
        ('keep;\n"', 2, 1),
        ('if true {\n  require "copy"; keep; }', 2, 3),
        ('require "regex"; if header :regex "a" "(?:' + "(?:straße)" * 125 + '){50}" { keep; }', 1, 21),
        ('if header :matches "a" "' + "?" * 1_001 + '" { keep; }', 1, 4),
        ("keep;\0", 1, 1),
    ],
)
def test_a_bad_script_names_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(BadScript) as error:
        parse(text)
    assert (error.value.line, error.value.column) == (line, column), str(error.value)


def test_what_goes_wrong_leaves_the_message_where_it_would_be() -> None:
    for text, mark in (
        ('reject "no"; keep;', "refused"),
        ('set "f" ""; fileinto "${f}";', "folder"),
        ('redirect "a@b.example"; redirect "b@b.example"; redirect "c@b.example";', "at most 2"),
        ('vacation "a"; vacation "b";', "once"),
        ('set "p" "("; if header :regex "subject" "${p}" { discard; }', "expression"),
    ):
        found = outcome(f"discard;\n{text}", most_redirects=2)
        assert found.keeps and not found.actions and mark in str(found.problem) and found.problem_line == 3, text


def test_work_and_time_are_limited() -> None:
    keys = ", ".join(f'"{number}"' for number in range(500))
    names = ", ".join(['"subject"'] * 50)
    costly = f"if header :contains [{names}] [{keys}] {{ discard; }}"
    found = outcome(costly)
    assert found.keeps and "too much work" in str(found.problem) and MOST_WORK < 50 * 500
    times = iter([0.0, *[9.0] * 10])
    late = run(parse("keep;"), MAIL, Setting(now=NOW), clock=lambda: next(times))
    assert late.keeps and "too long" in str(late.problem)
    hostile = Mail(fields=(("subject", "a" * 60_000),))
    assert not run(parse('if header :matches "subject" "*a*a*a*a*a*a*a*b" { discard; }'), hostile, Setting()).actions
    regex = 'require "regex"; if header :regex "subject" "(a+)+$b" { discard; }'
    assert not run(parse(regex), hostile, Setting()).actions


def test_a_fault_of_ours_keeps_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("gateway.sieve.matching.compare", fails)
    found = outcome('discard; if header "subject" "x" { stop; }')
    assert found.keeps and not found.actions and "can't be used" in str(found.problem)


def test_long_keys_and_long_numbers_are_too_much_or_the_largest() -> None:
    long = Mail(fields=(("subject", "a" * 60_000), ("x-key", "?" * 60_000)))
    text = 'if header :matches "x-key" "*" { set "k" "${1}${1}"; } if header :matches "subject" "${k}" { discard; }'
    found = outcome(text, long)
    assert found.keeps and "too much" in str(found.problem)
    keys = ", ".join(f'"*{"?" * 900}b{number}*"' for number in range(20))
    found = outcome(f'if header :matches "subject" [{keys}] {{ discard; }} discard;', long)
    assert found.keeps and found.problem is not None
    assert outcome(f"if size :over {'9' * 5_000}K {{ discard; }}").keeps
    assert not outcome(f"if size :over {'0' * 5_000}2K {{ discard; }}").keeps


WORDS = st.sampled_from(
    ["if", "elsif", "else", "not", "anyof", "allof", "header", ":is", ":matches", '"subject"', '"*"', '["a", "b"]', "(",
     ")", "{", "}", ";", ",", "keep", "discard", "stop", "fileinto", "redirect", '"a@b.example"', "vacation", ":days",
     "7", "size", ":over", "10K", "set", '"x"', '"${x}"', "true", "exists", "text:\n.\n", "# c\n", "/* c */", '"', "["]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_no_script_breaks_the_reader_or_the_run(words: list[str]) -> None:
    try:
        script = parse(EVERYTHING + " ".join(words))
    except BadScript as error:
        assert error.line >= 1 and error.column >= 1
        return
    run(script, MAIL, Setting(now=NOW))


LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs", "Cn"])
VISIBLE = st.text(LETTERS, min_size=1, max_size=20)


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    def condition() -> Condition:
        what = draw(st.sampled_from([key for key in OPERATIONS if key != "header"]))
        operation = draw(st.sampled_from(OPERATIONS[what]))
        value = {"size": "64", "list": "yes", "verdict": "spam", "time": "17:30", "weekday": "6,0"}.get(what)
        if what == "date":
            moments = ["2026-12-24", "2026-12-24T17:00:00+00:00"]
            value = draw(st.sampled_from(moments)) if operation in ("before", "after") else moments[0]
        value = value or draw(VISIBLE)
        return Condition(what, operation, value)

    def act() -> Act:
        what = draw(st.sampled_from(ACTIONS))
        value = "x@example.org" if what in ("redirect", "copy") else "Folder/“ä”"
        return Act(what, value if what in TAKES_VALUE else "")

    return [
        Rule(
            f"Rule {number}",
            draw(st.integers(0, 10)),
            tuple(condition() for _ in range(draw(st.integers(0, 3)))),
            tuple(act() for _ in range(draw(st.integers(1, 3)))),
            comment=draw(st.sampled_from(["", "Why it is there"])),
        )
        for number in range(draw(st.integers(0, 3)))
    ]


@settings(max_examples=60, deadline=None)
@given(rules())
def test_what_a_form_writes_it_reads_again(made: list[Rule]) -> None:
    assert rules_of(text_of(made)) == in_order(made)


def test_a_form_doesnt_show_what_it_cant() -> None:
    assert rules_of("") == []
    for text in ("keep;", "# rule:[a]\nif size :over 1 { keep; }", "# rule:[a]\nif true { keep; } else { stop; }"):
        assert rules_of(text) is None, text


@pytest.mark.parametrize(
    "what, operation, value, fits",
    [
        # it comes on Sunday, 6 December 2026, at 9:30 in the server's zone, which is UTC here
        ("date", "is", "2026-12-06", True),
        ("date", "not_is", "2026-12-06", False),
        ("date", "before", "2026-12-06", False),
        ("date", "before", "2026-12-07", True),
        ("date", "after", "2026-12-05", True),
        ("date", "before", "2026-12-06T09:30:01+00:00", True),
        ("date", "after", "2026-12-06T09:30:00+00:00", False),
        ("time", "after", "09:29", True),
        ("time", "before", "09:30", False),
        ("weekday", "is", "6,0", True),
        ("weekday", "not_is", "1,2,3,4,5", True),
        ("weekday", "is", "1", False),
    ],
)
def test_a_rule_asks_when_mail_comes(what: str, operation: str, value: str, fits: bool) -> None:
    rule = Rule("When", conditions=(Condition(what, operation, value),), actions=(Act("folder", "yes"),))
    text = text_of([rule])
    assert rules_of(text) == [rule]
    assert (run(parse(text), MAIL, Setting(now=NOW)).of("fileinto") != []) is fits


@pytest.mark.parametrize(
    "what, operation, value",
    [
        ("date", "is", "24.12.2026"),
        ("date", "is", "2026-12-06T09:30:00+00:00"),
        ("date", "before", "2026-12-06T09:30:00"),
        ("date", "before", "2026-02-30"),
        ("time", "before", "25:00"),
        ("time", "is", "10:00"),
        ("weekday", "is", "7"),
        ("weekday", "is", "Sunday"),
    ],
)
def test_what_is_no_time_is_no_condition(what: str, operation: str, value: str) -> None:
    with pytest.raises(BadRule):
        text_of([Rule("When", conditions=(Condition(what, operation, value),), actions=(Act("keep"),))])


def test_days_of_the_week_are_written_as_people_write_them() -> None:
    assert numbers_of_days("Sat, sunday") == "6,0"
    assert numbers_of_days("Mo;Di") == "Mo;Di"  # another language's: told to be wrong, not guessed
    with override("de"):
        assert numbers_of_days("Samstag, So") == "6,0"
        assert numbers_of_days("Sat") == "6"
        assert days_of("6,0") == "Samstag, Sonntag"
