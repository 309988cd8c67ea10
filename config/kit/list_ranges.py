"""Fields of a list that can be compared: numbers, sizes, shares, moments."""

from __future__ import annotations

import datetime as dt
import decimal
import functools
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from config.kit.list_field import Field
from config.kit.list_query import BadTerm, Op, Value
from config.kit.list_values import moment, size_bytes
from config.kit.templatetags.kit import ago, filesize_exact, number

_LIMIT = 2**63
_BAR = '<progress class="bar bar--{}" max="100" value="{}" aria-hidden="true"></progress>'


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
