"""The rules of the form: read from a script that a form can show, and written into it.

They live in the script that is in use where a form can show it, else in one named "Rules". Source of the operations:
communigate.md, GET…MAILRULES, SET…MAILRULES, UPDATE…MAILRULE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.errors import Invalid
from gateway.models import SieveScript
from gateway.services.mail_rules import scripts
from gateway.services.mail_rules.scripts import BadSieve, Owner
from gateway.sieve import BadScript
from gateway.sieve.simple import BadRule, Rule, in_order, rules_of, text_of

NAME = "Rules"


class NotAForm(Invalid):
    """The script in use says what the rules of a form can't."""


def rules_in(script: SieveScript) -> list[Rule] | None:
    """What a form shows of it; None where that wouldn't be all."""
    try:
        return rules_of(script.text)
    except BadScript:
        return None


def script_for(owner: Owner) -> SieveScript | None:
    """The script in which the rules of the form live, if there is one."""
    rows = scripts.of_owner(owner)
    return rows.filter(is_active=True).first() or rows.filter(name=NAME).first()


def list_rules(owner: Owner) -> list[Rule]:
    """In their order. Who may see them was asked before. Raises: NotAForm."""
    script = script_for(owner)
    if script is None:
        return []
    rules = rules_in(script)
    if rules is None:
        raise NotAForm(_("The script “%(name)s” says more than rules can show.") % {"name": script.name}, field="rules")
    return in_order(rules)


def set_rules(actor: Actor, owner: Owner, rules: Sequence[Rule], *, expected: int | None = None) -> SieveScript:
    """Replace all rules. Raises: Forbidden, Invalid, LimitReached, NotAForm, ChangedMeanwhile."""
    scripts.require_rules(actor, owner)
    text = written(rules)
    with transaction.atomic():
        scripts.lock_owner(owner)
        script = script_for(owner)
        if script is None:
            return scripts.create_script(actor, owner, name=NAME, text=text, activate=True)
        if rules_in(script) is None:
            raise NotAForm(
                _("The script “%(name)s” says more than rules can show.") % {"name": script.name}, field="rules"
            )
        scripts.update_script(actor, script, text=text, expected=expected)
        if not script.is_active:
            scripts.activate_script(actor, owner, script)
    return script


def put_rule(
    actor: Actor, owner: Owner, rule: Rule, *, instead_of: str = "", expected: int | None = None
) -> SieveScript:
    """Add a rule, or write it over the one of its name (or of the name it had). Raises: as `set_rules`."""
    scripts.require_rules(actor, owner)
    was = instead_of or rule.name
    with transaction.atomic():
        scripts.lock_owner(owner)
        there = list_rules(owner)
        place = next((number for number, each in enumerate(there) if each.name == was), len(there))
        if was != rule.name and any(each.name == rule.name for each in there):
            raise Invalid(_("There is a rule of this name already."), field="name")
        others = [each for each in there if each.name not in (rule.name, was)]
        others.insert(min(place, len(others)), rule)
        return set_rules(actor, owner, others, expected=expected)


def set_priority(actor: Actor, owner: Owner, name: str, priority: int) -> SieveScript:
    """Raises: as `set_rules`; Invalid where there is no such rule."""
    scripts.require_rules(actor, owner)
    with transaction.atomic():
        scripts.lock_owner(owner)
        there = list_rules(owner)
        if not any(each.name == name for each in there):
            raise Invalid(_("There is no rule of this name."), field="name")
        wanted = [replace(each, priority=priority) if each.name == name else each for each in there]
        return set_rules(actor, owner, wanted)


def delete_rule(actor: Actor, owner: Owner, name: str) -> bool:
    """Whether there was one. Raises: as `set_rules`."""
    scripts.require_rules(actor, owner)
    with transaction.atomic():
        scripts.lock_owner(owner)
        there = list_rules(owner)
        left = [each for each in there if each.name != name]
        if len(left) == len(there):
            return False
        set_rules(actor, owner, left)
    return True


def written(rules: Sequence[Rule]) -> str:
    """The script of these rules. Raises: Invalid naming what is wrong."""
    try:
        text = text_of(rules)
        rules_of(text)
    except BadRule as error:
        name = in_order(rules)[error.rule].name
        raise Invalid(
            _("Rule “%(name)s”: %(said)s") % {"name": name, "said": said(error)}, field=error.place
        ) from error
    except BadScript as error:
        raise BadSieve(error) from error
    return text


def said(error: BadRule) -> str:
    texts = {
        "too_many": _("too many of them."),
        "name": _("a name has 1 to 100 visible characters and no brackets."),
        "twice": _("there are two of this name."),
        "priority": _("a priority is from 0 (not used) to 10."),
        "comment": _("a comment is one line."),
        "actions": _("it needs an action."),
        "action": _("there is no such action."),
        "action_value": _("the action says too much or too little."),
        "condition": _("there is no such condition."),
        "header": _("this is no name of a header field."),
        "size": _("a size is a number of KiB."),
        "condition_value": _("the condition needs a value."),
        "date": _("a date is written as 2026-12-24."),
        "time": _("a time of day is written as 17:30."),
        "weekday": _("days of the week are named, with commas between them."),
    }
    return texts.get(error.code, error.code)
