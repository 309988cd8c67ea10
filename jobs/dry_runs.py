"""What a command that can't be undone would do, said before it is done: of what, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run for whoever decides.

    subject: what it is about, as people call it. numbers: (how many, of what), most telling first. within: the object
    whose scopes say who may decide; None: the server. note: what numbers can't say.
    """

    subject: str
    numbers: Sequence[tuple[int, str]] = ()
    within: object | None = None
    note: str = ""

    def as_json(self) -> list[list[object]]:
        return [[count, str(what)] for count, what in self.numbers]

    def counts(self) -> list[int]:
        """The numbers alone, which are the same in every language."""
        return [count for count, _what in self.numbers]
