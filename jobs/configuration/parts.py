"""The parts of the configuration. Each app registers its own in `AppConfig.ready()`.

A part reads its objects by a key that people understand ("example.org/Default"), and saves or removes one through its
services, which ask the right and check the values. Keys and values are JSON's own types; a secret is a `Secret`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.sealed import Sealed

Text = str | Promise
Values = dict[str, Any]
Objects = dict[str, Values]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value on its way. plain None: there is one, and the file doesn't say it."""

    plain: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. order: what others lean on comes first.

    save: makes the object (present None) or changes it to these values; secrets are plain text in them, and those that
    the file left out are missing. remove: None where objects of this part are never removed by an import.
    """

    name: str
    label: Text
    order: int
    read: Callable[[], Objects]
    save: Callable[[Actor, str, Values, Values | None], object]
    remove: Callable[[Actor, str], object] | None = None


_parts: dict[str, Part] = {}


def register(*parts: Part) -> None:
    """Add parts. Raises: ValueError for a name that another has."""
    for part in parts:
        if _parts.get(part.name, part) != part:
            raise ValueError(f"the part {part.name} is registered twice")
        _parts[part.name] = part


def all_parts() -> list[Part]:
    """In the order in which they are saved."""
    return sorted(_parts.values(), key=lambda part: (part.order, part.name))


def secret(kept: Sealed | str) -> Secret | None:
    """What a sealed field holds, to be read; None where it holds nothing."""
    plain = kept.reveal() if isinstance(kept, Sealed) else kept
    return Secret(plain) if plain else None


def scope_keys(scopes: set[ScopeRef]) -> dict[ScopeRef, str]:
    """How scopes are called in the file: "server", "customer:Name", "domain:example.org"; those that are there."""
    found = {scope: f"{scope.level.value}:{label}" for scope, label in places.labels(scopes).items()}
    return found | {SERVER: "server"}


def scope_of_key(key: str) -> ScopeRef | None:
    """The scope that a file calls so; None where it isn't here."""
    if key == "server":
        return SERVER
    level, _colon, name = key.partition(":")
    return places.find(Level(level), name) if level in set(Level) else None
