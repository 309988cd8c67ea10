"""The colours of report mails, chosen for both grounds: a mail client shows one of them, and pictures can't ask which.

Pictures are transparent and drawn in middle tones that stand out (3 : 1 and more, WCAG 2.2 §1.4.11) on the light and
on the dark ground; words have a colour for each ground, at least 4.5 : 1 (§1.4.3). tests/jobs/reports/test_colours.py
holds that.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.reports.blocks import Tone


@dataclass(frozen=True, slots=True)
class Theme:
    """One ground, and what stands on it."""

    page: str
    card: str
    line: str
    track: str  # the empty part of a meter
    text: str
    soft: str
    link: str
    tones: dict[Tone, str]  # words that say how something is
    softs: dict[Tone, str]  # the ground of a notice


LIGHT = Theme(
    page="#f3f5f8",
    card="#ffffff",
    line="#dfe4ea",
    track="#e6eaf0",
    text="#1c232d",
    soft="#566070",
    link="#1f5aa8",
    tones={
        Tone.NONE: "#1c232d", Tone.GOOD: "#1d6b43", Tone.WARN: "#7a4d00", Tone.BAD: "#a62f2b", Tone.HELD: "#6a3fb0",
    },
    softs={
        Tone.NONE: "#eef1f5", Tone.GOOD: "#e8f5ee", Tone.WARN: "#fdf3df", Tone.BAD: "#fceceb", Tone.HELD: "#f2ecfb",
    },
)  # fmt: skip
DARK = Theme(
    page="#13161b",
    card="#1b1f26",
    line="#333a45",
    track="#333a45",
    text="#e6eaf0",
    soft="#a4aebb",
    link="#8ab8f5",
    tones={
        Tone.NONE: "#e6eaf0", Tone.GOOD: "#82d3a8", Tone.WARN: "#e8bb6a", Tone.BAD: "#f3a09a", Tone.HELD: "#c5a8f2",
    },
    softs={
        Tone.NONE: "#262c35", Tone.GOOD: "#1d2f27", Tone.WARN: "#352c1a", Tone.BAD: "#3a2424", Tone.HELD: "#2d2540",
    },
)  # fmt: skip
# In pictures and meters, on either ground.
DRAWN: dict[Tone, str] = {
    Tone.NONE: "#4b7fcf",
    Tone.GOOD: "#2f9160",
    Tone.WARN: "#b9770e",
    Tone.BAD: "#d2524c",
    Tone.HELD: "#8a63cf",
}
GRID = (128, 138, 152, 96)


def rgb(colour: str) -> tuple[int, int, int]:
    """#rrggbb as numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
