"""Rules of the form as sentences for lists, and outcomes of a trial as lines. Not for passports (`gateway.wording`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from domains.policy.sentences import translated
from gateway.flow import Fate, Ruled
from gateway.forms.mail_rules import ACTIONS, CONDITIONS, OPERATIONS, days_of
from gateway.rule_layers import Layer
from gateway.sieve.running import Outcome
from gateway.sieve.simple import Rule, in_order
from gateway.wording import CATEGORIES, RULES_OF, rule_did


@dataclass(frozen=True, slots=True)
class ShownRule:
    number: int
    rule: Rule
    conditions: list[str]
    actions: list[str]


def shown_rules(rules: list[Rule]) -> list[ShownRule]:
    """In their order, with numbers from 1."""
    return [
        ShownRule(number, rule, _conditions(rule), _actions(rule)) for number, rule in enumerate(in_order(rules), 1)
    ]


def _conditions(rule: Rule) -> list[str]:
    said = []
    for each in rule.conditions:
        if each.what == "list":
            said.append(_("Came by a mailing list") if each.operation == "is" else _("Came by no mailing list"))
            continue
        name = each.header if each.what == "header" else str(CONDITIONS[each.what])
        value = str(CATEGORIES.get(each.value, each.value)) if each.what == "verdict" else each.value
        value = days_of(value) if each.what == "weekday" else value
        said.append(f"{name} {OPERATIONS[each.operation]} “{value[:80]}”")
    return said


def _actions(rule: Rule) -> list[str]:
    return [f"{str(ACTIONS[each.what]).rstrip('…')} {each.value[:80]}".strip() for each in rule.actions]


@dataclass(frozen=True, slots=True)
class ShownLayer:
    whose: str
    name: str
    number: int | None
    lines: list[dict[str, Any]]
    problem: str
    goes_on: bool


def shown_layer(layer: Layer, outcome: Outcome) -> ShownLayer:
    lines = [
        {"line": each.line, "rule": each.rule, "name": each.name, "result": each.result, "detail": each.detail}
        for each in outcome.trace
    ]
    problem = ""
    if outcome.problem is not None:
        words = {"line": outcome.problem_line, "said": translated(outcome.problem, _)}
        problem = _("Line %(line)d: %(said)s") % words
    return ShownLayer(str(RULES_OF[layer.level]), layer.name, layer.number, lines, problem, outcome.keeps)


def fate_of(ruled: Ruled) -> list[str]:
    """What would come of it, a line each."""
    said = {
        Fate.KEPT: _("It is delivered."),
        Fate.REDIRECTED: _("It is sent on and not delivered here."),
        Fate.DISCARDED: _("It is thrown away."),
        Fate.REFUSED: _("It is refused: %(text)s") % {"text": ruled.refusal[:200]},
    }
    lines = [said[ruled.fate]]
    lines += [_("Into the folder “%(folder)s”.") % {"folder": each} for each in ruled.folders]
    lines += [_("Sent on to %(to)s.") % {"to": each} for each in ruled.sent_on]
    if ruled.flags:
        lines.append(_("Marked: %(flags)s") % {"flags": " ".join(ruled.flags)})
    if ruled.reply is not None:
        lines.append(_("Answered: %(text)s") % {"text": ruled.reply.text[:200]})
    lines += [rule_did(each.action, each.detail, each.problem) for each in ruled.said if each.problem]
    return lines
