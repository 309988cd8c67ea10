"""Conditions on when mail comes, as that server writes them, and as they are given back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from api.communigate import rule_times
from api.communigate.refusing import Refused
from gateway.sieve.simple import Condition


@pytest.mark.parametrize(
    "data, operation, value, wanted",
    [
        ("Current Date", "less than", "24 Dec 2026", ("date", "before", "2026-12-24")),
        ("Current Date", "greater than", "Thu, 24 Dec 2026 17:00:00 +0100",
         ("date", "after", "2026-12-24T16:00:00+00:00")),
        ("Current Date", "less than", "24-12-2026", ("date", "before", "2026-12-24")),
        ("current date", "less than", "24-Dec-2026", ("date", "before", "2026-12-24")),
        ("Current Date", "less than", "#T24-12-2026_17:00:00", ("date", "before", "2026-12-24T17:00:00+00:00")),
        ("Current Date", "less than", "2026-12-24T17:00:00+01:00", ("date", "before", "2026-12-24T16:00:00+00:00")),
        ("Current Date", "is not", "24 December 2026", ("date", "not_is", "2026-12-24")),
        ("Time Of Day", "less than", "9:05", ("time", "before", "09:05")),
        ("Time Of Day", "greater than", "5:30 pm", ("time", "after", "17:30")),
        ("Time Of Day", "greater than", "12:00am", ("time", "after", "00:00")),
        ("Current Day", "is", "Sunday", ("weekday", "is", "0")),
        ("Current Day", "not in", "Sat,sun", ("weekday", "not_is", "6,0")),
    ],
)  # fmt: skip
def test_a_time_is_understood_as_scripts_write_it(
    data: str, operation: str, value: str, wanted: tuple[str, str, str]
) -> None:
    found = rule_times.read(data, operation, value, "x")
    assert found == [Condition(*wanted)]
    said = rule_times.said(found[0])
    assert isinstance(said, list)
    data, operation, value = map(str, said)
    assert rule_times.read(data, operation, value, "x") == found  # what is given back says the same


def test_without_a_zone_a_moment_is_by_the_server_s_clock() -> None:
    with timezone.override("Europe/Berlin"):
        found = rule_times.read("Current Date", "less than", "24 Dec 2026 17:00", "x")
    assert found == [Condition("date", "before", "2026-12-24T16:00:00+00:00")]


def test_a_span_of_the_day_is_two_conditions() -> None:
    found = rule_times.read("Time Of Day", "in", "9:00-17:30", "x")
    assert found == [Condition("time", "after", "09:00"), Condition("time", "before", "17:30")]


@pytest.mark.parametrize(
    "data, operation, value",
    [
        ("Current Date", "less than", "soon"),
        ("Current Date", "less than", "31 Feb 2026"),
        ("Current Date", "less than", "#T99-99-2026"),
        ("Current Date", "less than", "24 Foo 2026"),
        ("Current Date", "less than", "24 Dec 2026 17:00 Nowhere/Zone +9999999"),
        ("Current Date", "is", "24 Dec 2026 17:00"),
        ("Current Date", "in", "24 Dec 2026"),
        ("Time Of Day", "is", "9:00"),
        ("Time Of Day", "in", "22:00-6:00"),
        ("Time Of Day", "less than", "13:00 pm"),
        ("Time Of Day", "less than", "24:00"),
        ("Current Day", "is", "Sat,Sun"),
        ("Current Day", "in", "Noday"),
        ("Current Day", "in", ""),
    ],
)
def test_what_is_no_time_is_refused_and_not_lost(data: str, operation: str, value: str) -> None:
    with pytest.raises(Refused):
        rule_times.read(data, operation, value, "x")
