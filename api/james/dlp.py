"""Rules against leaks, of a sender's domain. A rule that looks at nothing is one of ours that is switched off."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from accounts.permissions import Right
from api.james import domains
from api.james.answers import INVALID, PAYLOAD, bad_domain, body, invalid, not_found, nothing
from api.james.asking import Asked
from domains.errors import BadAddress, DomainsError
from domains.models import DlpRule, Domain
from domains.policy.rules import RuleKind
from domains.services import rule_lists
from domains.services.domains import parse_name

TARGETS = {
    "targetsSender": "targets_sender",
    "targetsRecipients": "targets_recipients",
    "targetsContent": "targets_content",
}


def _domain(asked: Asked, need: Right) -> Domain:
    name = asked.named["domain"]
    try:
        parse_name(name)
    except BadAddress as error:
        raise bad_domain(name) from error
    try:
        return domains.find(asked, name, need=need)
    except Http404 as error:
        raise not_found(f"'{name}' is not managed by this James server", type_=INVALID) from error


def read(asked: Asked) -> HttpResponse:
    rows = _domain(asked, Right.VIEW_POLICIES).dlprules.order_by("priority", "pk")
    return body({"rules": [_present(row) for row in rows]})


def read_one(asked: Asked) -> HttpResponse:
    domain, name = _domain(asked, Right.VIEW_POLICIES), asked.named["rule"]
    row = domain.dlprules.filter(identifier=name).first()
    if row is None:
        raise not_found(f"There is no rule '{name}' for '{domain.name}' managed by this James server", type_=INVALID)
    return body(_present(row))


def put(asked: Asked) -> HttpResponse:
    domain = _domain(asked, Right.MANAGE_DLP)
    entries = _entries(asked.json())
    try:
        rule_lists.replace_rules(asked.actor, RuleKind.DLP, domain, entries)
    except DomainsError as error:
        raise invalid(PAYLOAD, f"{error.field}: {error}") from error
    return nothing()


def delete(asked: Asked) -> HttpResponse:
    domain = _domain(asked, Right.MANAGE_DLP)
    rule_lists.replace_rules(asked.actor, RuleKind.DLP, domain, [])
    return nothing()


def _entries(found: Any) -> list[dict[str, Any]]:
    """The rules of a body as our services take them. Raises: JamesError."""
    rules = found.get("rules") if isinstance(found, dict) else None
    if not isinstance(rules, list) or not all(isinstance(each, dict) for each in rules):
        raise invalid(PAYLOAD, "'rules' is mandatory")
    entries = [_entry(each) for each in rules]
    names = [entry["identifier"] for entry in entries]
    if len(set(names)) < len(names):
        raise invalid("'id' duplicates are not allowed in DLP rules")
    return entries


def _entry(rule: dict[str, Any]) -> dict[str, Any]:
    for name in ("id", "expression"):
        if not isinstance(rule.get(name), str) or not rule[name]:
            raise invalid(PAYLOAD, f"'{name}' is mandatory")
    targets = {column: rule.get(name) or False for name, column in TARGETS.items()}
    explanation = rule.get("explanation") or ""
    if not all(isinstance(value, bool) for value in targets.values()) or not isinstance(explanation, str):
        raise invalid(PAYLOAD, f"rule '{rule['id'][:100]}' has a value of another kind")
    looks = any(targets.values())
    return {
        "identifier": rule["id"],
        "expression": rule["expression"],
        "explanation": explanation,
        "is_enabled": looks,
        **(targets if looks else {**targets, "targets_content": True}),
    }


def _present(row: DlpRule) -> dict[str, Any]:
    return {
        "id": row.identifier,
        "expression": row.expression,
        "explanation": row.explanation or None,
        **{name: getattr(row, column) and row.is_enabled for name, column in TARGETS.items()},
    }
