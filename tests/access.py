"""The rows of the access table: which answer each kind of person gets from each route.

Each app keeps its rows in `tests/<app>/access.py` as `ROWS` (found by tests/test_access.py, at any depth). Not for
what a page shows; only for who gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User

SIGN_IN = "sign-in"  # answered with a redirect to the sign-in page
Answer = int | str | set[int]


@dataclass(frozen=True)
class Cast:
    """Who stands in the tests: the three fixtures of tests/conftest.py."""

    user: User
    stranger: User
    administrator: User


NO_OBJECT: Callable[[Cast, User], tuple[object, ...]] = lambda cast, owner: ()  # noqa: E731


@dataclass(frozen=True)
class Row:
    """One route and one method.

    route: the view's name with its namespace ("jobs:task-detail").
    args: makes the object the route is about, owned by `owner`, and returns the URL's arguments.
    own: what a plain user gets for their own object (or for a route without one); foreign: for somebody else's.
    administrator: what an administrator gets, for their own and for others' objects; `administrator_foreign` where
    the two differ (other people's mail).
    data: the POST's fields, which may need the cast. Leave it empty where you can: rights are asked before the body
    is judged, so 403 and 404 must come without it.
    """

    route: str
    own: Answer
    administrator: Answer
    foreign: Answer | None = None
    administrator_foreign: Answer | None = None
    anonymous: Answer = SIGN_IN
    method: str = "GET"
    args: Callable[[Cast, User], tuple[object, ...]] = NO_OBJECT
    data: Mapping[str, Any] | Callable[[Cast], Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    def fields(self, cast: Cast) -> Mapping[str, Any]:
        return self.data(cast) if callable(self.data) else self.data


def public(route: str, answer: Answer = 200, **more: Any) -> Row:
    """A route that everybody gets the same answer from."""
    return Row(route, own=answer, administrator=answer, anonymous=answer, **more)


def for_administrators(route: str, answer: Answer = 200, **more: Any) -> Row:
    """A route without an object that only administrators may use: others get 403."""
    return Row(route, own=403, administrator=answer, **more)
