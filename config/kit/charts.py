"""A bar chart worked out on the server: the template only writes down the numbers. Readable without colour.

Not for anything that needs more than one series; then a table says it better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format

from config.kit.nav import Text


@dataclass(frozen=True)
class Bar:
    label: str
    text: str
    x: str
    y: str
    width: str
    height: str
    hit_x: str
    hit_width: str


@dataclass(frozen=True)
class BarChart:
    """What components/chart_bars.html draws, on a field 1000 wide that is stretched to whatever width there is.

    Coordinates are text, so that no language puts a comma into them.
    """

    title: Text
    summary: Text
    label_title: Text
    value_title: Text
    height: int
    bars: list[Bar]
    ticks: list[str]
    lines: list[str]
    labels: list[str]


def nice_top(highest: float) -> int:
    """The least of 4, 8, 20, 40, 60, 80, 100, 200 … that is not below the highest value: four even quarters."""
    if highest <= 8:
        return 4 if highest <= 4 else 8
    power = 10 ** math.floor(math.log10(highest))
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= highest and step * power >= 20)


def bar_chart(
    points: Sequence[tuple[str, int]],
    *,
    title: Text,
    summary: Text,
    label_title: Text,
    value_title: Text,
    height: int = 168,
) -> BarChart:
    """Bars for (label, value) pairs in their order, with four quarters and at most five labels under them."""
    top = nice_top(max([value for _label, value in points], default=0))
    slot = 1000 / max(1, len(points))
    bars = []
    for index, (label, value) in enumerate(points):
        tall = max(2.0, height * value / top) if value else 0.0
        bars.append(
            Bar(
                label=label,
                text=_number(value),
                x=_xy(slot * index + slot * 0.14),
                y=_xy(height - tall),
                width=_xy(slot * 0.72),
                height=_xy(tall),
                hit_x=_xy(slot * index),
                hit_width=_xy(slot),
            )
        )
    return BarChart(
        title=title,
        summary=summary,
        label_title=label_title,
        value_title=value_title,
        height=height,
        bars=bars,
        ticks=[_number(top * quarter // 4) for quarter in (4, 3, 2, 1, 0)],
        lines=[_xy(min(height - 0.5, max(0.5, height * quarter / 4))) for quarter in range(5)],
        labels=_labels([label for label, _value in points]),
    )


def _labels(labels: Sequence[str]) -> list[str]:
    """The first, the last and up to three evenly between; they are laid out with even gaps."""
    if len(labels) <= 5:
        return list(labels)
    last = len(labels) - 1
    return [labels[round(last * quarter / 4)] for quarter in range(5)]


def _number(value: int) -> str:
    return number_format(value, decimal_pos=0, force_grouping=True)


def _xy(value: float) -> str:
    return f"{value:.1f}"
