"""Queries that are asked with every request, put together once: of a small query most of the time goes into its SQL.

    BY_PERSON = Fixed(lambda key: Mailbox.objects.select_related("domain__customer").filter(user_id=key), int)
    BY_PERSON.rows(7)                                  # the same rows as the queryset gives, one query

The queryset is made once, with placeholders for the values; afterwards only the values change. So its shape must not
depend on them: several keys are one value (`pk__among=keys`, config.kit.lookups). Not for what is asked seldom, nor for
querysets with annotations, prefetches or distinct models. Threads may share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models import query as querying

M = TypeVar("M", bound=Model)
_populators: Any = querying.get_related_populators  # its stub is that of another version
_NUMBER = 7_000_000_000_000_000_000  # no key of a row of ours


@dataclass(frozen=True, slots=True)
class _Plan:
    """SQL, its parameters (an int in `places` stands for the value of that number) and how a row becomes an object."""

    sql: str
    parameters: tuple[Any, ...]
    places: dict[int, int]
    compiler: Any
    converters: Any
    model: type[Model]
    names: list[str]
    start: int
    end: int
    populators: Any


class Fixed(Generic[M]):
    """One queryset whose values change and whose shape doesn't. kinds: `int`, `str` or `list` of each value."""

    def __init__(self, make: Callable[..., QuerySet[M]], *kinds: type) -> None:
        self._make, self._kinds = make, kinds
        self._plan: _Plan | None = None

    def rows(self, *values: Any) -> list[M]:
        """What the queryset finds with these values."""
        return self.asked(*values).rows()

    def first(self, *values: Any) -> M | None:
        """The first of them, None where there is none."""
        return next(iter(self.rows(*values)), None)

    def asked(self, *values: Any) -> Asked[M]:
        """The question with these values, to be asked `together` with others."""
        plan = self._plan or self._compiled()
        parameters = [values[plan.places[at]] if at in plan.places else each for at, each in enumerate(plan.parameters)]
        return Asked(plan, parameters)

    def _compiled(self) -> _Plan:
        marks = [_mark(kind, number) for number, kind in enumerate(self._kinds)]
        queryset = self._make(*marks)
        compiler: Any = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        places = {at: marks.index(each) for at, each in enumerate(parameters) if any(each == mark for mark in marks)}
        if set(places.values()) != set(range(len(marks))):
            raise ValueError(f"not every value is in the query: {sql}")
        info = compiler.klass_info
        start, end = info["select_fields"][0], info["select_fields"][-1] + 1
        plan = _Plan(
            sql,
            tuple(parameters),
            places,
            compiler,
            compiler.get_converters([each[0] for each in compiler.select[: compiler.col_count]]),
            info["model"],
            [each[0].target.attname for each in compiler.select[start:end]],
            start,
            end,
            _populators(info, compiler.select, DEFAULT_DB_ALIAS),
        )
        self._plan = plan
        return plan


@dataclass(frozen=True, slots=True)
class Asked(Generic[M]):
    """A fixed query with its values."""

    plan: _Plan
    parameters: list[Any]

    def rows(self) -> list[M]:
        with _prepared() as held:
            cursor = self.send(held)
        return self.read(cursor)

    def send(self, held: Any) -> Any:
        """Through Django's wrapper, which counts and logs it; Django's own cursor would write the values into the
        text, which no server can keep prepared.
        """
        wrapper: Any = connection
        cursor = wrapper._prepare_cursor(_Cursor(held))
        cursor.execute(self.plan.sql, self.parameters)
        return cursor

    def read(self, cursor: Any) -> list[M]:
        found = cursor.fetchall()
        cursor.close()
        if self.plan.converters:
            found = self.plan.compiler.apply_converters(found, self.plan.converters)
        return [_built(self.plan, row) for row in found]


def together(*asked: Asked[Any]) -> list[list[Any]]:
    """The rows of several questions, none of which needs another's answer, for one round trip."""
    with _prepared() as held, held.pipeline():
        cursors = [each.send(held) for each in asked]
    return [each.read(cursor) for each, cursor in zip(asked, cursors, strict=True)]


class _Cursor(psycopg.Cursor[Any]):
    """Knows its statement before the answer comes: in a pipeline it is logged before."""

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)
        return self._query


@contextmanager
def _prepared() -> Iterator[Any]:
    """The connection, so that the server keeps what is asked prepared: planning it costs more than running it."""
    connection.ensure_connection()
    held: Any = connection.connection
    held.prepare_threshold = 0
    try:
        yield held
    finally:
        held.prepare_threshold = None


def _mark(kind: type, number: int) -> Any:
    """A value that stands for another one while the query is put together."""
    if kind is int:
        return _NUMBER + number
    return [_NUMBER + number] if kind is list else f"{_NUMBER + number}"


def _built(plan: _Plan, row: Any) -> Any:
    found = plan.model.from_db(DEFAULT_DB_ALIAS, plan.names, row[plan.start : plan.end])
    for populator in plan.populators:
        populator.populate(row, found)
    return found
