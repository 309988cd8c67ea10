"""What every section of the benchmarks is given and gives: Bench in, a plain dict out, then tables and targets of it.

Not for any one measurement.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.corpus import Corpus
from benchmarks.figures import Target

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: what it measures on, where, and how often."""

    mails: Corpus | None
    work: Path
    sizes: Sequence[int]
    rounds: int
    budget_s: float
    has_notmuch: bool
    huge: bool = False
    directory: tuple[int, int, int] | None = None

    @property
    def corpus(self) -> Corpus:
        """The mails; only of a run whose sections need them."""
        assert self.mails is not None
        return self.mails

    @property
    def base(self) -> int:
        """The size in thousands of the real mails alone."""
        return max(1, round(self.corpus.messages / 1000))

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A folder of its own for one measurement, gone afterwards."""
        folder = self.work / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Section(Protocol):
    """One part of the benchmarks, a module."""

    TITLE: str

    def measure(self, bench: Bench, known: Result) -> Result:
        """Measure; `known` is what an earlier run of today found, to be kept where this run does not measure it."""
        ...

    def tables(self, found: Result) -> str: ...

    def targets(self, found: Result) -> list[Target]: ...


def warm(paths: Sequence[Path]) -> None:
    """Read files once, so that nobody is measured on a cold disk."""
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                with file.open("rb") as opened:
                    while opened.read(1 << 20):
                        pass
