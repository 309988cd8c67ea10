"""Rules as people make them in a form (name, priority, conditions, actions), written as Sieve and read back from it.

    text = text_of([Rule("News", 5, conditions=(Condition("list", "is", "yes"),), actions=(Act("folder", "News"),))])
    rules_of(text)   # the same rules; None where a script says more than a form can show

The script is what counts and what is kept; a form is one way to write it. The highest priority comes first; 0: not
used.

Source: communigate.md, Queue Rules: (priority, name, [conditions], [actions], [comment]).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.sieve import moments
from gateway.sieve.parsing import parse
from gateway.sieve.script import Node

MOST_RULES, MOST_CONDITIONS, MOST_ACTIONS, MOST_PRIORITY = 100, 20, 12, 10
TEXT_OPERATIONS = ("contains", "is", "matches", "not_contains", "not_is", "not_matches")
OPERATIONS: dict[str, tuple[str, ...]] = {
    "from": TEXT_OPERATIONS,
    "to": TEXT_OPERATIONS,
    "subject": TEXT_OPERATIONS,
    "header": TEXT_OPERATIONS,
    "sender": TEXT_OPERATIONS,
    "text": ("contains", "not_contains"),
    "size": ("over", "under"),
    "list": ("is", "not_is"),
    "verdict": ("is", "not_is"),
    **moments.OPERATIONS,
}
ACTIONS = (
    "folder",
    "copy_to_folder",
    "redirect",
    "copy",
    "flag",
    "seen",
    "answer",
    "reject",
    "discard",
    "keep",
    "stop",
)
TAKES_VALUE = frozenset({"folder", "copy_to_folder", "redirect", "copy", "answer", "reject"})
VERDICT = "vnd.postkeep.verdict"
_HEADERS = {"from": ("from",), "to": ("to", "cc"), "subject": ("subject",)}
_HEAD = re.compile(r"#\s*rule:\[(?P<name>.{1,100}?)\](?:\s+(?P<priority>\d{1,2}))?\s*$", re.M)
_NOTE = re.compile(r"#\s*note:\s?(.*)$")
_ANSWER_HEADER = re.compile(r"(subject|from):[ \t]*([^\n\0]+)", re.I)
HEADER_NAME = re.compile(r"[!-9;-~]{1,80}")


@dataclass(frozen=True, slots=True)
class Condition:
    """what: a key of OPERATIONS; header: the name of the field for "header". size in KiB; list: "yes"; date, time and
    weekday: as `moments` has them.
    """

    what: str
    operation: str
    value: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """what: of ACTIONS; value: folder, address, or text."""

    what: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Without conditions it fits every message. any_of: one condition is enough."""

    name: str
    priority: int = 5
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Act, ...] = ()
    any_of: bool = False
    comment: str = field(default="")


class BadRule(ValueError):
    """A rule that can't be: which one (from 0), which field of it, and a code for the sentence."""

    def __init__(self, code: str, rule: int, place: str) -> None:
        super().__init__(f"rule {rule}: {place}: {code}")
        self.code, self.rule, self.place = code, rule, place


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=lambda rule: -rule.priority)


def check(rules: Sequence[Rule]) -> None:
    """Raises: BadRule."""
    names: set[str] = set()
    for number, rule in enumerate(rules):

        def fail(code: str, place: str, number: int = number) -> None:
            raise BadRule(code, number, place)

        if number >= MOST_RULES:
            fail("too_many", "name")
        if not 0 < len(rule.name) <= 100 or not rule.name.isprintable() or "]" in rule.name or "[" in rule.name:
            fail("name", "name")
        if rule.name in names:
            fail("twice", "name")
        names.add(rule.name)
        if not 0 <= rule.priority <= MOST_PRIORITY:
            fail("priority", "priority")
        if len(rule.comment) > 500 or not rule.comment.isprintable():
            fail("comment", "comment")
        if len(rule.conditions) > MOST_CONDITIONS:
            fail("too_many", "conditions")
        if not rule.actions or len(rule.actions) > MOST_ACTIONS:
            fail("actions", "actions")
        for condition in rule.conditions:
            _check_condition(condition, fail)
        for act in rule.actions:
            if act.what not in ACTIONS:
                fail("action", "actions")
            if (act.what in TAKES_VALUE) != bool(act.value.strip()) or len(act.value) > 10_000 or "\0" in act.value:
                fail("action_value", "actions")


def _check_condition(condition: Condition, fail: Callable[[str, str], None]) -> None:
    if condition.operation not in OPERATIONS.get(condition.what, ()):
        fail("condition", "conditions")
    if condition.what == "header" and not HEADER_NAME.fullmatch(condition.header):
        fail("header", "conditions")
    if condition.what == "size" and not re.fullmatch(r"[1-9]\d{0,8}", condition.value):
        fail("size", "conditions")
    if condition.what in moments.OPERATIONS and not moments.is_right(condition):
        fail(condition.what, "conditions")
    if condition.what == "verdict" and not re.fullmatch(r"[a-z_]{1,20}", condition.value):
        fail("condition_value", "conditions")
    if condition.what != "list" and (not condition.value or len(condition.value) > 1000 or "\0" in condition.value):
        fail("condition_value", "conditions")


# --- writing ---


def text_of(rules: Iterable[Rule]) -> str:
    """The script. Raises: BadRule."""
    ordered = in_order(rules)
    check(ordered)
    needed: set[str] = set()
    pieces = [_rule(rule, needed) for rule in ordered]
    names = ", ".join(f'"{name}"' for name in sorted(needed))
    head = f"require [{names}];\n\n" if needed else ""
    return head + "\n".join(pieces)


def _rule(rule: Rule, needed: set[str]) -> str:
    lines = [f"# rule:[{rule.name}] {rule.priority}"]
    if rule.comment:
        lines.append(f"# note: {rule.comment}")
    tests = [_test(condition, needed) for condition in rule.conditions] or ["true"]
    test = tests[0] if len(tests) == 1 else f"{'anyof' if rule.any_of else 'allof'} ({', '.join(tests)})"
    if rule.priority == 0:
        test = f"allof (false, {test})"
    lines.append(f"if {test} {{")
    lines += [f"    {_act(act, needed)}" for act in rule.actions]
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """A text as Sieve writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _test(condition: Condition, needed: set[str]) -> str:
    negation, operation = "", condition.operation
    if operation.startswith("not_"):
        negation, operation = "not ", operation.removeprefix("not_")
    value = quoted(condition.value)
    match condition.what:
        case "size":
            return f"size :{operation} {condition.value}K"
        case "list":
            return f'{negation}exists "list-id"'
        case "verdict":
            needed.add("environment")
            return f'{negation}environment :is "{VERDICT}" {value}'
        case "text":
            needed.add("body")
            return f"{negation}body :text :contains {value}"
        case "sender":
            needed.add("envelope")
            return f'{negation}envelope :{operation} "from" {value}'
        case "header":
            return f"{negation}header :{operation} {quoted(condition.header)} {value}"
        case "date" | "time" | "weekday":
            needed |= moments.NEEDS if ":value" in (test := moments.written(condition)) else {"date"}
            return f"{negation}{test}"
    names = _HEADERS[condition.what]
    listed = f'"{names[0]}"' if len(names) == 1 else "[" + ", ".join(f'"{name}"' for name in names) + "]"
    test = "address :all" if operation == "is" and condition.what != "subject" else "header"
    return f"{negation}{test} :{operation} {listed} {value}"


def split_answer(text: str) -> tuple[str, str, str]:
    """(subject, sender, text) of an answer. One that begins with `+` and lines such as `Subject: …` and `From: …` has
    these as its header, up to an empty line; any other is text alone.

    Source: communigate.md, Queue Rules: Reply with.
    """
    if not text.startswith("+"):
        return "", "", text
    head, _blank, body = text[1:].replace("\r\n", "\n").partition("\n\n")
    found = [_ANSWER_HEADER.fullmatch(line) for line in head.split("\n")]
    fields = {each[1].lower(): each[2].strip() for each in found if each is not None}
    if len(fields) != len(found) or not body.strip():
        return "", "", text
    return fields.get("subject", ""), fields.get("from", ""), body


def _answer(text: str) -> str:
    subject, sender, body = split_answer(text)
    said = f" :subject {quoted(subject)}" if subject else ""
    said += f" :from {quoted(sender)}" if sender else ""
    return f"vacation{said} {quoted(body)};"


def _read_answer(node: Node) -> Act:
    subject, sender, body = node.extra_text("subject"), node.extra_text("from"), node.text("reason")
    head = [f"{name}: {value}" for name, value in (("Subject", subject), ("From", sender)) if value]
    whole = "+" + "\n".join(head) + "\n\n" + body if head else body
    if split_answer(whole) != (subject, sender, body):
        raise _MoreThanAForm
    return Act("answer", whole)


def _act(act: Act, needed: set[str]) -> str:
    value = quoted(act.value)
    match act.what:
        case "folder":
            needed.add("fileinto")
            return f"fileinto {value};"
        case "copy_to_folder":
            needed |= {"fileinto", "copy"}
            return f"fileinto :copy {value};"
        case "redirect":
            return f"redirect {value};"
        case "copy":
            needed.add("copy")
            return f"redirect :copy {value};"
        case "flag":
            needed.add("imap4flags")
            return 'addflag "\\\\Flagged";'
        case "seen":
            needed.add("imap4flags")
            return 'addflag "\\\\Seen";'
        case "answer":
            needed.add("vacation")
            return _answer(act.value)
        case "reject":
            needed.add("reject")
            return f"reject {value};"
    return f"{act.what};"


# --- reading back ---


class _MoreThanAForm(Exception):
    pass


def rules_of(text: str) -> list[Rule] | None:
    """The rules of a script; None where it says what a form can't show. Raises: BadScript."""
    script = parse(text)
    heads = _heads(text)
    try:
        rules = [_read_rule(node, heads) for node in script.commands]
        check(rules)
        return rules
    except (_MoreThanAForm, BadRule):
        return None


def _heads(text: str) -> dict[str, tuple[int, str]]:
    """Priority and comment of each rule, by its name."""
    found: dict[str, tuple[int, str]] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        head = _HEAD.match(line)
        if head is None:
            continue
        note = _NOTE.match(lines[number + 1]) if number + 1 < len(lines) else None
        found[head["name"]] = int(head["priority"] or 5), note[1] if note else ""
    return found


def _read_rule(node: Node, heads: dict[str, tuple[int, str]]) -> Rule:
    if node.name != "if" or not node.rule or node.rule not in heads:
        raise _MoreThanAForm
    priority, comment = heads[node.rule]
    test = node.tests[0]
    if test.name == "allof" and test.tests and test.tests[0].name == "false":
        if priority or len(test.tests) != 2:
            raise _MoreThanAForm
        test = test.tests[1]
    elif priority == 0:
        raise _MoreThanAForm
    tests = test.tests if test.name in ("allof", "anyof") else () if test.name == "true" else (test,)
    return Rule(
        name=node.rule,
        priority=priority,
        conditions=tuple(_read_test(each) for each in tests),
        actions=tuple(_read_act(each) for each in node.block),
        any_of=test.name == "anyof",
        comment=comment,
    )


def _read_test(test: Node) -> Condition:
    negation = ""
    if test.name == "not":
        negation, test = "not_", test.tests[0]
    if test.name == "currentdate":
        return _read_moment(test, negation)
    kind = test.text("match-type", ":is").removeprefix(":")
    if "comparator" in test.extra or kind not in ("is", "contains", "matches"):
        raise _MoreThanAForm
    match test.name:
        case "size" if not negation and not test.number("limit") % 1024:
            return Condition("size", test.text("comparator").removeprefix(":"), str(test.number("limit") // 1024))
        case "exists" if test.texts("header-names") == ("list-id",):
            return Condition("list", f"{negation}is", "yes")
        case "environment" if test.text("name") == VERDICT and kind == "is":
            return Condition("verdict", f"{negation}is", _one(test.texts("key-list")))
        case "body" if kind == "contains" and test.text("body-transform") == ":text":
            return Condition("text", f"{negation}contains", _one(test.texts("key-list")))
        case "envelope" if test.texts("header-list") == ("from",) and "address-part" not in test.values:
            return Condition("sender", f"{negation}{kind}", _one(test.texts("key-list")))
        case "header" | "address":
            return _read_header(test, negation, kind)
    raise _MoreThanAForm


def _read_moment(test: Node, negation: str) -> Condition:
    found = moments.read(test)
    if found is None or (negation and found[1] != "is"):
        raise _MoreThanAForm
    what, operation, value = found
    return Condition(what, f"{negation}{operation}", value)


def _read_header(test: Node, negation: str, kind: str) -> Condition:
    is_address = test.name == "address"
    names = test.texts("header-list" if is_address else "header-names")
    value = _one(test.texts("key-list"))
    known = next((what for what, fields in _HEADERS.items() if fields == names), "")
    if is_address:
        if kind != "is" or known not in ("from", "to") or test.text("address-part", ":all") != ":all":
            raise _MoreThanAForm
        return Condition(known, f"{negation}is", value)
    if known and (kind != "is" or known == "subject"):
        return Condition(known, f"{negation}{kind}", value)
    return Condition("header", f"{negation}{kind}", value, _one(names))


def _one(texts: Sequence[str]) -> str:
    if len(texts) != 1:
        raise _MoreThanAForm
    return texts[0]


def _read_act(node: Node) -> Act:
    copies = "copy" in node.values
    match node.name:
        case "fileinto" if not node.extra and "create" not in node.values:
            return Act("copy_to_folder" if copies else "folder", node.text("mailbox"))
        case "redirect":
            return Act("copy" if copies else "redirect", node.text("address"))
        case "addflag" if node.texts("list-of-flags") in (("\\Flagged",), ("\\Seen",)):
            return Act("flag" if node.texts("list-of-flags") == ("\\Flagged",) else "seen")
        case "vacation" if set(node.values) - {"reason"} == set(node.extra) <= {"subject", "from"}:
            return _read_answer(node)
        case "reject":
            return Act("reject", node.text("text"))
        case "discard" | "stop":
            return Act(node.name)
        case "keep" if not node.extra:
            return Act("keep")
    raise _MoreThanAForm
