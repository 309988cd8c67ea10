"""Indexing messages again, and which attached files could not be read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group, holding
from api.schemas import Answer, Body
from archive.errors import ArchiveClosed, MessageUnknown, StoreUnknown
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from domains.errors import Invalid
from jobs.errors import BadArguments
from jobs.services import submit

group = Group("Search indexes", "Indexing messages again, and which attached files could not be read.")
_stores = holding(Right.MANAGE_STORES)
Name = Annotated[str | None, Field(min_length=1, max_length=1000)]


class UnreadAnswer(Answer):
    """A reason, and how many messages have an attached file that could not be read for it."""

    reason: Literal["encrypted", "damaged", "kind", "time", "memory", "crashed", "large", "deep", "bomb", "many", "cut"]
    messages: int


class ReindexBody(Body):
    """What is indexed again: nothing for all mail, a store by its name, and one of user, folder and message."""

    store: Name = None
    user: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["ada@example.org"])] = None
    folder: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["ada@example.org/Inbox"])] = None
    message: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["1:17"])] = None


class IndexTask(Answer):
    """The task that does it."""

    task_id: int


@group.get("/indexes/unread-attachments", admit=_stores)
def search_index_unread(actor: Actor) -> list[UnreadAnswer]:
    """Count the messages of which an attached file could not be read, by why."""
    return [
        UnreadAnswer(reason=reason, messages=count)  # type: ignore[arg-type]  # the reasons are texts
        for reason, count in reindexing.count_unread(actor).items()
    ]


@group.post("/indexes/again", admit=_stores, status=202)
def search_index_again(actor: Actor, body: ReindexBody) -> Created[IndexTask]:
    """Index messages again: all, a store, a user, a folder or a message. Searches go on meanwhile."""
    arguments = ReindexArguments(body.store, body.user, body.folder, body.message)
    try:
        reindexing.choose(actor, arguments)
    except (BadArguments, ArchiveClosed, MessageUnknown, StoreUnknown) as error:
        said = next((name for name in ("message", "folder", "user") if getattr(body, name)), "store")
        raise Invalid(str(error), field=said) from error
    task = submit(actor, "FullReIndexing", arguments)
    return Created(IndexTask(task_id=task.pk), f"/tasks/{task.pk}")
