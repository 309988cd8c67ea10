"""Keyset paging: constant time however deep, and the page stays put while rows arrive.

A cursor is the (sort value, primary key) of the row at the edge, in the address as `before` (further on) or `after`
(back); `at=last` is the end. Sort values may be blank, may come over a join and may be expressions. Not for offsets;
and not for counting more than a person can use: totals are exact to 10,000.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import decimal
import json
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import OperationalError, connections, transaction
from django.db.models import BooleanField, Expression, F, Func, Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg.errors import QueryCanceled

from config.kit.nav import Text

M = TypeVar("M", bound=Model)
COUNT_LIMIT = 10_000
SORT_VALUE = "paging_sort_value"  # what a joined or computed sort value is called on the rows


@dataclass(frozen=True)
class Pager:
    """What components/pager.html draws."""

    text: str
    newer_url: str
    older_url: str
    first_url: str = ""
    newer_label: Text = ""
    older_label: Text = ""
    first_label: Text = ""
    last_url: str = ""
    last_label: Text = ""


@dataclass(frozen=True)
class Page(Generic[M]):
    rows: list[M]
    pager: Pager
    total: int | None
    total_is_capped: bool


def total_text(total: int, *, capped: bool = False) -> str:
    """ "1,204 in all" or "more than 10,000"."""
    shown = number_format(total, decimal_pos=0, force_grouping=True)
    if capped:
        return _("more than %(total)s") % {"total": shown}
    return ngettext("%(total)s in all", "%(total)s in all", total) % {"total": shown}


def cursor_pager(
    request: HttpRequest,
    *,
    newer: str | None,
    older: str | None,
    total: int | None = None,
    capped: bool = False,
    is_first: bool = False,
    has_last: bool = False,
    text: str | None = None,
    by_time: bool = True,
) -> Pager:
    """A pager over cursors somebody else made (the engine's rank, a keyset): `newer`/`older` are their text forms.

    `by_time` calls the directions newer and older; otherwise previous and next. `has_last` says that `at=last` is
    understood.
    """
    shown = text if text is not None else total_text(total, capped=capped) if total is not None else ""
    return Pager(
        text=shown,
        newer_url=_url(request, after=newer) if newer else "",
        older_url=_url(request, before=older) if older else "",
        first_url="" if is_first else _url(request),
        newer_label=_("Newer") if by_time else _("Previous"),
        older_label=_("Older") if by_time else _("Next"),
        first_label=_("Newest") if by_time else _("First"),
        last_url=_url(request, at="last") if has_last and older else "",
        last_label=_("Oldest") if by_time else _("Last"),
    )


@dataclass(frozen=True)
class Order:
    """By what rows stand: one indexed value, then the primary key in the same direction.

    key: a field, a path over joins, or an expression. A btree serves both directions as PostgreSQL has blanks: last
    going up, first going down. `blanks_last` keeps them last going down as well; that needs an index that says so.
    """

    key: str | Expression = "pk"
    descending: bool = False
    blanks_last: bool = False
    within: str = ""  # a column that an index has before `-id`, and that has one value in all rows (asked as a range)
    found_first: bool = False  # of few rows: they are found by their condition, never by walking an index of the order

    @classmethod
    def parse(cls, order: str) -> Order:
        return cls(order.removeprefix("-"), order.startswith("-"))

    @property
    def is_by_pk(self) -> bool:
        return self.key in ("pk", "id")

    @property
    def is_by_time(self) -> bool:
        return self.is_by_pk or (isinstance(self.key, str) and (self.key == "at" or self.key.endswith("_at")))

    @property
    def blanks_at_end(self) -> bool:
        return self.blanks_last or not self.descending


def keyset(
    request: HttpRequest,
    rows: QuerySet[M],
    *,
    order: str | Order = "-pk",
    per_page: int = 50,
    total: int | None = None,
    capped: bool = False,
    uncounted: bool = False,
    by_time: bool | None = None,
) -> Page[M]:
    """The page of `rows` the address asks for.

    `total` comes from the caller where they have one (`capped`: there are more); otherwise it is counted up to 10,000,
    or not at all (`uncounted`: what is said is what the page itself shows). A cursor that can't be read shows the
    first page. One query for the rows, two where a page reaches from values into blanks.
    """
    chosen = order if isinstance(order, Order) else Order.parse(order)
    walk = _Walk(rows, chosen)
    before, after = (walk.cursor(request.GET.get(name, "")) for name in ("before", "after"))
    at_end = request.GET.get("at") == "last" and before is None and after is None
    backwards = at_end or (before is None and after is not None)
    cursor = after if backwards else before
    found = walk.fetch(cursor, per_page + 1, backwards=backwards)
    more, found = len(found) > per_page, found[:per_page]
    if backwards:
        found.reverse()
    counted: int | None
    if total is not None:
        counted = total
    elif uncounted:
        is_all = cursor is None and not more
        counted, capped = (len(found), False) if is_all else (per_page, True)  # a full page, and at least one row more
    else:
        counted, capped = count_capped(rows)
    pager = cursor_pager(
        request,
        newer=walk.write(found[0]) if found and (more if backwards else cursor is not None) else None,
        older=walk.write(found[-1]) if found and (not at_end if backwards else more) else None,
        total=counted,
        capped=capped,
        is_first=cursor is None and not at_end,
        has_last=True,
        by_time=(chosen.is_by_time and chosen.descending) if by_time is None else by_time,
    )
    return Page(found, pager, counted, capped)


def count_capped(rows: QuerySet[Any], most: int | None = None) -> tuple[int, bool]:
    """The number of rows, but never counting past 10,000 (or `most`)."""
    most = COUNT_LIMIT if most is None else most
    found = rows.order_by()[: most + 1].count()
    return min(found, most), found > most


def count_in_time(rows: QuerySet[Any], most: int | None = None) -> tuple[int | None, bool]:
    """The same, but (None, False) where counting takes longer than somebody should wait for a number.

    How long that is, in ms, says settings.COUNTING_MS. For rows that are met by looking at many others.
    """
    try:
        # A savepoint that is always given back takes the time limit back with it.
        with transaction.atomic(using=rows.db):
            with connections[rows.db].cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{settings.COUNTING_MS}ms"])
            found = count_capped(rows, most)
            transaction.set_rollback(True, using=rows.db)
            return found
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None, False
        raise


class _Beyond(Func):
    """`(value, pk) > (…)` as one row comparison: PostgreSQL starts reading the index there, at any depth.

    The same said with OR reads and drops every row before it.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, *parts: Any, smaller: bool = False) -> None:
        super().__init__(*parts)
        self.smaller = smaller

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [compiler.compile(part) for part in self.source_expressions]
        half = len(compiled) // 2
        left, right = (", ".join(sql for sql, _ in part) for part in (compiled[:half], compiled[half:]))
        parameters = [each for _, values in compiled for each in values]
        return f"({left}) {'<' if self.smaller else '>'} ({right})", parameters


Cursor = tuple[Any, Any]  # (value, pk), as their columns have them


class _Walk(Generic[M]):
    """Reading rows in one order from a cursor, forth or back."""

    def __init__(self, rows: QuerySet[M], order: Order) -> None:
        self.order = order
        self.rows = rows
        key = order.key
        self.key: Any = F(key) if isinstance(key, str) else key
        self.attribute = key if isinstance(key, str) and "__" not in key and not order.is_by_pk else SORT_VALUE
        if self.attribute == SORT_VALUE and not order.is_by_pk:
            self.rows = rows.annotate(**{SORT_VALUE: self.key})
        self.blanks = False if order.is_by_pk else _may_be_blank(rows.model, key)

    def fetch(self, cursor: Cursor | None, count: int, *, backwards: bool) -> list[M]:
        order = self.order
        if backwards:
            order = replace(order, descending=not order.descending)
        at_end = self.order.blanks_at_end != backwards
        ordered = self.rows.order_by(*self._ordering(order.descending, blanks_at_end=at_end))
        found: list[M] = []
        for condition in self._parts(cursor, order.descending, blanks_at_end=at_end):
            part, missing = ordered.filter(condition), count - len(found)
            if order.found_first:  # and joined with others only when they are sorted
                sorting = self._ordering(order.descending, blanks_at_end=at_end, unindexed=True)
                found += ordered.filter(pk__in=part.order_by(*sorting).values("pk")[:missing])
            else:
                found += part[:missing]
            if len(found) >= count:
                break
        return found

    def _ordering(self, descending: bool, *, blanks_at_end: bool, unindexed: bool = False) -> list[Any]:
        """unindexed: by a form of the value that no index has."""
        key: Any = F("pk") if self.order.is_by_pk else self.key
        if unindexed:
            key = Coalesce(key, key)
        pk = "-pk" if descending else "pk"
        if self.order.is_by_pk:
            within = [F(self.order.within)] if self.order.within and not unindexed else []
            return [
                *(each.asc() if descending else each.desc() for each in within),
                key.desc() if descending else key.asc(),
            ]
        if not self.blanks or blanks_at_end != descending:  # as a plain index has them
            return [key.desc() if descending else key.asc(), pk]
        blanks = {"nulls_last": True} if blanks_at_end else {"nulls_first": True}
        return [key.desc(**blanks) if descending else key.asc(**blanks), pk]

    def _parts(self, cursor: Cursor | None, descending: bool, *, blanks_at_end: bool) -> list[Q]:
        """The conditions whose rows, one after the other, are what follows the cursor."""
        if cursor is None:
            return [Q()]
        value, pk = cursor
        beyond_pk = Q(**{f"pk__{'lt' if descending else 'gt'}": pk})
        if self.order.is_by_pk:
            return [beyond_pk]
        name = self.attribute if self.attribute == SORT_VALUE else str(self.order.key)
        blank = Q(**{f"{name}__isnull": True})
        if value is None:
            return [blank & beyond_pk, *([] if blanks_at_end else [~blank])]
        model_pk = self.rows.model._meta.pk
        typed_pk = Value(pk, output_field=model_pk)
        beyond = Q(_Beyond(self.key, F("pk"), Value(value, output_field=self._field), typed_pk, smaller=descending))
        return [beyond, *([blank] if self.blanks and blanks_at_end else [])]

    @property
    def _field(self) -> Any:
        if self.attribute in self.rows.query.annotations:
            return self.rows.query.annotations[self.attribute].output_field
        return self.rows.model._meta.get_field(self.attribute)

    def write(self, row: M) -> str:
        value = None if self.order.is_by_pk else getattr(row, self.attribute)
        if isinstance(value, dt.datetime | dt.date):
            value = value.isoformat()
        elif value is not None and not isinstance(value, str | int | float):
            value = str(value)
        key = row.pk if isinstance(row.pk, int) else str(row.pk)
        return base64.urlsafe_b64encode(json.dumps([value, key]).encode()).decode().rstrip("=")

    def cursor(self, text: str) -> Cursor | None:
        """The cursor with its values as the columns have them; None where somebody wrote another text there."""
        raw = _read(text)
        pk_field = self.rows.model._meta.pk
        if raw is None or pk_field is None:
            return None
        try:
            pk = pk_field.to_python(raw[1])
            if self.order.is_by_pk or raw[0] is None:
                return (None, pk) if self.order.is_by_pk or self.blanks else None
            return self._field.to_python(raw[0]), pk
        except (ValidationError, ValueError, TypeError, OverflowError, decimal.DecimalException):
            return None


def _may_be_blank(model: type[Model], key: str | Expression) -> bool:
    """Whether a sort value can be NULL; an expression is believed to."""
    if not isinstance(key, str):
        return True
    for part in key.split("__"):
        try:
            field: Any = model._meta.get_field(part)
        except FieldDoesNotExist:  # an annotation
            return True
        if getattr(field, "null", True):
            return True
        model = field.related_model or model
    return False


def _read(text: str) -> list[Any] | None:
    """[value, pk] of a cursor's text, nothing but texts and numbers in it."""
    try:
        cursor = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(cursor, list) or len(cursor) != 2 or not isinstance(cursor[1], int | str):
        return None
    is_cursor = cursor[0] is None or isinstance(cursor[0], str | int | float)
    return cursor if is_cursor and not any(isinstance(part, str) and "\0" in part for part in cursor) else None


def _url(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    for key in ("before", "after", "at", "page"):
        query.pop(key, None)
    for key, value in changes.items():
        query[key] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path
