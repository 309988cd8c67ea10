"""Legal holds: what nothing deletes, whoever asks."""

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
from api.v1.retention import Archives, Numbered, numbered
from archive.models import Case, LegalHold
from archive.services import holds
from domains.errors import Invalid
from domains.models import Mailbox

group = Group(
    "Legal holds",
    "What nothing deletes, whoever asks. Ending a hold takes two people: 409 says so, and `POST /approvals` asks for "
    "it.",
)

manages_holds = holding(Right.MANAGE_HOLDS)


class HoldAnswer(Answer):
    """Nothing that it covers is deleted."""

    id: int
    name: str
    state: Literal["ACTIVE", "RELEASED"]
    everything: bool
    mailboxes: list[str]
    query: str
    date_from: date | None
    date_to: date | None
    reason: str
    created_at: Moment
    created_by: str
    released_at: Moment | None
    release_reason: str | None
    case_id: Annotated[int | None, Field(description="The case it was placed for.")]


class HoldBody(Body):
    """Everything, or mail of these mailboxes (none: of all) that matches, of this period."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Case 42"])]
    reason: Annotated[str, Field(min_length=3, max_length=500, examples=["The court asked for it"])]
    everything: bool = False
    mailboxes: Annotated[Archives, Field(max_length=1000)] = Field(default_factory=list)
    query: Annotated[str, Field(max_length=4000)] = ""
    date_from: Annotated[date | None, Field(strict=False)] = None
    date_to: Annotated[date | None, Field(strict=False)] = None
    case_id: Annotated[int | None, Field(description="The case it is placed for.")] = None


class CoveredAnswer(Answer):
    """What a hold would cover now."""

    messages: int
    by_store: list[Numbered]
    stores_behind: list[str]
    stores_silent: list[str]


def _hold(row: LegalHold) -> HoldAnswer:
    return HoldAnswer(
        id=row.pk,
        name=row.name,
        state=row.state.upper(),  # type: ignore[arg-type]
        everything=row.everything,
        mailboxes=sorted(mailbox.address for mailbox in row.mailboxes.all()),
        query=row.query,
        date_from=row.date_from,
        date_to=row.date_to,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by_label,
        released_at=row.released_at,
        release_reason=row.release_reason or None,
        case_id=row.case_id,
    )


HOLDS = Listing(
    HoldAnswer,
    lambda actor, rows: [_hold(row) for row in rows],
    sorts={"id": "pk"},
    default="-id",
    filters={"state": filters.choice("state", "The state.", {"ACTIVE": "active", "RELEASED": "released"})},
)


@group.list("/holds", HOLDS)
def hold_list(actor: Actor) -> QuerySet[LegalHold]:
    """List legal holds, the newest first."""
    return holds.list_holds(actor).prefetch_related("mailboxes")


def _terms(body: HoldBody) -> holds.HoldTerms:
    addresses = sorted({address.strip().lower() for address in body.mailboxes})
    found = {mailbox.address: mailbox for mailbox in Mailbox.objects.filter(address__in=addresses)}
    for address in addresses:
        if address not in found:
            raise Invalid(f"there is no mailbox {address}", field="mailboxes")
    case = None if body.case_id is None else Case.objects.filter(pk=body.case_id).first()
    if body.case_id is not None and case is None:
        raise Invalid("there is no such case", field="caseId")
    return holds.HoldTerms(
        body.name, body.reason, body.everything, list(found.values()), body.query, body.date_from, body.date_to, case
    )


@group.post("/holds", admit=manages_holds)
def hold_place(actor: Actor, body: HoldBody) -> Created[HoldAnswer]:
    """Place a legal hold.

    It is in force at once: nothing that it covers is deleted, by anybody, in any store. It is ended by two people, with
    the command ReleaseHold of `POST /approvals`.
    """
    made = holds.place_hold(actor, _terms(body))
    return Created(_hold(made), f"/holds/{made.pk}")


@group.post("/holds/preview", admit=manages_holds, reads=True, status=200)
def hold_preview(actor: Actor, body: HoldBody) -> CoveredAnswer:
    """How many messages would a hold cover now?"""
    covered = holds.preview(actor, _terms(body))
    return CoveredAnswer(
        messages=covered.messages,
        by_store=numbered(covered.by_store),
        stores_behind=covered.behind,
        stores_silent=covered.silent,
    )


def _seen(actor: Actor, hold_id: int) -> LegalHold:
    return holds.get_hold(actor, hold_id)


@group.get("/holds/{int:holdId}", admit=_seen)
def hold_detail(actor: Actor, hold: LegalHold) -> HoldAnswer:
    """Read a legal hold."""
    return _hold(hold)
