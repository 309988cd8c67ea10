"""Limits and quotas as numbers: null inherits, −1 is unlimited, the most specific that is set counts. Pure.

Source: James's quotas (global, domain, user; `computed` is the most specific that isn't null).
"""

from __future__ import annotations

from dataclasses import dataclass

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Effective:
    """The value that counts, and the level it was set on ("" where no level sets one: then it is unlimited)."""

    value: int
    source: str

    @property
    def is_unlimited(self) -> bool:
        return self.value == UNLIMITED


def effective(*levels: tuple[str, int | None]) -> Effective:
    """From (level, value) pairs, most specific first."""
    for source, value in levels:
        if value is not None:
            return Effective(value, source)
    return Effective(UNLIMITED, "")


def allows(limit: int | None, count: int) -> bool:
    """Whether so many fit."""
    return limit is None or limit == UNLIMITED or count <= limit


def permille(used: int, limit: int) -> int:
    """How full, in thousandths; 0 where there is no limit, 1000 and more where nothing fits any more."""
    if limit == UNLIMITED:
        return 0
    return 1000 if limit <= 0 else min(used * 1000 // limit, 2_000_000)
