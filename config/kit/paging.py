"""Keyset paging: constant time however deep, and the page stays put while rows arrive.

A cursor is the (sort value, primary key) of the row at the edge, in the address as `before` (older) or `after` (newer).
Not for offsets; and not for counting more than a person can use: totals are exact to 10,000.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.kit.nav import Text

M = TypeVar("M", bound=Model)
COUNT_LIMIT = 10_000


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
    text: str | None = None,
    by_time: bool = True,
) -> Pager:
    """A pager over cursors somebody else made (the engine's rank, a keyset): `newer`/`older` are their text forms.

    `by_time` calls the directions newer and older; otherwise previous and next.
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
    )


def keyset(
    request: HttpRequest,
    rows: QuerySet[M],
    *,
    order: str = "-pk",
    per_page: int = 50,
    total: int | None = None,
    by_time: bool | None = None,
) -> Page[M]:
    """The page of `rows` the address asks for, ordered by one indexed field and then the primary key.

    `total` comes from a counter where the caller has one; otherwise it is counted up to 10,000. A cursor that can't be
    read shows the first page.
    """
    field, descending = order.removeprefix("-"), order.startswith("-")
    before, after = (_typed(rows, field, _read(request.GET.get(name, ""))) for name in ("before", "after"))
    backwards = before is None and after is not None
    cursor = after if backwards else before
    chosen = rows if cursor is None else rows.filter(_beyond(field, cursor, smaller=descending != backwards))
    ordered = chosen.order_by(*_ordering(field, descending != backwards))
    found = list(ordered[: per_page + 1])
    more, found = len(found) > per_page, found[:per_page]
    if backwards:
        found.reverse()
    has_newer = more if backwards else cursor is not None
    has_older = True if backwards else more
    counted, capped = (total, False) if total is not None else count_capped(rows)
    pager = cursor_pager(
        request,
        newer=_write(found[0], field) if found and has_newer else None,
        older=_write(found[-1], field) if found and has_older else None,
        total=counted,
        capped=capped,
        is_first=cursor is None,
        by_time=field in ("pk", "id") or field.endswith("_at") if by_time is None else by_time,
    )
    return Page(found, pager, counted, capped)


def count_capped(rows: QuerySet[Any]) -> tuple[int, bool]:
    """The number of rows, but never counting past 10,000."""
    found = rows.order_by()[: COUNT_LIMIT + 1].count()
    return min(found, COUNT_LIMIT), found > COUNT_LIMIT


def _ordering(field: str, descending: bool) -> Sequence[str]:
    sign = "-" if descending else ""
    return [f"{sign}pk"] if field in ("pk", "id") else [f"{sign}{field}", f"{sign}pk"]


def _beyond(field: str, cursor: list[Any], *, smaller: bool) -> Q:
    sign = "lt" if smaller else "gt"
    value, key = cursor
    if field in ("pk", "id"):
        return Q(**{f"pk__{sign}": key})
    return Q(**{f"{field}__{sign}": value}) | Q(**{field: value, f"pk__{sign}": key})


def _write(row: Model, field: str) -> str:
    value = row.pk if field in ("pk", "id") else getattr(row, field)
    text = value.isoformat() if isinstance(value, dt.datetime | dt.date) else value
    return base64.urlsafe_b64encode(json.dumps([text, row.pk]).encode()).decode().rstrip("=")


def _read(text: str) -> list[Any] | None:
    try:
        cursor = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None
    is_cursor = isinstance(cursor, list) and len(cursor) == 2 and isinstance(cursor[1], int)
    return cursor if is_cursor and isinstance(cursor[0], str | int) else None


def _typed(rows: QuerySet[Any], field: str, cursor: list[Any] | None) -> list[Any] | None:
    """The cursor with its value as the column has it; None where somebody put another text into the address."""
    if cursor is None or field in ("pk", "id"):
        return cursor
    try:
        return [rows.model._meta.get_field(field).to_python(cursor[0]), cursor[1]]
    except ValidationError:
        return None


def _url(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    for key in ("before", "after", "page"):
        query.pop(key, None)
    for key, value in changes.items():
        query[key] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path
