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
class Line:
    label: str
    y: str
    text_y: str


@dataclass(frozen=True)
class Label:
    text: str
    x: str
    y: str
    anchor: str


@dataclass(frozen=True)
class BarChart:
    """What components/chart_bars.html draws. Coordinates are text, so that no language puts a comma into them."""

    title: Text
    summary: Text
    label_title: Text
    value_title: Text
    width: int
    height: int
    left: str
    tick_x: str
    base: str
    bars: list[Bar]
    lines: list[Line]
    labels: list[Label]


def nice_top(highest: float) -> int:
    """The least of 4, 10, 20, 40, 60, 80, 100, 200 … that is not below the highest value: even quarters."""
    if highest <= 4:
        return 4
    power = 10 ** math.floor(math.log10(highest))
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= highest)


def bar_chart(
    points: Sequence[tuple[str, int]],
    *,
    title: Text,
    summary: Text,
    label_title: Text,
    value_title: Text,
    width: int = 760,
    height: int = 180,
) -> BarChart:
    """Bars for (label, value) pairs in their order, with four grid lines and at most seven labels under them."""
    top = nice_top(max([value for _label, value in points], default=0))
    ticks = [top * quarter // 4 for quarter in range(5)]
    left = 10 + 7 * max(len(_number(tick)) for tick in ticks)
    base = height - 22
    plot = base - 8
    slot = (width - left) / max(1, len(points))
    bars = []
    for index, (label, value) in enumerate(points):
        tall = max(1.5, plot * value / top) if value else 0
        bars.append(
            Bar(
                label=label,
                text=_number(value),
                x=_xy(left + slot * index + slot * 0.14),
                y=_xy(base - tall),
                width=_xy(slot * 0.72),
                height=_xy(tall),
                hit_x=_xy(left + slot * index),
                hit_width=_xy(slot),
            )
        )
    lines = [
        Line(_number(tick), _xy(base - plot * tick / top), _xy(base - plot * tick / top + 4)) for tick in ticks
    ]
    return BarChart(
        title, summary, label_title, value_title, width, height, _xy(left), _xy(left - 8), _xy(base),
        bars, lines, _labels(points, left, slot, height),
    )  # fmt: skip


def _labels(points: Sequence[tuple[str, int]], left: float, slot: float, height: int) -> list[Label]:
    step = max(1, math.ceil(len(points) / 7))
    found = []
    for index in range(len(points) - 1, -1, -step):
        is_last = index == len(points) - 1 and len(points) > 8
        x = left + slot * (index + (1 if is_last else 0.5))
        found.append(Label(points[index][0], _xy(x), _xy(height - 5), "end" if is_last else "middle"))
    return found[::-1]


def _number(value: int) -> str:
    return number_format(value, decimal_pos=0, force_grouping=True)


def _xy(value: float) -> str:
    return f"{value:.1f}"
