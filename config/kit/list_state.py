"""What a list is declared to be, and what an address asks of it: conditions, order, size, columns.

Reads the address and what the person remembers; asks no database. `config.kit.listing` has the whole story.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kit.list_fields import Field, Main, known
from config.kit.list_query import BadTerm, Term, Value, parse
from config.kit.nav import Text, holds_somewhere
from config.kit.paging import Order
from config.kit.preferences import SIZES, ListMemory
from config.kit.tables import Empty

M = TypeVar("M", bound=Model)
RESERVED = frozenset(
    {"q", "sort", "size", "columns", "before", "after", "at", "format", "all", "chosen", "filter", "page"}
)
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,60}")


_declared: set[str] = set()


def is_list(name: str) -> bool:
    """Whether a list of this name is declared somewhere."""
    return name in _declared


@dataclass(frozen=True)
class View:
    """A tab the list itself offers: `View(_("Over quota"), "quota=>90%&sort=-quota")`."""

    label: Text
    query: str


@dataclass(frozen=True, eq=False)
class ListSpec:
    """How one list is searched, sorted and shown. Raises: ValueError for a declaration that can't work.

    sort: the name of a field that sorts, or "pk", with "-" for descending. words: how free words are found, where the
    fields' own `words` isn't it. first_step: what an empty list offers. nothing: the title where nothing is found.
    count_to: up to here rows are counted exactly, without it to 10,000; lower where looking at a row costs more.
    counts_in_time: where counting takes too long the page is shown without a number (`paging.count_in_time`).
    """

    name: str
    fields: Sequence[Field]
    sort: str = "-pk"
    caption: Text = ""
    placeholder: Text = ""
    views: Sequence[View] = ()
    first_step: Empty = field(default_factory=lambda: Empty(gettext_lazy("Nothing here yet")))
    nothing: Text = ""
    words: Callable[[str], Q] | None = None
    size: int = 50
    exportable: bool = True
    count_to: int | None = None
    counts_in_time: bool = False

    def __post_init__(self) -> None:
        names = [each.name for each in self.fields]
        wrong = [name for name in names if name in RESERVED or not _NAME.fullmatch(name) or names.count(name) > 1]
        if not _NAME.fullmatch(self.name) or wrong:
            raise ValueError(f"{self.name}: these names can't be used: {wrong or self.name}")
        if self.sort.removeprefix("-") not in {"pk", *(each.name for each in self.fields if each.sort)}:
            raise ValueError(f"{self.name}: nothing sorts by {self.sort}")
        _declared.add(self.name)

    def fields_for(self, actor: Any) -> list[Field]:
        """The fields this actor has, with the choices that are theirs."""
        held = [each for each in self.fields if each.right is None or holds_somewhere(actor, each.right)]
        return [each.for_actor(actor) for each in held]

    def ask(self, actor: Any, params: QueryDict, memory: ListMemory | None = None) -> Asked:
        return Asked(self, self.fields_for(actor), params, memory or ListMemory())

    def select(self, actor: Any, rows: QuerySet[M], params: QueryDict) -> QuerySet[M]:
        """Those of `rows` that an address asks for, in no order. Raises: BadTerm where it can't be understood.

        For what follows a list (bulk, export): a search that means nothing must never mean everything.
        """
        asked = self.ask(actor, params)
        found = asked.matching(rows)
        if asked.problems:
            raise BadTerm(" ".join(asked.problems))
        return found


@dataclass(frozen=True)
class Likely(Generic[M]):
    """Rows that come first in the order of the list and are found faster. are_all: there are no others."""

    rows: QuerySet[M]
    are_all: bool = False


@dataclass(frozen=True, eq=False)
class Asked:
    """What an address asks of a list; reads nothing but the address and what the person remembers."""

    listing: ListSpec
    fields: list[Field]
    params: QueryDict
    memory: ListMemory

    @functools.cached_property
    def text(self) -> str:
        return self.params.get("q", "").strip().replace("\0", "")

    @functools.cached_property
    def filters(self) -> dict[str, list[str]]:
        """Values by field, those from their own parameters."""
        found = {each.name: [v for v in self.params.getlist(each.name) if v] for each in self.fields if each.search}
        return {name: list(dict.fromkeys(values))[:50] for name, values in found.items() if values}

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.filters)

    @functools.cached_property
    def condition(self) -> Q:
        """All of it together; nothing at all where something couldn't be understood."""
        condition = self._compiled[0]
        return Q(pk__in=[]) if self.problems else condition

    def matching(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those rows; none, and a problem, where a column can't be compared with what was typed."""
        try:
            return rows.filter(self.condition)
        except (ValueError, TypeError, ValidationError):
            self.problems.append(_("One of the values can't be looked for in its field."))
            return rows.none()

    def likely(self, rows: QuerySet[M]) -> Likely[M] | None:
        """Where of many matching rows the page is, or the first page is likely; None: nothing is known of that."""
        return None

    @property
    def problems(self) -> list[str]:
        return self._compiled[1]

    @functools.cached_property
    def _compiled(self) -> tuple[Q, list[str]]:
        condition, problems = Q(), []
        for read in self._conditions():
            try:
                condition &= read()
            except BadTerm as error:
                problems.append(str(error))
        return condition, problems

    def _conditions(self) -> Iterator[Callable[[], Q]]:
        by_name = known(self.fields)
        for name, values in self.filters.items():
            typed = tuple(Value(value.replace("\0", "")) for value in values)
            yield functools.partial(self._field, by_name, Term(name, ":", typed))
        try:
            terms = parse(self.text)
        except BadTerm as error:
            yield functools.partial(_refuse, error)
            return
        for term in terms:
            yield functools.partial(self._field, by_name, term) if term.field else functools.partial(self._word, term)

    def _field(self, by_name: dict[str, Field], term: Term) -> Q:
        found = by_name.get(term.field) or by_name.get(term.field.casefold())
        if found is None:
            raise BadTerm(_unknown_field(term, by_name))
        condition = functools.reduce(Q.__or__, (found.matches(term.op, value) for value in term.values))
        return ~condition if term.negated else condition

    def _word(self, term: Term) -> Q:
        value = term.values[0]
        if not value.text:
            return Q()
        if self.listing.words is not None:
            condition = self.listing.words(value.text)
        else:
            places = [each for each in self.fields if each.words]
            if not places:
                raise BadTerm(_("This list is searched by its fields only, like %(example)s") % {"example": "name:…"})
            condition = functools.reduce(Q.__or__, (each.word(value) for each in places))
        return ~condition if term.negated else condition

    @functools.cached_property
    def sort(self) -> str:
        """The name of the field, with "-" for descending; the list's own where the address names none."""
        wanted = self.params.get("sort", "")
        sorting = {each.name for each in self.fields if each.sort}
        return wanted if wanted.removeprefix("-") in sorting and not wanted.startswith("--") else self.listing.sort

    def order_among(self, *, are_many: bool) -> Order:
        """The order for rows of which the condition leaves more than are counted, or fewer."""
        return self.order

    @property
    def order(self) -> Order:
        name, descending = self.sort.removeprefix("-"), self.sort.startswith("-")
        found = next((each for each in self.fields if each.name == name and each.sort), None)
        return Order("pk", descending) if found is None else Order(found.sort_key, descending, found.blanks_last)

    @functools.cached_property
    def size(self) -> int:
        wanted = self.params.get("size", "")
        allowed = {str(size): size for size in SIZES}
        return allowed.get(wanted) or self.memory.size or self.memory.usual_size or self.listing.size

    @functools.cached_property
    def columns(self) -> list[Field]:
        """Those that are shown, in the list's order; the row's name always is."""
        wanted = [name for name in self.params.get("columns", "").split(",") if name] or list(self.memory.columns)
        possible = [each for each in self.fields if each.column]
        chosen = [each for each in possible if isinstance(each, Main) or each.name in wanted]
        if not wanted or len(chosen) == sum(isinstance(each, Main) for each in chosen):
            return [each for each in possible if each.shown or isinstance(each, Main)]
        return chosen

    def query(self, **changes: str | Iterable[str] | None) -> str:
        """The query string of this state with some parameters changed; the pager's place is left out."""
        params = QueryDict(mutable=True)
        for key in self.params:
            if key not in ("before", "after", "at", "format", "page") and key not in changes:
                params.setlist(key, [value for value in self.params.getlist(key) if value])
        for key, value in changes.items():
            params.setlist(key, [value] if isinstance(value, str) else list(value or ()))
        return params.urlencode()


def _refuse(error: BadTerm) -> Q:
    raise error


def _unknown_field(term: Term, by_name: dict[str, Field]) -> str:
    names = [each.name for each in by_name.values()]
    near = difflib.get_close_matches(term.field.casefold(), names, n=1)
    values = {"name": term.field, "near": near[0] if near else "", "known": ", ".join(dict.fromkeys(names))}
    if near:
        return _("There is no field “%(name)s”. Did you mean “%(near)s”?") % values
    return _("There is no field “%(name)s”. You can use: %(known)s. To find the words themselves, quote them.") % values
