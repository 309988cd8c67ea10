"""What every kind of field of a list has. The kinds are `config.kit.list_fields`' and `config.kit.list_ranges`'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from django.db.models import Expression, Q
from django.utils.translation import gettext as _

from config.kit.list_query import BadTerm, Op, Value, split_operator
from config.kit.nav import Text as Label

BLANK = "–"
Show = Callable[[Any], Any]


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
