"""Rate and time left: plain arithmetic over a clock we hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.progress import WINDOW_S, Meter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_task_tells_its_rate_and_time_left() -> None:
    clock = Clock()
    meter = Meter(clock)
    for second in range(11):
        clock.now = float(second)
        meter.update(second * 100, 2000, "messages", "", {"new": second})
    shown = meter.snapshot()
    assert (shown["rate"], shown["eta_s"], shown["counters"]) == (100.0, 10, {"new": 10})


def test_the_rate_forgets_what_was_long_ago() -> None:
    clock = Clock()
    meter = Meter(clock)
    for second in range(100):
        clock.now = float(second)
        meter.update(min(second, 50) * 100 + max(0, second - 50), None, "messages", "", {})
    assert meter.rate() is not None
    assert abs((meter.rate() or 0) - 1.0) < 0.2


def test_nothing_is_said_before_there_is_something_to_say() -> None:
    clock = Clock()
    meter = Meter(clock)
    assert meter.snapshot()["rate"] is None
    meter.update(5, 10, "messages", "", {})
    assert meter.snapshot()["rate"] is None


def test_a_next_phase_starts_its_own_rate() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.update(0, 1000, "messages", "reading", {})
    clock.now = 10.0
    meter.update(1000, 1000, "messages", "reading", {})
    clock.now = 11.0
    meter.update(0, 500, "messages", "indexing", {})
    clock.now = 12.0
    meter.update(50, 500, "messages", "indexing", {})
    assert meter.snapshot()["rate"] == 50.0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 10**9)), max_size=50), st.integers(0, 10**9) | st.none())
def test_whatever_comes_the_snapshot_is_sane(steps: list[tuple[float, int]], total: int | None) -> None:
    clock = Clock()
    meter = Meter(clock)
    for waited, done in steps:
        clock.now += waited
        meter.update(done, total, "bytes", "", {})
        shown = meter.snapshot()
        rate, eta = shown["rate"], shown["eta_s"]
        assert rate is None or (isinstance(rate, float) and rate >= 0)
        assert eta is None or (isinstance(eta, int) and eta >= 0)
        assert len(meter._samples) <= WINDOW_S / 0.5 + 2
