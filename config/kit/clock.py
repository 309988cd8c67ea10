"""What the clock (celery beat) sends and when: apps register here in `AppConfig.ready()` or beside their tasks.

Not for schedules of administrators; those are rows that a task registered here looks at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """Send the Celery task of this name every so many seconds; it is dropped if nobody took it until the next one."""

    task: str
    seconds: float


_ticks: dict[str, Tick] = {}


def every(seconds: float, task: str) -> None:
    """Have beat send `task` (a registered Celery name, without arguments) every `seconds`."""
    _ticks[task] = Tick(task, seconds)


def ticks() -> list[Tick]:
    """Everything registered so far."""
    return list(_ticks.values())


@dataclass(frozen=True, slots=True)
class Chore:
    """Something small that the clock's own process does every so many seconds, because it must not wait for a worker.

    It ends within a second or two, is harmless to repeat and to miss, and may use the database.
    """

    name: str
    seconds: float
    do: Callable[[], object]


_chores: dict[str, Chore] = {}


def register_chore(seconds: float, name: str, do: Callable[[], object]) -> None:
    """Have the clock call `do` every `seconds`."""
    _chores[name] = Chore(name, seconds, do)


def chores() -> list[Chore]:
    """Everything registered so far."""
    return list(_chores.values())
