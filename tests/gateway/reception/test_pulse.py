"""A process shows that its loop turns, whatever it waits for beside it."""

from __future__ import annotations

import asyncio

import pytest

from config.kit import heartbeat
from gateway.reception.worker import work_until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_S", 0.01)


def test_a_chore_that_hangs_stops_neither_the_pulse_nor_the_end() -> None:
    async def hangs() -> None:
        await asyncio.Event().wait()

    async def run() -> int:
        stopped, pulses = asyncio.Event(), list[int]()

        def pulse() -> None:
            pulses.append(1)
            if len(pulses) == 5:
                stopped.set()

        await asyncio.wait_for(work_until(stopped, pulse, hangs), 5)
        return len(pulses)

    assert asyncio.run(run()) == 5


def test_chores_are_done_again_and_what_they_raise_ends_the_process() -> None:
    done: list[int] = []

    async def breaks_at_last() -> None:
        done.append(1)
        if len(done) == 3:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(work_until(asyncio.Event(), lambda: None, breaks_at_last))
    assert len(done) == 3
