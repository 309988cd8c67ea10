"""E-discovery cases: whose mail they are about, their searches and holds. Mail itself stays closed to programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group, holding
from api.schemas import Answer, Body, Moment
from archive import case_selectors as selectors
from archive.models import Case, CaseSearch
from archive.services import cases
from domains.errors import Invalid
from domains.models import Mailbox

group = Group(
    "Cases",
    "E-discovery cases: whose mail they are about, and the searches kept with them. No token ever opens other people's "
    "mail, so what is in a case (messages, tags, notes, packages) is on its pages only.",
)

Addresses = Annotated[list[Annotated[str, Field(min_length=1, max_length=320)]], Field(min_length=1, max_length=500)]
manages = holding(Right.MANAGE_HOLDS)


class CaseAnswer(Answer):
    """One investigation."""

    id: int
    version: int
    name: str
    reason: str
    state: Literal["OPEN", "CLOSED"]
    mailboxes: Annotated[list[str], Field(description="Of its custodians.")]
    date_from: date | None
    date_to: date | None
    created_at: Moment
    created_by: str
    closed_at: Moment | None
    holds: Annotated[list[int], Field(description="The holds that were placed for it.")]


class CaseBody(Body):
    """Whose mail, of which period, and why; the custodians read the reason."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Case 42"])]
    reason: Annotated[str, Field(min_length=5, max_length=500, examples=["The court asks for it"])]
    mailboxes: Addresses
    date_from: Annotated[date | None, Field(strict=False)] = None
    date_to: Annotated[date | None, Field(strict=False)] = None


class CaseSearchAnswer(Answer):
    """A search that is kept with a case."""

    id: int
    name: str
    query: str
    found: Annotated[int | None, Field(description="How many messages, when it was last asked.")]
    found_at: Moment | None


class CaseSearchBody(Body):
    """A name that is there already gets another search."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    query: Annotated[str, Field(min_length=1, max_length=4000, examples=["budget after:2020-01-01"])]


class ClosingBody(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=500)] = ""


def _case(row: Case) -> CaseAnswer:
    return CaseAnswer(
        id=row.pk,
        version=row.version,
        name=row.name,
        reason=row.reason,
        state=row.state.upper(),  # type: ignore[arg-type]
        mailboxes=sorted(mailbox.address for mailbox in row.mailboxes.all()),
        date_from=row.date_from,
        date_to=row.date_to,
        created_at=row.created_at,
        created_by=row.created_by_label,
        closed_at=row.closed_at,
        holds=sorted(hold.pk for hold in row.holds.all()),
    )


CASES = Listing(
    CaseAnswer,
    lambda actor, rows: [_case(row) for row in rows],
    sorts={"id": "pk"},
    default="-id",
    filters={"state": filters.choice("state", "The state.", {"OPEN": "open", "CLOSED": "closed"})},
)


def _seen(actor: Actor, case_id: int) -> Case:
    return selectors.get_case(actor, case_id)


def _terms(body: CaseBody) -> cases.CaseTerms:
    addresses = sorted({address.strip().lower() for address in body.mailboxes})
    found = {mailbox.address: mailbox for mailbox in Mailbox.objects.filter(address__in=addresses)}
    for address in addresses:
        if address not in found:
            raise Invalid(f"there is no mailbox {address}", field="mailboxes")
    return cases.CaseTerms(body.name, body.reason, list(found.values()), body.date_from, body.date_to)


@group.list("/cases", CASES)
def case_list(actor: Actor) -> QuerySet[Case]:
    """List e-discovery cases, the newest first."""
    return selectors.list_cases(actor).prefetch_related("mailboxes", "holds")


@group.post("/cases", admit=manages)
def case_create(actor: Actor, body: CaseBody) -> Created[CaseAnswer]:
    """Make an e-discovery case."""
    made = cases.create_case(actor, _terms(body))
    return Created(_case(made), f"/cases/{made.pk}")


@group.get("/cases/{int:caseId}", admit=_seen)
def case_detail(actor: Actor, case: Case) -> CaseAnswer:
    """Read a case."""
    return _case(case)


@group.put("/cases/{int:caseId}", admit=_seen)
def case_change(actor: Actor, case: Case, body: CaseBody) -> CaseAnswer:
    """Change a case: all of it, as it shall be."""
    cases.change_case(actor, case, _terms(body))
    return _case(selectors.get_case(actor, case.pk))


@group.post("/cases/{int:caseId}/closing", admit=_seen)
def case_close(actor: Actor, case: Case, body: ClosingBody) -> None:
    """Close a case.

    Its holds must have ended before.
    """
    cases.close_case(actor, case, reason=body.reason)


@group.post("/cases/{int:caseId}/reopening", admit=_seen)
def case_reopen(actor: Actor, case: Case) -> None:
    """Open a closed case again."""
    cases.reopen_case(actor, case)


def _search(row: CaseSearch) -> CaseSearchAnswer:
    return CaseSearchAnswer(id=row.pk, name=row.name, query=row.query, found=row.found, found_at=row.found_at)


@group.get("/cases/{int:caseId}/searches", admit=_seen)
def case_search_list(actor: Actor, case: Case) -> list[CaseSearchAnswer]:
    """List the searches that are kept with a case."""
    return [_search(row) for row in selectors.list_searches(actor, case)]


@group.post("/cases/{int:caseId}/searches", admit=_seen, status=200)
def case_search_save(actor: Actor, case: Case, body: CaseSearchBody) -> CaseSearchAnswer:
    """Keep a search with a case."""
    return _search(cases.save_search(actor, case, name=body.name, query=body.query))
