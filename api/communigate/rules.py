"""Queue Rules in CommuniGate's words, and the rules that are carried out here: the same rules, where each of their
conditions and actions has one that means the same; a rule with another is refused, so that none is lost unnoticed.

A rule is (priority, name, [conditions], [actions], [comment]). What a script wrote is given back as it came while it
still is what is carried out. Conditions on when mail comes are in `rule_times`. Not for Sieve
(`gateway.services.mail_rules`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import cast

from accounts.actors import Actor
from api.communigate import keeping, rule_times
from api.communigate.context import text_of
from api.communigate.format import Value, write_value
from api.communigate.refusing import Refused
from domains.models import Address, Domain, Mailbox
from domains.services.readdressing import claim_of
from gateway.services.mail_rules import simple
from gateway.services.mail_rules.simple import NotAForm
from gateway.sieve.simple import Act, Condition, Rule, in_order, split_answer

Owner = Mailbox | Domain | None
RULES = "rules"
NO_VALUE = "---"
_DATA = {
    "from": "from",
    "subject": "subject",
    "to": "to",
    "any to or cc": "to",
    "each to or cc": "to",
    "return-path": "sender",
    "sender": "header",
    "cc": "header",
    "reply-to": "header",
    "header field": "header",
    "message size": "size",
    "human generated": "",
}
_WORDS = {"from": "From", "subject": "Subject", "to": "Any To or Cc", "sender": "Return-Path", "size": "Message Size"}
_ACTIONS = {
    "store in": "copy_to_folder",
    "mirror to": "copy",
    "redirect to": "copy",
    "forward to": "copy",
    "reply with": "answer",
    "vacation message": "answer",
    "reject with": "reject",
    "discard": "discard",
    "stop processing": "stop",
}
_ACTION_WORDS = {
    "folder": "Store in",
    "copy_to_folder": "Store in",
    "copy": "Mirror to",
    "redirect": "Mirror to",
    "answer": "Reply with",
    "reject": "Reject with",
    "discard": "Discard",
    "stop": "Stop Processing",
}
_MARKS = {"flagged": "flag", "flag": "flag", "seen": "seen", "read": "seen"}
_IGNORED = {"remember 'from' in"}  # what an answer does here anyway
_OPERATIONS = {"is": "is", "is not": "not_is", "contains": "contains", "does not contain": "not_contains"}
_ANSWERED = "#repliedaddresses"  # who was answered is not answered again here, either
_FIELD = re.compile(r"[!-9;-~]+:[ \t]")
_BETWEEN = re.compile(r"[,;]")


def read(owner: Owner) -> list[Value]:
    """The rules as scripts write them; [] where they are in a form that has no words there. Rights are the caller's."""
    try:
        present = simple.list_rules(owner)
    except NotAForm:
        return []
    if not present:
        return []
    written = cast("list[Value]", keeping.kept(RULES, _kept_of(owner)).get(RULES, []))
    if written and in_order(map(_rule, written)) == in_order(present):
        return written
    return [_said(rule) for rule in present]


def write(actor: Actor, owner: Owner, wanted: list[Value]) -> None:
    """Replace all. Raises: Refused, and as `simple.set_rules`."""
    understood = [_rule(each) for each in wanted]
    try:
        simple.set_rules(actor, owner, understood)
    except NotAForm as error:
        raise Refused(501, "the rules were written by hand as Sieve; change them there") from error
    keeping.keep(actor, RULES, _kept_of(owner), {RULES: wanted} if wanted else {}, replace=True)


def change_one(actor: Actor, owner: Owner, rule: list[Value]) -> None:
    """Add a rule, replace that of its name, or with fewer than four elements give it another priority."""
    present = read(owner)
    name = _name(rule)
    at = next((number for number, each in enumerate(present) if _name(cast("list[Value]", each)) == name), None)
    if len(rule) < 4:
        if at is None:
            raise Refused(501, f"there is no rule {name}")
        old = cast("list[Value]", present[at])
        rule = [rule[0], *old[1:]]
    changed = [each for number, each in enumerate(present) if number != at]
    write(actor, owner, [*changed, rule])


def remove_one(actor: Actor, owner: Owner, name: str) -> None:
    """No error where there is none of this name."""
    present = read(owner)
    kept = [each for each in present if _name(cast("list[Value]", each)) != name]
    if len(kept) != len(present):
        write(actor, owner, kept)


def listed(value: Value) -> list[Value]:
    """A setting that is an array of rules. Raises: Refused."""
    if keeping.is_default(value):
        return []
    if not isinstance(value, list):
        raise Refused(501, "an array of rules is expected")
    return value


def _kept_of(owner: Owner) -> Address | Domain | None:
    return claim_of(owner) if isinstance(owner, Mailbox) else owner


def _name(rule: list[Value]) -> str:
    if not isinstance(rule, list) or len(rule) < 2:
        raise Refused(501, "a rule is (priority, name, (conditions), (actions), comment)")
    return text_of(rule[1], "name")


def _rule(value: Value) -> Rule:
    """Raises: Refused."""
    rule = cast("list[Value]", value)
    name = _name(rule)
    priority = text_of(rule[0], "priority")
    if not priority.isdecimal() or len(priority) > 4:
        raise Refused(501, f"rule {name}: a priority is a number")
    conditions, actions = (_parts(rule, place, name) for place in (2, 3))
    if not actions:
        raise Refused(501, f"rule {name}: there are no actions")
    found, any_of = _conditions(conditions, name)
    comment = text_of(rule[4], "comment") if len(rule) > 4 else ""
    return Rule(
        name=name,
        priority=min(int(priority), 10),
        conditions=tuple(found),
        actions=tuple(act for each in actions for act in _acts(each, name)),
        any_of=any_of,
        comment=" ".join(comment.split()),
    )


def _parts(rule: list[Value], place: int, name: str) -> list[list[str]]:
    value = rule[place] if len(rule) > place else []
    if not isinstance(value, list) or not all(isinstance(each, list) and each for each in value):
        raise Refused(501, f"rule {name}: arrays of arrays are expected")
    return [[_part_text(part, name) for part in cast("list[Value]", each)] for each in value]


def _part_text(part: Value, name: str) -> str:
    """A time stamp may stand for itself or in a string."""
    return write_value(part) if isinstance(part, datetime) else text_of(part, name)


def _conditions(given: list[list[str]], name: str) -> tuple[list[Condition], bool]:
    """(conditions, whether one of them is enough). Of several values after `in` one is enough, so it stands alone."""
    groups = [(parts, _condition(parts, name)) for parts in given]
    found = [each for _parts_of, group in groups for each in group]
    is_any = any(len(group) > 1 and _word_of(parts) == "in" and group[0].what != "time" for parts, group in groups)
    if is_any and sum(bool(group) for _parts_of, group in groups) > 1:
        raise Refused(501, f"rule {name}: several values after in are only possible as the rule's one condition")
    return found, is_any


def _word_of(parts: list[str]) -> str:
    return parts[1].strip().lower() if len(parts) > 1 else ""


def _condition(parts: list[str], name: str) -> list[Condition]:
    """Several for several values of `in` and `not in`; none for what is so here anyway. Raises: Refused."""
    data, operation, value = (*parts, "", "")[:3]
    if data.lower() in rule_times.DATA:
        return rule_times.read(data, _word_of(parts), value, name)
    what = _DATA.get(data.lower())
    if what is None:
        raise Refused(501, f"rule {name}: the condition {data} has none here that means the same")
    if not what:
        return []
    if what == "size":
        return [_size(operation, value, name)]
    header = "" if what != "header" else data
    if data.lower() == "header field":
        header, _colon, value = value.partition(":")
        header, value = header.strip(), value.strip() or "*"
    word = _word_of(parts)
    if word in ("in", "not in"):
        if word == "not in" and what in ("from", "sender") and value.strip().lower() == _ANSWERED:
            return []
        values = [each.strip() for each in value.split(",") if each.strip()]
        if not values or any(each.startswith("#") for each in values):
            raise Refused(501, f"rule {name}: {operation} takes values with commas between; there are no data sets")
        kind = "is" if word == "in" else "not_is"
        return [_text(what, kind, each, header) for each in values]
    if word not in _OPERATIONS:
        raise Refused(501, f"rule {name}: the operation {operation} has none here that means the same")
    return [_text(what, _OPERATIONS[word], value, header)]


def _text(what: str, kind: str, value: str, header: str) -> Condition:
    if kind.endswith("is") and "*" in value:
        kind = kind.replace("is", "matches")
    return Condition(what, kind, value, header)


def _size(operation: str, value: str, name: str) -> Condition:
    kind = {"greater than": "over", "less than": "under"}.get(operation.lower())
    digits = value.strip()
    kib = {"k": 1, "m": 1024}.get(digits[-1:].lower())
    number = int(digits[:-1]) * kib if kib and digits[:-1].isdecimal() else None
    if number is None and digits.isdecimal():
        number = max(1, int(digits) // 1024)
    if kind is None or number is None:
        raise Refused(501, f"rule {name}: a size is greater than or less than a number such as 100K")
    return Condition("size", kind, str(number))


def _acts(parts: list[str], name: str) -> list[Act]:
    """Several where mail goes to several addresses; none for what is done here anyway. Raises: Refused."""
    word, value = (*parts, "")[:2]
    value = "" if value == NO_VALUE else value
    if word.lower() in _IGNORED:
        return []
    if word.lower() == "mark":
        what = _MARKS.get(value.lower())
        value = ""
    else:
        what = _ACTIONS.get(word.lower())
    if what is None:
        raise Refused(501, f"rule {name}: the action {word} has none here that means the same")
    if what in ("discard", "stop"):
        value = ""
    if what == "copy":
        addresses = [each.strip() for each in _BETWEEN.split(value) if each.strip()]
        return [Act(what, each) for each in addresses or [""]]
    return [Act(what, _answer(value, name) if what == "answer" else value)]


def _answer(value: str, name: str) -> str:
    """With a `+` its first lines are fields of its header: Subject and From alone mean something here."""
    if not value.startswith("+"):
        return value
    subject, sender, text = split_answer(value)
    if not subject and not sender and _FIELD.match(value[1:]):
        raise Refused(501, f"rule {name}: the header of an answer is a Subject and a From, and an empty line below")
    head = [f"{field}: {said}" for field, said in (("Subject", subject), ("From", sender)) if said]
    return "+" + "\n".join(head) + "\n\n" + text if head else value[1:]


def _said(rule: Rule) -> Value:
    """One of ours in these words; what they have no word for says its own."""
    conditions: list[Value] = [_said_condition(each) for each in rule.conditions]
    if rule.any_of and len({(each.what, each.operation, each.header) for each in rule.conditions}) == 1:
        conditions = _said_any(rule.conditions)
    actions: list[Value] = []
    for act in rule.actions:
        if act.what in ("flag", "seen"):
            actions.append(["Mark", "Flagged" if act.what == "flag" else "Read"])
        else:
            actions.append([_ACTION_WORDS.get(act.what, act.what), act.value or NO_VALUE])
        if act.what in ("folder", "redirect"):
            actions.append(["Discard", NO_VALUE])
    found: list[Value] = [str(rule.priority), rule.name, conditions, actions]
    return [*found, rule.comment] if rule.comment else found


def _said_any(conditions: tuple[Condition, ...]) -> list[Value]:
    """Values of which one is enough, after `in`; as they are where that wouldn't say the same."""
    first, values = conditions[0], [each.value for each in conditions]
    if first.operation not in ("is", "matches") or first.what == "size" or any("," in each for each in values):
        return [_said_condition(each) for each in conditions]
    data, _is, _value = cast("list[Value]", _said_condition(first))
    text = ",".join(values)
    return [[data, "in", f"{first.header}: {text}" if first.what == "header" else text]]


def _said_condition(condition: Condition) -> Value:
    if condition.what in rule_times.OURS:
        return rule_times.said(condition)
    if condition.what == "size":
        return [
            "Message Size",
            {"over": "greater than", "under": "less than"}[condition.operation],
            f"{condition.value}K",
        ]
    is_not = condition.operation.startswith("not_")
    plain = condition.operation.removeprefix("not_")
    operation = {"is": "is", "matches": "is", "contains": "contains"}.get(plain, plain)
    if is_not:
        operation = "does not contain" if operation == "contains" else f"{operation} not"
    value = condition.value
    if condition.what == "header":
        return ["Header Field", operation, f"{condition.header}: {value}"]
    return [_WORDS.get(condition.what, condition.what), operation, value]
