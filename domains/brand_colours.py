"""One colour made into a theme: what is drawn in it, what is written on it, in light and in dark, readable everywhere.

A colour fills buttons as it is; on it stands white or black, whichever can be read (one of the two always can). As
text and as an edge it is moved towards black or white until it can be read on our surfaces. What comes out is a small
stylesheet for elements with `data-brand="rrggbb"`. Pure. Source: WCAG 2.2, 1.4.3, 1.4.11 and "relative luminance".
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import NamedTuple

TEXT_RATIO, EDGE_RATIO = 4.5, 3.0
WHITE, BLACK = "#ffffff", "#000000"
# The darkest of the light surfaces and the lightest of the dark ones that coloured words stand on (tokens.css).
LIGHT_GROUND, DARK_GROUND = "#e4ecf7", "#253143"
LIGHT_SURFACE, DARK_SURFACE = "#ffffff", "#191d23"

Rgb = tuple[int, int, int]
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)


class Writing(NamedTuple):
    """What is written on a colour, and how well it can be read."""

    colour: str
    ratio: float


def is_colour(text: str) -> bool:
    """Whether this is `#rrggbb` in lower case, and nothing more."""
    return _COLOUR.fullmatch(text) is not None


def luminance(colour: str) -> float:
    """Between 0 (black) and 1 (white)."""
    red, green, blue = (_linear(part / 255) for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Between 1 (the same) and 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def writing_on(colour: str) -> Writing:
    """White where it can be read, else black, which then can: one of them has at least 4.58 on any colour."""
    on_white = contrast(colour, WHITE)
    return Writing(WHITE, on_white) if on_white >= TEXT_RATIO else Writing(BLACK, contrast(colour, BLACK))


def file_name(colour: str) -> str:
    """The name of a colour's stylesheet; it changes with its content, so that it may be kept for ever."""
    return f"{colour[1:]}-{hashlib.sha256(stylesheet(colour)).hexdigest()[:12]}.css"


@functools.lru_cache(maxsize=256)
def stylesheet(colour: str) -> bytes:
    """The theme of a colour, which must be one (`is_colour`)."""
    if not is_colour(colour):
        raise ValueError("not a colour")
    on = writing_on(colour).colour
    soft_light, soft_dark = _mixed(colour, LIGHT_SURFACE, 0.92), _mixed(colour, DARK_SURFACE, 0.80)
    light = readable(colour, (LIGHT_GROUND, soft_light), TEXT_RATIO)
    dark = readable(colour, (DARK_GROUND, soft_dark), TEXT_RATIO)
    hover = _mixed(colour, BLACK if on == WHITE else WHITE, 0.14)
    values = {
        "accent": _both(light, dark),
        "accent-fill": colour,
        "accent-fill-hover": hover,
        "accent-edge": _edge(colour),
        "accent-edge-hover": _edge(hover),
        "on-accent": on,
        "accent-soft": _both(soft_light, soft_dark),
        "accent-line": _both(_mixed(light, LIGHT_SURFACE, 0.6), _mixed(dark, DARK_SURFACE, 0.6)),
        "focus": _both(light, dark),
    }
    lines = "".join(f"    --{name}: {value};\n" for name, value in values.items())
    return f'@layer tokens {{\n  [data-brand="{colour[1:]}"] {{\n{lines}  }}\n}}\n'.encode()


def readable(colour: str, grounds: tuple[str, ...], ratio: float) -> str:
    """The colour, or the nearest on its way to black (on light grounds) or white that reaches the ratio on all."""
    goal = BLACK if luminance(grounds[0]) > 0.4 else WHITE
    for step in range(51):
        found = _mixed(colour, goal, step / 50)
        if all(contrast(found, ground) >= ratio for ground in grounds):
            return found
    return goal


def _edge(colour: str) -> str:
    return _both(readable(colour, (LIGHT_SURFACE,), EDGE_RATIO), readable(colour, (DARK_SURFACE,), EDGE_RATIO))


def _both(light: str, dark: str) -> str:
    return light if light == dark else f"light-dark({light}, {dark})"


def _mixed(colour: str, other: str, share: float) -> str:
    parts = (round(one + (two - one) * share) for one, two in zip(_rgb(colour), _rgb(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
