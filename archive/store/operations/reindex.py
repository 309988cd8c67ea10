"""Index some messages again, in the index that is there: all of a store, of folders, or named ones.

Searches go on meanwhile and miss nothing: a message's document is replaced in one commit. Mail that arrives is indexed
by the same hand, which holds the index lease and looks at the journal between two batches. A message that can't be read
is named, and what the index has of it stays. Relies on I1, I3 (what was deleted meanwhile is taken out by the journal).

A run can go on after its process died: `kept` is the last number that is in a commit.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ..errors import Stopped
from ..indexer import BATCH_MESSAGES, Indexer
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

COMMIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a store: everything, or what lies in these folders, or these messages."""

    folders: frozenset[int] | None = None
    numbers: tuple[int, ...] | None = None


def plan(store: Store, wanted: Wanted = Wanted(), after: int = 0) -> Plan:
    """How many messages, those after number `after` only."""
    total = len(_numbers(store, wanted, after))
    return Plan("reindex", total, {"messages": total})


def run(
    store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never, *, wanted: Wanted = Wanted(),
    after: int = 0, keep: Callable[[int], None] = lambda number: None,
) -> Report:  # fmt: skip
    """Numbers: messages (indexed again), failed. Raises: Stopped (what is in a commit is done)."""
    meter = Meter(plan.total, progress, stop)
    report = Report("reindex", {"messages": 0, "failed": 0})
    with Indexer(store) as indexer:
        committed = time.monotonic()
        for batch in _batches(_numbers(store, wanted, after)):
            indexer.advance(stop=stop)
            problems: dict[int, str] = {}
            indexer.put_again(batch, stop, problems)
            report.numbers["messages"] += len(batch) - len(problems)
            report.numbers["failed"] += len(problems)
            report.problems += [Problem.of("message", f"message {n}", why, [n]) for n, why in problems.items()]
            if time.monotonic() - committed >= COMMIT_SECONDS or stop():
                indexer.commit()
                committed = time.monotonic()
                keep(batch[-1])
            if stop():
                raise Stopped("indexing again was stopped")
            meter.step(len(batch), "indexing")
        indexer.advance(stop=stop)
        indexer.commit()
    return report


def _numbers(store: Store, wanted: Wanted, after: int) -> array[int]:
    """Eight bytes a message, sorted: mail that arrives gets higher numbers and is indexed anyway."""
    if wanted.numbers is not None:
        found: Collection[int] = set(wanted.numbers)
    elif wanted.folders is not None:
        found = {number for folder in wanted.folders for number in store.catalogue.numbers_in(folder)}
    else:
        found = list(store.catalogue.numbers())
    return array("Q", sorted(number for number in found if number > after))


def _batches(numbers: array[int]) -> Iterator[list[int]]:
    for at in range(0, len(numbers), BATCH_MESSAGES):
        yield list(numbers[at : at + BATCH_MESSAGES])
