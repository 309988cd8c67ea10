"""The full-text indexes of stores: how they are, and indexing again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group, holding
from api.schemas import Answer, Body
from archive.errors import ArchiveClosed, MessageUnknown, StoreUnknown
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from domains.errors import Invalid
from jobs.commands import NoArguments
from jobs.errors import BadArguments
from jobs.services import submit

group = Group("Search indexes", "The full-text indexes of stores: how far they are, and indexing again.")
_stores = holding(Right.MANAGE_STORES)
Name = Annotated[str | None, Field(min_length=1, max_length=1000)]


class IndexAnswer(Answer):
    """The index of a store; `unread_attachments` counts messages by why the text of an attached file is missing."""

    store_id: int
    store: str
    messages: int
    indexed: int
    lag: int
    size_bytes: int
    needs_rebuild: bool
    problem: str
    unread_attachments: dict[str, int]


class ReindexBody(Body):
    """What is indexed again: nothing for all mail, a store by its name, and one of user, folder and message."""

    store: Name = None
    user: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["ada@example.org"])] = None
    folder: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["ada@example.org/Inbox"])] = None
    message: Annotated[str | None, Field(min_length=1, max_length=1000, examples=["1:17"])] = None


class IndexTask(Answer):
    """The task that does it."""

    task_id: int


@group.get("/indexes", admit=_stores)
def search_index_list(actor: Actor) -> list[IndexAnswer]:
    """List the full-text indexes."""
    return [
        IndexAnswer(
            store_id=line.id, store=line.name, messages=line.messages, indexed=line.indexed, lag=line.lag,
            size_bytes=line.size_bytes, needs_rebuild=line.needs_rebuild, problem=line.problem,
            unread_attachments=dict(line.unread),
        )
        for line in reindexing.list_indexes(actor)
    ]  # fmt: skip


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


@group.post("/indexes/rebuild", admit=_stores, status=202)
def search_index_rebuild(actor: Actor) -> Created[IndexTask]:
    """Rebuild every index from journal and packs; the old ones answer until the new ones are complete."""
    reindexing.select_indexes(actor)
    task = submit(actor, "RebuildSelectedStoreIndexes", NoArguments())
    return Created(IndexTask(task_id=task.pk), f"/tasks/{task.pk}")
