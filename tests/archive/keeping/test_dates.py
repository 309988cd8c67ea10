"""How long a period is, from whichever day it begins."""

from __future__ import annotations

import datetime

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from archive.keeping.dates import (
    EPOCH,
    LAST,
    NEVER,
    NO_MINIMUM,
    UNKNOWN,
    Interval,
    date_of,
    day_of,
    day_of_seconds,
    first_free_day,
    is_longer_or_same,
)

days = st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1)).map(lambda date: (date - EPOCH).days)
periods = st.integers(1, 1200)
intervals = st.sampled_from(Interval)


def after(date: str, period: int, interval: Interval) -> str:
    day = (datetime.date.fromisoformat(date) - EPOCH).days
    return str(date_of(first_free_day(day, period, interval)))


@pytest.mark.parametrize(
    ("date", "period", "interval", "free"),
    [
        ("2026-01-15", 1, Interval.DAY, "2026-01-17"),
        ("2026-01-15", 2, Interval.WEEK, "2026-01-30"),
        ("2026-01-31", 1, Interval.MONTH, "2026-03-01"),
        ("2024-01-31", 1, Interval.MONTH, "2024-03-01"),
        ("2024-02-29", 1, Interval.YEAR, "2025-03-01"),
        ("2016-01-15", 10, Interval.YEAR, "2026-01-16"),
        ("9999-12-01", 1, Interval.YEAR, "9999-12-31"),
    ],
)
def test_the_day_after_the_period_is_the_first_on_which_it_may_go(
    date: str, period: int, interval: Interval, free: str
) -> None:
    assert after(date, period, interval) == free


@given(days, periods, intervals)
def test_it_is_never_early(day: int, period: int, interval: Interval) -> None:
    start = EPOCH + datetime.timedelta(days=day)
    count = min(period, 800)
    deltas = {
        Interval.DAY: relativedelta(days=count),
        Interval.WEEK: relativedelta(weeks=count),
        Interval.MONTH: relativedelta(months=count),
        Interval.YEAR: relativedelta(years=count),
    }
    free = first_free_day(day, count, interval)
    assert EPOCH + datetime.timedelta(days=free) == start + deltas[interval] + datetime.timedelta(days=1)


@given(days, periods, intervals, periods, intervals)
def test_what_is_called_longer_is_longer_from_every_day(
    day: int, one: int, unit: Interval, other: int, other_unit: Interval
) -> None:
    if is_longer_or_same(one, unit, other, other_unit):
        assert first_free_day(day, one, unit) >= first_free_day(day, other, other_unit)


@given(days, days, periods, intervals)
def test_who_came_later_stays_no_shorter(day: int, other: int, period: int, interval: Interval) -> None:
    first, second = sorted((day, other))
    assert first_free_day(first, period, interval) <= first_free_day(second, period, interval)


@given(st.integers(-(10**18), 10**18))
def test_every_date_that_a_message_can_have_is_a_day(seconds: int) -> None:
    day = day_of_seconds(seconds)
    assert date_of(day) is not None
    assert first_free_day(day, 100, Interval.YEAR) <= LAST


def test_what_stands_for_none_is_no_date_and_in_order() -> None:
    assert UNKNOWN < NO_MINIMUM < day_of(datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)) < LAST < NEVER
    assert [date_of(day) for day in (UNKNOWN, NO_MINIMUM, NEVER)] == [None] * 3
