"""Report mails can be read on light and on dark ground, pictures and words."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from PIL import Image

from domains.brand_colours import contrast
from jobs.reports.blocks import Bars, Forecast, Point, Series, Tone
from jobs.reports.drawing import HEIGHT, WIDTH, draw_bars, draw_forecast, labels_of, scale_of
from jobs.reports.palette import DARK, DRAWN, LIGHT, Theme, rgb

DAY = date(2026, 11, 30)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", list(Tone))
def test_what_is_drawn_stands_out_on_either_ground(theme: Theme, tone: Tone) -> None:
    assert contrast(DRAWN[tone], theme.card) >= 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(theme: Theme) -> None:
    for ground in (theme.card, theme.page):
        for colour in (theme.text, theme.soft, theme.link):
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    for tone in Tone:
        assert contrast(theme.tones[tone], theme.card) >= 4.5, tone
        assert contrast(theme.tones[tone], theme.softs[tone]) >= 4.5, tone
        assert contrast(theme.text, theme.softs[tone]) >= 4.5, tone
        assert contrast(theme.link, theme.softs[tone]) >= 4.5, tone


def bars(*amounts: int) -> Bars:
    points = [Point(str(number), [amount]) for number, amount in enumerate(amounts)]
    return Bars("x", "", "", [Series("Messages")], points)


def test_a_picture_is_transparent_and_shows_even_the_smallest_amount() -> None:
    image = Image.open(io.BytesIO(draw_bars(bars(1, 0, 100_000))))
    assert image.size == (WIDTH, HEIGHT) and image.mode == "RGBA"
    third = WIDTH // 3
    colours = [image.getpixel((third * at + third // 2, HEIGHT - 3)) for at in range(3)]
    blue = (*rgb(DRAWN[Tone.NONE]), 255)
    assert colours[0] == blue and colours[2] == blue and colours[1][3] < 255  # type: ignore[index]
    assert image.getpixel((third + third // 2, HEIGHT // 4))[3] == 0  # type: ignore[index]


def test_odd_data_is_drawn_too() -> None:
    draw_bars(bars())
    draw_bars(bars(0, 0))
    draw_bars(bars(10**15))
    for measured, expected in (
        ([], []),
        ([(DAY, 5)], []),
        ([(DAY, 0), (DAY + timedelta(days=3), 0)], [(DAY + timedelta(days=9), 0)]),
    ):
        draw_forecast(Forecast("x", "", "", measured, expected, 0))


@pytest.mark.parametrize("highest", [0, 1, 3, 9, 1023, 1024, 1500, 10**6, 5 * 2**40 + 1])
def test_scales_are_round_and_reach_above(highest: int) -> None:
    for unit in ("", "bytes"):
        scale = scale_of(highest, unit)
        assert scale.top >= highest and scale.top <= max(8, 20, 5 * highest)


@pytest.mark.parametrize("count", [1, 7, 23, 24, 25, 28, 30, 31])
def test_labels_share_the_whole_width(count: int) -> None:
    found = labels_of([str(number) for number in range(count)])
    assert len(found) <= 8 and abs(sum(label.percent for label in found) - 100) < 0.1
