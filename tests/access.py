"""The rows of the access table: which answer each kind of person gets from each route, for their own and for others'.

Each app keeps its rows in `tests/<app>/access.py` as `ROWS` (found by tests/test_access.py, at any depth). Not for
what a page shows; only for who gets in. A row about something in a domain or of a customer names the rights it takes,
and what everybody gets follows from what the roles hold:

    ROWS = [
        public("config:healthz", {200, 503}),
        for_administrators("accounts:role-list"),
        somewhere("domains:domain-list", need=Right.VIEW_DOMAINS),
        Row("jobs:task-detail", own=200, foreign=404, administrator=200, args=make_task_of),
        in_domain("domains:domain-edit", see=Right.VIEW_DOMAINS, need=Right.EDIT_DOMAINS),
        in_domain("domains:domain-edit", 303, method="POST", need=Right.EDIT_DOMAINS, data={"description": "New"}),
        in_domain("domains:group-detail", see=Right.VIEW_USERS, args=a_group),
        of_customer("domains:customer-detail", see=Right.VIEW_CUSTOMERS),
    ]

Who may not see the object (`see`) gets 404; who may see it and lacks what it takes (`need`) gets 403; everybody else
gets `answer`. Give a POST the fields of a valid form: those who may not are tried with it and without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from accounts.models import User
from accounts.permissions import BUILT_IN_ROLES, Level, Right, rights_at
from domains.models import Customer, Domain
from tests.stage import Cast, Role

__all__ = [
    "NO_OBJECT",
    "SIGN_IN",
    "Answer",
    "AnyRow",
    "Args",
    "Cast",
    "Place",
    "Role",
    "Row",
    "Scoped",
    "for_administrators",
    "in_domain",
    "of_customer",
    "public",
    "somewhere",
]

SIGN_IN = "sign-in"  # answered with a redirect to the sign-in page
Answer = int | str | set[int]
Args = tuple[object, ...]
Data = Mapping[str, Any] | Callable[[Cast], Mapping[str, Any]]


class Place(StrEnum):
    """Whose object it is, or where it lies."""

    NONE = "–"  # a route without an object
    OWN = "own"
    OTHERS = "somebody else's"
    DOMAIN = "in the domain"
    SIBLING = "in a sibling domain"
    ELSEWHERE = "elsewhere"
    CUSTOMER = "the customer's"


# What each delegate holds, and where: said again here, so that the product's own answer is not taken for granted.
DELEGATES: dict[Role, tuple[str, Level, frozenset[Place]]] = {
    Role.HELP_DESK: ("help_desk", Level.DOMAIN, frozenset({Place.DOMAIN})),
    Role.AUDITOR: ("auditor", Level.DOMAIN, frozenset({Place.DOMAIN})),
    Role.DOMAIN: ("domain_administrator", Level.DOMAIN, frozenset({Place.DOMAIN})),
    Role.SIBLING: ("domain_administrator", Level.DOMAIN, frozenset({Place.SIBLING})),
    Role.CUSTOMER: (
        "customer_administrator",
        Level.CUSTOMER,
        frozenset({Place.DOMAIN, Place.SIBLING, Place.CUSTOMER}),
    ),
    Role.ELSEWHERE: ("customer_administrator", Level.CUSTOMER, frozenset({Place.ELSEWHERE})),
}


KNOCKING: dict[Place, tuple[Role, ...]] = {
    Place.SIBLING: (Role.USER, Role.AUDITOR, Role.DOMAIN, Role.SIBLING, Role.CUSTOMER),
    Place.ELSEWHERE: (Role.STRANGER, Role.DOMAIN, Role.CUSTOMER, Role.ELSEWHERE, Role.ADMINISTRATOR),
    Place.OWN: (Role.USER, Role.DOMAIN, Role.ADMINISTRATOR),
}


def role_holds(role: Role, right: Right, place: Place | None = None) -> bool:
    """Whether a role holds a right at a place; without one: anywhere."""
    if role == Role.ADMINISTRATOR:
        return True
    if role not in DELEGATES:
        return False
    key, level, places = DELEGATES[role]
    return right in BUILT_IN_ROLES[key].rights & rights_at(level) and (place is None or place in places)


NO_OBJECT: Callable[[Cast, User], Args] = lambda cast, owner: ()  # noqa: E731


@dataclass(frozen=True)
class Row:
    """One route and one method, for what people have themselves and for what has no owner.

    route: the view's name with its namespace ("jobs:task-detail").
    args: makes the object the route is about, owned by `owner`, and returns the URL's arguments.
    own: what a plain user gets for their own object (or for a route without one); foreign: for somebody else's.
    administrator: what an administrator gets, for their own and for others' objects; `administrator_foreign` where
    the two differ (other people's mail). delegate, delegate_foreign: where delegates don't get what users get.
    data: the POST's fields, which may need the cast. variant: tells rows of one route and method apart.
    """

    route: str
    own: Answer
    administrator: Answer
    foreign: Answer | None = None
    administrator_foreign: Answer | None = None
    anonymous: Answer = SIGN_IN
    delegate: Answer | None = None
    delegate_foreign: Answer | None = None
    method: str = "GET"
    args: Callable[[Cast, User], Args] = NO_OBJECT
    data: Data = field(default_factory=dict)
    variant: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.route} {self.variant}".strip()

    @property
    def places(self) -> tuple[Place, ...]:
        return (Place.NONE,) if self.args is NO_OBJECT else (Place.OWN, Place.OTHERS)

    def roles(self, place: Place) -> Iterable[Role]:
        return Role

    def fields(self, cast: Cast) -> Mapping[str, Any]:
        return self.data(cast) if callable(self.data) else self.data

    def owner(self, cast: Cast, role: Role, place: Place) -> User:
        """Whose object it is: the role's own, or the user's (for the user: an administrator's)."""
        if place == Place.OTHERS:
            return cast.administrator if role == Role.USER else cast.user
        return cast.person(role) or cast.user

    def make(self, cast: Cast, role: Role, place: Place) -> Args:
        """The object, and the URL's arguments."""
        return self.args(cast, self.owner(cast, role, place))

    def key(self, role: Role, place: Place) -> object:
        """Roles with the same key may share one object."""
        return (place, role if place == Place.OWN else role == Role.USER)

    def expected(self, role: Role, place: Place) -> Answer:
        others = place == Place.OTHERS
        if role == Role.ANONYMOUS:
            return self.anonymous
        if role == Role.ADMINISTRATOR:
            differs = others and self.administrator_foreign is not None
            return self.administrator_foreign if differs else self.administrator  # type: ignore[return-value]
        plain = self.foreign if others and self.foreign is not None else self.own
        if role in DELEGATES:
            special = self.delegate_foreign if others else self.delegate
            return plain if special is None else special
        return plain


@dataclass(frozen=True)
class Scoped:
    """One route and one method about something that lies in a domain, or of a customer.

    args: makes the object in a domain (or of a customer) and returns the URL's arguments.
    see, need: the rights it takes; several in `need` are all needed. own: what a plain user gets for an object that
    is theirs (`own_args` makes it); otherwise users see nothing. home: what a plain user gets whose own domain it is.
    """

    route: str
    answer: Answer
    see: Right
    need: tuple[Right, ...]
    places: tuple[Place, ...]
    args: Callable[[Cast, Any], Args]
    method: str = "GET"
    own: Answer | None = None
    own_args: Callable[[Cast, User], Args] | None = None
    data: Data = field(default_factory=dict)
    anonymous: Answer = SIGN_IN
    variant: str = ""
    home: Answer | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.route} {self.variant}".strip()

    def fields(self, cast: Cast) -> Mapping[str, Any]:
        return self.data(cast) if callable(self.data) else self.data

    def make(self, cast: Cast, role: Role, place: Place) -> Args:
        if place == Place.OWN:
            assert self.own_args is not None
            return self.own_args(cast, cast.person(role) or cast.user)
        if Place.CUSTOMER in self.places:
            return self.args(cast, cast.customer if place == Place.CUSTOMER else cast.elsewhere_customer)
        return self.args(
            cast,
            {Place.DOMAIN: cast.domain, Place.SIBLING: cast.sibling, Place.ELSEWHERE: cast.elsewhere}[place],
        )

    def key(self, role: Role, place: Place) -> object:
        return (place, role if place == Place.OWN else "")

    def roles(self, place: Place) -> Iterable[Role]:
        """Everybody, in the domain or at the customer; at the foreign places those who tell them apart."""
        return KNOCKING.get(place, Role)

    def expected(self, role: Role, place: Place) -> Answer:
        if role == Role.ANONYMOUS:
            return self.anonymous
        if place == Place.OWN:
            assert self.own is not None
            return self.answer if role == Role.ADMINISTRATOR else self.own
        if self.home is not None and (role, place) in ((Role.USER, Place.DOMAIN), (Role.STRANGER, Place.ELSEWHERE)):
            return self.home
        if not role_holds(role, self.see, place):
            return 404
        return self.answer if all(role_holds(role, right, place) for right in self.need) else 403


AnyRow = Row | Scoped


def public(route: str, answer: Answer = 200, **more: Any) -> Row:
    """A route that everybody gets the same answer from."""
    return Row(route, own=answer, administrator=answer, anonymous=answer, **more)


def for_administrators(route: str, answer: Answer = 200, **more: Any) -> Row:
    """A route (without an object of anybody's) that only system administrators may use: others get 403."""
    return Row(route, own=403, administrator=answer, **more)


@dataclass(frozen=True)
class Somewhere(Row):
    """A route without an object, for everybody who holds a right anywhere."""

    need: tuple[Right, ...] = ()

    def expected(self, role: Role, place: Place) -> Answer:
        if role in DELEGATES and all(role_holds(role, right) for right in self.need):
            return self.administrator
        return super().expected(role, place)


def somewhere(route: str, answer: Answer = 200, *, need: Right | Iterable[Right], **more: Any) -> Somewhere:
    """A list, or the page of a form, for everybody who holds these rights somewhere; others get 403."""
    return Somewhere(route, own=403, administrator=answer, need=_rights(need), **more)


def in_domain(
    route: str,
    answer: Answer = 200,
    *,
    see: Right = Right.VIEW_DOMAINS,
    need: Right | Iterable[Right] = (),
    args: Callable[[Cast, Domain], Args] = lambda cast, domain: (domain.pk,),
    **more: Any,
) -> Scoped:
    """A route about a domain or something in it: an address, a person, a rule."""
    own = (Place.OWN,) if "own" in more else ()
    places = (Place.DOMAIN, Place.SIBLING, Place.ELSEWHERE, *own)
    return Scoped(route, answer, see, _rights(need), places, args, **more)


def of_customer(
    route: str,
    answer: Answer = 200,
    *,
    see: Right = Right.VIEW_CUSTOMERS,
    need: Right | Iterable[Right] = (),
    args: Callable[[Cast, Customer], Args] = lambda cast, customer: (customer.pk,),
    **more: Any,
) -> Scoped:
    """A route about a customer."""
    return Scoped(route, answer, see, _rights(need), (Place.CUSTOMER, Place.ELSEWHERE), args, **more)


def _rights(need: Right | Iterable[Right]) -> tuple[Right, ...]:
    return (need,) if isinstance(need, Right) else tuple(need)
