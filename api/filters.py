"""What lists can be asked for: `name=*part*`, a state, an id, yes or no. Each says its type, its help and its effect.

Several filters narrow together. A filter is offered only where an index serves it. Not for sorting or paging.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
from django.db.models import Q, QuerySet
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from api.schemas import MAX_ID, Moment
from config.kit.lookups import like_escaped

Rows = QuerySet[Any]
_TRIGRAM = re.compile(r"\w{3}")
_BEGINNINGS = {True: "what begins with them", False: "names in which a word begins with them"}


@dataclass(frozen=True)
class Filter:
    """One query parameter of a list."""

    kind: Any
    help: str
    narrow: Callable[[Rows, Any], Rows]


class Number:
    """Whole numbers in a query string: digits only."""

    @staticmethod
    def _read(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,19}", value):
            raise PydanticCustomError("int_parsing", "Input should be a whole number")
        return value

    @classmethod
    def annotation(cls, least: int = 0, most: int = MAX_ID) -> Any:
        return Annotated[int, BeforeValidator(cls._read), pydantic.Field(ge=least, le=most)] | None


QueryId = Annotated[int, BeforeValidator(Number._read), pydantic.Field(ge=1, le=MAX_ID)] | None


def text(column: str, help: str, *, canonical: bool = False, many: bool = False) -> Filter:
    """Text with `*` at the start, the end or both; upper and lower case are the same.

    canonical: the column holds lower case only (addresses, domain names), so its plain index serves too. many: the list
    may have a million rows, among which no index finds one or two letters in the middle of a word.
    """
    kind = Annotated[str, pydantic.Field(min_length=1, max_length=320)]
    words = f"{help} `*` at the start, the end or both stands for anything."
    if many:
        words += f" Fewer than three letters between two of them: {_BEGINNINGS[canonical]}."
    return Filter(kind, words, lambda rows, value: rows.filter(wildcard(column, value, canonical=canonical, many=many)))


def exact(column: str, help: str) -> Filter:
    """A text, exactly as it is written."""
    kind = Annotated[str, pydantic.Field(min_length=1, max_length=320)]
    return Filter(kind, help, lambda rows, value: rows.filter(**{column: value}))


def text_by(narrow: Callable[[Rows, str], Rows], help: str) -> Filter:
    """Text with `*`, where more than one column is looked at."""
    kind = Annotated[str, pydantic.Field(min_length=1, max_length=320)]
    return Filter(kind, f"{help} `*` at the start, the end or both stands for anything.", narrow)


def wildcard(column: str, value: str, *, canonical: bool, many: bool = False) -> Q:
    """The condition for `part`, `part*`, `*part` or `*part*`; a lone `*` is everything."""
    starts, ends, part = value.startswith("*"), value.endswith("*"), value.strip("*")
    if not part:
        return Q()
    is_short = many and starts and ends and not _TRIGRAM.search(part)
    if canonical:
        kinds = {(False, False): "exact", (False, True): "startswith", (True, False): "endswith"}
        kind = "startswith" if is_short else kinds.get((starts, ends), "contains")
        return Q(**{f"{column}__{kind}": part.lower()})
    said = ~Q(**{column: ""}) if many else Q()  # an index of names leaves the empty ones out
    if is_short:
        word = f"{like_escaped(part)}%"
        return said & (Q(**{f"{column}__ilike": word}) | Q(**{f"{column}__ilike": f"% {word}"}))
    return said & Q(**{f"{column}__ilike": f"{'%' * starts}{like_escaped(part)}{'%' * ends}"})


def number(column: str, help: str) -> Filter:
    """An id, exactly."""
    return Filter(Number.annotation(1), help, lambda rows, value: rows.filter(**{column: value}))


def choice(column: str, help: str, values: Mapping[str, Any]) -> Filter:
    """One of the words the API writes → what the column holds."""
    kind: Any = Literal.__getitem__(tuple(values))
    return Filter(kind, help, lambda rows, value: rows.filter(**{column: values[value]}))


def flag(column: str, help: str) -> Filter:
    """true or false."""
    return Filter(Flag, help, lambda rows, value: rows.filter(**{column: value}))


def since(column: str, help: str) -> Filter:
    """A moment: this and later."""
    return Filter(Moment, help, lambda rows, value: rows.filter(**{f"{column}__gte": value}))


def until(column: str, help: str) -> Filter:
    """A moment: before it."""
    return Filter(Moment, help, lambda rows, value: rows.filter(**{f"{column}__lt": value}))


def ratio(lookup: str, help: str) -> Filter:
    """A share such as 0.8, of a column in thousandths."""
    kind = Annotated[float, pydantic.Field(ge=0, le=2_000, allow_inf_nan=False)]
    return Filter(kind, help, lambda rows, value: rows.filter(**{lookup: round(value * 1000)}))


def _read_flag(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise PydanticCustomError("bool_parsing", "Input should be true or false")


Flag = Annotated[bool, BeforeValidator(_read_flag)]
