"""Repositories and what lies there, for those who manage queues; a message's content takes more (`read_content`)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from gateway.models import Repository, RepositoryItem


@dataclass(frozen=True, slots=True)
class RepositoryCount:
    """A repository in numbers."""

    repository: Repository
    size: int
    size_bytes: int


def list_repositories(actor: Actor) -> list[RepositoryCount]:
    """All of them. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    rows = Repository.objects.annotate(size=Count("items"), bytes=Sum("items__content__size_bytes")).order_by("name")
    return [RepositoryCount(row, row.size, row.bytes or 0) for row in rows]


def count_repository(repository: Repository) -> RepositoryCount:
    """One of them, which the caller was let to."""
    found = RepositoryItem.objects.filter(repository=repository).aggregate(
        size=Count("pk"), bytes=Sum("content__size_bytes")
    )
    return RepositoryCount(repository, found["size"], found["bytes"] or 0)


def get_repository(actor: Actor, repository_id: int) -> Repository:
    """Raises: Http404 (also for who may not manage queues)."""
    return _get(actor, pk=repository_id)


def repository_named(actor: Actor, name: str) -> Repository:
    """By its path, with or without slashes around it. Raises: Http404."""
    return _get(actor, name=name.strip("/"))


def _get(actor: Actor, **by: object) -> Repository:
    found = Repository.objects.filter(**by).first() if actor.has(Right.MANAGE_QUEUES) else None
    if found is None:
        raise Http404("no such repository")
    return found


def list_stored(actor: Actor, repository: int | None = None) -> QuerySet[RepositoryItem]:
    """What lies in one repository, or in all. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    rows = RepositoryItem.objects.select_related("message", "repository", "content", "recipient")
    rows = rows.defer("content__data", "message__facts")
    return rows if repository is None else rows.filter(repository_id=repository)


def get_stored(actor: Actor, item_id: int, repository: Repository | None = None) -> RepositoryItem:
    """One of them. Raises: Http404."""
    found = None
    if actor.has(Right.MANAGE_QUEUES):
        rows = list_stored(actor, None if repository is None else repository.pk)
        found = rows.filter(pk=item_id).first()
    if found is None:
        raise Http404("no such message there")
    return found


def stored_named(actor: Actor, repository: Repository, key: str) -> RepositoryItem:
    """One by its key. Raises: Http404."""
    found = list_stored(actor, repository.pk).filter(key=key).first() if actor.has(Right.MANAGE_QUEUES) else None
    if found is None:
        raise Http404("no such message there")
    return found
