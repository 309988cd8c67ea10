"""Valid values of each kind of filter."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from domains.models import AttachmentRule
from domains.policy.rules import RuleKind
from domains.services import rules
from domains.services.rule_values import Owner

SYSTEM = Actor.system()
VALUES: dict[RuleKind, dict[str, Any]] = {
    RuleKind.SENDER: {"type": "block", "value": "spam@evil.example"},
    RuleKind.ATTACHMENT: {"action": "deny", "check_type": "filename", "filter": r"\.exe$"},
    RuleKind.URI: {"action": "blacklist_uri_host", "filter": "evil.example", "mode": "domain"},
    RuleKind.DLP: {"identifier": "cards", "expression": r"\b\d{16}\b", "targets_content": True},
}


def make_rule(kind: RuleKind, owner: Owner, **values: Any) -> Any:
    return rules.create_rule(SYSTEM, kind, owner, {**VALUES[kind], **values})


def make_attachments(owner: Owner, *filters: str) -> list[AttachmentRule]:
    return [make_rule(RuleKind.ATTACHMENT, owner, filter=each) for each in filters]


def order_of(owner: Owner) -> list[tuple[int, str]]:
    rows = AttachmentRule.objects.filter(domain_id=owner.pk).order_by("priority", "pk")
    return list(rows.values_list("priority", "filter"))
