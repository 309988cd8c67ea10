"""When jobs run: every local time means one moment, on the days the clocks change too."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.schedules import (
    INTERVALS,
    LOCAL,
    WEEKDAYS,
    BadSchedule,
    Schedule,
    moment_of,
    read_schedule,
    time_zones,
    zone_of,
)

BERLIN = "Europe/Berlin"
ZONES = [
    BERLIN,
    "America/New_York",
    "America/Santiago",  # the clocks change at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Beirut",
    "Pacific/Apia",  # a day was skipped in 2011
    "Africa/Casablanca",
    "Asia/Kolkata",
    "UTC",
    "W. Europe Standard Time",
]
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
TIMES = st.times().map(lambda each: each.replace(microsecond=0, second=0, tzinfo=None, fold=0))


def daily(text: str, zone: str = BERLIN) -> Schedule:
    return read_schedule({"time": text, "timeZoneId": zone})


def local(moment: datetime | None, zone: str = BERLIN) -> str:
    assert moment is not None
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z")


def runs(schedule: Schedule, start: str, count: int) -> list[str]:
    begin = moment_of(datetime.fromisoformat(start), schedule.zone)
    return [local(each, str(schedule.zone)) for each in schedule.upcoming(begin, count)]


def test_half_past_two_runs_once_on_the_day_the_clocks_go_forward() -> None:
    assert runs(daily("02:30"), "2026-03-28T00:00", 3) == [
        "2026-03-28 02:30 CET",
        "2026-03-29 03:30 CEST",
        "2026-03-30 02:30 CEST",
    ]


def test_half_past_two_runs_once_on_the_day_the_clocks_go_back() -> None:
    assert runs(daily("02:30"), "2026-10-24T00:00", 3) == [
        "2026-10-24 02:30 CEST",
        "2026-10-25 02:30 CEST",
        "2026-10-26 02:30 CET",
    ]


def test_who_asks_in_the_hour_that_comes_again_is_told_of_tomorrow() -> None:
    ran = daily("02:30").next_after(datetime(2026, 10, 25, 0, 0, tzinfo=UTC))
    assert ran is not None
    again = ran + timedelta(minutes=30)  # 02:00 for the second time
    assert local(daily("02:30").next_after(again)) == "2026-10-26 02:30 CET"


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw reads what ZONES are on a busy machine
@given(TIMES, st.sampled_from(ZONES), st.integers(2012, 2034))
def test_a_daily_job_runs_exactly_once_on_every_day_of_a_year(at: time, zone: str, year: int) -> None:
    schedule = Schedule(zone, time=at)
    before = moment_of(datetime(year, 1, 1), schedule.zone) - timedelta(microseconds=1)
    days = 366 if calendar.isleap(year) else 365
    found = schedule.upcoming(before, days)
    wall = [each.astimezone(schedule.zone) for each in found]
    # A time that is jumped over at the very end of a day may be told on the next one; never two, never none.
    assert len(set(found)) == days
    assert all(timedelta(hours=22) <= b - a <= timedelta(hours=26) for a, b in pairwise(found))
    shifted = [each for each in wall if each.replace(tzinfo=None).time() != at]
    assert len(shifted) <= 2
    assert [each.date() for each in wall if each not in shifted] == [
        day for day in (date(year, 1, 1) + timedelta(days=n) for n in range(days))
        if day not in {each.date() for each in shifted}
    ]  # fmt: skip


@given(
    MOMENTS, TIMES, st.sampled_from(ZONES), st.sampled_from(["", *WEEKDAYS]), st.sampled_from(["", "1", "31", "Last"])
)
def test_the_next_run_is_later_and_nothing_lies_between(
    moment: datetime, at: time, zone: str, weekday: str, day: str
) -> None:
    schedule = Schedule(zone, time=at, day_of_week=weekday, day_of_month=day)
    first, second = schedule.upcoming(moment, 2)
    assert moment < first < second
    assert schedule.next_after(first - timedelta(microseconds=1)) == first
    assert schedule.next_after(first) == second


@given(MOMENTS, st.sampled_from(INTERVALS), st.sampled_from(ZONES))
def test_an_interval_is_never_longer_than_it_says(moment: datetime, minutes: int, zone: str) -> None:
    schedule = Schedule(zone, interval=minutes)
    found = [moment, *schedule.upcoming(moment, 40)]
    assert all(timedelta() < b - a <= timedelta(minutes=minutes) for a, b in pairwise(found))


def test_two_hours_are_counted_from_midnight() -> None:
    schedule = read_schedule({"interval": 120, "timeZoneId": BERLIN})
    assert runs(schedule, "2026-06-01T23:30", 2) == ["2026-06-02 00:00 CEST", "2026-06-02 02:00 CEST"]
    assert runs(schedule, "2026-10-25T01:00", 2) == ["2026-10-25 02:00 CEST", "2026-10-25 03:00 CET"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"dayOfWeek": "Friday"}, ["2026-01-02", "2026-01-09", "2026-01-16"]),
        ({"dayOfMonth": "31"}, ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ({"dayOfMonth": "Last"}, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ({"dayOfMonth": "1", "dayOfWeek": "Monday"}, ["2026-01-05", "2026-02-02", "2026-03-02"]),
        ({"dayOfMonth": 8, "dayOfWeek": "monday"}, ["2026-01-12", "2026-02-09", "2026-03-09"]),
        ({"dayOfMonth": "last", "dayOfWeek": "Friday"}, ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ({"dayOfMonth": "31", "dayOfWeek": "Saturday"}, ["2026-01-31", "2026-10-31", "2027-07-31"]),
        ({"dayOfMonth": "24", "month": "december"}, ["2026-12-24", "2027-12-24", "2028-12-24"]),
        ({"dayOfMonth": "29", "month": "February"}, ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ({"dayOfMonth": "Last", "month": "February"}, ["2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_days_are_those_that_were_meant(values: dict[str, object], expected: list[str]) -> None:
    schedule = read_schedule({"time": "06:00", "timeZoneId": BERLIN, **values})
    assert [each[:10] for each in runs(schedule, "2026-01-01T12:00", 3)] == expected


def test_a_date_comes_once() -> None:
    schedule = read_schedule({"date": "2026-07-01T09:30:00", "timeZoneId": "America/New_York"})
    assert schedule.next_after(datetime(2026, 7, 1, 13, 29, tzinfo=UTC)) == datetime(2026, 7, 1, 13, 30, tzinfo=UTC)
    assert schedule.next_after(datetime(2026, 7, 1, 13, 30, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "time"),
        ({"interval": 7}, "interval"),
        ({"interval": 260}, "interval"),
        ({"interval": True}, "interval"),
        ({"interval": 5, "time": "02:30"}, "time"),
        ({"date": "2026-01-01T00:00:00", "time": "02:30"}, "time"),
        ({"date": "tomorrow"}, "date"),
        ({"date": "2026-01-01T00:00:00+01:00"}, "date"),
        ({"time": "25:00"}, "time"),
        ({"time": "half past"}, "time"),
        ({"dayOfWeek": "Monday"}, "time"),
        ({"interval": 5, "dayOfWeek": "Monday"}, "day_of_week"),
        ({"time": "02:30", "dayOfWeek": "Someday"}, "day_of_week"),
        ({"time": "02:30", "dayOfMonth": "32"}, "day_of_month"),
        ({"time": "02:30", "dayOfMonth": "30", "month": "February"}, "day_of_month"),
        ({"time": "02:30", "month": "May"}, "day_of_month"),
        ({"interval": 5, "month": "May"}, "month"),
        ({"time": "02:30", "dayOfMonth": "1", "month": "Maybe"}, "month"),
        ({"time": "02:30", "timeZoneId": "Europe/Atlantis"}, "time_zone"),
        ({"time": "02:30", "timeZoneId": "../../etc/passwd"}, "time_zone"),
        ({"time": "02:30", "timeZoneId": "Europe"}, "time_zone"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_schedule_names_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        read_schedule(values)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "values",
    [
        {"date": "2026-07-01T09:30:00", "timeZoneId": LOCAL},
        {"interval": 240, "timeZoneId": "Romance Standard Time"},
        {"time": "02:30", "dayOfWeek": "Sunday", "dayOfMonth": "Last", "timeZoneId": BERLIN},
        {"time": "02:30:15", "timeZoneId": "UTC"},
    ],
)
def test_a_schedule_is_written_as_it_was_read(values: dict[str, object]) -> None:
    assert read_schedule(values).as_json() == values
    assert read_schedule(read_schedule(values).as_json()) == read_schedule(values)


def test_names_of_windows_and_the_machines_own_zone_are_understood() -> None:
    assert zone_of("W. Europe Standard Time") == ZoneInfo(BERLIN)
    assert zone_of("Pacific Standard Time") == ZoneInfo("America/Los_Angeles")
    known = dict(time_zones())
    assert known["Tokyo Standard Time"] == known["Asia/Tokyo"] == "Asia/Tokyo"
    assert next(iter(known)) == LOCAL
    assert all(zone_of(name) for name in known)
