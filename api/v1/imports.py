"""CSV texts of the directory: users, aliases, groups, forwards, forwarding, catch-alls and subscribers, in and out.

The same runner and the same rights as on the pages (`domains.services.importing`); a kind that is added there is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from django.core.files.base import ContentFile
from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.errors import Forbidden
from api import filters
from api.errors import Fault, Invalid, NotFound
from api.operations import Created, Group, anyone
from api.schemas import Answer, Body, Id
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from config.kit.csv import write_csv
from config.kit.csv_reading import CsvError
from domains.commands.importing import COMMANDS, ask_for_import
from domains.services.importing.exporting import export, require, scope_of
from domains.services.importing.kinds import KINDS
from domains.services.importing.running import Importer

group = Group("Imports and exports", "Many at once from a CSV text, with a dry run first; and what is there as one.")

MOST_CHARACTERS = 9_000_000
Kind = Literal["users", "aliases", "groups", "forwards", "forwarding", "catch-alls", "subscribers"]


class CsvImport(Body):
    """A CSV text with a header line; which columns there are `GET /imports` says."""

    csv: Annotated[
        str, Field(min_length=1, max_length=MOST_CHARACTERS, examples=["email,name\nada@example.org,Ada Okafor\n"])
    ]
    dry_run: Annotated[bool, Field(description="Only say what would happen, row by row.")] = True
    change: Annotated[bool, Field(description="Change what is there already; else a row that differs is refused.")] = (
        False
    )
    invite: Annotated[bool, Field(description="Mail users without a password a link to choose one.")] = False
    list_id: Annotated[Id | None, Field(description="Of subscribers: the mailing list of rows that name none.")] = None


class CsvKind(Answer):
    """One kind of file."""

    kind: Kind
    command: Annotated[str, Field(description="What imports it, for `POST /tasks` after a dry run.")]
    columns: list[str]
    required: list[str]
    changes: Annotated[bool, Field(description="Whether what is there already can be changed.")]


class FileExportQuery(BaseModel):
    """Of what; without it all that the caller may see."""

    model_config = ConfigDict(extra="forbid")

    domainId: Annotated[filters.QueryId, Field(description="Only of this domain.")] = None  # noqa: N815
    listId: Annotated[filters.QueryId, Field(description="Of subscribers: only of this mailing list.")] = None  # noqa: N815


def _importing(actor: Actor, kind: str) -> Importer[object]:
    if kind not in KINDS:
        raise NotFound()
    KINDS[kind].require(actor)
    return KINDS[kind]


def _exporting(actor: Actor, kind: str) -> str:
    if kind not in KINDS:
        raise NotFound()
    require(actor, kind)
    return kind


def _may(actor: Actor, importer: Importer[object]) -> bool:
    try:
        importer.require(actor)
    except Forbidden:
        return False
    return True


@group.get("/imports", admit=anyone)
def import_kinds(actor: Actor) -> list[CsvKind]:
    """List the kinds of files that one may import, with their columns.

    Some columns take a right of their own, which is asked on the domain of each row.
    """
    return [
        CsvKind(
            kind=name,  # type: ignore[arg-type]
            command=COMMANDS[name][0],
            columns=list(importer.columns),
            required=list(importer.required),
            changes=importer.changes,
        )
        for name, importer in KINDS.items()
        if _may(actor, importer)
    ]


@group.post("/imports/{kind}", admit=_importing, status=202)
def csv_import(actor: Actor, importer: Importer[object], kind: Kind, body: CsvImport) -> Created[TaskAnswer]:
    """Make or change what a CSV text says, all or none, as a task.

    A dry run says row by row what would happen; its result names the `upload`, which `POST /tasks` with the command of
    this kind then imports without sending it again. Exactly the rights of one object apply to each row. Clear-text
    passwords of users are hashed by a task.
    """
    file: ContentFile[bytes] = ContentFile(body.csv.encode(), name="api.csv")
    if body.list_id is not None:
        listed = body.list_id
        subjects.named("listId", lambda: scope_of(actor, kind, list_id=listed))
    how = {"dry_run": body.dry_run, "change": body.change, "invite": body.invite, "list_id": body.list_id}
    try:
        task = ask_for_import(actor, file, kind=importer.name, **how)
    except CsvError as error:
        raise Invalid(f"csv: {error}", faults=[Fault("csv", str(error))]) from error
    return Created(present_task(task), f"/tasks/{task.pk}")


@group.stream("/exports/{kind}", admit=_exporting, media="text/csv")
def csv_export(actor: Actor, kind: Kind, query: FileExportQuery) -> Iterator[bytes]:
    """Read what is there as a CSV text that an import reads again.

    Sent while it is made, however much there is; never with passwords. An export is an event of the audit trail.
    """
    columns, rows = export(actor, kind, scope_of(actor, kind, domain_id=query.domainId, list_id=query.listId))
    return write_csv(columns, rows)
