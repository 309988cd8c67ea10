"""What was posted to a mailing list: what waits for a moderator, and what became of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from api import filters
from api.listing import Listing
from api.operations import Group
from api.schemas import Answer, Body, Id, Moment
from domains.models import MailingList
from gateway.models import ListPosting
from gateway.selectors import list_posts as selectors
from gateway.services import list_posts
from gateway.wording import list_reason

group = Group(
    "List posts",
    "What was posted to a mailing list. Its owner, and who manages lists there, decide about what waits for a "
    "moderator.",
)


class PostAnswer(Answer):
    """A message to a list. reason: why it waits or was refused, in words."""

    id: Id
    list_id: int
    state: Annotated[str, Field(description="held, waiting, digest, done or refused.")]
    sender: str
    from_: Annotated[str | None, Field(alias="from")]
    subject: str | None
    size: Annotated[int, Field(description="In bytes.")]
    reason: str | None
    decided_by: str | None
    copies: int
    posted_at: Moment


class PostDetail(PostAnswer):
    """What waits, with the beginning of its source, at most 64 KiB."""

    beginning: str


class RefusalBody(Body):
    """silently: the sender is not told."""

    silently: bool = False


class DigestSentAnswer(Answer):
    """sent: whether there was anything to send."""

    sent: bool


def _moderated(actor: Actor, list_id: int) -> MailingList:
    return selectors.get_moderated(actor, list_id)


def _waiting(actor: Actor, list_id: int, post_id: int) -> ListPosting:
    return selectors.get_posting(_moderated(actor, list_id), post_id)


def _values(row: ListPosting) -> dict[str, object]:
    message = row.message
    return {
        "id": row.pk,
        "list_id": row.list_id,
        "state": row.state,
        "sender": message.sender,
        "from_": message.header_from or None,
        "subject": message.subject or None,
        "size": message.size_bytes,
        "reason": str(list_reason(row.why)) or None,
        "decided_by": row.decided_by or None,
        "copies": row.copies,
        "posted_at": row.created_at,
    }


def _present(actor: Actor, rows: Sequence[ListPosting]) -> list[PostAnswer]:
    return [PostAnswer(**_values(row)) for row in rows]  # type: ignore[arg-type]


POSTS = Listing(
    PostAnswer,
    _present,
    sorts={"id": "pk"},
    default="-id",
    filters={"state": filters.choice("state", "The state.", {each: each for each in ListPosting.State.values})},
)


@group.list("/lists/{int:listId}/posts", POSTS)
def list_post_list(actor: Actor, list_id: int) -> QuerySet[ListPosting]:
    """List what was posted to a mailing list, the newest first; `state=held` is what waits for a moderator."""
    return selectors.list_all(_moderated(actor, list_id))


@group.get("/lists/{int:listId}/posts/{int:postId}", admit=_waiting)
def list_post_detail(actor: Actor, found: ListPosting) -> PostDetail:
    """Read what waits for a moderator."""
    return PostDetail(**_values(found), beginning=list_posts.text_of(found).decode("utf-8", "replace"))  # type: ignore[arg-type]


@group.post("/lists/{int:listId}/posts/{int:postId}/approval", admit=_waiting)
def list_post_approve(actor: Actor, found: ListPosting) -> None:
    """Let it through: it is distributed in a moment."""
    list_posts.approve(actor, found)


@group.post("/lists/{int:listId}/posts/{int:postId}/refusal", admit=_waiting)
def list_post_refuse(actor: Actor, found: ListPosting, body: RefusalBody) -> None:
    """Don't distribute it; its sender hears of it unless `silently`."""
    list_posts.reject(actor, found, silently=body.silently)


@group.post("/lists/{int:listId}/digest", admit=_moderated, status=200)
def list_digest_send(actor: Actor, found: MailingList) -> DigestSentAnswer:
    """Send the list's digest now, without waiting for its day."""
    return DigestSentAnswer(sent=list_posts.send_digest_now(actor, found))
