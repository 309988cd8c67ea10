"""Whose data: references to scopes, and how far a right reaches.

A scope is a level and an id (`domain 7`); the server needs no id. Objects say which scopes they lie in (`scopes()`,
most specific first, without the server), so that one comparison decides every right. Nothing here queries; an object
without `scopes()` lies in the server alone, which fails closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accounts.permissions import Level


@dataclass(frozen=True, slots=True)
class ScopeRef:
    """One scope: its level and the id of its object (0 for the server)."""

    level: Level
    id: int = 0

    def scopes(self) -> tuple[ScopeRef, ...]:
        return () if self.level == Level.SERVER else (self,)


SERVER = ScopeRef(Level.SERVER)


@runtime_checkable
class Scoped(Protocol):
    """Something that lies in scopes."""

    def scopes(self) -> tuple[ScopeRef, ...]: ...


def scope_ref(level: Level, id: int | None) -> tuple[ScopeRef, ...]:
    """A scope as part of a chain; nothing where there is no id."""
    return () if id is None else (ScopeRef(level, id),)


def chain_of(obj: object | None) -> tuple[ScopeRef, ...]:
    """The scopes an object lies in, the server last."""
    own = obj.scopes() if isinstance(obj, Scoped) else ()
    return (*own, SERVER)


@dataclass(frozen=True, slots=True)
class Reach:
    """On which objects somebody holds a right: everything, or these customers, domains and persons.

    Grants on brokers are given as their customers.
    """

    everything: bool = False
    brokers: frozenset[int] = frozenset()
    customers: frozenset[int] = frozenset()
    domains: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()

    def covers(self, *, domain: int | None = None, customer: int | None = None, user: int | None = None) -> bool:
        """Whether an object that lies there is reached: what the filters of querysets say, of one object."""
        own = domain in self.domains or user in self.users
        return self.everything or own or (customer is not None and customer in self.customers)

    def __bool__(self) -> bool:
        return self.everything or bool(self.brokers or self.customers or self.domains or self.users)


NOWHERE = Reach()
EVERYWHERE = Reach(everything=True)
