"""The kinds of fields a list has: each knows its column, what the search box may ask of it, and its CSV value.

A field is declared once (`Size("quota", _("Quota"), path="quota_bytes", sort=True)`); `config.kit.listing` makes the
page of it. A field never decides rights: the rows it gets are what the actor may see.
"""

from __future__ import annotations

import datetime as dt
import decimal
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar

from django.db.models import Expression, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.kit.list_query import BadTerm, Op, Value, split_operator
from config.kit.list_values import moment, pattern, size_bytes
from config.kit.nav import Text as Label
from config.kit.templatetags.kit import ago, filesize_exact, number, state_html

BLANK = "–"
Choices = Sequence[tuple[str, Label]]
Show = Callable[[Any], Any]
_LIMIT = 2**63
_BAR = '<progress class="bar bar--{}" max="100" value="{}" aria-hidden="true"></progress>'


@dataclass(frozen=True, eq=False)
class Field:
    """What all kinds have.

    name: in the address, in the search box and in CSV (English, stable). path: where the value is, by default `name`;
    `domain__name` goes over a join that the rows' selector has select_related.
    search: the box understands `name:value`. words: free words look here. filter: choices get a menu above the table.
    sort: only where an index on (value, pk) serves it; True sorts by `path`, an expression or another path by that.
    blanks_last: blank values stand last going down, too (their own index: `F(path).desc(nulls_last=True), "-pk"`).
    column: has a column; shown: has it before anybody chose. show: the cell of a row, instead of the value.
    right: only actors who hold it somewhere have this field at all. unit_css: more classes of the cell.
    """

    name: str
    label: Label
    _: KW_ONLY
    path: str = ""
    search: bool = True
    words: bool = False
    filter: bool = False
    sort: bool | str | Expression = False
    blanks_last: bool = False
    column: bool = True
    shown: bool = True
    show: Show | None = None
    export: Show | None = None
    blank: Label = BLANK
    right: str | None = None
    css: str = ""
    hint: Label = ""

    kind_css: ClassVar[str] = ""
    example_value: ClassVar[str] = ":…"
    operators: ClassVar[tuple[Op, ...]] = (":", "=")

    @property
    def orm_path(self) -> str:
        return self.path or self.name

    @property
    def sort_key(self) -> str | Expression:
        return self.orm_path if isinstance(self.sort, bool) else self.sort

    @property
    def cell_css(self) -> str:
        return f"{self.kind_css} {self.css}".strip()

    def for_actor(self, actor: Any) -> Field:
        return self

    # --- the column ---

    def value(self, record: Any) -> Any:
        """The value in a row: attributes along the path, None where a join leads nowhere."""
        for part in self.orm_path.split("__"):
            record = record.get(part) if isinstance(record, Mapping) else getattr(record, part, None)
            if record is None:
                return None
        return record

    def cell(self, record: Any) -> Any:
        """What stands in the table; text is escaped later, `SafeString` is taken as it is."""
        shown = self.show(record) if self.show else self.value(record)
        if shown is None or shown == "":
            return self.blank
        return shown if self.show else self.draw(shown, record)

    def draw(self, value: Any, record: Any) -> Any:
        return value

    def exported(self, record: Any) -> Any:
        """The value in a CSV file: plain, not for the eye."""
        return self.export(record) if self.export else self.value(record)

    # --- the search box ---

    @property
    def example(self) -> str:
        return f"{self.name}{self.example_value}"

    def matches(self, op: Op, value: Value) -> Q:
        """The rows that `name<op>value` asks for. Raises: BadTerm."""
        op, value = split_operator(value, op)
        if op not in self.operators:
            raise BadTerm(_("“%(name)s” can't be compared with %(sign)s.") % {"name": self.name, "sign": op})
        if not value.literal and value.text == "*":
            return ~self.is_blank()
        if value.text == "":
            return self.is_blank()
        return self.compare(op, value)

    def is_blank(self) -> Q:
        return Q(**{f"{self.orm_path}__isnull": True})

    def compare(self, op: Op, value: Value) -> Q:
        return Q(**{self.orm_path: value.text})

    def word(self, value: Value) -> Q:
        """The rows in which a free word is found, for fields with `words`."""
        return self.matches(":", value)

    def value_label(self, value: str) -> str:
        """A value as a chip says it."""
        return value


@dataclass(frozen=True, eq=False, kw_only=True)
class Text(Field):
    """Words. `name:part` finds a part (`whole`: the whole value); `name=whole`, `name:start*`, `name:*part*` say which.

    folded: the column is kept in lower case, so that plain (indexed) comparisons do. Parts want a trigram index: on
    the column where folded, else on Upper(column). long: one line, cut with an ellipsis. link: the address of what
    the value names (a user's domain), beside the row's own.
    """

    whole: bool = False
    folded: bool = False
    long: bool = False
    mono: bool = False
    link: Show | None = None

    def draw(self, value: Any, record: Any) -> Any:
        url = self.link(record) if self.link else ""
        return format_html('<a class="above" href="{}">{}</a>', url, value) if url else value

    @property
    def cell_css(self) -> str:
        return " ".join(filter(None, ("cell-long" if self.long else "", "mono" if self.mono else "", self.css)))

    def is_blank(self) -> Q:
        return super().is_blank() | Q(**{self.orm_path: ""})

    def compare(self, op: Op, value: Value) -> Q:
        text = value.text.lower() if self.folded else value.text
        lookup, text = pattern(text, literal=value.literal, whole=self.whole or op == "=")
        return Q(**{f"{self.orm_path}__{'' if self.folded else 'i'}{lookup}": text})

    def word(self, value: Value) -> Q:
        text = value.text.lower() if self.folded else value.text
        lookup, text = pattern(text, literal=value.literal, whole=False)
        return Q(**{f"{self.orm_path}__{'' if self.folded else 'i'}{lookup}": text})


@dataclass(frozen=True, eq=False, kw_only=True)
class Main(Text):
    """The name of the row: its link, and the first line on a phone.

    url: a function of the row, or the name of an address that takes the row's key.
    """

    url: str | Callable[[Any], str] = ""

    @property
    def cell_css(self) -> str:
        return f"cell-main {'mono' if self.mono else ''} {self.css}".strip()

    def url_of(self, record: Any) -> str:
        if callable(self.url):
            return self.url(record)
        return address_of(self.url, record.pk) if self.url else ""


@functools.cache
def _address_pattern(url_name: str) -> tuple[str, str]:
    before, _sign, after = reverse(url_name, args=[987654321]).partition("987654321")
    return before, after


def address_of(url_name: str, pk: int) -> str:
    """`reverse(url_name, args=[pk])`, without asking the resolver for each of 200 rows."""
    before, after = _address_pattern(url_name)
    return f"{before}{pk}{after}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Number(Field):
    """A whole number; `count>100`, `count:5..10`. low/high are what the column can hold."""

    kind_css: ClassVar[str] = "num cell-fit"
    example_value: ClassVar[str] = ">100"
    operators: ClassVar[tuple[Op, ...]] = (":", "=", ">", ">=", "<", "<=")

    def draw(self, value: Any, record: Any) -> Any:
        return number(value)

    def parse(self, text: str) -> Any:
        """Raises: ValueError."""
        found = int(text.replace("_", ""))
        if not -_LIMIT <= found < _LIMIT:
            raise ValueError(text)
        return found

    def bad(self, text: str) -> str:
        return _("“%(value)s” is no number.") % {"value": text}

    def compare(self, op: Op, value: Value) -> Q:
        low, dots, high = value.text.partition("..")
        if dots and op in (":", "="):
            ends = {"gte": low, "lte": high}
            return Q(**{f"{self.orm_path}__{end}": self._parsed(text) for end, text in ends.items() if text})
        lookup = {":": "exact", "=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[op]
        return Q(**{f"{self.orm_path}__{lookup}": self._parsed(value.text)})

    def _parsed(self, text: str) -> Any:
        try:
            return self.parse(text.strip())
        except (ValueError, OverflowError, decimal.DecimalException) as error:
            raise BadTerm(self.bad(text)) from error


@dataclass(frozen=True, eq=False, kw_only=True)
class Size(Number):
    """Bytes; `size>1G`, `size<500M`. Units are binary, as the pages show them."""

    example_value: ClassVar[str] = ">1G"

    def draw(self, value: Any, record: Any) -> Any:
        return filesize_exact(value)

    def parse(self, text: str) -> Any:
        return size_bytes(text)

    def bad(self, text: str) -> str:
        return _("“%(value)s” is no size. Write it like 500M or 2G.") % {"value": text}


@dataclass(frozen=True, eq=False, kw_only=True)
class Percent(Number):
    """A share; `quota>90%` or `quota>90`. scale: what 100 % is in the column (1 for a ratio, 100 for whole percent)."""

    scale: int = 100

    example_value: ClassVar[str] = ">90%"

    def draw(self, value: Any, record: Any) -> Any:
        percent = int(value * 100 / self.scale)
        tone = "bad" if percent >= 100 else "warn" if percent >= 90 else "none"
        return format_html(
            f'<span class="share">{_BAR}{{}}&nbsp;%</span>', tone, min(max(percent, 0), 100), number(percent)
        )

    def parse(self, text: str) -> Any:
        share = decimal.Decimal(text.removesuffix("%").strip().replace(",", "."))
        if not share.is_finite() or abs(share) > 1_000_000:
            raise ValueError(text)
        return share * self.scale / 100

    def bad(self, text: str) -> str:
        return _("“%(value)s” is no share. Write it like 90%%.") % {"value": text}


@dataclass(frozen=True, eq=False, kw_only=True)
class Time(Field):
    """A moment; `created>2026-01-31`, `created:2026-01`, `created:today`, `created<-30d` (longer ago than 30 days).

    whole_days: the column holds dates.
    """

    whole_days: bool = False

    kind_css: ClassVar[str] = "cell-fit cell-soft"
    example_value: ClassVar[str] = ">-30d"
    operators: ClassVar[tuple[Op, ...]] = (":", "=", ">", ">=", "<", "<=")

    def draw(self, value: Any, record: Any) -> Any:
        return ago(value)

    def exported(self, record: Any) -> Any:
        value = super().exported(record)
        return value.isoformat() if isinstance(value, dt.datetime | dt.date) else value

    def compare(self, op: Op, value: Value) -> Q:
        low, dots, high = value.text.partition("..")
        if dots and op in (":", "="):
            ends = ([self.compare(">=", Value(low))] if low else []) + (
                [self.compare("<=", Value(high))] if high else []
            )
            return functools.reduce(Q.__and__, ends, Q())
        try:
            start, end = moment(value.text, timezone.now())
        except (ValueError, OverflowError) as error:
            text = _("“%(value)s” is no date. Write it like 2026-01-31, 2026-01, today or -30d (30 days ago).")
            raise BadTerm(text % {"value": value.text}) from error
        asked = {
            ":": {"gte": start, "lt": end},
            "=": {"gte": start, "lt": end},
            ">": {"gte": end} if end > start else {"gt": start},
            ">=": {"gte": start},
            "<": {"lt": start},
            "<=": {"lt": end} if end > start else {"lte": start},
        }[op]
        if end == start and op in (":", "="):  # `created:-7d`: within the last seven days
            asked = {"gte": start}
        return Q(**{f"{self.orm_path}__{key}": self._typed(each) for key, each in asked.items()})

    def _typed(self, value: dt.datetime) -> dt.datetime | dt.date:
        return timezone.localdate(value) if self.whole_days else value


@dataclass(frozen=True, eq=False, kw_only=True)
class Choice(Field):
    """One of some values. groups: words for several at once, `{"active": (_("Waiting or running"), ["waiting", …])}`.

    choices: pairs of value and word, or a function of the actor that gives those they may know (one query at most).
    """

    choices: Choices | Callable[[Any], Choices] = ()
    groups: Mapping[str, tuple[Label, Sequence[str]]] = field(default_factory=dict)

    kind_css: ClassVar[str] = "cell-fit"

    def for_actor(self, actor: Any) -> Field:
        """A copy for one request: what is worked out once holds for its actor and language."""
        return replace(self, choices=tuple(self.choices(actor) if callable(self.choices) else self.choices))

    @property
    def pairs(self) -> Choices:
        return () if callable(self.choices) else self.choices

    @functools.cached_property
    def options(self) -> list[tuple[str, str]]:
        """What the filter menu offers, groups first."""
        return [(key, str(label)) for key, (label, _values) in self.groups.items()] + [
            (str(value), str(label)) for value, label in self.pairs
        ]

    @functools.cached_property
    def labels(self) -> dict[str, str]:
        return dict(self.options)

    @property
    def example(self) -> str:
        return f"{self.name}:{self.options[0][0]}" if self.options else super().example

    def draw(self, value: Any, record: Any) -> Any:
        return self.value_label(str(value))

    def value_label(self, value: str) -> str:
        return self.labels.get(value, value)

    def is_blank(self) -> Q:
        return super().is_blank() | Q(**{self.orm_path: ""})

    def compare(self, op: Op, value: Value) -> Q:
        wanted = value.text.casefold()
        if wanted in self.groups:
            return Q(**{f"{self.orm_path}__in": list(self.groups[wanted][1])})
        for key, label in self.pairs:
            if wanted in (str(key).casefold(), str(label).casefold()):
                return Q(**{self.orm_path: key})
        raise BadTerm(self._unknown(value.text))

    def _unknown(self, text: str) -> str:
        known = ", ".join(key for key, _label in self.options[:12])
        return _("“%(name)s” is never “%(value)s”. It can be: %(known)s.") % {
            "name": self.name,
            "value": text,
            "known": known,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class State(Choice):
    """A choice that says how the row is: a dot and a word. tone: the tone of a value, where the kit doesn't know it."""

    tones: Mapping[str, str] = field(default_factory=dict)

    kind_css: ClassVar[str] = "cell-fit cell-state"

    def draw(self, value: Any, record: Any) -> Any:
        return state_html(str(value), self.value_label(str(value)), self.tones.get(str(value), ""))

    def exported(self, record: Any) -> Any:
        return super().exported(record)


@dataclass(frozen=True, eq=False, kw_only=True)
class YesNo(Choice):
    """A boolean; words: what yes and no are called in the cell, the menu and the box."""

    yes: Label = ""
    no: Label = ""

    @property
    def pairs(self) -> Choices:
        return [("yes", self.yes or _("Yes")), ("no", self.no or _("No"))]

    def draw(self, value: Any, record: Any) -> Any:
        return self.value_label("yes" if value else "no")

    def exported(self, record: Any) -> Any:
        value = super().exported(record)
        return {True: "yes", False: "no"}.get(value, value)

    def is_blank(self) -> Q:
        return Q(**{f"{self.orm_path}__isnull": True})

    def compare(self, op: Op, value: Value) -> Q:
        wanted = value.text.casefold()
        for is_true, label, others in (
            (True, self.yes or _("Yes"), "yes true 1"),
            (False, self.no or _("No"), "no false 0"),
        ):
            if wanted == str(label).casefold() or wanted in others.split():
                return Q(**{self.orm_path: is_true})
        raise BadTerm(self._unknown(value.text))


@dataclass(frozen=True, eq=False, kw_only=True)
class Custom(Field):
    """A field of the search box with a meaning of its own: `find("value")` gives the rows (raise BadTerm to refuse).

    Has a column only with `show`.
    """

    find: Callable[[str], Q] = lambda text: Q()

    def matches(self, op: Op, value: Value) -> Q:
        op, value = split_operator(value, op)
        if op not in self.operators:
            raise BadTerm(_("“%(name)s” can't be compared with %(sign)s.") % {"name": self.name, "sign": op})
        return self.find(value.text)

    def cell(self, record: Any) -> Any:
        shown = self.show(record) if self.show else None
        return self.blank if shown in (None, "") else shown

    def exported(self, record: Any) -> Any:
        return self.export(record) if self.export else ""


_WORD = re.compile(r"[\s:]+")


def spoken_name(field: Field) -> str:
    """The label as it can be typed before the colon, in the person's language."""
    return _WORD.sub("-", str(field.label).casefold())


def escaped(cell: Any) -> SafeString:
    return mark_safe(conditional_escape(str(cell) if isinstance(cell, Promise) else cell))  # noqa: S308


def known(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by what the box may call them; a name beats a label."""
    found = {spoken_name(each): each for each in fields if each.search}
    found.update({each.name: each for each in fields if each.search})
    return found
