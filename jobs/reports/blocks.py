"""What a section of a report is made of: data with words in the reader's language, ready to be drawn or written.

Not for how it looks (`rendering`, `drawing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Tone(StrEnum):
    """How something is; words beside it always say it too."""

    NONE = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its label, as text; hint: what it compares with."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = Tone.NONE


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of up to four numbers."""

    figures: Sequence[Figure]

    @property
    def percent(self) -> int:
        """The share of the width that each has."""
        return 100 // max(1, len(self.figures))


@dataclass(frozen=True, slots=True)
class Series:
    """One of the amounts that a bar is stacked of."""

    label: str
    tone: Tone = Tone.NONE


@dataclass(frozen=True, slots=True)
class Point:
    """A bar: its label, and an amount for each series from the ground up. shown: what stands for it in text."""

    label: str
    amounts: Sequence[int]
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars over time. name: unique in the report; summary: what one sees, in a sentence, also for who sees no pictures.

    unit: "" for numbers, "bytes" for sizes. legend is only drawn for more than one series.
    """

    name: str
    title: str
    summary: str
    series: Sequence[Series]
    points: Sequence[Point]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A line of what was measured, and how it goes on: (day, amount) each, in order; ceiling: where it is full."""

    name: str
    title: str
    summary: str
    measured: Sequence[tuple[date, int]]
    expected: Sequence[tuple[date, int]]
    ceiling: int
    unit: str = "bytes"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a table's column. is_short: never broken over lines; is_minor: left out where room is scarce."""

    label: str
    is_number: bool = False
    is_short: bool = False
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: text, perhaps with a tone (a dot is drawn) and an address of ours to go to (a path)."""

    text: str
    tone: Tone = Tone.NONE
    url: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; more: what was left out, in words, with the path where all of it is."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    more: str = ""
    more_url: str = ""


@dataclass(frozen=True, slots=True)
class Meter:
    """How full something is: share from 0 to 1."""

    label: str
    share: float
    text: str
    tone: Tone = Tone.NONE

    @property
    def percent(self) -> int:
        """Never 0 for something, never 100 for not all."""
        whole = round(self.share * 100)
        return 0 if self.share <= 0 else 100 if self.share >= 1 else min(99, max(1, whole))


@dataclass(frozen=True, slots=True)
class Meters:
    """Some of them below each other."""

    title: str
    meters: Sequence[Meter]


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or two."""

    text: str
    tone: Tone = Tone.NONE


Block = Figures | Bars | Forecast | Table | Meters | Words


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that wants attention; it stands on top of the report. url: a path of ours."""

    text: str
    tone: Tone = Tone.WARN
    url: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a section says. headline: its share of the key figures on top; url: where all of it is (a path)."""

    blocks: Sequence[Block] = ()
    notices: Sequence[Notice] = ()
    headline: Sequence[Figure] = field(default_factory=tuple)
    url: str = ""
