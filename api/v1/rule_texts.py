"""Rules of domains from a text, and as one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import NotFound
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Domain
from domains.policy.exchange import Format
from domains.policy.rules import RuleKind
from domains.services import rule_files
from domains.services.rule_values import KINDS

group = Group("Rules as texts", "Many rules of a domain from one text, with a dry run first; and all of them as one.")

MOST_CHARACTERS = 9_000_000
Kind = Literal["senders", "attachments", "uris", "dlp"]
KIND_WORDS = {
    "senders": RuleKind.SENDER,
    "attachments": RuleKind.ATTACHMENT,
    "uris": RuleKind.URI,
    "dlp": RuleKind.DLP,
}


class RuleImport(Body):
    """A text that the export wrote, or one like it."""

    content: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
    format: Literal["CSV", "JSON"] = "CSV"
    replace: Annotated[bool, Field(description="In the place of the rules that are there; else beside them.")] = False
    dry_run: Annotated[bool, Field(description="Only say what would happen, row by row.")] = True


class PlannedRow(Answer):
    """What happens with one row, or would."""

    line: int
    label: str
    what: Literal["NEW", "SAME", "CHANGED", "REFUSED"]
    why: str | None
    field: str | None


class RulePlan(Answer):
    """What an import does, or would."""

    possible: bool
    problem: Annotated[str | None, Field(description="What is wrong with the whole.")]
    numbers: dict[str, int]
    rows: list[PlannedRow]
    removed: list[str]
    notices: list[str]


class RuleText(Answer):
    """Rules as one text."""

    format: Literal["CSV", "JSON"]
    content: str


class FormatQuery(BaseModel):
    """As what."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[Literal["CSV", "JSON"] | None, Field(description="CSV without it.")] = None


def _kind(kind: str) -> RuleKind:
    if kind not in KIND_WORDS:
        raise NotFound()
    return KIND_WORDS[kind]


def _importing(actor: Actor, domain_id: int, kind: str) -> Domain:
    return subjects.domain(KINDS[_kind(kind)].right)(actor, domain_id)


def _exporting(actor: Actor, domain_id: int, kind: str) -> Domain:
    _kind(kind)
    return subjects.domain(Right.VIEW_POLICIES)(actor, domain_id)


@group.post("/domains/{int:domainId}/filters/{kind}/import", admit=_importing, status=200)
def rules_import(actor: Actor, domain: Domain, kind: Kind, body: RuleImport) -> RulePlan:
    """Import rules of a domain from a text, all or none.

    A dry run says what would happen. For real, 422 where a row is refused.
    """
    sort, file_format = _kind(kind), Format(body.format.lower())
    raw = body.content.encode()
    do = rule_files.plan_import if body.dry_run else rule_files.import_rules
    plan = do(actor, sort, domain, raw, file_format, replace=body.replace)
    return RulePlan(
        possible=plan.is_possible,
        problem=plan.problem or None,
        numbers=plan.numbers,
        rows=[
            PlannedRow(
                line=row.line,
                label=row.label,
                what=row.what.upper(),  # type: ignore[arg-type]
                why=row.why or None,
                field=row.field or None,
            )
            for row in plan.rows
        ],
        removed=plan.removed,
        notices=plan.notices,
    )


@group.get("/domains/{int:domainId}/filters/{kind}/export", admit=_exporting)
def rules_export(actor: Actor, domain: Domain, kind: Kind, query: FormatQuery) -> RuleText:
    """Read the enabled rules of a domain as one text, in their order.

    An export is an event of the audit trail.
    """
    chosen = query.format or "CSV"
    text = rule_files.export_rules(actor, _kind(kind), domain, Format(chosen.lower()))
    return RuleText(format=chosen, content=text)
