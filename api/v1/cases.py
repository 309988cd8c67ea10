"""E-discovery cases: whose mail is looked through, kept searches, messages with tags and notes, packages."""

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
from archive.models import Case, CaseMessage, CaseNote, CaseSearch
from archive.services import case_messages, cases
from domains.errors import Invalid
from domains.models import Mailbox

group = Group(
    "Cases",
    "E-discovery cases. Making one opens nobody's mail: `POST /cases/{caseId}/opening` does, for a time, and every "
    "custodian sees it. Holds of a case are placed by `POST /holds`, packages come by `GET /tasks`.",
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


class CaseMessageAnswer(Answer):
    """A message in a case."""

    id: int
    message: Annotated[str | None, Field(description="`<store>:<number>`; null where its store is gone.")]
    sha256: str
    subject: str
    sender: str
    date: Annotated[int, Field(description="In seconds since 1970.")]
    size_bytes: int
    tags: list[str]
    notes: list[str]
    added_at: Moment
    added_by: str


class CaseMessagesBody(Body):
    """These messages, or all that a search finds in the archives that are open; marked with a tag, if wanted."""

    messages: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=1000)] = Field(
        default_factory=list
    )
    query: Annotated[str | None, Field(max_length=4000)] = None
    tag: Annotated[str, Field(max_length=60)] = ""


class AddedAnswer(Answer):
    """How many are new in the case."""

    added: int


class CaseNoteBody(Body):
    """What to write down; about a message of the case, if one is named."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    message_id: int | None = None


class CaseNoteAnswer(Answer):
    """A note. It is never changed."""

    id: int
    text: str
    about: str
    by: str
    created_at: Moment


class OpeningBody(Body):
    """For how long."""

    minutes: Annotated[int, Field(ge=1, le=1440)] = 60


class OpeningAnswer(Answer):
    """How many archives were opened by this."""

    opened: int


class ClosingBody(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=500)] = ""


class CasePackageBody(Body):
    """A kept search (by its number), a tag, or all messages of the case."""

    search_id: int | None = None
    tag: Annotated[str, Field(max_length=60)] = ""
    reason: Annotated[str, Field(min_length=3, max_length=300)]
    format: Literal["eml", "mbox"] = "eml"


class CasePackageStarted(Answer):
    """The task that makes it."""

    task_id: int


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


def _read(actor: Actor, case_id: int) -> Case:
    case = selectors.get_case(actor, case_id)
    selectors.require_reading(actor, case)
    return case


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


@group.post("/cases/{int:caseId}/opening", admit=_read, status=200)
def case_open(actor: Actor, case: Case, body: OpeningBody) -> OpeningAnswer:
    """Open the archives of a case's custodians to yourself.

    Each of them sees it, with the reason of the case.
    """
    return OpeningAnswer(opened=cases.open_case(actor, case, minutes=body.minutes))


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


def _message(row: CaseMessage) -> CaseMessageAnswer:
    return CaseMessageAnswer(
        id=row.pk,
        message=row.public_id or None,
        sha256=row.sha256,
        subject=row.subject,
        sender=row.sender,
        date=row.date,
        size_bytes=row.size_bytes,
        tags=[tag.name for tag in row.tags.all()],
        notes=[note.text for note in row.notes.all()],
        added_at=row.added_at,
        added_by=row.added_by_label,
    )


MESSAGES = Listing(
    CaseMessageAnswer,
    lambda actor, rows: [_message(row) for row in rows],
    sorts={"date": "date", "id": "pk"},
    default="-date",
    filters={"tag": filters.text("tags__name", "A tag.")},
)


@group.list("/cases/{int:caseId}/messages", MESSAGES)
def case_message_list(actor: Actor, case_id: int) -> QuerySet[CaseMessage]:
    """List the messages in a case, the newest first."""
    return selectors.list_messages(actor, _read(actor, case_id)).prefetch_related("tags", "notes")


@group.post("/cases/{int:caseId}/messages", admit=_read, status=200)
def case_message_add(actor: Actor, case: Case, body: CaseMessagesBody) -> AddedAnswer:
    """Put messages into a case.

    Only mail of its custodians, and only while their archives are open to you.
    """
    added = 0
    if body.messages:
        added += case_messages.add_messages(actor, case, body.messages, tag=body.tag)
    if body.query is not None:
        added += case_messages.add_matching(actor, case, body.query, tag=body.tag)
    return AddedAnswer(added=added)


def _note(row: CaseNote) -> CaseNoteAnswer:
    return CaseNoteAnswer(id=row.pk, text=row.text, about=row.about, by=row.by_label, created_at=row.created_at)


@group.get("/cases/{int:caseId}/notes", admit=_read)
def case_note_list(actor: Actor, case: Case) -> list[CaseNoteAnswer]:
    """List the notes of a case, the newest first."""
    return [_note(row) for row in selectors.list_notes(actor, case)[:1000]]


@group.post("/cases/{int:caseId}/notes", admit=_read, status=200)
def case_note_add(actor: Actor, case: Case, body: CaseNoteBody) -> CaseNoteAnswer:
    """Write something about a case, or about one of its messages."""
    about = None if body.message_id is None else selectors.get_message(actor, case, body.message_id)
    return _note(case_messages.add_note(actor, case, body.text, message=about))


@group.post("/cases/{int:caseId}/packages", admit=_read, status=202)
def case_package_make(actor: Actor, case: Case, body: CasePackageBody) -> Created[CasePackageStarted]:
    """Make a package of a case: messages with all that others need to check them."""
    search = None if body.search_id is None else selectors.get_search(actor, case, body.search_id)
    choice = cases.Choice(search=search, tag=body.tag, reason=body.reason, format=body.format)
    task = cases.export_case(actor, case, choice)
    return Created(CasePackageStarted(task_id=task.pk), f"/tasks/{task.pk}")
