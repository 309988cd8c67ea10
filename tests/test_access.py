"""The access sweep: every route × every kind of person × own and somebody else's object has an expected answer.

A route that is missing from the table fails, and so does a row without a route. To add a route, add rows to
`ROWS` in `tests/<app>/access.py` (make the file; the sweep finds it), for instance

    from tests.access import Row, for_administrators, public

    ROWS = [
        public("config:healthz", {200, 503}),
        for_administrators("accounts:user-list"),
        Row("jobs:task-detail", own=200, foreign=404, administrator=200, args=make_task_of),
        Row("jobs:task-cancel", method="POST", own=303, foreign=404, administrator=303, args=make_task_of),
    ]

One row per method that the route answers; all other methods must be answered with 405 (that is checked too). See
`tests.access.Row` for the fields. What "foreign" means: the object belongs to another user (for an administrator: to
`user`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from api.v1.routes import door
from tests.access import SIGN_IN, Answer, Cast, Row

TESTS = Path(__file__).parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ClientFor = Callable[[User | None], Client]


def collect_rows() -> list[Row]:
    """All rows of all apps."""
    files = sorted(path for path in TESTS.rglob("access.py") if path.parent != TESTS)
    modules = [".".join(("tests", *path.relative_to(TESTS).with_suffix("").parts)) for path in files]
    return [row for module in modules for row in importlib.import_module(module).ROWS]


def route_names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The names of all routes; a route without one is named by its pattern, so that it can't hide."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from route_names(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name}" if pattern.name else f"unnamed {pattern.pattern}"


ROWS = collect_rows()
# The operations of the API have a table of their own (tests/api/test_matrix.py): tokens, not sessions.
BY_TOKEN = {f"api:{name}" for name in (*(declared.name for declared in door.declared), "nothing-here")}
ROUTES = sorted(set(route_names(get_resolver().url_patterns)) - BY_TOKEN)
ROW_IDS = [row.name for row in ROWS]


@pytest.fixture
def cast(user: User, stranger: User, administrator: User) -> Cast:
    return Cast(user, stranger, administrator)


def test_every_route_is_in_the_table() -> None:
    covered = {row.route for row in ROWS}
    assert [route for route in ROUTES if route not in covered] == [], "routes without a row in tests/*/access.py"


def test_every_row_has_a_route_and_stands_once() -> None:
    assert [row.route for row in ROWS if row.route not in ROUTES] == []
    assert sorted(ROW_IDS) == sorted(set(ROW_IDS))


def test_no_route_hides_behind_the_address_of_another() -> None:
    names = list(route_names(get_resolver().url_patterns))
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_anonymous(row: Row, cast: Cast, client_for: ClientFor) -> None:
    check(row, cast, client_for(None), owner=cast.user, expected=row.anonymous)


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_user_and_own_object(row: Row, cast: Cast, client_for: ClientFor) -> None:
    check(row, cast, client_for(cast.user), owner=cast.user, expected=row.own)


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_user_and_object_of_an_administrator(row: Row, cast: Cast, client_for: ClientFor) -> None:
    expected = row.own if row.foreign is None else row.foreign
    check(row, cast, client_for(cast.user), owner=cast.administrator, expected=expected)


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_stranger_and_object_of_the_user(row: Row, cast: Cast, client_for: ClientFor) -> None:
    expected = row.own if row.foreign is None else row.foreign
    check(row, cast, client_for(cast.stranger), owner=cast.user, expected=expected)


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_administrator_and_own_object(row: Row, cast: Cast, client_for: ClientFor) -> None:
    check(row, cast, client_for(cast.administrator), owner=cast.administrator, expected=row.administrator)


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_administrator_and_object_of_the_user(row: Row, cast: Cast, client_for: ClientFor) -> None:
    expected = row.administrator if row.administrator_foreign is None else row.administrator_foreign
    check(row, cast, client_for(cast.administrator), owner=cast.user, expected=expected)


@pytest.mark.parametrize("route", sorted({row.route for row in ROWS}))
def test_other_methods_are_refused(route: str, cast: Cast, client_for: ClientFor) -> None:
    rows = [row for row in ROWS if row.route == route]
    answered = {row.method for row in rows}
    client = client_for(cast.administrator)
    for method in METHODS:
        if method not in answered:
            url = reverse(route, args=rows[0].args(cast, cast.administrator))
            assert client.generic(method, url).status_code == 405, f"{method} {url}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.method != "GET"], ids=lambda row: row.name)
def test_a_forged_post_is_refused(row: Row, cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.administrator)
    url = reverse(row.route, args=row.args(cast, cast.administrator))
    assert client.generic(row.method, url).status_code == 403


def check(row: Row, cast: Cast, client: Client, *, owner: User, expected: Answer) -> None:
    url = reverse(row.route, args=row.args(cast, owner))
    if row.method == "GET":
        response = client.get(url, row.fields(cast))
    else:
        response = client.post(url, row.fields(cast)) if row.method == "POST" else client.generic(row.method, url)
    said = f"{row.name} answered {response.status_code} {response.headers.get('Location', '')}"
    if expected == SIGN_IN:
        assert response.status_code == 302 and response["Location"].startswith(reverse("accounts:sign-in")), said
    elif isinstance(expected, set):
        assert response.status_code in expected, said
    else:
        assert response.status_code == expected, said
        assert not response.headers.get("Location", "").startswith(reverse("accounts:sign-in")) or (
            row.route == "accounts:sign-out"
        ), said


@pytest.mark.parametrize("row", [row for row in ROWS if row.method == "GET"], ids=lambda row: row.name)
def test_head_is_answered_like_get(row: Row, cast: Cast, client_for: ClientFor) -> None:
    """Link checkers and mail scanners ask with HEAD (RFC 9110 §9.1: every server answers GET and HEAD)."""
    client = client_for(cast.administrator)
    url = reverse(row.route, args=row.args(cast, cast.administrator))
    assert client.head(url).status_code != 405
