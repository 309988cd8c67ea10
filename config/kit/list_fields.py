"""The kinds of fields a list has: each knows its column, what the search box may ask of it, and its CSV value.

A field is declared once (`Size("quota", _("Quota"), path="quota_bytes", sort=True)`); `config.kit.listing` makes the
page of it. A field never decides rights: the rows it gets are what the actor may see.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from config.kit.list_field import Field, Show
from config.kit.list_query import BadTerm, Op, Value, split_operator
from config.kit.list_ranges import Number, Percent, Size, Time
from config.kit.list_values import pattern
from config.kit.nav import Text as Label
from config.kit.templatetags.kit import state_html

__all__ = [
    "Beginning", "Choice", "Custom", "Field", "Main", "Number", "Percent", "Size", "State", "Text", "Time", "YesNo",
    "address_of", "known", "spoken_name",
]  # fmt: skip

Choices = Sequence[tuple[Any, Label]]


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
class Beginning(Text):
    """Words looked for from their beginning, in any case: where a trigram index would cost each new row too much.

    Wants an index on Lower(column) with text_pattern_ops.
    """

    example_value: ClassVar[str] = ":start"

    def compare(self, op: Op, value: Value) -> Q:
        lookup, text = pattern(value.text.lower(), literal=value.literal, whole=self.whole or op == "=")
        if not value.literal and "*" in value.text and lookup != "startswith":
            raise BadTerm(_("“%(name)s” can't be compared with %(sign)s.") % {"name": self.name, "sign": value.text})
        return Q(**{f"{self.orm_path}__lower__{'exact' if lookup == 'exact' else 'startswith'}": text})

    def word(self, value: Value) -> Q:
        return self.compare(":", value)


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
class Choice(Field):
    """One of some values. groups: words for several at once, `{"active": (_("Waiting or running"), ["waiting", …])}`.

    choices: pairs of value (as the column has it) and word, or a function of the actor that gives those they may know
    (one query at most).
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
        blank = super().is_blank()
        has_texts = all(isinstance(key, str) for key, _label in self.pairs)
        return blank | Q(**{self.orm_path: ""}) if has_texts else blank

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


def known(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by what the box may call them; a name beats a label."""
    found = {spoken_name(each): each for each in fields if each.search}
    found.update({each.name: each for each in fields if each.search})
    return found
