"""Lists: which rows, in which order, which page of them, and how to go on.

A `Listing` declares what a list offers: its filters, its sorts (each served by an index), and how rows are written.
`offset` and `pageSize` reach the first 10,000 rows; a `cursor` (signed, opaque) goes on from any row in constant time
and stays put while rows come and go. Not for who may see which rows: that is the selector's, which hands them over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db.models import Field as ModelField
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from accounts.actors import Actor
from api.errors import Fault, Invalid
from api.filters import Filter, Number
from api.reading import read_query
from api.schemas import Answer
from config.kit.paging import count_capped, count_in_time

A = TypeVar("A", bound=Answer)
Rows = QuerySet[Any]

OFFSET_MAX = 10_000
PAGE_SIZE = 40
PAGE_SIZE_MAX = 1_000
START = "start"
CURSOR_SALT = "api.listing.cursor"
PAGING = ("offset", "pageSize", "cursor", "sort")


@dataclass(frozen=True, slots=True)
class Page:
    """What goes into the answer: the rows, how many there are in all (None: not counted), and the way on ("" = end).

    capped: there are more than `total`; counting a million rows takes longer than reading a page of them.
    """

    rows: list[Any]
    total: int | None
    next_cursor: str
    capped: bool = False


@dataclass(frozen=True)
class Listing(Generic[A]):
    """One list.

    present: writes rows (already the page's own, at most 1,000) as answers, with a constant number of queries.
    sorts: what `sort` may name → the column; each is indexed together with the primary key, or the list is small.
    default: the sort without a word.
    filters: what may be asked for → how it narrows the rows.
    within: the column that has one value in all rows this actor sees ("": none), by whose index (column, -pk) they are
    walked in the order of the key; PostgreSQL would walk the key itself past everybody else's.
    count_to: up to here rows are counted, without it to 10,000; lower where looking at a row costs more.
    counts_in_time: where counting takes too long, what is said is what the page itself shows.
    """

    answer: type[A]
    present: Callable[[Actor, Sequence[Any]], list[A]]
    sorts: Mapping[str, str]
    default: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    within: Callable[[Actor], str] | None = None
    count_to: int | None = None
    counts_in_time: bool = False

    @cached_property
    def query(self) -> type[BaseModel]:
        """The query string as a schema."""
        return self._query_model()

    @cached_property
    def adapter(self) -> TypeAdapter[BaseModel]:
        return TypeAdapter(self.query)

    def page(self, request: HttpRequest, rows: Rows) -> Page:
        """The page that the query string asks for. Raises: Invalid."""
        asked = read_query(request.GET, self.adapter).model_dump(exclude_none=True)
        for name, value in asked.items():
            if name in self.filters:
                rows = self.filters[name].narrow(rows, value)
        size = asked.get("pageSize", PAGE_SIZE)
        if "cursor" in asked:
            return self._page_from(rows, asked, size, request)
        order = self._order(request, rows, asked.get("sort", self.default))
        offset = asked.get("offset", 0)
        mark = _fingerprint(request)
        if offset > OFFSET_MAX:
            self._refuse(order, rows, mark, request)
        total, capped = self._count(rows)
        found = order.part(rows, offset, offset + size + 1, are_many=capped or total is None)
        if total is None and (found or not offset):
            total, capped = offset + min(len(found), size), len(found) > size
        return Page(found[:size], total, order.cursor(found[size - 1], mark) if found[size:] else "", capped)

    def _page_from(self, rows: Rows, asked: dict[str, Any], size: int, request: HttpRequest) -> Page:
        if "offset" in asked:
            raise _wrong("cursor", _("A cursor says where to go on; leave out the offset."))
        mark = _fingerprint(request)
        total, capped = None, False
        if asked["cursor"] == START:
            order = self._order(request, rows, asked.get("sort", self.default))
            total, capped = self._count(rows)
        else:
            sort, place = _read_cursor(asked["cursor"], mark)
            if sort.removeprefix("-") not in self.sorts or asked.get("sort", sort) != sort:
                raise _wrong("cursor", _("This cursor belongs to another order."))
            order = self._order(request, rows, sort)
            rows = order.after(rows, place)
        found = list(order.sorted(rows)[: size + 1])
        if asked["cursor"] == START and total is None:
            total, capped = min(len(found), size), len(found) > size
        return Page(found[:size], total, order.cursor(found[size - 1], mark) if found[size:] else "", capped)

    def _count(self, rows: Rows) -> tuple[int | None, bool]:
        return (count_in_time if self.counts_in_time else count_capped)(rows, self.count_to)

    def _order(self, request: HttpRequest, rows: Rows, sort: str) -> _Order:
        within = self.within(request.auth) if self.within is not None else ""  # type: ignore[attr-defined]
        return replace(_Order.of(rows, sort, self.sorts), within=within)

    def _refuse(self, order: _Order, rows: Rows, mark: str, request: HttpRequest) -> None:
        """Say how to go on from the last row that an offset reaches."""
        last = order.sorted(rows)[OFFSET_MAX - 1 : OFFSET_MAX].first()
        headers = {"Link": next_link(request, order.cursor(last, mark))} if last is not None else {}
        text = _("An offset reaches the first 10,000 rows; go on with a cursor: the header Link has it.")
        raise Invalid(text, faults=[Fault("offset", text)], headers=headers)

    def _query_model(self) -> type[BaseModel]:
        names = [sign + name for name in self.sorts for sign in ("", "-")]
        paging: dict[str, Any] = {
            "offset": (Number.annotation(0), Field(None, description="How many rows to skip, at most 10,000.")),
            "pageSize": (
                Number.annotation(1, PAGE_SIZE_MAX),
                Field(None, description=f"How many rows to answer; {PAGE_SIZE} without it."),
            ),
            "cursor": (
                Annotated[str, Field(max_length=2_000)] | None,
                Field(None, description="Where to go on: from the header Link, or “start”."),
            ),
            "sort": (
                Literal[tuple(names)] | None,
                Field(None, description=f"The field to sort by, - in front reverses; {self.default} without it."),
            ),
        }
        chosen = {name: (f.kind | None, Field(None, description=f.help)) for name, f in self.filters.items()}
        fields: dict[str, Any] = {**chosen, **paging}
        model: type[BaseModel] = create_model(f"{self.answer.__name__}Query", __base__=_Query, **fields)
        return model


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


@dataclass(frozen=True, slots=True)
class _Order:
    """One column and then the primary key, so that no two rows are equal."""

    sort: str
    column: str
    descending: bool
    nullable: bool
    kind: ModelField[Any, Any] | None
    within: str = ""

    @classmethod
    def of(cls, rows: Rows, sort: str, sorts: Mapping[str, str]) -> _Order:
        column = sorts[sort.removeprefix("-")]
        kind = _model_field(rows.model, column)
        nullable = kind is None or bool(kind.null) or "__" in column
        return cls(sort, column, sort.startswith("-"), nullable, kind)

    def sorted(self, rows: Rows) -> Rows:
        sign = "-" if self.descending else ""
        if self.is_key and self.within:
            return rows.order_by(self.within, "-pk") if self.descending else rows.order_by(f"-{self.within}", "pk")
        return rows.order_by(f"{sign}pk") if self.is_key else rows.order_by(f"{sign}{self.column}", f"{sign}pk")

    def part(self, rows: Rows, start: int, end: int, *, are_many: bool) -> list[Any]:
        """Some of the rows in this order. Few are found before they are sorted: PostgreSQL, which guesses how many
        there are, would walk an index of the order past a million others. Of many the keys are found first: what comes
        with a row is asked only of those that are shown, and no join walks along."""
        ordered = self.sorted(rows)
        if rows.query.distinct or rows.query.combinator:
            return list(ordered[start:end])
        if are_many:
            return list(ordered.filter(pk__in=ordered.values("pk")[start:end]))
        value = Coalesce("pk", "pk") if self.is_key else Coalesce(self.column, self.column)
        hidden: list[Any] = [value.desc(), "-pk"] if self.descending else [value.asc(), "pk"]
        return list(ordered.filter(pk__in=rows.order_by(*hidden).values("pk")[start:end]))

    @property
    def is_key(self) -> bool:
        return self.column in ("pk", "id")

    def after(self, rows: Rows, place: list[Any]) -> Rows:
        """The rows behind this place. PostgreSQL sorts NULL last, and first in reverse."""
        raw, key = place
        way = "lt" if self.descending else "gt"
        behind_key = Q(**{f"pk__{way}": key})
        if self.is_key:
            return rows.filter(behind_key)
        is_null = Q(**{f"{self.column}__isnull": True})
        if raw is None:
            return rows.filter(~is_null | (is_null & behind_key) if self.descending else is_null & behind_key)
        value = self._typed(raw)
        # The first condition alone is what the index is entered with.
        behind = Q(**{f"{self.column}__{way}e": value}) & (Q(**{f"{self.column}__{way}": value}) | behind_key)
        return rows.filter(behind | is_null) if self.nullable and not self.descending else rows.filter(behind)

    def cursor(self, row: Any, mark: str) -> str:
        value = None if self.is_key else _plain(_reach(row, self.column))
        return signing.dumps([self.sort, value, row.pk, mark], salt=CURSOR_SALT, compress=False)

    def _typed(self, raw: Any) -> Any:
        if self.kind is None:
            return raw
        try:
            return self.kind.to_python(raw)
        except ValidationError as error:
            raise _wrong("cursor", _("This cursor can't be used any more.")) from error


def next_link(request: HttpRequest, cursor: str) -> str:
    """The header Link (RFC 8288) that goes on with this cursor, with the same filters and page size."""
    query = request.GET.copy()
    for name in ("offset", "sort"):
        query.pop(name, None)
    query["cursor"] = cursor
    return f'<{request.path}?{query.urlencode()}>; rel="next"'


def _model_field(model: type[Model], column: str) -> ModelField[Any, Any] | None:
    """The field at the end of `a__b`; None for an annotation."""
    found: Any = None
    for step in column.split("__"):
        try:
            found = model._meta.pk if step == "pk" else model._meta.get_field(step)
        except FieldDoesNotExist:
            return None
        model = getattr(found, "related_model", None) or model
    return found if isinstance(found, ModelField) else None


def _reach(row: Any, column: str) -> Any:
    try:
        for step in column.split("__"):
            row = None if row is None else getattr(row, step)
    except ObjectDoesNotExist:  # the other end of a one-to-one
        return None
    return row


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else value


def _read_cursor(text: str, mark: str) -> tuple[str, list[Any]]:
    try:
        sort, value, key, own_mark = signing.loads(text, salt=CURSOR_SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise _wrong("cursor", _("This is no cursor of ours.")) from error
    if own_mark != mark:
        raise _wrong("cursor", _("This cursor belongs to other filters or another list."))
    return sort, [value, key]


def _fingerprint(request: HttpRequest) -> str:
    """What a cursor belongs to: the list and its filters."""
    filters = sorted((name, value) for name, value in _pairs(request.GET) if name not in PAGING)
    return hashlib.sha256(json.dumps([request.path, filters]).encode()).hexdigest()[:16]


def _pairs(query: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in query.lists() for value in values]


def _wrong(name: str, text: str) -> Invalid:
    return Invalid(text, faults=[Fault(name, text)])
