"""The rules that spoke about a message: their rows, who had changed them last when it came, whether somebody did since.

Only what whoever looks may see: of rules elsewhere just the words that were stored with the decision. Not for changing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.permissions import Right
from domains.policy.rules import RuleKind
from domains.selectors.rules import list_own_rules, list_rules
from gateway.wording import Said


@dataclass(frozen=True, slots=True)
class SeenRule:
    """A rule that still exists. changed_at, by: as of the message; by is "" where whoever looks may not read the trail
    of it. changed_since: so what it says now may not be what spoke."""

    row: Any
    changed_at: datetime | None
    by: str
    changed_since: bool = False


def rules_of(actor: Actor, findings: Sequence[Said], at: datetime) -> list[SeenRule | None]:
    """For each finding its rule as of `at`, None where no rule spoke, it is gone, or isn't to be seen; few queries."""
    wanted: dict[str, set[int]] = {}
    for said in findings:
        if said.rule is not None and said.rule[0] in set(RuleKind):
            wanted.setdefault(said.rule[0], set()).add(said.rule[1])
    rows = {(kind, row.pk): row for kind, ids in wanted.items() for row in _rows(actor, RuleKind(kind), ids)}
    last, since = _last_changes(list(rows.values()), at)
    may_read = actor.has_somewhere(Right.VIEW_AUDIT)
    found: list[SeenRule | None] = []
    for said in findings:
        row = rows.get(said.rule) if said.rule is not None else None
        if row is None:
            found.append(None)
            continue
        key = (row._meta.label_lower, str(row.pk))
        event = last.get(key)
        by = event.actor_label if event is not None and may_read and actor.has(Right.VIEW_AUDIT, row) else ""
        changed_at = event.at if event is not None else row.created_at
        found.append(SeenRule(row, changed_at, by, changed_since=key in since))
    return found


def _rows(actor: Actor, kind: RuleKind, ids: set[int]) -> list[Any]:
    if actor.has_somewhere(Right.VIEW_POLICIES):
        return list(list_rules(actor, kind).filter(pk__in=ids))
    return list(list_own_rules(actor).filter(pk__in=ids)) if kind is RuleKind.SENDER else []


def _last_changes(rows: Sequence[Any], at: datetime) -> tuple[dict[tuple[str, str], AuditEvent], set[tuple[str, str]]]:
    """The last change of each not after then, and those that were changed later."""
    found: dict[tuple[str, str], AuditEvent] = {}
    since: set[tuple[str, str]] = set()
    for row in rows:
        key = (row._meta.label_lower, str(row.pk))
        events = AuditEvent.objects.filter(object_type=key[0], object_id=key[1])
        event = events.filter(at__lte=at).order_by("-pk").first()
        if event is not None:
            found[key] = event
        if events.filter(at__gt=at).exists():
            since.add(key)
    return found, since
