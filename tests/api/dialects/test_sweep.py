"""Every operation of every dialect × everybody who may not: refused in the dialect's own words, and nothing written."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from api.dialects.registry import Operation
from api.dialects.served import BY_NAME
from tests.api import world
from tests.api.dialects.calling import switch_on
from tests.api.dialects.sweep import Sweep

pytestmark = pytest.mark.django_db
OVER_HTTP = [name for name, dialect in BY_NAME.items() if dialect.answer is not None]
WRITES = ("INSERT", "UPDATE", "DELETE")
# Who is signed in, counted guesses, when a token was last used, and that somebody knocked in vain are no changes.
NOT_OURS = (
    "accounts_session",
    "accounts_signinthrottle",
    "accounts_failedsignin",
    "accounts_apitoken",
    "user.sign_in_failed",
)


def sweep_of(name: str) -> Sweep:
    found: Sweep = importlib.import_module(f"tests.api.{name}.sweep").SWEEP
    assert found.dialect == name
    return found


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[world.World]:
    with django_db_blocker.unblock(), transaction.atomic():
        built = world.build()
        for name in BY_NAME:
            switch_on(name)
        yield built
        transaction.set_rollback(True)


def attempts(sweep: Sweep, operation: Operation, cast: world.World) -> Iterator[tuple[str, Any, bool]]:
    """Who tries what, the answer, and whether it is as it should be."""
    for who, token in (("nobody", ""), ("an unknown token", "pk_nothing")):
        answer = sweep.send(operation, cast.own, token)
        yield who, answer, operation.public or sweep.is_unauthenticated(answer)
    is_open = operation.public or operation.name in sweep.open_to_all or bool(operation.refused)
    for who, token, place in (
        ("a user", cast.user.token, cast.own),
        ("a user, elsewhere", cast.user.token, cast.foreign),
        ("a delegate, elsewhere", cast.delegate.token, cast.foreign),
    ):
        answer = sweep.send(operation, place, token)
        yield who, answer, is_open or sweep.is_refused(answer)
    if not operation.reads and not operation.public:
        answer = sweep.send(operation, cast.own, cast.reader.token)
        yield "a reading token", answer, is_open or sweep.is_refused(answer)


class Writes:
    """Statements that change rows of ours."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        text = sql.lstrip().upper()
        if text.startswith(WRITES) and not any(word in f"{sql} {params}" for word in NOT_OURS):
            self.seen.append(sql[:120])
        return execute(sql, params, many, context)


@pytest.mark.parametrize("name", OVER_HTTP)
def test_nobody_without_the_right_gets_in_or_changes_anything(name: str, cast: world.World) -> None:
    sweep = sweep_of(name)
    wrong: list[str] = []
    for operation in BY_NAME[name].operations():
        writes = Writes()
        with transaction.atomic():
            with connection.execute_wrapper(writes):
                for who, answer, is_right in attempts(sweep, operation, cast):
                    if not is_right:
                        wrong.append(f"{operation.name} by {who}: {answer.status_code} {answer.content[:120]!r}")
                    if answer.status_code == 500:
                        wrong.append(f"{operation.name} by {who}: 500")
            transaction.set_rollback(True)
        wrong += [f"{operation.name} wrote {sql}" for sql in writes.seen]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", OVER_HTTP)
def test_names_in_the_sweep_are_operations(name: str) -> None:
    assert sweep_of(name).open_to_all <= {operation.name for operation in BY_NAME[name].operations()}


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_is_said_to_work_is_served_and_what_is_said_to_be_refused_is_not(name: str, cast: world.World) -> None:
    """Asked by who may everything: tests/test_coverage.py holds docs/coverage.csv against what operations say."""
    sweep = sweep_of(name)
    wrong: list[str] = []
    for operation in BY_NAME[name].operations():
        with transaction.atomic():
            answer = sweep.send(operation, cast.own, cast.administrator.token)
            transaction.set_rollback(True)
        if sweep.is_not_served(answer) != bool(operation.refused):
            wrong.append(f"{operation.name} ({operation.refused}): {answer.status_code} {answer.content[:200]!r}")
    assert not wrong, "\n".join(wrong)
