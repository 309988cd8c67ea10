"""Every operation of the API × everybody who may call × an own and a foreign object has an expected answer.

The operations come from the API itself: one without a row in tests/api/rows.py fails. See tests/api/matrix.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from api.operations import Declared
from api.v1.routes import door
from tests.api import world
from tests.api.callers import MISSING, Caller, is_problem
from tests.api.matrix import IN, Row
from tests.api.rows import ROWS

pytestmark = pytest.mark.django_db

OPERATIONS = {declared.name: declared for declared in door.declared}


def test_every_operation_has_one_row() -> None:
    named = [row.operation for row in ROWS]
    assert sorted(named) == sorted(OPERATIONS), set(OPERATIONS) ^ set(named)


def test_every_operation_stands_in_the_document_under_its_name() -> None:
    document = door.openapi
    named = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert sorted(named) == sorted(OPERATIONS)
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"] and operation["security"] and operation["tags"], operation["operationId"]
            assert {"401", "403", "404", "422", "429", "500"} <= operation["responses"].keys()


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[world.World]:
    """One world for all rows, in a transaction around those of the tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield world.build()
        transaction.set_rollback(True)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation)
def test_who_gets_in(row: Row, cast: world.World) -> None:
    declared = OPERATIONS[row.operation]
    reader = 403 if not declared.reads and row.delegate == IN else row.delegate
    expected: list[tuple[str, Caller, world.Place, int]] = [
        ("anonymous", cast.anonymous, cast.own, row.anonymous),
        ("user", cast.user, cast.own, row.user),
        ("reader", cast.reader, cast.own, reader),
        ("delegate", cast.delegate, cast.own, row.delegate),
        ("administrator", cast.administrator, cast.own, row.administrator),
    ]
    if row.scoped:
        expected += [
            ("anonymous, foreign", cast.anonymous, cast.foreign, 401),
            ("user, foreign", cast.user, cast.foreign, row.foreign if row.foreign_user is None else row.foreign_user),
            ("reader, foreign", cast.reader, cast.foreign, row.foreign),
            ("delegate, foreign", cast.delegate, cast.foreign, row.foreign),
            ("administrator, foreign", cast.administrator, cast.foreign, row.administrator),
        ]
    wrong = [
        text for who, caller, place, status in expected if (text := _try(who, caller, declared, row, place, status))
    ]
    assert not wrong, "\n".join(wrong)


def _try(who: str, caller: Caller, declared: Declared, row: Row, place: world.Place, status: int) -> str:
    """What was wrong with the answer; "" for nothing."""
    path = declared.path
    for name, value in row.make(place).items():
        path = path.replace(f"{{int:{name}}}", str(value)).replace(f"{{{name}}}", quote(str(value)))
        path = path.replace(f"{{path:{name}}}", quote(str(value))).replace(f"{{system:{name}}}", str(value))
    path += row.query(place) if row.query is not None else ""
    response: Any = caller(declared.method, path, row.body if declared.body is not None else MISSING)
    if status != IN:
        if response.status_code == status:
            is_problem(response, status)
            return ""
        return f"{who}: {response.status_code} instead of {status}"
    allowed = {400, 422} if declared.body is not None else {declared.status}
    return "" if response.status_code in allowed else f"{who}: {response.status_code} instead of {allowed}"
