"""Lists of values in statements of the catalogue. Not for the statements themselves (`catalogue`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

MOST_VALUES = 512
T = TypeVar("T")


def in_lists(values: Sequence[T]) -> Iterator[tuple[str, list[T]]]:
    """Marks for `IN (…)` and what stands for them, at most MOST_VALUES at a time.

    The number of marks is a power of two, and the last value fills what is left: so there are ten statements, which
    stay prepared, and not five hundred, each of which takes longer to be understood than a few rows to be found.
    """
    for at in range(0, len(values), MOST_VALUES):
        some = list(values[at : at + MOST_VALUES])
        size = 1 << (len(some) - 1).bit_length()
        yield ",".join("?" * size), some + some[-1:] * (size - len(some))
