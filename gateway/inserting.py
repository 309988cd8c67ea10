"""Inserting the rows of many messages at once: all tables in one round trip, for a fifth of what bulk_create costs.

    batch = Batch()
    messages = [unsaved(Message, key=…), …]
    batch.add(messages)      # they have their numbers from here on
    batch.add(recipients)    # …so that others can name them
    batch.write()            # in the caller's transaction

Rows go over as one JSON text per table, which PostgreSQL takes apart, and the bytes of messages beside it as an array;
large messages go over by themselves. Numbers come from the tables' sequences, a block at a time, so they are unique but
not without gaps. A block is used on the connection alone that it was fetched on: a PostgreSQL that crashed may give the
same numbers again. Not for models with anything on save.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection, models
from django.db.models.base import ModelState
from django.db.models.fields import AutoField

BLOCK = 400
LARGE_BYTES = 64 * 1024
M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What a new row of a model has before anybody says more: values, those that are made anew for each, and which
    attribute holds the number of what a relation names."""

    values: dict[str, Any]
    makers: tuple[tuple[str, Callable[[], Any]], ...]
    numbers: dict[str, str]


@cache
def _defaults(model: type[models.Model]) -> _Defaults:
    fields = model._meta.concrete_fields
    made = [field for field in fields if callable(field.default)]
    return _Defaults(
        values={field.attname: None if field in made else field.get_default() for field in fields},
        makers=tuple((field.attname, field.get_default) for field in made),
        numbers={field.name: field.attname for field in fields if field.is_relation},
    )


def unsaved(model: type[M], **given: Any) -> M:
    """A new row as `model(**given)` makes it, for a fourth of the time: many of them are made for each message.

    Raises: TypeError for an attribute that the model doesn't have.
    """
    defaults = _defaults(model)
    row, state = model.__new__(model), ModelState()
    values = defaults.values.copy()
    for name, make in defaults.makers:
        if name not in given:
            values[name] = make()
    for name in defaults.numbers.keys() & given.keys():
        state.fields_cache[name] = other = given.pop(name)
        values[defaults.numbers[name]] = None if other is None else other.pk
    values.update(given)
    if len(values) != len(defaults.values):
        raise TypeError(f"{model.__name__} has no {', '.join(values.keys() - defaults.values.keys())}")
    row.__dict__.update(values, _state=state)
    return row


@dataclass(frozen=True, slots=True)
class _Table:
    """How a model is written: its attributes and columns in their order, and rows from a JSON text or one by one."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    from_json: str
    from_values: str
    whole: str  # the attribute that holds whole messages; "": none does


@cache
def _table(model: type[models.Model]) -> _Table:
    fields = model._meta.concrete_fields
    columns = tuple(str(field.column) for field in fields)
    listed, name = ", ".join(f'"{column}"' for column in columns), f'"{model._meta.db_table}"'
    into = f"INSERT INTO {name} ({listed})"
    places = ", ".join("%b" if isinstance(field, models.BinaryField) else "%s" for field in fields)
    whole = next((field for field in fields if isinstance(field, models.BinaryField) and not field.max_length), None)
    rows = f"json_populate_recordset(NULL::{name}, %s::json)"
    given = ", ".join("given.bytes" if field is whole else f'told."{field.column}"' for field in fields)
    together = f"(SELECT row_number() OVER () AS at, * FROM {rows}) AS told"  # noqa: S608  # our names
    bytes_ = "unnest(%b::bytea[]) WITH ORDINALITY AS given(bytes, at) USING (at)"
    return _Table(
        names=tuple(field.attname for field in fields),
        columns=columns,
        from_json=f"{into} SELECT {listed} FROM {rows}"  # noqa: S608
        if whole is None
        else f"{into} SELECT {given} FROM {together} JOIN {bytes_}",  # noqa: S608
        from_values=f"{into} VALUES ({places})",
        whole=whole.attname if whole is not None else "",
    )


class _Numbers:
    """Numbers of one table's sequence that nobody has used, for each connection that fetched some."""

    def __init__(self, model: type[models.Model]) -> None:
        key = model._meta.pk
        assert isinstance(key, AutoField | models.BigAutoField)
        self._statement = (
            f"SELECT nextval(pg_get_serial_sequence('\"{model._meta.db_table}\"', '{key.column}'))"  # noqa: S608
            " FROM generate_series(1, %s)"
        )
        self._lock = threading.Lock()
        self._free: WeakKeyDictionary[psycopg.Connection[Any], list[int]] = WeakKeyDictionary()

    def take(self, count: int) -> list[int]:
        """So many. Raises: DatabaseError."""
        connection.ensure_connection()
        own = connection.connection
        with self._lock:
            free = self._free.setdefault(own, [])
        missing = count - len(free)
        if missing > 0 or own.closed:
            with connection.cursor() as cursor:
                cursor.execute(self._statement, [max(missing, BLOCK)])
                free += [row[0] for row in cursor.fetchall()]
        taken = free[:count]
        del free[:count]
        return taken


@cache
def _numbers(model: type[models.Model]) -> _Numbers:
    return _Numbers(model)


def forget_numbers() -> None:
    """Fetch new ones: some of those that are kept turned out to be in use."""
    _numbers.cache_clear()


os.register_at_fork(after_in_child=forget_numbers)  # a block belongs to one process


class Batch:
    """Rows that are written together, in the order in which they were added."""

    def __init__(self) -> None:
        self._rows: list[Sequence[models.Model]] = []
        self._after: list[Callable[[], None]] = []

    def after(self, work: Callable[[], None]) -> None:
        """What is written by itself once the rows are there."""
        self._after.append(work)

    def add(self, rows: Sequence[models.Model]) -> None:
        """Unsaved rows of one model, which get their numbers. Raises: DatabaseError."""
        if not rows:
            return
        for row, number in zip(rows, _numbers(type(rows[0])).take(len(rows)), strict=True):
            row.pk = number
        self._rows.append(rows)

    def is_one_statement(self) -> bool:
        """Whether `write` is a single statement, which is a transaction by itself."""
        return not self._after and not any(_large(rows) for rows in self._rows)

    def write(self) -> None:
        """Insert them all. Raises: DatabaseError; then the caller's transaction is broken."""
        if not self._rows:
            return
        connection.ensure_connection()
        connection.validate_no_broken_transaction()
        with connection.wrap_database_errors:
            _insert(_cursor(), self._rows)
        for rows in self._rows:
            for row in rows:
                row._state.adding, row._state.db = False, connection.alias
        self._rows = []
        for work in self._after:
            work()


def _cursor() -> psycopg.Cursor[Any]:
    """One that has statements prepared: Django's connections are told not to, and then heed no `prepare`."""
    if connection.connection.prepare_threshold is None:
        connection.connection.prepare_threshold = sys.maxsize  # only what asks for it
    return psycopg.Cursor(connection.connection)


def _insert(cursor: psycopg.Cursor[Any], tables: Iterable[Sequence[models.Model]]) -> None:
    """One statement for all tables. Not psycopg's pipeline, which waits for ever for a server that died in it.

    Order doesn't matter within a statement, because foreign keys are looked at when the transaction is committed.
    """
    statements: list[str] = []
    given: list[object] = []
    for rows in tables:
        table = _table(type(rows[0]))
        large = _large(rows)
        for row in large:
            cursor.execute(table.from_values, [row.__dict__[name] for name in table.names], prepare=True)
        named = [_named(row, table) for row in rows if row not in large]
        if not named:
            continue
        wholes: list[object] = []
        if table.whole:
            column = table.columns[table.names.index(table.whole)]
            wholes = [each.pop(column, None) for each in named]
        given.append(json.dumps(named, default=_plain, ensure_ascii=False))
        given += [wholes] if table.whole else []
        statements.append(f"t{len(statements) + 1} AS ({table.from_json})")
    if statements:
        cursor.execute(f"WITH {', '.join(statements)} SELECT 1", given, prepare=True)


def _named(row: models.Model, table: _Table) -> dict[str, object]:
    """Its values by column; those that are NULL go without saying."""
    given = row.__dict__
    pairs = zip(table.columns, table.names, strict=True)
    return {column: given[name] for column, name in pairs if given[name] is not None}


def _large(rows: Sequence[models.Model]) -> list[models.Model]:
    """Those whose bytes are too many to go with others."""
    whole = _table(type(rows[0])).whole
    return [row for row in rows if len(row.__dict__[whole] or b"") > LARGE_BYTES] if whole else []


def _plain(value: object) -> str:
    """What JSON has no word for: times, and bytes."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
