"""Which secrets this installation holds: of what, whether there is one, when it was changed or used; never a value.

Found by looking at every model with a sealed field, so that none can be forgotten. An app says where the objects of a
model are shown (`register_page`). Not for what people sign in with, which is hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.functional import Promise

from config.kit.sealed import SealedTextField

Text = str | Promise
PER_FIELD = 200  # rows of one kind that are named; of more only the number is told
_CHANGED = ("changed_at", "updated_at", "created_at")
_USED = ("last_used_at", "delivered_at", "last_at", "used_at")


@dataclass(frozen=True, slots=True)
class Held:
    """One secret. kind: what it is; name: of the object that has it; url: where it is changed ("" where nowhere)."""

    kind: Text
    name: str
    url: str = ""
    changed_at: datetime | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """All secrets of one field of one model. count: how many there are; held: those that are named."""

    label: str
    count: int
    held: list[Held]


_pages: dict[str, Callable[[Any], str]] = {}
_others: list[Callable[[], Iterable[Held]]] = []


def register_page(model: type[models.Model], url: Callable[[Any], str]) -> None:
    """Where the objects of a model are shown and their secret is changed."""
    _pages[model._meta.label_lower] = url


def register(others: Callable[[], Iterable[Held]]) -> None:
    """Secrets that are in no sealed field: files, the environment."""
    if others not in _others:
        _others.append(others)


def kinds() -> list[Kind]:
    """Every kind with its secrets; a query for each sealed field, two where there are some."""
    found = [
        kind
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, SealedTextField) and (kind := _kind(model, field)) is not None
    ]
    others: dict[str, list[Held]] = {}
    for held in (each for load in _others for each in load()):
        others.setdefault(str(held.kind), []).append(held)
    found += [Kind(label, len(some), some) for label, some in others.items()]
    return sorted(found, key=lambda each: each.label.casefold())


def _kind(model: type[models.Model], field: SealedTextField) -> Kind | None:
    rows = model._base_manager.exclude(**{field.name: ""})
    count = rows.count()
    if not count:
        return None
    label = f"{str(model._meta.verbose_name).capitalize()}: {field.verbose_name}"
    names = [field.name for field in model._meta.local_fields if isinstance(field, SealedTextField)]
    some = rows.defer(*names).order_by("pk")[:PER_FIELD] if count <= PER_FIELD else ()
    return Kind(label, count, [_held(label, row) for row in some])


def _held(kind: str, row: models.Model) -> Held:
    page = _pages.get(row._meta.label_lower)
    return Held(kind, str(row)[:200], "" if page is None else page(row), _moment(row, _CHANGED), _moment(row, _USED))


def _moment(row: models.Model, names: Iterable[str]) -> datetime | None:
    found = (getattr(row, name, None) for name in names)
    return next((each for each in found if isinstance(each, datetime)), None)
