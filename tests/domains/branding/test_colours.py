"""Any colour becomes a theme that can be read, and nothing but a colour becomes one."""

from __future__ import annotations

import math
import re

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from domains import brand_colours as colours

any_colour = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def value(sheet: bytes, name: str) -> tuple[str, str]:
    """(light, dark) of one of the sheet's values."""
    found = re.search(rf"--{name}: (?:light-dark\((#\w+), (#\w+)\)|(#\w+));", sheet.decode())
    assert found is not None
    return (found[3], found[3]) if found[3] else (found[1], found[2])


def surfaces() -> list[tuple[str, str]]:
    """(light, dark) of the surfaces that coloured words stand on, from the tokens themselves."""
    text = (settings.BASE_DIR / "static/css/tokens.css").read_text()
    names = ("page", "surface", "raised", "sunken", "hover", "chosen")
    lines = [re.search(rf"--{name}: light-dark\(oklch\((.*?)\), oklch\((.*?)\)\);", text) for name in names]
    return [(_hex(*map(float, line[1].split())), _hex(*map(float, line[2].split()))) for line in lines if line]


def _hex(lightness: float, chroma: float, hue: float = 0) -> str:
    """Source: CSS Color 4, sample code of OKLCH to sRGB."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    shown = [12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in linear]
    return "#" + "".join(f"{round(255 * min(1, max(0, part))):02x}" for part in shown)


def test_the_ratio_is_that_of_the_guidelines() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert colours.contrast("#336699", "#336699") == 1


@given(any_colour)
def test_words_on_any_colour_can_be_read(colour: str) -> None:
    written = colours.writing_on(colour)
    assert written.ratio >= 4.5
    sheet = colours.stylesheet(colour)
    for fill in ("accent-fill", "accent-fill-hover"):
        assert colours.contrast(value(sheet, fill)[0], value(sheet, "on-accent")[0]) >= 4.5


@given(any_colour)
def test_words_in_any_colour_can_be_read_on_every_surface(colour: str) -> None:
    sheet = colours.stylesheet(colour)
    grounds = [*surfaces(), value(sheet, "accent-soft")]
    assert len(grounds) == 7
    for name, ratio in (("accent", 4.5), ("focus", 3)):
        for theme in (0, 1):
            for ground in grounds:
                assert colours.contrast(value(sheet, name)[theme], ground[theme]) >= ratio, (name, ground)


@given(any_colour)
def test_a_filled_button_can_be_told_from_the_surface(colour: str) -> None:
    for theme, surface in enumerate(next(iter(surfaces()[1:2]))):
        for name in ("accent-edge", "accent-edge-hover"):
            assert colours.contrast(value(colours.stylesheet(colour), name)[theme], surface) >= 3


@given(any_colour)
def test_the_fill_is_the_colour_itself(colour: str) -> None:
    assert value(colours.stylesheet(colour), "accent-fill")[0] == colour


def test_only_a_colour_is_one() -> None:
    for wrong in (
        "red",
        "#fff",
        "1d4ed8",
        "#1d4ed8ff",
        "#1D4ED8",
        "red;}body{display:none",
        "#12345g",
        "#1d4ed8\n",
        "",
    ):
        assert not colours.is_colour(wrong)
        with pytest.raises(ValueError):
            colours.stylesheet(wrong)
