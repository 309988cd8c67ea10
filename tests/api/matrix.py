"""The access table of the API: for each operation, who gets in. `test_matrix` tries every row, and fails for an
operation without one.

What "gets in" means: the caller passed every question about rights. Where the operation takes a body, a broken one is
sent, so that the answer is 400 for who may and 403 or 404 for who may not: the right comes before the body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.api.world import Place

IN = 0  # gets in
Make = Callable[[Place], dict[str, Any]]


def nothing(place: Place) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Row:
    """One operation.

    make: makes what its path names, in a place; called anew for each caller.
    user: what a plain user of the place gets; delegate: what the place's domain administrator gets. In a foreign place
    both get `foreign` (the user `foreign_user`, where it is given). The administrator gets in everywhere, unless
    `administrator` says otherwise.
    scoped: whether the path names something of a place at all; not `placed`: what it names lies in none.
    """

    operation: str
    make: Make = nothing
    user: int = 403
    delegate: int = IN
    foreign: int = 404
    foreign_user: int | None = None
    administrator: int = IN
    anonymous: int = 401
    body: Any = b"{"
    query: Callable[[Place], str] | None = None
    placed: bool = True

    @property
    def scoped(self) -> bool:
        return self.placed and (self.make is not nothing or self.query is not None)


def of_domain(place: Place) -> dict[str, Any]:
    return {"domainId": place.domain.pk}


def of_customer(place: Place) -> dict[str, Any]:
    return {"customerId": place.customer.pk}


def of_mailbox(place: Place) -> dict[str, Any]:
    return {"userId": place.person.pk}


def everybody(operation: str, **more: Any) -> Row:
    return Row(operation, user=IN, delegate=IN, **more)


def server_only(operation: str, make: Make = nothing, **more: Any) -> Row:
    """What needs a right on the server: others learn nothing of objects, and 403 where there is none to hide."""
    status = 403 if make is nothing else 404
    return Row(operation, make, user=status, delegate=status, **more)
