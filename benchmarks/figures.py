"""Medians and percentiles, targets and whether they are met, and Markdown tables. Pure; not for measuring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MIB = 1 << 20
BEGIN, END = "<!-- results: begin (written by make bench) -->", "<!-- results: end -->"
Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was promised, and what was measured."""

    name: str
    measured: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def verdict(self) -> str:
        """`met`, or by how much it is short: of the measured figure, in percent of the target."""
        if self.is_met:
            return "met"
        return f"short by {number(abs(self.measured - self.limit))}{self.unit} ({self._missing():.0%} of the target)"

    @property
    def line(self) -> str:
        """One line for a person."""
        return f"{self.name}: {self.figure}, target {self.wanted}: {self.verdict}"

    @property
    def figure(self) -> str:
        return f"{number(self.measured)}{self.unit}"

    @property
    def wanted(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {number(self.limit)}{self.unit}"

    def _missing(self) -> float:
        return abs(self.measured - self.limit) / self.limit


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. Raises: ValueError for no values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The median of each query's rounds."""
    return [median(each) for each in rounds]


def number(value: float) -> str:
    """Three significant digits are enough for people; large ones keep all before the point."""
    if value and abs(value) < 100:
        digits = 2 - math.floor(math.log10(abs(value)))
        return f"{value:,.{max(0, min(digits, 4))}f}"
    return f"{value:,.0f}"


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table; all columns but the first are aligned right."""
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)]), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def target_table(targets: Sequence[Target]) -> str:
    return table(
        ("target", "measured", "wanted", ""), [(each.name, each.figure, each.wanted, each.verdict) for each in targets]
    )


def put_between_marks(document: str, text: str) -> str:
    """The document with what stands between the marks replaced; the marks are added at its end if missing."""
    if BEGIN not in document or END not in document:
        document = f"{document.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = document.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{rest.split(END, 1)[1]}"


def _line(cells: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
