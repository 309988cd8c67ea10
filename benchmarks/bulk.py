"""Rows by the million: COPY into the tables of our models, with the defaults that a model gives a new row.

While loading, indexes that no constraint needs are dropped and made again at the end, and triggers sleep (foreign keys
are right by construction; the audit trail's refuses nothing that is only added). Not for a database that is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.models import JSONField, Max, Model
from psycopg import sql
from psycopg.types.json import Jsonb

Write = Callable[..., None]


@contextmanager
def loading(*models: type[Model]) -> Iterator[None]:
    """For a `with` around all that is written to these tables; at its end they are indexed and analysed."""
    tables = [model._meta.db_table for model in models]
    dropped = _drop_indexes(tables)
    _run("SET session_replication_role = replica")
    _run("SET maintenance_work_mem = '512MB'")
    try:
        yield
    finally:
        _run("SET session_replication_role = DEFAULT")
        for definition in dropped:
            _run(definition)
        for table in tables:
            _run(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


class Busy(Exception):
    """The connection is copying; asking it something would wait for ever."""


@contextmanager
def rows(model: type[Model], *names: str) -> Iterator[Write]:
    """`write(value, …)` adds a row with these fields (attnames, in this order); the others get the model's defaults.

    A primary key must be among the names: the sequence is moved on at the end. Nothing else may be asked of the
    database meanwhile.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields}
    order = [*names, *(name for name in fields if name not in names)]
    rest = [_adapted(fields[name], fields[name].get_default()) for name in order[len(names) :]]
    adapt = [isinstance(fields[name], JSONField) for name in names]
    columns = sql.SQL(", ").join([sql.Identifier(fields[name].column or name) for name in order])
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), columns)
    with connection.execute_wrapper(_refuse), _cursor() as cursor, cursor.copy(into) as copy:
        if any(adapt):

            def write(*values: Any) -> None:
                made = [Jsonb(value) if json else value for value, json in zip(values, adapt, strict=True)]
                copy.write_row([*made, *rest])
        else:

            def write(*values: Any) -> None:
                copy.write_row([*values, *rest])

        yield write
    _move_sequence(model)


def next_id(model: type[Model]) -> int:
    """The first number that no row has."""
    return int(model._base_manager.aggregate(last=Max("pk"))["last"] or 0) + 1


def _refuse(*_arguments: Any) -> Any:
    raise Busy


def _adapted(field: Any, value: Any) -> Any:
    """A default as psycopg takes it."""
    return Jsonb(value) if isinstance(field, JSONField) else value


def _drop_indexes(tables: Sequence[str]) -> list[str]:
    """Drop what no constraint needs; gives the statements that make it again."""
    query = """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
        WHERE i.indrelid = ANY (%s::regclass[]) AND NOT i.indisunique
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [list(tables)])
        found = cursor.fetchall()
    for name, _definition in found:
        _run(f"DROP INDEX {name}")
    return [definition for _name, definition in found]


def _move_sequence(model: type[Model]) -> None:
    pk, table = model._meta.pk, model._meta.db_table
    assert pk is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, pk.column])
        sequence = cursor.fetchone()[0]
        if sequence is not None:
            cursor.execute("SELECT setval(%s, %s)", [sequence, max(1, next_id(model) - 1)])


def _run(statement: str | sql.Composed) -> None:
    with _cursor() as cursor:
        cursor.execute(statement)


def _cursor() -> psycopg.Cursor[Any]:
    """A cursor of psycopg itself on Django's connection."""
    connection.ensure_connection()
    cursor: psycopg.Cursor[Any] = connection.connection.cursor()
    return cursor
