"""Messages of an archive: listed and searched for who reads it, moved to another folder for who organises it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from django.http import Http404
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import EndUserRight
from api.errors import NotFound
from api.operations import Group
from api.schemas import Answer, Body, Moment
from api.v1.folders import Path, organised
from archive import foldernames, reading, selectors
from archive.errors import FolderUnknown, MessageUnknown
from archive.foldertree import tree_of
from archive.mail.reading import Address
from archive.query import nodes
from archive.query.errors import MESSAGES, QueryError
from archive.query.language import parse
from archive.services import message_moves
from domains.errors import Invalid
from domains.models import Mailbox

group = Group(
    "Messages",
    "The messages of an archive. Programs read one's own archive and what its owner shared; archives that were opened "
    "with a reason are read on pages only.",
)

Words = Annotated[str, Field(max_length=1_000)]
MessageId = Annotated[str, Field(max_length=40, examples=["1:17"])]
TEXTS = ("from", "to", "cc", "subject", "body")


class MessageLine(Answer):
    """A message, as lists show it. `id` names it everywhere in this API."""

    id: str
    date: Moment
    from_: Annotated[str, Field(alias="from")]
    to: str
    subject: str
    size_bytes: int
    folder: str


class MessagesAnswer(Answer):
    """Messages, newest first. total: of all that match. older: where the next ones begin, as `before` takes it.

    behind: the search index has not seen everything yet, so the newest may be missing.
    """

    total: int
    messages: list[MessageLine]
    older: str | None
    behind: bool


class MessagesQuery(Body):
    """What is looked for. `q`: as in the search box; the others are combined by `operator`."""

    page_size: Annotated[int, Field(ge=1, le=1_000, strict=False)] = 40
    before: Annotated[str, Field(max_length=60)] = ""
    q: Annotated[str, Field(max_length=4_000)] = ""
    from_: Annotated[Words, Field(alias="from")] = ""
    to: Words = ""
    cc: Words = ""
    subject: Words = ""
    body: Words = ""
    id: Annotated[str, Field(max_length=1_000, description="A Message-ID.")] = ""
    operator: Literal["AND", "OR", "NOT"] = "AND"
    received_after: Annotated[date | None, Field(strict=False)] = None
    received_before: Annotated[date | None, Field(strict=False)] = None

    def node(self) -> nodes.Node:
        """Raises: Invalid."""
        try:
            given = parse(self.q)
        except QueryError as error:
            raise Invalid(str(MESSAGES[error.code]) % error.params, field="q") from error
        wanted = list(self._wanted())
        if self.operator == "OR" and len(wanted) > 1:
            wanted = [nodes.Or(tuple(wanted))]
        elif self.operator == "NOT":
            wanted = [nodes.Not(each) for each in wanted]
        both = [each for each in (given, *wanted, *self._dates()) if not isinstance(each, nodes.All)]
        return nodes.And(tuple(both)) if len(both) > 1 else both[0] if both else nodes.All()

    def _wanted(self) -> Iterator[nodes.Node]:
        for name in TEXTS:
            words = getattr(self, "from_" if name == "from" else name).split()
            if words:
                said = tuple(nodes.Word(word) for word in words)
                yield nodes.Field(name, nodes.And(said) if len(said) > 1 else said[0])
        if self.id.strip("<> "):
            yield nodes.MessageId(self.id.strip("<> "))

    def _dates(self) -> Iterator[nodes.Node]:
        if self.received_after is not None:
            yield nodes.Days("after", self.received_after.isoformat())
        if self.received_before is not None:
            yield nodes.Days("before", self.received_before.isoformat())


class MessageFields(Body):
    """What is wanted beside the headers: HEADERS, CONTENT, SOURCE. folder: only if it lies there."""

    fields: Annotated[str, Field(max_length=100)] = "HEADERS"
    folder: Annotated[str, Field(max_length=1_000)] = ""


class MessageFile(Answer):
    """One attached file. download_uri: where its bytes are."""

    id: str
    name: str
    type: str
    size: int
    download_uri: str


class MessageContent(Answer):
    """A message with what it says. headers: by name, each line of that name; content and source as asked for."""

    id: str
    message_id: str | None
    subject: str
    from_: Annotated[str, Field(alias="from")]
    to: list[str]
    cc: list[str]
    size: Annotated[int, Field(description="In bytes.")]
    sent_date: Moment
    folders: list[str]
    headers: dict[str, list[str]]
    attachments: list[MessageFile]
    content: str | None
    source: str | None


class MessagesMoveBody(Body):
    """Which messages, and into which folder. Without `source` they leave every folder of the archive they lie in."""

    messages: Annotated[list[MessageId], Field(min_length=1, max_length=message_moves.MOST)]
    target: Path
    source: Annotated[str, Field(max_length=1_000)] = ""


class MessagesMoved(Answer):
    """Where they lie now, how many were moved, how many lay there already, and how many left each folder."""

    folder: str
    moved: int
    unmoved: int
    sources: dict[str, int]


def _read(actor: Actor, user_id: int) -> selectors.Archive:
    """The archive of a user, for who reads it by right of their own. Raises: Http404, Forbidden."""
    for archive in selectors.readable_archives(actor):
        if archive.mailbox.user_id == user_id and archive.access is None:
            return archive
    if actor.user is not None and actor.user.pk == user_id and actor.acting is None:
        actor.require_own(EndUserRight.SEARCH_ARCHIVE)
    raise Http404("no archive that is read here")


@group.get("/users/{int:userId}/emails", admit=_read)
def message_list(actor: Actor, archive: selectors.Archive, query: MessagesQuery) -> MessagesAnswer:
    """List or search the messages of an archive, newest first."""
    return _found(selectors.Scope.of(archive), query)


@group.get("/users/{int:userId}/emails/{path:folderPath}", admit=_read)
def message_list_of_folder(
    actor: Actor, archive: selectors.Archive, folder_path: str, query: MessagesQuery
) -> MessagesAnswer:
    """List or search the messages of a folder, newest first."""
    path = foldernames.resolve(archive.mailbox, folder_path)
    node = tree_of(archive).find(path)
    if node is None or not node.is_readable:
        raise NotFound()
    return _found(selectors.Scope.of(archive, path), query)


def _found(scope: selectors.Scope, query: MessagesQuery) -> MessagesAnswer:
    found = selectors.search(scope, query.node(), limit=query.page_size, before=query.before)
    lines = [MessageLine(from_=line.pop("from"), **line) for line in selectors.describe(scope, found.hits)]
    return MessagesAnswer(total=found.total, messages=lines, older=found.older or None, behind=found.behind)


def _message(actor: Actor, user_id: int, message_id: str) -> selectors.Message:
    """A message of an archive that is read by right of one's own, by its id or its Message-ID.

    Raises: Http404, Forbidden.
    """
    archive = _read(actor, user_id)
    if "@" in message_id:
        wanted = nodes.MessageId(message_id.strip("<> "))
        hits = selectors.search(selectors.Scope.of(archive), wanted, limit=1).hits
        message_id = hits[0].public_id if hits else ""
    try:
        found = selectors.get_message(actor, message_id)
    except MessageUnknown as error:
        raise Http404("no such message") from error
    if found.archive is None or found.archive.access is not None or found.archive.mailbox.pk != archive.mailbox.pk:
        raise Http404("no such message")
    return found


@group.get("/users/{int:userId}/messages/{messageId}", admit=_message)
def message_detail(actor: Actor, found: selectors.Message, query: MessageFields) -> MessageContent:
    """Read a message: its headers, and with `fields` also CONTENT and SOURCE. The id may be its Message-ID."""
    if query.folder and foldernames.resolve(_mailbox(found), query.folder) not in (each.path for each in found.folders):
        raise NotFound()
    wanted = {each.strip().upper() for each in query.fields.split(",")}
    loaded = reading.load(found)
    said, row = loaded.reading, found.row
    headers: dict[str, list[str]] = {}
    for name, value in said.headers:
        headers.setdefault(name, []).append(value)
    stem = f"/api/v1/users/{_mailbox(found).user_id}/messages/{found.public_id}/attachments"
    files = [
        MessageFile(id=str(part.index), name=part.name, type=part.content_type, size=part.size_bytes,
                    download_uri=f"{stem}/{part.index}")
        for part in reading.attachments(said)
    ]  # fmt: skip
    return MessageContent(
        id=found.public_id, message_id=said.message_id or None, subject=row.subject, from_=row.sender, size=row.size,
        to=_people(said.to), cc=_people(said.cc), sent_date=datetime.fromtimestamp(row.date, UTC),
        folders=[each.path for each in found.folders], headers=headers, attachments=files,
        content=(said.text if said.text is not None else said.html) if "CONTENT" in wanted else None,
        source=loaded.raw[: reading.SOURCE_BYTES].decode("utf-8", "replace") if "SOURCE" in wanted else None,
    )  # fmt: skip


@group.stream(
    "/users/{int:userId}/messages/{messageId}/attachments/{partId}", admit=_message, media="application/octet-stream"
)
def message_attachment(actor: Actor, found: selectors.Message, part_id: str) -> Iterator[bytes]:
    """Read the bytes of one attachment."""
    taken = reading.attachment(reading.load(found), int(part_id)) if part_id.isascii() and part_id.isdigit() else None
    if taken is None:
        raise Http404("no such part")
    return iter([taken[1]])


def _mailbox(found: selectors.Message) -> Mailbox:
    assert found.archive is not None
    return found.archive.mailbox


def _people(some: Sequence[Address]) -> list[str]:
    return [each.address for each in some if each.address]


@group.post("/users/{int:userId}/message-moves", admit=organised, status=200)
def message_move(actor: Actor, mailbox: Mailbox, body: MessagesMoveBody) -> MessagesMoved:
    """Move messages to another folder of their archive, which must be there: all of them, or none.

    What a legal hold names by its folder stays (422), as does what somebody could then read who can't now.
    """
    try:
        done = message_moves.move_messages(actor, mailbox, body.messages, body.target, source=body.source)
    except FolderUnknown as error:
        raise Invalid(str(error), field="target") from error
    return MessagesMoved(folder=done.target, moved=done.messages, unmoved=done.unmoved, sources=dict(done.sources))
