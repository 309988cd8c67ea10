"""Tables as every list shows them: explicit columns, the whole row a link, two-line rows on a phone.

A table formats rows it is given; it never queries, sorts or pages (selectors and config.kit.paging do). Columns are
django-tables2's, the drawing is ours (components/table.html), because its own costs 17 ms for 50 rows. Lists that
people search and sort are `config.kit.listing`'s; they draw their rows here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, ClassVar

import django_tables2 as tables
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from config.kit.nav import Text
from config.kit.paging import Pager
from config.kit.templatetags.kit import ago, filesize_exact, number, state_html

NOTHING = ("", "–", "—", None)  # what a phone leaves out


@dataclass(frozen=True)
class Empty:
    """What stands where the table would be: what this is, and the first step.

    The step is an address, or (`action`) a route, which lists offer only to who holds `right` somewhere.
    """

    title: Text
    text: Text = ""
    icon: str = ""
    action_url: str = ""
    action_label: Text = ""
    action: str = ""
    right: str | None = None

    def offered_to(self, actor: Any) -> Empty:
        """With the address of its step, where this actor may take it."""
        if not self.action or (self.right is not None and not (actor and actor.has_somewhere(self.right))):
            return self
        return replace(self, action_url=reverse(self.action))


@dataclass(frozen=True)
class Cell:
    label: str
    value: Any
    css: str
    href: str = ""


@dataclass(frozen=True)
class Row:
    key: Any
    name: str
    url: str
    cells: list[Cell]


@dataclass(frozen=True)
class Head:
    label: str
    css: str
    sort_url: str = ""
    sorted: str = ""


def _escaped(value: Any) -> str:
    """As the template engine does it, without its detour over lazy texts."""
    if isinstance(value, str):
        return value if isinstance(value, SafeString) else escape(value)
    return str(value.__html__()) if hasattr(value, "__html__") else escape(str(value))


def draw_rows(rows: Iterable[Row], *, choose: bool = False, form_id: str = "") -> SafeString:
    """The rows of a table's body. Here and not in the template: 50 rows of 8 cells take 1 ms instead of 8.

    Text is escaped; a cell that is a `SafeString` (a component's) is taken as it is.
    """
    form = f' form="{escape(form_id)}"' if form_id else ""
    choose_row = _("Choose %(row)s")
    parts: list[str] = []
    opened: dict[tuple[str, str], str] = {}
    for row in rows:
        parts.append('<tr class="rowlink">' if row.url else "<tr>")
        if choose:
            words = escape(choose_row % {"row": row.name})
            box = f'<input type="checkbox" class="check" name="chosen" value="{_escaped(row.key)}" aria-label="{words}"'
            parts.append(f'<td class="cell-choose">{box}{form}></td>')
        for cell in row.cells:
            start = opened.get((cell.css, cell.label))
            if start is None:
                start = f'<td class="{escape(cell.css)}" data-label="{escape(cell.label)}">'
                opened[cell.css, cell.label] = start
            value = _escaped(cell.value)
            if cell.href:
                value = f'<a class="rowlink__a" href="{escape(cell.href)}">{value}</a>'
            parts.append(f"{start}{value}</td>")
        parts.append("</tr>")
    return SafeString("".join(parts))


class MainColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    """The name of the row: the link, and the first line on a phone."""

    css = "cell-main"


class NumberColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    css = "num cell-fit"

    def render(self, value: Any) -> str:
        return number(value)


class SizeColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    css = "num cell-fit"

    def render(self, value: Any) -> str:
        return filesize_exact(value)


class TimeColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    css = "cell-fit cell-soft"

    def render(self, value: Any) -> str:
        return ago(value)


class StateColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    """A dot and a word. A choices field brings its own word."""

    css = "cell-fit cell-state"

    def render(self, value: Any, record: Any, bound_column: Any) -> SafeString:
        field = bound_column.name
        state = getattr(record, field, value) if not isinstance(record, dict) else record.get(field, value)
        return state_html(str(state), str(value) if str(value) != str(state) else "")


class TextColumn(tables.Column):  # type: ignore[misc]  # untyped parent
    """Long text: one line, cut with an ellipsis."""

    css = "cell-long"


class BaseTable(tables.Table):  # type: ignore[misc]  # untyped parent
    """Give it rows that are already paged: `UserTable(page.rows, request=request, pager=page.pager)`.

    `row_url(record)` makes the whole row a link on the first column; `choose = True` puts a checkbox before it.
    `sorts` maps columns to the `?sort=` values an index serves.
    """

    choose: ClassVar[bool] = False
    form_id: ClassVar[str] = ""
    css: ClassVar[str] = ""
    caption: Text = ""
    sorts: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        data: Sequence[Any],
        *,
        request: HttpRequest | None = None,
        pager: Pager | None = None,
        empty: Empty | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, request=request, orderable=False, **kwargs)
        self.request = request
        self.pager = pager
        self.empty = empty

    class Meta:
        template_name = "components/table.html"

    def row_url(self, record: Any) -> str:
        return ""

    def row_name(self, record: Any) -> str:
        return str(record)

    def row_key(self, record: Any) -> Any:
        return getattr(record, "pk", "")

    @property
    def heads(self) -> Iterator[Head]:
        wanted = self.request.GET.get("sort", "") if self.request is not None else ""
        for column in self.columns.iterall():
            if column.visible:
                yield self._head(column, wanted)

    def _head(self, column: Any, wanted: str) -> Head:
        label, css, sort = str(column.header), _css(column), self.sorts.get(column.name)
        if not sort or self.request is None:
            return Head(label, css)
        is_sorted = wanted.removeprefix("-") == sort.removeprefix("-") and bool(wanted)
        turned = wanted.removeprefix("-") if wanted.startswith("-") else f"-{wanted}"
        query = self.request.GET.copy()
        for key in ("before", "after"):
            query.pop(key, None)
        query["sort"] = turned if is_sorted else sort
        direction = ("descending" if wanted.startswith("-") else "ascending") if is_sorted else ""
        return Head(label, css, f"?{query.urlencode()}", direction)

    @cached_property
    def shown_rows(self) -> list[Row]:
        return [self._row(bound) for bound in self.rows]

    @property
    def body(self) -> SafeString:
        return draw_rows(self.shown_rows, choose=self.choose, form_id=self.form_id)

    def _row(self, bound: Any) -> Row:
        record, url = bound.record, self.row_url(bound.record)
        cells: list[Cell] = []
        for column, value in bound.items():
            href = url if url and not any(cell.href for cell in cells) else ""
            nothing = " cell-none" if value in NOTHING else ""
            cells.append(Cell(str(column.header), value, _css(column) + nothing, href))
        return Row(self.row_key(record), self.row_name(record), url, cells)


def _css(column: Any) -> str:
    own = column.column.attrs.get("td", {}).get("class", "")
    return " ".join(filter(None, (getattr(column.column, "css", ""), own)))
