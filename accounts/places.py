"""The objects behind scopes, which only the apps above know: what they lie in, how they are called, who may see them.

An app registers a `Keeper` for each level whose objects are its own; people are ours. A scope of a level that nobody
keeps lies in the server alone and has no name, which fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models
from django.http import Http404
from django.urls import NoReverseMatch, reverse

from accounts.permissions import Level, Right
from accounts.scopes import SERVER, Reach, ScopeRef, chain_of

if TYPE_CHECKING:
    from accounts.actors import Actor


Labels = Callable[[Iterable[int]], dict[int, str]]


@dataclass(frozen=True, slots=True)
class Keeper:
    """What an app says about the objects of one level.

    get: one object as an actor may see it with a right (Http404: not theirs to see, Forbidden: without the right).
    labels: names of objects by id, for pages that showed the actor that they are there.
    within: the objects that lie in a reach, as rows to take ids from.
    find: the id of the object that people call by this name, None for none; whoever asks checks rights on it.
    page: the name of the URL of an object's page, which takes its id.
    """

    model: type[models.Model]
    get: Callable[[Actor, int, Right], Any]
    labels: Labels
    within: Callable[[Reach], models.QuerySet[Any]]
    find: Callable[[str], int | None]
    page: str = ""


_keepers: dict[Level, Keeper] = {}


def register(level: Level, keeper: Keeper) -> None:
    """The app that knows the objects of this level says how to find them."""
    _keepers[level] = keeper


def scope_of(obj: object) -> ScopeRef:
    """The scope that an object *is* (not the ones it lies in). Raises: TypeError for what is no scope."""
    if isinstance(obj, ScopeRef):
        return obj
    for level, keeper in _keepers.items():
        if isinstance(obj, keeper.model):
            return ScopeRef(level, obj.pk)
    raise TypeError(f"{obj!r} is no scope")


def chain(scope: ScopeRef) -> tuple[ScopeRef, ...]:
    """The scope, the scopes it lies in, and the server last; asks the database."""
    keeper = _keepers.get(scope.level)
    found = keeper.model._base_manager.filter(pk=scope.id).first() if keeper else None
    own = () if scope == SERVER else (scope,)
    return tuple(dict.fromkeys((*own, *chain_of(found))))


def get(actor: Actor, scope: ScopeRef, need: Right) -> Any:
    """The object of a scope, or SERVER. Raises: Http404, Forbidden."""
    if scope == SERVER:
        actor.require(need)
        return SERVER
    keeper = _keepers.get(scope.level)
    if keeper is None:
        raise Http404("no such scope")
    return keeper.get(actor, scope.id, need)


def labels(scopes: Iterable[ScopeRef]) -> dict[ScopeRef, str]:
    """Names of scopes, one query a level; those that are gone are left out, the server too."""
    by_level: dict[Level, set[int]] = {}
    for scope in scopes:
        by_level.setdefault(scope.level, set()).add(scope.id)
    return {
        ScopeRef(level, key): label
        for level, ids in by_level.items()
        if level in _keepers
        for key, label in _keepers[level].labels(ids).items()
    }


def url_of(scope: ScopeRef) -> str:
    """The address of the page of a scope's object ("" where there is none)."""
    keeper = _keepers.get(scope.level)
    try:
        return reverse(keeper.page, args=[scope.id]) if keeper and keeper.page else ""
    except NoReverseMatch:
        return ""


def find(level: Level, name: str) -> ScopeRef | None:
    """The scope whose object is called so (the server by any name); whoever asks checks rights on it."""
    if level == Level.SERVER:
        return SERVER
    keeper = _keepers.get(level)
    found = keeper.find(name.strip().replace("\0", "")) if keeper else None
    return None if found is None else ScopeRef(level, found)


def condition(reach: Reach) -> models.Q:
    """On rows with `level` and `object_id` (grants, roles): those whose scope lies in the reach; fails closed."""
    if reach.everything:
        return models.Q()
    found = models.Q(pk__in=[])
    for level, keeper in _keepers.items():
        found |= models.Q(level=level, object_id__in=keeper.within(reach).values("pk"))
    return found


def levels() -> list[Level]:
    """The levels that have objects, and the server, widest first."""
    return [level for level in Level if level == Level.SERVER or level in _keepers]
