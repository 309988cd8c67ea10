"""The clock's chores: done when due, and one that fails stops no other."""

from __future__ import annotations

import pytest

from config.clock import do_chores
from config.kit import clock


def test_chores_are_done_when_due_and_a_failing_one_stops_no_other(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    told: list[str] = []

    def fail() -> None:
        told.append("failed")
        raise RuntimeError("on purpose")

    chores = {
        "bad": clock.Chore("bad", 100, fail),
        "good": clock.Chore("good", 0.0, lambda: told.append("good")),
    }
    monkeypatch.setattr(clock, "_chores", chores)
    done: dict[str, float] = {}
    assert do_chores(done) <= 0.1
    do_chores(done)
    assert told == ["failed", "good", "good"]


def test_the_audit_trail_is_sealed_by_the_clock() -> None:
    assert [chore.seconds for chore in clock.chores() if "audit" in chore.name] == [1.0]
