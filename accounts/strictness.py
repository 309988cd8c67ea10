"""Options of safety: which of two values is the stricter one, so that no level loosens what a level above it wants.

The server's value (or the default, where it says nothing) is the widest; each level below can only narrow it. What was
set below before somebody above narrowed stays written down and doesn't count. Not for options of taste, where the
nearest level wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any


class Stricter(Enum):
    """What makes a value of an option stricter than another."""

    LESS = "less"
    LESS_BUT_0 = "less, and 0 sets no limit"
    MORE = "more"
    YES = "yes"
    LATER = "later in the list of values"
    MORE_ITEMS = "more items"
    FEWER_ITEMS = "fewer items"


def stricter(way: Stricter, above: Any, own: Any, values: Sequence[str] = ()) -> Any:
    """What counts on a level that says `own` where `above` holds. values: those of a LATER option, the loosest first.

    Of lists it may be a third value: items that both let through, or that any of them asks for, in `above`'s order.
    """
    if way is Stricter.LESS:
        return min(above, own)
    if way is Stricter.LESS_BUT_0:
        return min(above or own, own or above)
    if way is Stricter.MORE:
        return max(above, own)
    if way is Stricter.YES:
        return above or own
    if way is Stricter.LATER:
        return max(above, own, key=list(values).index)
    if way is Stricter.MORE_ITEMS:
        return [*above, *(each for each in own if each not in above)]
    return [each for each in above if each in own]


def is_within(way: Stricter, above: Any, own: Any, values: Sequence[str] = ()) -> bool:
    """Whether a level may say `own` where `above` holds above it."""
    counts = stricter(way, above, own, values)
    return sorted(counts) == sorted(own) if isinstance(own, list) else bool(counts == own)
