"""Charts of a report as pictures: PNG on a transparent ground, in colours that work on light and dark ones.

A picture has no words: what stands at its axes is written beside it, sharp, translated and readable aloud. It is drawn
larger than it is shown and stretched to the width there is, so it holds nothing whose shape matters.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from PIL import Image, ImageDraw

from jobs.reports.blocks import Bars, Forecast, Tone
from jobs.reports.palette import DRAWN, GRID, rgb

WIDTH, HEIGHT = 1120, 300
FINER = 2  # drawn so many times larger, then made smaller: smooth edges
MOST_LABELS = 8
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """What the vertical axis goes up to, and the amounts written beside it, from the top."""

    top: int

    @property
    def ticks(self) -> tuple[int, int, int]:
        return self.top, self.top // 2, 0


@dataclass(frozen=True, slots=True)
class Label:
    """A word below the picture: over how many percent of its width it reaches, and whether it stands in the middle."""

    text: str
    percent: float
    is_centred: bool = False


def scale_of(highest: int, unit: str = "") -> Scale:
    """Round amounts above the highest: whole halves of numbers, and sizes that are round in their own unit."""
    if unit != "bytes":
        return Scale(_even_top(highest))
    power = max(0, (max(highest, 1).bit_length() - 1) // 10)
    inside = highest / 1024**power
    tens = 10 ** math.floor(math.log10(max(inside, 1)))
    step = next(step for step in _STEPS if step * tens >= inside)
    return Scale(max(2, math.ceil(step * tens * 1024**power)))


def _even_top(highest: int) -> int:
    """The least round even number that isn't below."""
    if highest <= 10:
        return max(2, highest + highest % 2)
    tens: int = 10 ** math.floor(math.log10(highest))
    return next(top for step in _STEPS if (top := round(step * tens)) >= highest and top % 2 == 0)


def labels_of(words: Sequence[str]) -> list[Label]:
    """All of them where there is room, else every so many-th, each as wide as what it stands for."""
    count = len(words)
    step = next((each for each in (1, 2, 4, 5, 6, 7, 10) if count / each <= MOST_LABELS), max(1, count // MOST_LABELS))
    return [Label(words[at], round(100 * min(step, count - at) / count, 3), step == 1) for at in range(0, count, step)]


def days_of(forecast: Forecast) -> list[date]:
    """The days to write below a forecast: five, evenly apart, each for a fifth of the width."""
    days = [day for day, _amount in (*forecast.measured, *forecast.expected)]
    if not days:
        return []
    span = (days[-1] - days[0]).days
    return [days[0] + timedelta(days=round(span * part / 5)) for part in range(5)]


def draw_bars(bars: Bars) -> bytes:
    """Bars, each stacked of its series from the ground up."""
    scale = scale_of(max((sum(point.amounts) for point in bars.points), default=0), bars.unit)
    image, pen = _canvas()
    _grid(pen)
    slot = WIDTH * FINER / max(1, len(bars.points))
    for number, point in enumerate(bars.points):
        left, right = slot * (number + 0.16), slot * (number + 0.84)
        _stack(pen, left, right, [amount / scale.top for amount in point.amounts], [each.tone for each in bars.series])
    return _png(image)


def draw_forecast(forecast: Forecast) -> bytes:
    """What was measured as a filled line, what is expected dashed, the ceiling dashed above."""
    known_and_not = [*forecast.measured, *forecast.expected]
    top = max([forecast.ceiling, 1]) * 1.04  # what is expected beyond it leaves the picture
    image, pen = _canvas()
    days = [day.toordinal() for day, _amount in known_and_not]
    span = max(1, max(days, default=0) - min(days, default=0))
    places = [
        (WIDTH * FINER * (day - days[0]) / span, _y(amount / top))
        for day, (_day, amount) in zip(days, known_and_not, strict=True)
    ]
    known = places[: len(forecast.measured)]
    if known:
        ground = HEIGHT * FINER
        pen.polygon([(known[0][0], ground), *known, (known[-1][0], ground)], fill=(*rgb(DRAWN[Tone.NONE]), 64))
    _grid(pen)
    if len(known) > 1:
        pen.line(known, fill=rgb(DRAWN[Tone.NONE]), width=5 * FINER, joint="curve")
    _dashed(pen, places[max(0, len(known) - 1) :], DRAWN[Tone.WARN])
    high = _y(forecast.ceiling / top)
    _dashed(pen, [(0.0, high), (float(WIDTH * FINER), high)], DRAWN[Tone.BAD])
    return _png(image)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    # Where nothing is drawn stands a colour too, so that smoothing mixes edges with it and not with black.
    image = Image.new("RGBA", (WIDTH * FINER, HEIGHT * FINER), (*GRID[:3], 0))
    return image, ImageDraw.Draw(image, "RGBA")


def _grid(pen: ImageDraw.ImageDraw) -> None:
    for share in (0.0, 0.5, 1.0):
        y = min(HEIGHT * FINER - FINER, max(FINER, _y(share)))
        pen.line([(0, y), (WIDTH * FINER, y)], fill=GRID, width=2 * FINER)


def _stack(pen: ImageDraw.ImageDraw, left: float, right: float, shares: Sequence[float], tones: Sequence[Tone]) -> None:
    """The parts of one bar; anything that is there is seen."""
    ground = 0.0
    for share, tone in zip(shares, tones, strict=True):
        if share <= 0:
            continue
        higher = ground + max(share, 0.012)
        pen.rectangle([left, _y(min(higher, 1.0)), right, _y(ground)], fill=(*rgb(DRAWN[tone]), 255))
        ground = higher


def _dashed(pen: ImageDraw.ImageDraw, places: Sequence[tuple[float, float]], colour: str) -> None:
    """A line in dashes of 14 px with gaps of 10."""
    walked = 0.0
    for (x, y), (to_x, to_y) in pairwise(places):
        length = math.hypot(to_x - x, to_y - y)
        done = 0.0
        while done < length:
            at = walked % (24 * FINER)
            rest = (14 if at < 14 * FINER else 24) * FINER - at
            step = max(0.5, min(length - done, rest))  # never so little that nothing is walked
            if at < 14 * FINER:
                ends = [
                    (x + (to_x - x) * part / length, y + (to_y - y) * part / length) for part in (done, done + step)
                ]
                pen.line(ends, fill=rgb(colour), width=4 * FINER)
            done, walked = done + step, walked + step


def _y(share: float) -> float:
    return HEIGHT * FINER * (1 - share)


def _png(image: Image.Image) -> bytes:
    smaller = image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    out = io.BytesIO()
    smaller.save(out, "PNG", optimize=True)
    return out.getvalue()
