"""`score(sight)`: the signs that a message has, and their points together."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.judging.scoring import bodies, headers, links
from gateway.judging.scoring.sight import Sight
from gateway.judging.scoring.table import SIGNS


@dataclass(frozen=True, slots=True)
class Score:
    """`parts`: each sign once with its points, the weightiest first."""

    points: float
    parts: tuple[tuple[str, float], ...]


def score(sight: Sight) -> Score:
    """Never raises on any message; each sign counts once."""
    found = {*headers.signs(sight), *bodies.signs(sight), *links.signs(sight)}
    parts = sorted(((name, SIGNS[name].points) for name in found), key=lambda part: (-abs(part[1]), part[0]))
    return Score(round(sum(points for _name, points in parts), 1), tuple(parts))
