"""Rules in files: both ways the same, errors with their line and field, nothing a spreadsheet would run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.kit import csv as house
from domains.policy.attachments import AttachmentAction, AttachmentRule, Check
from domains.policy.dlp import DlpRule
from domains.policy.exchange import Format, Parsed, guarded, parse_rules, unguarded, write_rules
from domains.policy.exchange_fields import Rule, problems_of
from domains.policy.patterns import PatternMode
from domains.policy.rules import RuleKind
from domains.policy.senders import SenderRule, SenderType
from domains.policy.uris import UriAction, UriRule

WHEN = datetime(2026, 12, 31, 18, tzinfo=UTC)
SAMPLES: dict[RuleKind, list[Rule]] = {
    RuleKind.SENDER: [
        SenderRule(2, SenderType.ALLOW, "bob@friends.example", "example.org", spf_required=True),
        SenderRule(
            3, SenderType.BLOCK, ".evil.example", "ada@example.org", False, WHEN, description='He "said", so\nno'
        ),
        SenderRule(5, SenderType.PROTECTED, "carla@example.org", "example.org", display_name="Carla Chief"),
    ],
    RuleKind.ATTACHMENT: [
        AttachmentRule(2, AttachmentAction.DENY, Check.FILENAME, r"\.(exe|scr)$", priority=3, description="=1+1"),
        AttachmentRule(3, AttachmentAction.ALLOW, Check.ARCHIVE_CONTENT_TYPE, "image/*", PatternMode.WILDCARD),
    ],
    RuleKind.URI: [
        UriRule(2, UriAction.SKIP, "example.org", PatternMode.DOMAIN),
        UriRule(3, UriAction.BLOCK, "^evil,|;", priority=0),
    ],
    RuleKind.DLP: [
        DlpRule("a-1", "example.org", "-secret", "@home", True, False, True, PatternMode.TEXT, True, 7),
        DlpRule("b", "xn--mnchen-3ya.example", "+49", targets_recipients=True, mode=PatternMode.TEXT),
    ],
}


def errors(parsed: Parsed) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, str(error.reason)) for error in parsed.errors]


def rules(parsed: Parsed) -> list[Rule]:
    assert errors(parsed) == []
    return [row.rule for row in parsed.rows]


@pytest.mark.parametrize("kind", RuleKind)
def test_what_is_written_is_read_back(kind: RuleKind) -> None:
    assert rules(parse_rules(kind, write_rules(kind, SAMPLES[kind], Format.CSV), Format.CSV)) == SAMPLES[kind]
    as_json = parse_rules(kind, write_rules(kind, SAMPLES[kind], Format.JSON), Format.JSON)
    assert [write_rules(kind, [row.rule], Format.CSV) for row in as_json.rows] == [
        write_rules(kind, [rule], Format.CSV) for rule in SAMPLES[kind]
    ]
    assert as_json.errors == ()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
FREE = st.one_of(TEXT, st.sampled_from(["=1", "+1", "-1", "@x", "\tx", "'=1", "''-", "'x"])).map(str.strip).filter(bool)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            AttachmentRule,
            st.just(1),
            st.sampled_from(AttachmentAction),
            st.sampled_from(Check),
            FREE,
            st.just(PatternMode.TEXT),
            st.integers(0, 99),
            FREE,
        ),
        max_size=5,
        unique_by=lambda r: (r.action, r.check, r.filter),
    )
)
def test_any_texts_survive_both_formats(listed: list[AttachmentRule]) -> None:
    for file_format in Format:
        text = write_rules(RuleKind.ATTACHMENT, listed, file_format)
        found = rules(parse_rules(RuleKind.ATTACHMENT, text, file_format))
        assert [_without_id(rule) for rule in found] == [_without_id(rule) for rule in listed]


def _without_id(rule: Rule) -> Any:
    assert isinstance(rule, AttachmentRule)
    return rule.action, rule.check, rule.filter, rule.mode, rule.priority, rule.description


@settings(deadline=None)
@given(st.text(max_size=10))
def test_a_guarded_cell_is_never_run_and_comes_back(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(text)) == text


@settings(deadline=None)
@given(st.one_of(st.text(max_size=5), FREE))
def test_it_guards_what_the_house_guards(text: str) -> None:
    assert guarded(text) == house.guarded(text) or "\0" in text
    assert unguarded(text) == house.unguarded(text)


def test_cells_that_a_spreadsheet_would_run_are_guarded_in_the_file() -> None:
    written = write_rules(RuleKind.ATTACHMENT, SAMPLES[RuleKind.ATTACHMENT], Format.CSV)
    assert "'=1+1" in written and ",=1+1" not in written


def test_a_file_of_a_german_excel_is_read() -> None:
    text = "\ufeffType;Value;Owner;spfOn\r\nblock;evil.example;example.org;\r\n"
    text += "ALLOW;bob@friends.example;example.org;yes\r\n"
    assert rules(parse_rules(RuleKind.SENDER, text, Format.CSV)) == [
        SenderRule(2, SenderType.BLOCK, "evil.example", "example.org"),
        SenderRule(3, SenderType.ALLOW, "bob@friends.example", "example.org", spf_required=True),
    ]


def test_the_manuals_samples_are_read_as_they_stand() -> None:
    senders = """[
      {"value": "daenerys@goodguys.fr", "owner": "iswittercoming.net", "type": "ALLOW", "spfOn": true},
      {"value": "baelish@badguys.fr", "owner": "notyet@iswittercoming.net", "type": "BLOCK",
       "expireAt": 1779724343742, "description": "he's a traitor"}
    ]"""
    first, second = rules(parse_rules(RuleKind.SENDER, senders, Format.JSON))
    assert isinstance(first, SenderRule) and first.spf_required
    assert isinstance(second, SenderRule) and second.expires_at is not None
    assert (second.id, second.expires_at.isoformat()[:19]) == (3, "2026-05-25T15:52:23")
    attachment = (
        '[{"action": "ALLOW", "checkType": "CONTENTTYPE", "filter": ".xlsx", "description": "Allow xslx files"}]'
    )
    [rule] = rules(parse_rules(RuleKind.ATTACHMENT, attachment, Format.JSON))
    assert isinstance(rule, AttachmentRule) and rule.check is Check.CONTENT_TYPE
    uri = '[{"action": "URIDNSBL_SKIP_DOMAIN", "filter": "bulist.com", "description": "Rule bulist.com", "scope": "x"}]'
    assert len(rules(parse_rules(RuleKind.URI, uri, Format.JSON))) == 1
    leaks = """{"rules": [{"id": "1", "expression": "james.org", "explanation": "Find",
      "targetsSender": true, "targetsRecipients": true, "targetsContent": false}]}"""
    [leak] = rules(parse_rules(RuleKind.DLP, leaks, Format.JSON, owner="example.org"))
    assert leak == DlpRule("1", "example.org", "james.org", "Find", True, True)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (RuleKind.SENDER, "type,value,owner\nBLOCK,exa mple,example.org\n", [(2, "value", "not a domain")]),
        (RuleKind.SENDER, "type,value,owner\nMAYBE,evil.example,example.org\n", [(2, "type", "One of: ALLOW")]),
        (RuleKind.SENDER, "type,value,owner\nBLOCK,,example.org\n", [(2, "value", "missing")]),
        (RuleKind.SENDER, "type,value\nBLOCK,evil.example\n", [(2, "owner", "missing")]),
        (RuleKind.SENDER, "type,owner\nBLOCK,x\n", [(1, "value", "column is missing")]),
        (RuleKind.SENDER, "type,value,owner,colour\n", [(1, "colour", "no such column")]),
        (RuleKind.SENDER, "type,value,owner,type\n", [(1, "type", "twice")]),
        (RuleKind.SENDER, "type,value,owner\nBLOCK,a.example,b.example,c\n", [(2, "", "More cells")]),
        (
            RuleKind.SENDER,
            "type,value,owner\nBLOCK,A.example,b.example\n\nBLOCK,a.example,B.example\n",
            [(4, "", "on line 2")],
        ),
        (RuleKind.SENDER, "type,value,owner,expires_at\nBLOCK,a.example,b.example,soon\n", [(2, "expires_at", "date")]),
        (
            RuleKind.SENDER,
            "type,value,owner,spf_required\nBLOCK,a.example,b.example,yes\n",
            [(2, "spf_required", "SPF")],
        ),
        (
            RuleKind.ATTACHMENT,
            'action,check,filter\ndeny,filename,"a\nb("\ndeny,x,y\n',
            [(2, "filter", "Character 4"), (4, "check", "One of")],
        ),
        (RuleKind.ATTACHMENT, "action,check,filter,priority\ndeny,filename,a,--5\n", [(2, "priority", "whole number")]),
        (RuleKind.ATTACHMENT, 'action,check,filter\ndeny,filename,"a\n', [(2, "", "as CSV")]),
        (RuleKind.DLP, "id,sender_domain,expression\n1,example.org,a\n", [(2, "targets_content", "Choose")]),
        (RuleKind.DLP, "", [(1, "id", "column is missing")]),
    ],
)
def test_what_is_wrong_in_a_csv_is_told_with_line_and_field(
    kind: RuleKind, text: str, expected: list[tuple[int, str, str]]
) -> None:
    found = errors(parse_rules(kind, text, Format.CSV))
    assert [(line, field) for line, field, _said in found][: len(expected)] == [(e[0], e[1]) for e in expected]
    assert all(part in said for (_line, _field, said), (_l, _f, part) in zip(found, expected, strict=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[\n{"action": "deny", "checkType": "filename", "filter": "a("}\n]', [(2, "filter", "Character 2")]),
        ('[\n\n{"action": "deny",\n "checkType": "filename"}]', [(3, "filter", "missing")]),
        ('[{"action": "deny", "checkType": "filename", "filter": "a", "colour": 1}]', [(1, "colour", "No rule has")]),
        ('[\n{"action": 1, "checkType": "filename", "filter": "a"}]', [(2, "action", "A text")]),
        ('[{"action": "deny", "checkType": "filename", "filter": "a", "priority": true}]', [(1, "priority", "whole")]),
        ("[1]", [(1, "", "object")]),
        ('[\n{"action": "deny"\n', [(3, "", "as JSON")]),
        ("[\n{}\n{}]", [(2, "action", "missing")]),
        ("[" * 100_000, [(1, "", "as JSON")]),
        ("[NaN]", [(1, "", "as JSON")]),
        ("null", [(0, "", "list of rules")]),
        ("", [(0, "", "list of rules")]),
        ('{"rules": 1}', [(0, "", "list of rules")]),
        ("[", [(1, "", "as JSON")]),
    ],
)
def test_what_is_wrong_in_a_json_is_told_with_line_and_field(text: str, expected: list[tuple[int, str, str]]) -> None:
    found = errors(parse_rules(RuleKind.ATTACHMENT, text, Format.JSON))
    assert [(line, field) for line, field, _said in found][: len(expected)] == [(e[0], e[1]) for e in expected]
    assert all(part in said for (_line, _field, said), (_l, _f, part) in zip(found, expected, strict=False))


def test_a_file_full_of_errors_gives_the_first_hundred() -> None:
    text = "type,value,owner\n" + "BLOCK,exa mple,example.org\n" * 5000
    assert len(parse_rules(RuleKind.SENDER, text, Format.CSV).errors) == 100


@settings(deadline=None)
@given(
    st.sampled_from(RuleKind),
    st.sampled_from(Format),
    st.one_of(st.text(max_size=60), st.from_regex(r"\A(\[|\{\"rules\": ?\[)?[{}\[\]\":,a-z0-9\n]{0,30}\Z")),
)
def test_any_text_gives_rules_or_errors(kind: RuleKind, file_format: Format, text: str) -> None:
    parsed = parse_rules(kind, text, file_format, owner="example.org")
    assert all(problems_of(row.rule) == [] for row in parsed.rows)


def test_json_has_the_manuals_names() -> None:
    [written] = json.loads(write_rules(RuleKind.SENDER, SAMPLES[RuleKind.SENDER][1:2], Format.JSON))["rules"]
    assert written["expireAt"] == "2026-12-31T18:00:00+00:00"
    assert written["spfOn"] is False
