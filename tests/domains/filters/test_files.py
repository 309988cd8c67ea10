"""Filters from and to files: the dry run says row by row what the import then does, all or nothing."""

from __future__ import annotations

import json

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from domains.errors import Invalid
from domains.models import SenderRule
from domains.policy.exchange import Format
from domains.policy.rules import RuleKind
from domains.services import rule_files, rule_values, rules
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.domains.filters.builders import SYSTEM, make_attachments, make_rule, order_of

SENDER = RuleKind.SENDER


def test_the_dry_run_says_what_would_happen_and_changes_nothing(db: None) -> None:
    domain = make_domain()
    make_rule(SENDER, domain, value="there.example")
    make_rule(SENDER, domain, value="gone.example")
    raw = b"type,value\nblock,there.example\nallow,new.example\nlove,x\nblock,no sender\n"
    plan = rule_files.plan_import(SYSTEM, SENDER, domain, raw, Format.CSV, replace=True)
    assert [(row.line, row.what, row.field) for row in plan.rows] == [
        (2, "same", ""), (3, "new", ""), (4, "refused", "type"), (5, "refused", "value"),
    ]  # fmt: skip
    assert plan.removed == ["gone.example"] and not plan.is_possible
    with pytest.raises(Invalid, match="2 rows"):
        rule_files.import_rules(SYSTEM, SENDER, domain, raw, Format.CSV, replace=True)
    assert SenderRule.objects.count() == 2


def test_adding_leaves_what_is_there_and_replacing_does_not(db: None) -> None:
    domain = make_domain()
    make_rule(SENDER, domain, value="kept.example", description="mine")
    raw = b"type;value;description\nblock;kept.example;theirs\nblock;new.example;\n"
    rule_files.import_rules(SYSTEM, SENDER, domain, raw, Format.CSV)
    assert set(SenderRule.objects.values_list("value", "description")) == {
        ("kept.example", "mine"), ("new.example", ""),
    }  # fmt: skip
    make_rule(SENDER, domain, value="gone.example")
    done = rule_files.import_rules(SYSTEM, SENDER, domain, raw, Format.CSV, replace=True)
    assert done.numbers == {"new": 0, "changed": 1, "same": 1, "refused": 0, "removed": 1}
    assert set(SenderRule.objects.values_list("value", "description")) == {
        ("kept.example", "theirs"), ("new.example", ""),
    }  # fmt: skip
    assert AuditEvent.objects.filter(action="sender_rule.import").count() == 2


@pytest.mark.parametrize("kind", RuleKind)
@pytest.mark.parametrize("file_format", Format)
def test_what_is_exported_can_be_imported(db: None, kind: RuleKind, file_format: Format) -> None:
    domain = make_domain()
    make_rule(kind, domain)
    text = rule_files.export_rules(SYSTEM, kind, domain, file_format)
    plan = rule_files.plan_import(SYSTEM, kind, domain, text.encode(), file_format, replace=True)
    assert [row.what for row in plan.rows] == ["same"], plan
    rule = rule_values.KINDS[kind].rows().get()
    values = rule_values.values_of(rule)
    rules.delete_rule(SYSTEM, rule)
    rule_files.import_rules(SYSTEM, kind, domain, text.encode(), file_format)
    assert rule_values.values_of(rule_values.KINDS[kind].rows().get()) == values


def test_the_order_of_the_file_is_the_order_of_the_rules(db: None) -> None:
    domain = make_domain()
    make_attachments(domain, "b", "a")
    rows = [{"action": "deny", "checkType": "filename", "filter": each} for each in "abc"]
    raw = json.dumps(rows).encode()
    rule_files.import_rules(SYSTEM, RuleKind.ATTACHMENT, domain, raw, Format.JSON, replace=True)
    assert order_of(domain) == [(1, "a"), (2, "b"), (3, "c")]


def test_a_file_reaches_no_other_owner(db: None) -> None:
    domain, other = make_domain("own.example"), make_domain("other.example")
    mailbox = make_mailbox_in(domain, "kim")
    actor = Actor.for_user(make_delegate(domain))
    for owner in ("other.example", "kim@own.example"):
        raw = f"type,value,owner\nblock,x.example,{owner}\n".encode()
        assert [row.field for row in rule_files.plan_import(actor, SENDER, domain, raw, Format.CSV).rows] == ["owner"]
    leak = b'[{"id": "x", "senderDomain": "other.example", "expression": "x", "targetsContent": true}]'
    plan = rule_files.plan_import(actor, RuleKind.DLP, domain, leak, Format.JSON)
    assert [row.field for row in plan.rows] == ["sender_domain"]
    for refused in (other, make_mailbox_in(other)):
        with pytest.raises(Forbidden):
            rule_files.plan_import(actor, SENDER, refused, b"", Format.CSV)
    rule_files.import_rules(actor, SENDER, mailbox, b"type,value\nblock,x.example\n", Format.CSV)
    assert SenderRule.objects.get().mailbox == mailbox


@pytest.mark.parametrize(
    ("raw", "file_format"),
    [
        (b"", Format.CSV),
        (b"type,value\n", Format.CSV),
        (b"\xff\xfe\x00", Format.JSON),
        (b"[", Format.JSON),
        (b"{}", Format.JSON),
        (b"[" * 50_000, Format.JSON),
        (b'type,value\n"never closed', Format.CSV),
        (b"colour\nred\n", Format.CSV),
        (b"x" * (6 * 1024 * 1024), Format.CSV),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(db: None, raw: bytes, file_format: Format) -> None:
    plan = rule_files.plan_import(SYSTEM, SENDER, make_domain(), raw, file_format)
    assert not plan.is_possible
    assert plan.problem or plan.rows[0].why


def test_a_file_from_windows_is_read(db: None) -> None:
    domain = make_domain()
    raw = "type;value;description\nblock;x.example;Grüße\n".encode("cp1252")
    plan = rule_files.import_rules(SYSTEM, SENDER, domain, raw, Format.CSV)
    assert plan.notices and SenderRule.objects.get().description == "Grüße"


def test_more_rules_than_there_may_be_are_refused_beforehand(db: None) -> None:
    rows = "".join(f"deny,filename,x{number}\n" for number in range(501))
    raw = f"action,check,filter\n{rows}".encode()
    plan = rule_files.plan_import(SYSTEM, RuleKind.ATTACHMENT, make_domain(), raw, Format.CSV)
    assert "500" in plan.problem and not plan.is_possible
