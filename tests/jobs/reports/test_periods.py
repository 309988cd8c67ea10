"""Which days a report is about, in the zone of whoever reads it, across changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.reports.building import Report
from jobs.reports.periods import Timespan, period_of
from jobs.schedules import BadSchedule

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # a Monday; in Berlin it is Tuesday already
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("timespan", "first", "last"),
    [
        (Timespan.TODAY, date(2026, 12, 1), date(2026, 12, 1)),
        (Timespan.YESTERDAY, date(2026, 11, 30), date(2026, 11, 30)),
        (Timespan.THIS_WEEK, date(2026, 11, 30), date(2026, 12, 6)),
        (Timespan.LAST_WEEK, date(2026, 11, 23), date(2026, 11, 29)),
        (Timespan.THIS_MONTH, date(2026, 12, 1), date(2026, 12, 31)),
        (Timespan.LAST_MONTH, date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_days_weeks_and_months_are_those_of_the_zone(timespan: Timespan, first: date, last: date) -> None:
    period = period_of(timespan, BERLIN, NOW)
    assert (period.first, period.last) == (first, last)
    assert period.since == datetime.combine(first, datetime.min.time(), tzinfo=period.zone).astimezone(UTC)
    assert period.until == min(period.before, NOW) and period.is_over == (
        timespan.value in ("yesterday", "lastweek", "lastmonth")
    )


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_it_has(day: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    slots = period_of(Timespan.TODAY, BERLIN, noon).slots()
    assert len(slots) == hours
    assert all(one.before == two.since for one, two in pairwise(slots))


def test_windows_names_and_the_server_s_own_zone_are_understood_and_others_refused() -> None:
    assert period_of(Timespan.TODAY, "W. Europe Standard Time", NOW).first == date(2026, 12, 1)
    assert period_of(Timespan.TODAY, "$Local", NOW).slots()
    with pytest.raises(BadSchedule):
        period_of(Timespan.TODAY, "Middle/Earth", NOW)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from([BERLIN, "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
    timespan=st.sampled_from(list(Timespan)),
)
def test_slots_cover_their_period_without_gaps_and_the_period_before_ends_where_it_begins(
    moment: datetime, zone: str, timespan: Timespan
) -> None:
    period = period_of(timespan, zone, moment)
    slots = period.slots()
    assert slots[0].since == period.since and slots[-1].before == period.before
    assert all(one.before == two.since for one, two in pairwise(slots))
    assert all(slot.since < slot.before <= slot.since + timedelta(hours=26) for slot in slots)
    assert period.one_before().before == period.since


def test_a_german_subject_writes_its_nouns_large() -> None:
    with translation.override("de"):
        report = Report(period_of(Timespan.LAST_WEEK, BERLIN, NOW), [])
        assert "letzte Woche" in report.subject
