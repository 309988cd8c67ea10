"""Repositories: mail that could not go on. Content is read on the page: no token opens other people's mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from api.v1.profiles import TaskStarted
from gateway.keeping.clearing import days_kept, expires_at
from gateway.models import Repository, RepositoryItem
from gateway.queue_commands import RepositoryArguments, ReprocessArguments
from gateway.selectors import repositories as selectors
from gateway.services import repositories
from jobs.services import submit

group = Group("Repositories", "Places where mail lies that could not go on: read it, remove it, process it again.")


class RepositoryAdd(Body):
    """A new repository."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["var/mail/later"])]


class RepositoryAnswer(Answer):
    """A repository and how many messages lie there."""

    id: int
    repository: str
    size: int
    bytes: int
    created_at: Moment


class StoredMessageAnswer(Answer):
    """A message in a repository. error: why it lies there. expires_at: when it is removed (null: never)."""

    id: int
    name: str
    repository_id: int
    sender: str
    recipients: list[str]
    error: str
    remote_host: str
    remote_addr: str
    message_size: int
    stored_at: Moment
    expires_at: Moment | None


class RepositoryReprocess(Body):
    """queue: straight into it, as it was; empty: judged anew. name: only this message."""

    queue: Annotated[str, Field(max_length=50)] = ""
    name: Annotated[str, Field(max_length=64)] = ""


class RepositoryMove(Body):
    """repository: the path of the one they go to. name: only this message."""

    repository: Annotated[str, Field(max_length=500)]
    name: Annotated[str, Field(max_length=64)] = ""


class Moved(Answer):
    """What became of messages that were moved; refused: how many stay, by reason."""

    moved: int
    refused: dict[str, int]


_server = subjects.server(Right.MANAGE_QUEUES)


def repository(actor: Actor, repository_id: int) -> Repository:
    """`admit` of everything about one repository."""
    return selectors.get_repository(actor, repository_id)


def stored(actor: Actor, stored_id: int) -> RepositoryItem:
    """`admit` of one message."""
    return selectors.get_stored(actor, stored_id)


def _present(actor: Actor, rows: Sequence[RepositoryItem]) -> list[StoredMessageAnswer]:
    days = days_kept()
    return [_one(row, days) for row in rows]


def _one(row: RepositoryItem, days: int) -> StoredMessageAnswer:
    was = row.message
    return StoredMessageAnswer(
        id=row.pk, name=row.key, repository_id=row.repository_id, sender=row.sender, recipients=row.addresses,
        error=row.why, remote_host=was.client_name if was else "",
        remote_addr=(was.client_address or "") if was else "", message_size=row.content.size_bytes,
        stored_at=row.created_at, expires_at=expires_at(row.created_at, days),
    )  # fmt: skip


STORED = Listing(
    StoredMessageAnswer,
    _present,
    sorts={"storedAt": "created_at", "id": "pk"},
    default="-storedAt",
    filters={
        "repositoryId": filters.number("repository_id", "The repository."),
        "name": filters.exact("key", "The message's name there."),
        "sender": filters.exact("sender", "The envelope sender."),
    },
)


@group.get("/repositories", admit=_server)
def repository_list(actor: Actor, found: object) -> list[RepositoryAnswer]:
    """List the repositories."""
    return [_counted(each) for each in selectors.list_repositories(actor)]


@group.post("/repositories", admit=_server)
def repository_create(actor: Actor, found: object, body: RepositoryAdd) -> Created[RepositoryAnswer]:
    """Make a repository."""
    made = repositories.create_repository(actor, body.name)
    return Created(_counted(selectors.RepositoryCount(made, 0, 0)), f"/repositories/{made.pk}")


@group.get("/repositories/{int:repositoryId}", admit=repository)
def repository_detail(actor: Actor, found: Repository) -> RepositoryAnswer:
    """Read how a repository is."""
    return _counted(selectors.count_repository(found))


@group.delete("/repositories/{int:repositoryId}", admit=repository)
def repository_delete(actor: Actor, found: Repository) -> None:
    """Forget an empty repository."""
    repositories.delete_repository(actor, found)


@group.post("/repositories/{int:repositoryId}/clear", admit=repository, status=202)
def repository_clear(actor: Actor, found: Repository) -> Created[TaskStarted]:
    """Remove all messages for good."""
    task = submit(actor, "ClearRepository", RepositoryArguments(found.name))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/repositories/{int:repositoryId}/reprocess", admit=repository, status=202)
def repository_reprocess(actor: Actor, found: Repository, body: RepositoryReprocess) -> Created[TaskStarted]:
    """Send one message or all on their way again, into a queue or from the beginning."""
    task = submit(actor, "ReprocessRepository", ReprocessArguments(found.name, body.name, body.queue))
    return Created(TaskStarted(task_id=task.pk), f"/tasks/{task.pk}")


@group.post("/repositories/{int:repositoryId}/move", admit=repository)
def repository_move(actor: Actor, found: Repository, body: RepositoryMove) -> Moved:
    """Put one message or all into another repository."""
    target = selectors.repository_named(actor, body.repository)
    rows = selectors.list_stored(actor, found.pk)
    rows = rows.filter(key=body.name) if body.name else rows
    done = repositories.move_stored(actor, rows, target=target, about={"repository": found.name})
    return Moved(moved=done.count, refused=done.refused)


@group.list("/stored-messages", STORED)
def stored_message_list(actor: Actor) -> QuerySet[RepositoryItem]:
    """List messages in repositories, the newest first."""
    return selectors.list_stored(actor)


@group.get("/stored-messages/{int:storedId}", admit=stored)
def stored_message_detail(actor: Actor, found: RepositoryItem) -> StoredMessageAnswer:
    """Read a message's envelope and why it lies there."""
    return _one(found, days_kept())


@group.delete("/stored-messages/{int:storedId}", admit=stored)
def stored_message_delete(actor: Actor, found: RepositoryItem) -> None:
    """Remove a message for good."""
    repositories.delete_stored(actor, RepositoryItem.objects.filter(pk=found.pk), about={"name": found.key})


def _counted(count: Any) -> RepositoryAnswer:
    row = count.repository
    return RepositoryAnswer(
        id=row.pk, repository=row.name, size=count.size, bytes=count.size_bytes, created_at=row.created_at
    )
