"""When digest mails are due: pure reckoning, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.digests.options import Often, Plan
from gateway.digests.times import due_between, floor, may_be_due, next_due


def plan(often: Often, zone: str = "Europe/Berlin", hour: int = 7) -> Plan:
    return Plan(often, hour, 15, "Friday", zone, 14)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("often", "since", "until", "due"),
    [
        (Often.DAILY, "2026-11-30 05:45", "2026-11-30 06:00", "2026-11-30 06:00"),
        (Often.DAILY, "2026-11-30 06:00", "2026-11-30 06:15", None),
        (Often.TWICE, "2026-11-30 13:45", "2026-11-30 14:00", "2026-11-30 14:00"),
        (Often.TWICE, "2026-11-29 20:00", "2026-11-30 20:00", "2026-11-30 14:00"),  # after a day off: once
        (Often.WEEKLY, "2026-11-30 05:45", "2026-11-30 06:00", None),
        (Often.WEEKLY, "2026-12-04 05:45", "2026-12-04 06:00", "2026-12-04 06:00"),
        (Often.MONTHLY, "2026-12-01 05:45", "2026-12-01 06:00", "2026-12-01 06:00"),
        (Often.MONTHLY, "2026-12-02 05:45", "2026-12-02 06:00", None),
        (Often.OFF, "2026-11-30 00:00", "2026-12-01 00:00", None),
    ],
)
def test_a_mail_is_due_once_in_the_persons_own_time(often: Often, since: str, until: str, due: str | None) -> None:
    assert due_between(plan(often), at(since), at(until)) == (due and at(due))


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-06-01"])
def test_every_day_has_one_mail_also_where_the_clocks_change(day: str) -> None:
    begin, found = at(f"{day} 12:00"), 0
    for number in range(4 * 72):
        since = begin + timedelta(minutes=15 * number)
        due = due_between(plan(Often.DAILY, hour=2), since, since + timedelta(minutes=15))
        if due is not None:
            found += 1
            assert may_be_due([2], ["Europe/Berlin"], since, since + timedelta(minutes=15))
    assert found == 3


def test_hours_that_nobody_chose_ask_for_nothing_and_half_hour_zones_are_met() -> None:
    assert not may_be_due([7], ["UTC"], at("2026-11-30 11:45"), at("2026-11-30 12:00"))
    assert may_be_due([7], ["Asia/Kathmandu"], at("2026-11-30 01:00"), at("2026-11-30 01:15"))
    assert due_between(plan(Often.DAILY, "Asia/Kathmandu"), at("2026-11-30 01:00"), at("2026-11-30 01:15"))
    assert due_between(plan(Often.DAILY, "No/Where"), at("2026-11-30 06:45"), at("2026-11-30 07:00"))
    assert next_due(plan(Often.OFF), at("2026-11-30 00:00")) is None
    assert next_due(plan(Often.TWICE), at("2026-11-30 07:00")) == at("2026-11-30 14:00")
    assert floor(datetime(2026, 11, 30, 7, 44, 59, 3, UTC)) == at("2026-11-30 07:30")
