"""Lists over a million rows: few rows are found first and then sorted, many are met by walking the order.

Left to itself PostgreSQL walks the index of the order wherever it expects to meet fifty rows soon, and reads most of
the table when it is wrong: when names and addresses go together, or when the rows of a few domains are asked for. So
the rows are counted first (to 10,000, as the page does anyway). Of words too short for a trigram index only the
beginning of an address is looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q
from django.http import QueryDict

from config.kit.list_fields import Main, Text
from config.kit.list_query import Op, Term, Value
from config.kit.list_state import Asked
from config.kit.list_values import pattern
from config.kit.listing import Listing
from config.kit.lookups import like_escaped
from config.kit.paging import Order
from config.kit.preferences import ListMemory

M = TypeVar("M", bound=Model)
_TRIGRAM = re.compile(r"\w{3}")
_LAST = "\ud7ff"  # what follows are surrogates, which PostgreSQL refuses


@dataclass(frozen=True, eq=False)
class BigAsked(Asked):
    """What an address asks of a big list."""

    def order_among(self, *, are_many: bool) -> Order:
        """The usual order; among few rows one in which they are found before they are sorted."""
        return self.order if are_many else replace(self.order, found_first=True)

    def _word(self, term: Term) -> Q:
        main = next((each for each in self.fields if isinstance(each, Main) and each.words), None)
        text = term.values[0].text.lower().rstrip("*")
        if main is None or not text or "*" in text or text[-1] >= _LAST or _TRIGRAM.search(text):
            return super()._word(term)
        after = text[:-1] + chr(ord(text[-1]) + 1)
        condition = Q(**{f"{main.orm_path}__gte": text, f"{main.orm_path}__lt": after})
        return ~condition if term.negated else condition


@dataclass(frozen=True, eq=False)
class BigListing(Listing[M], Generic[M]):
    """A list over so many rows that how they are found decides."""

    def ask(self, actor: Any, params: QueryDict, memory: ListMemory | None = None) -> BigAsked:
        return BigAsked(self, self.fields_for(actor), params, memory or ListMemory())


@dataclass(frozen=True, eq=False, kw_only=True)
class Exact(Text):
    """A name that is typed whole, as it is written: found by the plain index of its column."""

    def compare(self, op: Op, value: Value) -> Q:
        return Q(**{self.orm_path: value.text})


@dataclass(frozen=True, eq=False, kw_only=True)
class Name(Text):
    """Words in any case, looked for by the trigram index of the column itself."""

    def compare(self, op: Op, value: Value) -> Q:
        return ilike(self.orm_path, value, whole=self.whole or op == "=")

    def word(self, value: Value) -> Q:
        return ilike(self.orm_path, value, whole=False)


def ilike(path: str, value: Value, *, whole: bool) -> Q:
    """The rows in which a typed value is found, in any case; `*` in it stands for anything."""
    lookup, text = pattern(value.text, literal=value.literal, whole=whole)
    if lookup == "regex":
        return Q(**{f"{path}__iregex": text})
    before, after = "%" * (lookup in ("contains", "endswith")), "%" * (lookup in ("contains", "startswith"))
    return Q(**{f"{path}__ilike": f"{before}{like_escaped(text)}{after}"})
