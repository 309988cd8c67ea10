"""Secrets of people that a higher app keeps for a protocol of its own: they go where the person's own secrets go.

Such an app registers how they are deleted. They open the same doors as the password, so a new password, deleting all
app passwords and leaving for good end them too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

Forget = Callable[[Collection[int]], int]  # ids of people -> how many secrets there were
_keepers: list[Forget] = []


def register(forget: Forget) -> None:
    """Delete these people's secrets when told, in the caller's transaction."""
    if forget not in _keepers:
        _keepers.append(forget)


def drop(people: Collection[int]) -> int:
    """Delete all of these people's; how many there were. Call it inside a transaction, after the right was asked."""
    return sum(forget(people) for forget in _keepers)
