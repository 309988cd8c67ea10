"""What components/list.html draws: rows, heads, chips, menus, tabs, pager. Queries only through paging."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from config.kit.list_fields import Choice, Field, Main, Number, Time
from config.kit.list_state import Asked
from config.kit.nav import Text
from config.kit.paging import COUNT_LIMIT, Page, Pager, count_capped, count_in_time, keyset, total_text
from config.kit.preferences import SIZES
from config.kit.tables import NOTHING, Cell, Empty, Head, Row, draw_rows

M = TypeVar("M", bound=Model)
FORM_ID = "list-bulk"


@dataclass(frozen=True)
class Chip:
    label: str
    url: str
    active: bool = True


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Menu:
    """A filter by the values of one field; several mean any of them."""

    name: str
    label: Text
    options: list[Option]

    @property
    def count(self) -> int:
        return sum(option.chosen for option in self.options)


@dataclass(frozen=True)
class Tab:
    label: Text
    url: str
    is_current: bool
    is_own: bool = False


@dataclass(frozen=True)
class Hint:
    """A line of the box's help."""

    example: str
    label: Text


@dataclass(frozen=True, eq=False)
class ListTable:
    """The table of a list, as components/table.html takes it."""

    asked: Asked
    rows: Sequence[Any]
    pager: Pager
    empty: Empty
    choose: bool
    caption: Text
    css: str = ""
    form_id: str = FORM_ID

    @property
    def heads(self) -> Iterator[Head]:
        for each in self.asked.columns:
            yield self._head(each)

    def _head(self, field: Field) -> Head:
        label, css = str(field.label), field.cell_css
        if not field.sort:
            return Head(label, css)
        sort = self.asked.sort
        if sort.removeprefix("-") != field.name:
            first = f"-{field.name}" if isinstance(field, Number | Time) else field.name
            return Head(label, css, f"?{self.asked.query(sort=first)}")
        is_descending = sort.startswith("-")
        turned = field.name if is_descending else f"-{field.name}"
        return Head(label, css, f"?{self.asked.query(sort=turned)}", "descending" if is_descending else "ascending")

    @cached_property
    def shown_rows(self) -> list[Row]:
        columns = [(each, str(each.label), each.cell_css) for each in self.asked.columns]
        main = next((each for each in self.asked.fields if isinstance(each, Main)), None)
        return [self._row(record, columns, main) for record in self.rows]

    @staticmethod
    def _row(record: Any, columns: list[tuple[Field, str, str]], main: Main | None) -> Row:
        url = main.url_of(record) if main is not None else ""
        cells = []
        for field, label, css in columns:
            value = field.cell(record)
            nothing = " cell-none" if value in NOTHING else ""
            cells.append(Cell(label, value, css + nothing, url if field is main else ""))
        name = main.value(record) if main is not None else record
        return Row(getattr(record, "pk", ""), str(name), url, cells)

    @property
    def body(self) -> SafeString:
        return draw_rows(self.shown_rows, choose=self.choose, form_id=self.form_id)


@dataclass(frozen=True, eq=False)
class ListPage(Generic[M]):
    """One page of a list."""

    request: HttpRequest
    asked: Asked
    page: Page[M]
    actions: Sequence[Any] = ()
    bulk_url: str = ""

    @classmethod
    def read(
        cls,
        request: HttpRequest,
        asked: Asked,
        rows: QuerySet[M],
        *,
        total: Callable[[], int | None] | None = None,
        actions: Sequence[Any] = (),
        bulk_url: str = "",
        scattered: bool = False,
        within: str = "",
    ) -> ListPage[M]:
        known, capped = total() if total is not None and not asked.is_filtered else None, False
        found = asked.matching(rows)
        if known is None:
            counting = count_in_time if asked.listing.counts_in_time else count_capped
            known, capped = counting(found, asked.listing.count_to)
        most = asked.listing.count_to or COUNT_LIMIT
        uncounted = known is None
        order = asked.order_among(are_many=not scattered and (capped or known is None or known > most))
        if within and not order.found_first:
            order = replace(order, within=within)
        read = partial(
            keyset, request, order=order, per_page=asked.size, total=known, capped=capped, uncounted=uncounted
        )
        # few are found as fast as they were counted
        likely = asked.likely(found) if capped or uncounted else None
        if likely is not None and not likely.are_all and {"before", "after", "at"} & set(request.GET):
            likely = None
        page = read(found if likely is None else likely.rows)
        if likely is not None and not likely.are_all and not page.pager.older_url:  # they don't fill it
            page = read(found)
        return cls(request, asked, page, actions, bulk_url)

    @property
    def name(self) -> str:
        return self.asked.listing.name

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def rows(self) -> list[M]:
        return self.page.rows

    @property
    def text(self) -> str:
        return self.asked.text

    @property
    def problem(self) -> str:
        return " ".join(self.asked.problems)

    @property
    def total_text(self) -> str:
        return total_text(self.page.total or 0, capped=self.page.total_is_capped)

    @property
    def total_number(self) -> str:
        """For the title: "1,204" or "10,000+"."""
        shown = total_text(self.page.total or 0, capped=True).rpartition(" ")[2]
        return f"{shown}+" if self.page.total_is_capped else shown

    @property
    def placeholder(self) -> Text:
        return self.asked.listing.placeholder or _("Words, or field:value")

    @property
    def caption(self) -> Text:
        return self.asked.listing.caption

    @cached_property
    def table(self) -> ListTable:
        return ListTable(
            self.asked, self.page.rows, self.page.pager, self._empty, bool(self.actions), self.asked.listing.caption
        )

    @property
    def _empty(self) -> Empty:
        listing = self.asked.listing
        if not self.asked.is_filtered and not self.request.GET.keys() & {"before", "after"}:
            return listing.first_step.offered_to(getattr(self.request, "actor", None))
        title = listing.nothing or _("Nothing matches")
        text = _("Nothing was looked for.") if self.asked.problems else _("No row has everything you asked for.")
        return Empty(title, text, "magnifying-glass", self.path, _("Show all"))

    # --- above the table ---

    @cached_property
    def chips(self) -> list[Chip]:
        """The filters that are on, each with the address without it."""
        found = []
        by_name = {each.name: each for each in self.asked.fields}
        for name, values in self.asked.filters.items():
            for value in values:
                label = f"{by_name[name].label}: {by_name[name].value_label(value)}"
                rest = [other for other in values if other != value]
                found.append(Chip(label, self._url(**{name: rest})))
        return found

    @property
    def clear_url(self) -> str:
        return self._url(q=None, **dict.fromkeys(self.asked.filters)) if self.asked.is_filtered else ""

    @cached_property
    def menus(self) -> list[Menu]:
        return [
            Menu(
                each.name,
                each.label,
                [Option(key, label, key in self.asked.filters.get(each.name, ())) for key, label in each.options],
            )
            for each in self.asked.fields
            if each.filter and isinstance(each, Choice)
        ]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search form carries along: state that its own controls don't hold."""
        own = {"q", "sort", "before", "after", "at", "format", "page", *(menu.name for menu in self.menus)}
        return [(key, value) for key, values in self.request.GET.lists() if key not in own for value in values if value]

    @cached_property
    def sorts(self) -> list[Option]:
        """Every order that is offered, for people without table heads (phones)."""
        found = []
        for each in self.asked.fields:
            if each.sort:
                up, down = _("%(field)s, ascending"), _("%(field)s, descending")
                for value, label in ((each.name, up), (f"-{each.name}", down)):
                    found.append(Option(value, label % {"field": each.label}, value == self.asked.sort))
        if found and not any(option.chosen for option in found):
            found.insert(0, Option("", _("As usual"), True))
        return found

    @property
    def standard_sort(self) -> str:
        return self.asked.listing.sort

    @cached_property
    def hints(self) -> list[Hint]:
        return [Hint(each.example, each.hint or each.label) for each in self.asked.fields if each.search]

    @cached_property
    def tabs(self) -> list[Tab]:
        """All, the list's own views, and the person's; none where there are no views."""
        views = [(view.label, view.query, False) for view in self.asked.listing.views]
        views += [(view.name, view.query, True) for view in self.asked.memory.views]
        if not views:
            return []
        now = _state_of(self.asked.query())
        found = [Tab(label, f"{self.path}?{query}", _state_of(query) == now, is_own) for label, query, is_own in views]
        return [
            Tab(_("All"), self.path, not self.asked.is_filtered and not any(tab.is_current for tab in found)),
            *found,
        ]

    @property
    def is_saveable(self) -> bool:
        """Whether this state differs from every tab's."""
        return bool(self.asked.query()) and not any(tab.is_current for tab in self.tabs if tab.is_own)

    @cached_property
    def columns(self) -> list[Option]:
        shown = {each.name for each in self.asked.columns}
        return [
            Option(each.name, str(each.label), each.name in shown)
            for each in self.asked.fields
            if each.column and not isinstance(each, Main)
        ]

    @property
    def sizes(self) -> list[Option]:
        offered = sorted({*SIZES, self.asked.size})
        return [Option(str(size), str(size), size == self.asked.size) for size in offered]

    @property
    def own_views(self) -> list[Tab]:
        return [tab for tab in self.tabs if tab.is_own]

    @property
    def query(self) -> str:
        """This state as a query string: what a saved view keeps and bulk acts on."""
        return self.asked.query()

    @property
    def full_path(self) -> str:
        return self._url()

    @property
    def export_url(self) -> str:
        return self._url(format="csv") if self.asked.listing.exportable else ""

    @property
    def offers_all(self) -> bool:
        """Whether more match than this page shows, so that "all that match" means something else than the page."""
        return self.page.total is not None and self.page.total > len(self.page.rows)

    def _url(self, **changes: Any) -> str:
        query = self.asked.query(**changes)
        return f"{self.path}?{query}" if query else self.path


def _state_of(query: str) -> set[tuple[str, str]]:
    return {(key, value) for key, values in QueryDict(query).lists() for value in values if value and key != "size"}
