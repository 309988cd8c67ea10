"""The parts of the configuration. Each app registers its own in `AppConfig.ready()`.

A part reads its objects by a key that people understand ("example.org/Default"), and saves or removes one through its
services, which ask the right and check the values. Keys and values are JSON's own types; a secret is a `Secret`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.sealed import Sealed
from jobs.errors import BadValue

Text = str | Promise
Values = dict[str, Any]
Objects = dict[str, Values]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value on its way. plain None: there is one, and the file doesn't say it.

    is_here: read from what is set here, and never written into any file, not even sealed.
    """

    plain: str | None = field(repr=False)
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """Another object that one leans on: of a part, by its key there, or by others it may have (names have slashes)."""

    part: str
    key: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part. order: what others lean on comes first.

    save: makes the object (present None) or changes it to these values; secrets are plain text in them, and those that
    the file left out are missing. remove: None where objects of this part are never removed by an import.
    needs: what an object leans on, which must be here or in the file. tells: values that only say what is here, and
    are never put in place; remarks: what a person must know of an object beside its changes.
    """

    name: str
    label: Text
    order: int
    read: Callable[[], Objects]
    save: Callable[[Actor, str, Values, Values | None], object]
    remove: Callable[[Actor, str], object] | None = None
    needs: Callable[[str, Values], Iterable[Need]] | None = None
    tells: frozenset[str] = frozenset()
    remarks: Callable[[Values, Values | None], Iterable[str]] | None = None


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


def needed_place(key: str) -> Iterable[Need]:
    """What a scope's key leans on: the customer or the domain."""
    level, _colon, name = key.partition(":")
    part = {Level.CUSTOMER.value: "customers", Level.DOMAIN.value: "domains"}.get(level)
    return [] if part is None else [Need(part, name)]


def needed_place_of(key: str) -> Iterable[Need]:
    """The same of a key such as domain:example.org/NAME, whose name may have a slash too."""
    try:
        split_key(key)
    except BadValue:
        pieces = key.split("/")
        found = [each for at in range(1, len(pieces)) for each in needed_place("/".join(pieces[:at]))]
        return [Need(found[0].part, found[0].key, tuple(each.key for each in found[1:]))] if found else []
    return []


def split_key(key: str) -> tuple[ScopeRef, str]:
    """Scope and name of a key such as domain:example.org/NAME; either may have a slash. Raises: BadValue."""
    pieces = key.split("/")
    for at in range(len(pieces) - 1, 0, -1):
        scope, name = scope_of_key("/".join(pieces[:at])), "/".join(pieces[at:])
        if scope is not None and name:
            return scope, name
    raise BadValue(_("This place isn't here."), field="configuration")


def scope_of_key(key: str) -> ScopeRef | None:
    """The scope that a file calls so; None where it isn't here."""
    if key == "server":
        return SERVER
    level, _colon, name = key.partition(":")
    return places.find(Level(level), name) if level in set(Level) else None
