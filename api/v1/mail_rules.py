"""Mail rules of the server, of domains and of users: rules, Sieve scripts, out-of-office notes; and trying them.

The path names whose they are by one word: `server`, `domain-5`, `user-17` (the person's id), `own`. The operations are
CommuniGate's (GET, SET and UPDATE of mail rules of an account, a domain, the server), the scripts more.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Annotated, Any, Literal, get_args

from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api.errors import Fault, Invalid
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from domains.models import Mailbox
from gateway.models import OutOfOffice, SieveScript
from gateway.rule_layers import rule_settings
from gateway.selectors.mail_rules import Place, get_place, get_script, list_scripts
from gateway.services.mail_rules import scripts, simple
from gateway.services.mail_rules.away import note_of, set_note
from gateway.services.mail_rules.scripts import may_change, require_rules
from gateway.services.mail_rules.trying import try_rules
from gateway.sieve.simple import ACTIONS, OPERATIONS, Act, Condition, Rule
from gateway.views.rule_words import fate_of, shown_layer

group = Group("Mail rules", "What happens to mail that is delivered: rules, Sieve scripts, answers while away.")

Word = Literal[
    "from", "to", "subject", "header", "sender", "text", "size", "list", "verdict", "date", "time", "weekday"
]  # fmt: skip
Operation = Literal[
    "contains", "is", "matches", "not_contains", "not_is", "not_matches", "over", "under", "before", "after"
]  # fmt: skip
Doing = Literal[
    "folder", "copy_to_folder", "redirect", "copy", "flag", "seen", "answer", "reject", "discard", "keep", "stop"
]  # fmt: skip
assert set(ACTIONS) == set(get_args(Doing)) and set(OPERATIONS) == set(get_args(Word))


class RuleCondition(Body):
    """What is asked. `header` names the field where `what` is header; sizes are KiB; a list is asked for with "yes". Of
    when it comes: a date is 2026-12-24, or after and before one in UTC 2026-12-24T17:00:00+00:00; a time is 17:30; days
    of the week are numbers, 0 for Sunday: 6,0.
    """

    what: Word
    operation: Operation
    value: Annotated[str, Field(max_length=1_000)] = "yes"
    header: Annotated[str, Field(max_length=80)] = ""


class RuleAction(Body):
    """What is done. `value` is the folder, the address or the text, where the action takes one."""

    what: Doing
    value: Annotated[str, Field(max_length=10_000)] = ""


class MailRuleChange(Body):
    """A rule. Without conditions and actions only the priority of the rule of this name is changed."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Newsletters"])]
    priority: Annotated[int, Field(ge=0, le=10, description="10 is asked first; 0 is not used.")] = 5
    conditions: Annotated[list[RuleCondition], Field(max_length=20)] | None = None
    actions: Annotated[list[RuleAction], Field(max_length=12)] | None = None
    any_of: Annotated[bool, Field(description="One condition is enough.")] = False
    comment: Annotated[str, Field(max_length=500)] = ""


class ShownCondition(Answer):
    """What is asked."""

    what: str
    operation: str
    value: str
    header: str


class ShownAction(Answer):
    """What is done."""

    what: str
    value: str


class MailRule(Answer):
    """A rule."""

    name: str
    priority: int
    conditions: list[ShownCondition]
    actions: list[ShownAction]
    any_of: bool
    comment: str


class Script(Answer):
    """A Sieve script."""

    id: int
    name: str
    script: str
    active: bool
    size: Annotated[int, Field(description="Bytes.")]
    changed_date: Moment


class ScriptAdd(Body):
    """A script; the first one is used at once."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    script: Annotated[str, Field(max_length=300_000, examples=['require "fileinto"; fileinto "News";'])]
    active: bool = False


class ScriptChange(Body):
    """What to change; `active` puts it into use, or out of it."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    script: Annotated[str, Field(max_length=300_000)] | None = None
    active: bool | None = None


class Away(Answer):
    """An out-of-office note."""

    enabled: bool
    from_date: str | None
    to_date: str | None
    subject: str
    inside: str
    outside: str
    answers_outside: bool
    days: int


class AwayChange(Body):
    """What to change; days are ISO 8601 (2026-12-24), null: no limit."""

    enabled: bool | None = None
    from_date: dt.date | None = None
    to_date: dt.date | None = None
    subject: Annotated[str, Field(max_length=200)] | None = None
    inside: Annotated[str, Field(max_length=5_000, description="What people of the domain get.")] | None = None
    outside: Annotated[str, Field(max_length=5_000, description="What others get.")] | None = None
    answers_outside: bool | None = None
    days: Annotated[int, Field(ge=1, le=90)] | None = None


class Settings(Answer):
    """What rules may do. folders: `header`, or `detail` (name+folder@ as well)."""

    folders: str
    most_redirects: int


class SettingsChange(Body):
    """What to change."""

    folders: Literal["header", "detail"] | None = None
    most_redirects: Annotated[int, Field(ge=0, le=50)] | None = None


class MailRuleTrialBody(Body):
    """A message, as Base64; `script` is tried in the place of the one in use."""

    message: Annotated[str, Field(max_length=14_000_000)]
    sender: Annotated[str, Field(max_length=320)] = ""
    recipient: Annotated[str, Field(max_length=320)] = ""
    script: Annotated[str, Field(max_length=300_000)] | None = None


class TrialLine(Answer):
    """One thing that was asked (with its result) or done."""

    line: int
    rule: str
    name: str
    result: bool | None
    detail: str


class TrialLayer(Answer):
    """Whose rules were asked, and what they said."""

    whose: str
    script: str
    problem: str
    lines: list[TrialLine]


class MailRuleTrialAnswer(Answer):
    """What would happen."""

    verdict: str
    fate: str
    folders: list[str]
    sent_on: list[str]
    flags: list[str]
    words: list[str]
    layers: list[TrialLayer]


_AWAY = {
    "enabled": "is_on", "from_date": "starts_on", "to_date": "ends_on", "subject": "subject", "inside": "inside",
    "outside": "outside", "answers_outside": "answers_outside", "days": "days",
}  # fmt: skip
group.names = {inside: outside for outside, inside in _AWAY.items() if inside != outside} | {
    "text": "script",
    "raw": "message",
}


def _seen(actor: Actor, place: str) -> Place:
    kind, _dash, number = place.partition("-")
    if kind == "user" and number.isascii() and number.isdigit() and len(number) < 13:
        mailbox = subjects.mailbox(Right.VIEW_POLICIES, own=EndUserRight.MANAGE_RULES)(actor, int(number))
        return Place(place, mailbox, may_change(actor, mailbox))
    return get_place(actor, place)


def _changed(actor: Actor, place: str) -> Place:
    found = _seen(actor, place)
    require_rules(actor, found.owner)
    return found


def _mailbox(actor: Actor, place: str) -> Mailbox:
    return subjects.there(_changed(actor, place).mailbox)


def _of_domain_or_server(actor: Actor, place: str) -> Place:
    found = _changed(actor, place)
    if found.mailbox is not None:
        raise Http404("of domains and the server")
    return found


def _rule(rule: Rule) -> MailRule:
    return MailRule(
        name=rule.name,
        priority=rule.priority,
        conditions=[
            ShownCondition(what=each.what, operation=each.operation, value=each.value, header=each.header)
            for each in rule.conditions
        ],
        actions=[ShownAction(what=each.what, value=each.value) for each in rule.actions],
        any_of=rule.any_of,
        comment=rule.comment,
    )


def _made(body: MailRuleChange) -> Rule:
    conditions = [Condition(each.what, each.operation, each.value, each.header) for each in body.conditions or ()]
    actions = [Act(each.what, each.value) for each in body.actions or ()]
    return Rule(body.name, body.priority, tuple(conditions), tuple(actions), body.any_of, body.comment)


def _script(row: SieveScript) -> Script:
    return Script(
        id=row.pk, name=row.name, script=row.text, active=row.is_active, size=row.size_bytes,
        changed_date=row.changed_at,
    )  # fmt: skip


@group.get("/mail-rules/{place}", admit=_seen)
def mail_rule_list(actor: Actor, found: Place) -> list[MailRule]:
    """List the rules of a place, in the order in which they are asked.

    422 where the script in use says more than rules can show.
    """
    return [_rule(each) for each in simple.list_rules(found.owner)]


@group.put("/mail-rules/{place}", admit=_changed)
def mail_rules_set(
    actor: Actor, found: Place, body: Annotated[list[MailRuleChange], Field(max_length=100)]
) -> list[MailRule]:
    """Replace all rules of a place."""
    simple.set_rules(actor, found.owner, [_made(each) for each in body])
    return [_rule(each) for each in simple.list_rules(found.owner)]


@group.post("/mail-rules/{place}", admit=_changed, status=200)
def mail_rule_put(actor: Actor, found: Place, body: MailRuleChange) -> list[MailRule]:
    """Add a rule, replace the one of its name, or change its priority."""
    if body.conditions is None and body.actions is None:
        simple.set_priority(actor, found.owner, body.name, body.priority)
    else:
        simple.put_rule(actor, found.owner, _made(body))
    return [_rule(each) for each in simple.list_rules(found.owner)]


@group.delete("/mail-rules/{place}/rules/{name}", admit=_changed)
def mail_rule_delete(actor: Actor, found: Place, name: str) -> None:
    """Delete a rule by its name; no error if there is none."""
    simple.delete_rule(actor, found.owner, name)


@group.get("/mail-rules/{place}/scripts", admit=_seen)
def mail_script_list(actor: Actor, found: Place) -> list[Script]:
    """List the Sieve scripts of a place, the one in use first."""
    return [_script(row) for row in list_scripts(found)]


@group.post("/mail-rules/{place}/scripts", admit=_changed)
def mail_script_create(actor: Actor, found: Place, body: ScriptAdd) -> Created[Script]:
    """Add a Sieve script."""
    made = scripts.create_script(actor, found.owner, name=body.name, text=body.script, activate=body.active)
    return Created(_script(made))


@group.get("/mail-rules/{place}/scripts/{int:scriptId}", admit=_seen)
def mail_script_detail(actor: Actor, found: Place, script_id: int) -> Script:
    """Read a Sieve script."""
    return _script(get_script(found, script_id))


@group.patch("/mail-rules/{place}/scripts/{int:scriptId}", admit=_changed)
def mail_script_change(actor: Actor, found: Place, script_id: int, body: ScriptChange) -> Script:
    """Change a Sieve script, or put it into use."""
    row = get_script(found, script_id)
    if body.name is not None or body.script is not None:
        scripts.update_script(actor, row, name=body.name, text=body.script)
    if body.active is not None and body.active != row.is_active:
        scripts.activate_script(actor, found.owner, row if body.active else None)
        row.refresh_from_db()
    return _script(row)


@group.delete("/mail-rules/{place}/scripts/{int:scriptId}", admit=_changed)
def mail_script_delete(actor: Actor, found: Place, script_id: int) -> None:
    """Delete a Sieve script."""
    scripts.delete_script(actor, get_script(found, script_id))


@group.get("/mail-rules/{place}/away", admit=_mailbox)
def mail_away(actor: Actor, mailbox: Mailbox) -> Away:
    """Read the out-of-office note of a user."""
    return _away(note_of(mailbox))


@group.put("/mail-rules/{place}/away", admit=_mailbox)
def mail_away_set(actor: Actor, mailbox: Mailbox, body: AwayChange) -> Away:
    """Set the out-of-office note of a user."""
    given: dict[str, Any] = {_AWAY[name]: value for name, value in body.changes().items()}
    values = {name: value for name, value in given.items() if value is not None or name in ("starts_on", "ends_on")}
    return _away(set_note(actor, mailbox, values))


def _away(row: OutOfOffice) -> Away:
    return Away(
        enabled=row.is_on,
        from_date=None if row.starts_on is None else row.starts_on.isoformat(),
        to_date=None if row.ends_on is None else row.ends_on.isoformat(),
        subject=row.subject,
        inside=row.inside,
        outside=row.outside,
        answers_outside=row.answers_outside,
        days=row.days,
    )


@group.get("/mail-rules/{place}/settings", admit=_of_domain_or_server)
def mail_rule_settings(actor: Actor, found: Place) -> Settings:
    """Read what rules may do in a domain, or where a domain says nothing."""
    row = rule_settings(None if found.domain is None else found.domain.pk)
    return Settings(folders=row.folders, most_redirects=row.most_redirects)


@group.patch("/mail-rules/{place}/settings", admit=_of_domain_or_server)
def mail_rule_settings_change(actor: Actor, found: Place, body: SettingsChange) -> Settings:
    """Change what rules may do."""
    row = scripts.change_settings(actor, found.domain, folders=body.folders, most_redirects=body.most_redirects)
    return Settings(folders=row.folders, most_redirects=row.most_redirects)


@group.post("/mail-rules/{place}/try", admit=_seen, reads=True, status=200)
def mail_rules_try(actor: Actor, found: Place, body: MailRuleTrialBody) -> MailRuleTrialAnswer:
    """Ask what the rules would make of a message; nothing is stored or sent."""
    try:
        raw = base64.b64decode(body.message, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("message: Base64, please.", faults=[Fault("message", "Base64, please.")]) from error
    trial = try_rules(actor, found.owner, raw, sender=body.sender, recipient=body.recipient, text=body.script)
    layers = [shown_layer(*each) for each in trial.asked]
    return MailRuleTrialAnswer(
        verdict=trial.decision.category.value,
        fate=trial.ruled.fate.value,
        folders=list(trial.ruled.folders),
        sent_on=list(trial.ruled.sent_on),
        flags=list(trial.ruled.flags),
        words=fate_of(trial.ruled),
        layers=[
            TrialLayer(
                whose=layer.whose,
                script=layer.name,
                problem=layer.problem,
                lines=[TrialLine(**each) for each in layer.lines],
            )
            for layer in layers
        ],
    )
