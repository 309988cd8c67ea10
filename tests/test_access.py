"""The access sweep: every route × every role × own and somebody else's object has an expected answer.

A route that is missing from the table fails, and so does a row without a route. To add a route, add rows to `ROWS` in
`tests/<app>/access.py` (make the file; the sweep finds it); tests/access.py says how. One row per method that the
route answers; all other methods must be answered with 405 (that is checked too).

Whoever is refused must have changed nothing: not one statement that writes, with the fields of a valid form and
without.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from api.dialects.served import DIALECTS
from api.v1.routes import door
from archive import engines
from tests import access_matrix
from tests.access import SIGN_IN, Answer, AnyRow, Args, Place, Role
from tests.stage import Stage
from tests.stage import stage as open_stage

# pytest-django makes a database only where a chosen test asks for it by itself: also one of the stage's, with `-k`.
# The stage's transaction, of the module, is then the outer one.
pytestmark = pytest.mark.django_db

TESTS = Path(__file__).parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TO_SIGN_IN = ("accounts:sign-out", "accounts:second-step", "accounts:passkey-sign-in")  # lead there by themselves
REFUSED = (401, 403, 404, SIGN_IN)


def collect_rows() -> list[AnyRow]:
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


def views_of(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[tuple[str, Any]]:
    """Each named route with its view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from views_of(pattern.url_patterns, inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}", pattern.callback


ROWS = collect_rows()
# The operations of the API have a table of their own (tests/api/test_matrix.py): tokens, not sessions.
BY_TOKEN = {f"api:{name}" for name in (*(declared.name for declared in door.declared), "nothing-here")}
# And those of the dialects (tests/api/dialects/test_sweep.py): each is one address for all its operations.
BY_TOKEN |= {f"dialects:at-{dialect.name}" for dialect in DIALECTS}
BY_TOKEN |= {f"dialects:beside-{dialect.name}" for dialect in DIALECTS if dialect.also}
ROUTES = sorted(set(route_names(get_resolver().url_patterns)) - BY_TOKEN)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    """One cast for all rows; every scene is taken back."""
    with django_db_blocker.unblock(), open_stage() as built:
        yield built
    engines.close_all()


def test_every_route_is_in_the_table() -> None:
    covered = {row.route for row in ROWS}
    assert [route for route in ROUTES if route not in covered] == [], "routes without a row in tests/*/access.py"


def test_every_row_has_a_route_and_stands_once() -> None:
    assert [row.route for row in ROWS if row.route not in ROUTES] == []
    names = [row.name for row in ROWS]
    assert sorted(names) == sorted(set(names))


def test_no_route_hides_behind_the_address_of_another() -> None:
    names = list(route_names(get_resolver().url_patterns))
    assert sorted(names) == sorted(set(names))


def test_the_matrix_in_the_documents_is_current() -> None:
    """Written anew by `python -m tests.access_matrix`."""
    assert access_matrix.PLACE.read_text() == access_matrix.build()


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_everybody_gets_what_the_table_says(row: AnyRow, stage: Stage) -> None:
    wrong: list[str] = []
    for place in row.places:
        groups: dict[object, list[Role]] = {}
        for role in row.roles(place):
            groups.setdefault(row.key(role, place), []).append(role)
        for roles in groups.values():
            with stage.scene():
                args = row.make(stage.cast, roles[0], place)
                fields = row.fields(stage.cast)
                for role in roles:
                    wrong += try_door(stage, row, role, place, args, fields)
    assert wrong == []


def try_door(stage: Stage, row: AnyRow, role: Role, place: Place, args: Args, fields: Any) -> list[str]:
    """What one role gets that the table doesn't say, as sentences."""
    expected = row.expected(role, place)
    is_refusal = expected in REFUSED if not isinstance(expected, set) else False
    attempts = [fields, {}] if fields and is_refusal and row.method != "GET" else [fields]
    found: list[str] = []
    for sent in attempts:
        with stage.scene() as writes:
            response = send(stage.client(role), row.method, reverse(row.route, args=args), sent)
            who = f"{role} at {place} with {'fields' if sent else 'nothing'}"
            if not is_answer(response, expected, row):
                where = response.headers.get("Location", "")
                found.append(f"{who}: {response.status_code} {where}, not {expected}")
            elif is_refusal and writes:
                found.append(f"{who}: refused, but wrote {writes[0]}")
    return found


def send(client: Client, method: str, url: str, fields: Any) -> Any:
    if method == "GET":
        return client.get(url, fields)
    return client.post(url, fields) if method == "POST" else client.generic(method, url)


def is_answer(response: Any, expected: Answer, row: AnyRow) -> bool:
    sign_in = reverse("accounts:sign-in")
    to_sign_in = response.headers.get("Location", "").startswith(sign_in)
    if expected == SIGN_IN:
        return bool(response.status_code == 302 and to_sign_in)
    if isinstance(expected, set):
        return response.status_code in expected
    return bool(response.status_code == expected and (not to_sign_in or row.route in TO_SIGN_IN))


@pytest.mark.parametrize("role", Role)
def test_the_page_of_a_refusal_is_drawn_for_everybody_and_writes_nothing(role: Role, stage: Stage) -> None:
    """On the stage refusals have no pages; here they have."""
    for status in (403, 404):
        rows = ((row, place) for row in ROWS for place in row.places if role in row.roles(place))
        row, place = next(((row, at) for row, at in rows if row.expected(role, at) == status), (None, None))
        with stage.scene(), override_settings(ROOT_URLCONF="config.urls"):
            url = reverse(row.route, args=row.make(stage.cast, role, place)) if row and place else "/nothing-here/"
            with stage.scene() as writes:
                response = send(stage.client(role), row.method if row else "GET", url, {})
                assert response.status_code == (status if row else 404) and writes == []
                assert b"<h1" in response.content


@pytest.mark.parametrize("route", sorted({row.route for row in ROWS}))
def test_other_methods_are_refused_and_head_is_answered_like_get(route: str, stage: Stage) -> None:
    """HEAD: link checkers and mail scanners ask with it (RFC 9110 §9.1: every server answers GET and HEAD)."""
    rows = [row for row in ROWS if row.route == route]
    answered = {row.method for row in rows}
    with stage.scene():
        url = reverse(route, args=rows[0].make(stage.cast, Role.ADMINISTRATOR, rows[0].places[0]))
        for method in METHODS:
            if method not in answered:
                with stage.scene():
                    status = stage.client(Role.ADMINISTRATOR).generic(method, url).status_code
                    assert status == 405, f"{method} {url}"
        if "GET" in answered:
            with stage.scene():
                assert stage.client(Role.ADMINISTRATOR).head(url).status_code != 405


# Mail programs post these by themselves, from no page of ours (RFC 8058): what counts is the proof in the address.
# The meter of a password being typed keeps and changes nothing, and may come with a token from before a quick sign-in.
FROM_ANYWHERE = {"gateway:list-leave", "accounts:password-strength"}
# These look at the token themselves, after the body was put where uploads belong; the sweep below tries them too.
CHECKED_INSIDE = {"archive:import"}
POSTED = [row for row in ROWS if row.method != "GET" and row.route not in FROM_ANYWHERE]


def test_only_what_is_proved_otherwise_may_be_posted_from_anywhere() -> None:
    exempt = {
        pattern_name
        for pattern_name, view in views_of(get_resolver().url_patterns)
        if getattr(view, "csrf_exempt", False)
    }
    assert exempt - BY_TOKEN - CHECKED_INSIDE == FROM_ANYWHERE
    assert {row.route for row in POSTED} >= CHECKED_INSIDE


@pytest.mark.parametrize("row", POSTED, ids=lambda row: row.name)
def test_a_forged_post_is_refused_and_changes_nothing(row: AnyRow, stage: Stage) -> None:
    with stage.scene():
        url = reverse(row.route, args=row.make(stage.cast, Role.ADMINISTRATOR, row.places[0]))
        fields = row.fields(stage.cast)
        with stage.scene() as writes:
            client = stage.client(Role.ADMINISTRATOR, enforce_csrf_checks=True)
            assert send(client, row.method, url, fields).status_code == 403
            assert writes == []
