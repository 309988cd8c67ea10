"""What operations are given and give back: plans, progress, problems, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import Stopped

# Called with (done, total, what is being done); units are the operation's own, mostly bytes.
Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]

MOST_MESSAGES = 1000


@dataclass(slots=True)
class Problem:
    """One thing that is wrong: in which part, where exactly, what, and which messages it concerns (the first 1,000)."""

    part: str
    where: str
    what: str
    messages: list[int] = field(default_factory=list)
    messages_total: int = 0

    @classmethod
    def of(cls, part: str, where: str, what: str, messages: list[int] | None = None) -> Problem:
        some = sorted(messages or [])
        return cls(part, where, what, some[:MOST_MESSAGES], len(some))


@dataclass(slots=True)
class Plan:
    """What an operation would do; `numbers` are its figures, `total` the units of its progress, `options` how."""

    operation: str
    total: int
    numbers: dict[str, int] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Report:
    """What an operation did. `ok` is false when problems are left."""

    operation: str
    numbers: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}

    def count(self, name: str, change: int = 1) -> None:
        self.numbers[name] = self.numbers.get(name, 0) + change


class Meter:
    """Adds up progress and asks whether to stop."""

    def __init__(self, total: int, progress: Progress, stop: Stop) -> None:
        self._total = total
        self._progress = progress
        self._stop = stop
        self._done = 0

    def step(self, amount: int, note: str) -> None:
        """Raises: Stopped."""
        if self._stop():
            raise Stopped("the operation was stopped; nothing is left half done")
        self._done += amount
        self._progress(min(self._done, self._total), self._total, note)


def quiet(done: int, total: int, note: str) -> None:
    """Progress nobody watches."""


def never() -> bool:
    """A stop that is never asked for."""
    return False
