"""Messages that the gateway keeps for a user: the system folders `Quarantine` and `Retention` (recent mail).

Lists and counts are administration; contents are shown to their owner, and to others while the owner's archive stands
open to them. What is archived is found by the archive's own operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import register_converter
from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from api import filters
from api.errors import PreconditionFailed
from api.filters import Rows
from api.listing import Listing
from api.operations import Group
from api.schemas import Answer, Body, Id, Moment
from api.v1 import subjects
from archive import reading
from archive.mail.reading import Address, Reading
from domains.models import Mailbox
from gateway.keeping.reading import Copy
from gateway.learning import Verdict
from gateway.models import Folder, Recipient, ReleaseRequest
from gateway.selectors import quarantine as selectors
from gateway.selectors.remembered import narrowed, recipient_has, sender_has, subject_has
from gateway.services import quarantine, release_requests, sender_marks
from gateway.services.held import is_infected
from gateway.services.opening import open_copy
from gateway.wording import decided_because

group = Group("E-mails", "What is kept of a user's mail in quarantine and as recent mail: listed, read, released.")

SYSTEM = Literal["Quarantine", "Retention"]


class SystemFolder:
    """The part of a path that names a system folder; every other name is a folder of the archive (`mails`)."""

    regex = "Quarantine|Retention"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SystemFolder, "system")
VIRUS_LOVER = {
    "X-Virus-Lover": (("true", "yes", "1"), "Infected mail is wanted, and only that: 412 for any other."),
}
SOURCE_BYTES = 1 << 20


class EmailAnswer(Answer):
    """A kept message. id: its key in the gateway. verdict: what it was judged to be, and why in words."""

    id: str
    uri: str
    message_id: str | None
    subject: str | None
    from_: Annotated[str | None, Field(alias="from")]
    envelope_sender: Annotated[str, Field(description="Who sent it, as the sending server said.")]
    to: list[str]
    size: Annotated[int, Field(description="In bytes.")]
    sent_date: Moment
    folder: str
    state: str
    verdict: str
    reason: str | None
    score: float | None
    has_attachments: bool
    read: Annotated[bool | None, Field(description="The gateway knows nothing of it: null.")] = None
    answered: bool | None = None
    deleted: bool = False
    release_requested: Annotated[bool, Field(description="Somebody asked for its release, and waits.")]


class EmailAttachment(Answer):
    """One attached file. download_uri: where its bytes are."""

    id: str
    name: str
    type: str
    size: int
    download_uri: str


class EmailAttachments(Answer):
    """The attached files of a message."""

    attachments: list[EmailAttachment]
    count: int


class EmailContent(EmailAnswer):
    """A message with what it says. headers: by name, each line of that name; content and source as asked for."""

    headers: dict[str, list[str]]
    cc: list[str]
    attachments: EmailAttachments
    content: str | None
    source: str | None


class EmailFields(BaseModel):
    """What is wanted beside the headers: HEADERS, CONTENT, SOURCE, separated by commas."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[str, Field(max_length=100)] = "HEADERS"


class ReleaseBody(Body):
    """Why, and whether its sender is allowed from now on. again: although it was released before."""

    reason: Annotated[str, Field(max_length=500)] = ""
    allow_sender: bool = False
    again: bool = False


class ReasonBody(Body):
    """Why."""

    reason: Annotated[str, Field(max_length=500)] = ""


class ReportBody(Body):
    """What the message is."""

    verdict: Literal["SPAM", "CLEAN"]


class MarkBody(Body):
    """What becomes of its sender; whole_domain: of everybody in the sender's domain."""

    mark: Literal["ALLOW", "BLOCK"]
    whole_domain: bool = False
    delete: Annotated[bool, Field(description="With BLOCK: the message goes too.")] = False


class MarkAnswer(Answer):
    """Whom the rule is about."""

    sender: str


class RequestAnswer(Answer):
    """A request for release."""

    id: Id
    email_uri: str
    why: str
    state: str
    answer: str | None
    decided_by: str | None
    requested_at: Moment
    decided_at: Moment | None


class DecisionBody(Body):
    """Whether it is released, and what is said to who asked."""

    grant: bool
    answer: Annotated[str, Field(max_length=500)] = ""


_seen = subjects.mailbox(Right.MANAGE_QUARANTINE, own=EndUserRight.RELEASE_QUARANTINE)


def _rows(actor: Actor, user_id: int, folder: str) -> QuerySet[Recipient]:
    """The messages of one user in one system folder. Raises: Http404, Forbidden."""
    mailbox = _mailbox(actor, user_id)
    if folder not in get_args(SYSTEM):
        raise Http404("no such folder")
    own = mailbox.user is not None and actor.owns(mailbox.user) and actor.acting is None
    listed = selectors.list_own if own else selectors.list_managed
    return listed(actor, folder).filter(mailbox=mailbox).defer(None)


def _mailbox(actor: Actor, user_id: int) -> Mailbox:
    return _seen(actor, user_id)


def _one(actor: Actor, user_id: int, folder: SYSTEM, email_id: str) -> Recipient:
    """By its key or Message-ID (the newest of that name), whatever has become of it. Raises: Http404, Forbidden."""
    mailbox = _mailbox(actor, user_id)
    if folder not in get_args(SYSTEM):
        raise Http404("no such folder")
    named = Q(message__key=email_id)
    if "@" in email_id:
        named |= Q(message__message_id__in=(email_id, f"<{email_id.strip('<>')}>"))
    rows = Recipient.objects.filter(named, mailbox=mailbox)
    rows = rows.filter(kept__folder=folder) if folder == "Retention" else rows.filter(action="hold")
    found = rows.order_by("-received_at", "-pk").values_list("pk", flat=True).first()
    if found is None:
        raise Http404("no such message")
    return selectors.get_item(actor, found)


def uri_of(row: Recipient, folder: str) -> str:
    """Where it is read: with its user; with its domain where nobody here owns the address."""
    if row.mailbox is None:
        return f"/api/v1/domains/{row.domain_id}/quarantine/{quote(row.message.key)}-{row.pk}"
    return f"/api/v1/users/{row.mailbox.user_id}/emails/{folder}/{quote(row.message.key)}"


def _folder_of(row: Recipient) -> str:
    return Folder.QUARANTINE.value if row.action == "hold" else Folder.RETENTION.value


def _values(row: Recipient, *, asked: bool) -> dict[str, Any]:
    message, folder = row.message, _folder_of(row)
    return {
        "id": message.key,
        "uri": uri_of(row, folder),
        "message_id": message.message_id or None,
        "subject": message.subject or None,
        "from_": message.header_from or None,
        "envelope_sender": message.sender,
        "to": [row.asked],
        "size": message.size_bytes,
        "sent_date": row.received_at,
        "folder": folder,
        "state": row.state,
        "verdict": row.category,
        "reason": decided_because(row.decision) or None,
        "score": row.score,
        "has_attachments": bool(message.facts.get("attachment_count")),
        "deleted": row.state in (Recipient.State.DELETED, Recipient.State.EXPIRED),
        "release_requested": asked,
    }


def present(actor: Actor, rows: Sequence[Recipient]) -> list[EmailAnswer]:
    """Kept messages, with whether somebody waits for their release."""
    waiting = ReleaseRequest.objects.filter(recipient__in=[row.pk for row in rows], state=ReleaseRequest.State.OPEN)
    asked = set(waiting.values_list("recipient_id", flat=True))
    return [EmailAnswer(**_values(row, asked=row.pk in asked)) for row in rows]


def _part(found: Callable[[str], Q]) -> filters.Filter:
    def narrow(rows: Rows, value: str) -> Rows:
        return rows.filter(found(value))

    return filters.text_by(narrow, "A part of it, in any case.")


def _held_part(found: Callable[[str], Q]) -> filters.Filter:
    return _part(lambda value: narrowed(value, found(value)))


_FILTERS = {
    "receivedAfter": filters.since("received_at", "Received from this moment on."),
    "receivedBefore": filters.until("received_at", "Received before this moment."),
    "from": _part(sender_has),
    "to": _part(recipient_has),
    "subject": _part(subject_has),
    "id": filters.exact("message__message_id", "The message's own Message-ID."),
    "verdict": filters.exact("category", "What it was judged to be, as spam."),
}
# Of one person there are few enough to look at each; of a domain the index of what is held is asked.
_HELD = _FILTERS | {"from": _held_part(sender_has), "subject": _held_part(subject_has)}
_SORTS = {"sentDate": "received_at"}
EMAILS = Listing(EmailAnswer, present, sorts=_SORTS, default="-sentDate", filters=_FILTERS)
HELD_EMAILS = Listing(EmailAnswer, present, sorts=_SORTS, default="-sentDate", filters=_HELD)


@group.list("/users/{int:userId}/emails/{system:folder}", EMAILS)
def email_list(actor: Actor, user_id: int, folder: SYSTEM) -> QuerySet[Recipient]:
    """List or search a user's messages in `Quarantine` or `Retention`, newest first."""
    return _rows(actor, user_id, folder)


@group.get("/users/{int:userId}/emails/{system:folder}/{emailId}", admit=_one)
def email_detail(actor: Actor, row: Recipient, query: EmailFields) -> EmailContent:
    """Read a message: its headers, and with `fields` also CONTENT and SOURCE.

    The id is the key in the gateway or the Message-ID. Contents are for the owner, and for whom it is opened; SOURCE
    of infected mail only for who may release that.
    """
    wanted = {each.strip().upper() for each in query.fields.split(",")}
    copy = open_copy(actor, row)
    if "SOURCE" in wanted:
        _require_harmless(actor, row)
    loaded = copy.loaded()
    said = loaded.reading
    headers: dict[str, list[str]] = {}
    for name, value in said.headers:
        headers.setdefault(name, []).append(value)
    values = _values(row, asked=selectors.open_request(row) is not None)
    content = _content(said) if "CONTENT" in wanted else None
    source = loaded.raw[:SOURCE_BYTES].decode("utf-8", "replace") if "SOURCE" in wanted else None
    return EmailContent(
        **values, headers=headers, cc=_people(said.cc), attachments=_attachments(row, said), content=content,
        source=source,
    )  # fmt: skip


def _content(said: Reading) -> str | None:
    return said.text if said.text is not None else said.html


def _people(some: Sequence[Address]) -> list[str]:
    return [each.address for each in some if each.address]


def _attachments(row: Recipient, said: Reading) -> EmailAttachments:
    stem = f"{uri_of(row, _folder_of(row))}/attachments"
    found = [
        EmailAttachment(
            id=str(part.index),
            name=part.name,
            type=part.content_type,
            size=part.size_bytes,
            download_uri=f"{stem}/{part.index}",
        )
        for part in reading.attachments(said)
    ]
    return EmailAttachments(attachments=found, count=len(found))


@group.get("/users/{int:userId}/emails/{system:folder}/{emailId}/attachments", admit=_one)
def email_attachments(actor: Actor, row: Recipient) -> EmailAttachments:
    """List a message's attachments."""
    return _attachments(row, open_copy(actor, row).loaded().reading)


def _readable(actor: Actor, user_id: int, folder: SYSTEM, email_id: str) -> tuple[Recipient, Copy]:
    row = _one(actor, user_id, folder, email_id)
    copy = open_copy(actor, row)
    _require_harmless(actor, row)
    return row, copy


def _require_harmless(actor: Actor, row: Recipient) -> None:
    if is_infected(row):
        actor.require(Right.RELEASE_INFECTED, row)


@group.stream(
    "/users/{int:userId}/emails/{system:folder}/{emailId}/attachments/{partId}",
    admit=_readable,
    media="application/octet-stream",
)
def email_attachment(actor: Actor, found: tuple[Recipient, Copy], part_id: str) -> Iterator[bytes]:
    """Read the bytes of one attachment; of infected mail only who may release that."""
    taken = reading.attachment(found[1].loaded(), int(part_id)) if part_id.isascii() and part_id.isdigit() else None
    if taken is None:
        raise Http404("no such part")
    return iter([taken[1]])


@group.stream("/users/{int:userId}/emails/{system:folder}/{emailId}/source", admit=_readable, media="message/rfc822")
def email_source(actor: Actor, found: tuple[Recipient, Copy]) -> Iterator[bytes]:
    """Read the message as it came in; of infected mail only who may release that."""
    return found[1].chunks()


@group.post("/users/{int:userId}/emails/{system:folder}/{emailId}/release", admit=_one, headers=VIRUS_LOVER)
def email_release(
    actor: Actor, row: Recipient, folder: SYSTEM, headers: dict[str, str], body: ReleaseBody | None
) -> None:
    """Release a message to its recipient, without its spam tag.

    Infected mail wants the header `X-Virus-Lover`, the right to release it, and a reason; with the header and without
    a virus 412.
    """
    release(actor, row, folder, headers, body or ReleaseBody())


def release(actor: Actor, row: Recipient, folder: str, headers: dict[str, str], sent: ReleaseBody) -> None:
    """Raises: PreconditionFailed, and as `quarantine.release`."""
    wanted, infected = "X-Virus-Lover" in headers, is_infected(row)
    if wanted != infected:
        raise PreconditionFailed("The message is infected." if infected else "The message is not infected.")
    if sent.allow_sender:
        sender_marks.release_and_allow(actor, row, reason=sent.reason)
    else:
        quarantine.release(actor, row, folder=folder, reason=sent.reason, again=sent.again)


@group.post("/users/{int:userId}/emails/{system:folder}/{emailId}/report", admit=_one)
def email_report(actor: Actor, row: Recipient, body: ReportBody) -> None:
    """Say that a message was judged wrongly; scanners that learn are taught."""
    quarantine.report(actor, row, Verdict(body.verdict.lower()))


@group.post("/users/{int:userId}/emails/{system:folder}/{emailId}/sender", admit=_one)
def email_sender(actor: Actor, row: Recipient, body: MarkBody) -> MarkAnswer:
    """Allow or block a message's sender from now on."""
    return mark(actor, row, body)


def mark(actor: Actor, row: Recipient, body: MarkBody) -> MarkAnswer:
    """Raises: as `sender_marks`."""
    if body.mark == "ALLOW":
        return MarkAnswer(sender=sender_marks.allow_sender(actor, row, whole_domain=body.whole_domain))
    value = sender_marks.block_sender(actor, row, whole_domain=body.whole_domain, delete=body.delete)
    return MarkAnswer(sender=value)


@group.delete("/users/{int:userId}/emails/{system:folder}/{emailId}", admit=_one)
def email_delete(actor: Actor, row: Recipient, folder: SYSTEM) -> None:
    """Delete a message from quarantine or recent mail."""
    quarantine.delete(actor, row, folder=folder)


def _present_request(row: ReleaseRequest) -> RequestAnswer:
    return RequestAnswer(
        id=row.pk,
        email_uri=uri_of(row.recipient, Folder.QUARANTINE.value),
        why=row.why,
        state=row.state,
        answer=row.answer or None,
        decided_by=row.decided_by_label or None,
        requested_at=row.requested_at,
        decided_at=row.decided_at,
    )


def _present_requests(actor: Actor, rows: Sequence[ReleaseRequest]) -> list[RequestAnswer]:
    return [_present_request(row) for row in rows]


REQUESTS = Listing(
    RequestAnswer,
    _present_requests,
    sorts={"requestedAt": "requested_at"},
    default="-requestedAt",
    filters={"state": filters.exact("state", "open, granted, declined or ended.")},
)


@group.list("/release-requests", REQUESTS)
def release_request_list(actor: Actor) -> QuerySet[ReleaseRequest]:
    """List requests for release that one may decide, newest first."""
    return selectors.list_requests(actor)


@group.post("/users/{int:userId}/emails/{system:folder}/{emailId}/release-request", admit=_one)
def release_request_create(actor: Actor, row: Recipient, body: ReasonBody) -> RequestAnswer:
    """Ask an administrator to release a message of one's own."""
    return _present_request(release_requests.request_release(actor, row, why=body.reason))


@group.post("/release-requests/{int:requestId}/decision", admit=selectors.get_request)
def release_request_decide(actor: Actor, request: ReleaseRequest, body: DecisionBody) -> None:
    """Grant a request, which releases the message, or decline it with an answer."""
    if body.grant:
        release_requests.grant(actor, request, answer=body.answer)
    else:
        release_requests.decline(actor, request, answer=body.answer)
