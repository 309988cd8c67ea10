"""Many at once from a text in CSV: users, and rules of domains; and rules as a text."""

from __future__ import annotations

from typing import Annotated, Literal

from django.core.files.base import ContentFile
from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import Fault, Invalid, NotFound
from api.operations import Created, Group
from api.schemas import Answer, Body
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from config.kit.csv_reading import CsvError
from domains.commands.importing import ask_for_import
from domains.models import Domain
from domains.policy.exchange import Format
from domains.policy.rules import RuleKind
from domains.services import rule_files
from domains.services.rule_values import KINDS

group = Group("Imports and exports", "Many users or rules from one text, with a dry run first; rules as one text.")

MOST_CHARACTERS = 9_000_000
Kind = Literal["senders", "attachments", "uris", "dlp"]
KIND_WORDS = {
    "senders": RuleKind.SENDER,
    "attachments": RuleKind.ATTACHMENT,
    "uris": RuleKind.URI,
    "dlp": RuleKind.DLP,
}


class UserImport(Body):
    """A CSV text with a header line; `email` is the only column that must be there."""

    csv: Annotated[
        str, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["email,name\nada@example.org,Ada Okafor\n"])
    ]
    dry_run: Annotated[bool, Field(description="Only say what would happen, row by row.")] = True


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


@group.post("/imports/users", admit=subjects.somewhere(Right.MANAGE_USERS), status=202)
def users_import(actor: Actor, body: UserImport) -> Created[TaskAnswer]:
    """Make users from a CSV text, all or none, as a task.

    A dry run says row by row what would happen; its result names the `upload`, which
    `POST /tasks` with the command ImportUsers then imports without sending it again. Exactly the rights of one user
    apply to each row; clear-text passwords are hashed by a task, and who has none is invited where the params of
    the command say `invite`.
    """
    file: ContentFile[bytes] = ContentFile(body.csv.encode(), name="api.csv")
    try:
        task = ask_for_import(actor, file, dry_run=body.dry_run)
    except CsvError as error:
        raise Invalid(f"csv: {error}", faults=[Fault("csv", str(error))]) from error
    return Created(present_task(task), f"/tasks/{task.pk}")


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
