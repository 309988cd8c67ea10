"""How far a task is, how fast, and how long it will take: arithmetic only, no database."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_S = 20.0
SAMPLE_S = 0.5


@dataclass(slots=True)
class Meter:
    """Takes what was done and answers with a snapshot that the task row keeps. Not safe for threads by itself."""

    clock: Callable[[], float] = time.monotonic
    done: int = 0
    total: int | None = None
    unit: str = "messages"
    note: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def update(self, done: int, total: int | None, unit: str, note: str, counters: dict[str, int]) -> None:
        """The newest figures; a smaller `done` (a next phase) or another unit starts the rate anew."""
        if done < self.done or unit != self.unit:
            self._samples.clear()
        self.done, self.total, self.unit, self.note = done, total, unit, note
        self.counters.update(counters)
        now = self.clock()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_S:
            self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()

    def rate(self) -> float | None:
        """Units per second over the last seconds; None until there is something to say."""
        if not self._samples:
            return None
        at, done = self._samples[0]
        elapsed = self.clock() - at
        if elapsed < SAMPLE_S or self.done <= done:
            return None
        return (self.done - done) / elapsed

    def snapshot(self) -> dict[str, object]:
        """What the row and the progress component show; `rate` per second, `eta_s` in seconds."""
        rate = self.rate()
        eta = None
        if rate and self.total is not None and self.total >= self.done:
            eta = round((self.total - self.done) / rate)
        return {
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "note": self.note,
            "counters": dict(self.counters),
            "rate": None if rate is None else round(rate, 1),
            "eta_s": eta,
        }
