"""Days as numbers since 1970-01-01 (UTC), periods of retention, and what stands for "none" among them. Pure.

Whole days, always late rather than early: what is kept for a year from some moment of 15 January may go on 16 January
of the next year.
"""

from __future__ import annotations

import datetime
from enum import StrEnum

EPOCH = datetime.date(1970, 1, 1)
FIRST, LAST = (datetime.date.min - EPOCH).days, (datetime.date.max - EPOCH).days

UNKNOWN = -(2**31)  # not worked out yet: nothing may be done
NO_MINIMUM = UNKNOWN + 1  # before every day: it may go at any time
NEVER = 2**31 - 1  # after every day: it doesn't go by itself


class Interval(StrEnum):
    """What a period counts. Source: `periodInterval` of the MailStore administration API."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Reference(StrEnum):
    """From when a period counts. Source: `referenceDateType` of the MailStore administration API."""

    ARCHIVE_DATE = "ArchiveDate"
    MESSAGE_DATE = "MessageDate"


def day_of(moment: datetime.datetime) -> int:
    """The day of a moment with its zone."""
    return (moment.astimezone(datetime.UTC).date() - EPOCH).days


def day_of_seconds(seconds: int) -> int:
    """The day of so many seconds since 1970, kept within the years 1 to 9999."""
    return min(max(seconds // 86_400, FIRST), LAST)


def date_of(day: int) -> datetime.date | None:
    """A day as a date; None for what stands for none."""
    return EPOCH + datetime.timedelta(days=day) if FIRST <= day <= LAST else None


def first_free_day(reference: int, period: int, interval: Interval) -> int:
    """The first day on which a period from the day `reference` on is over; the last of the calendar at most.

    A month or year later is the same day of the month, or its last (31 January and one month: 28 or 29 February).
    """
    start = EPOCH + datetime.timedelta(days=min(max(reference, FIRST), LAST))
    if interval in (Interval.DAY, Interval.WEEK):
        days = period * (7 if interval is Interval.WEEK else 1)
        return min(reference + days + 1, LAST)
    months = start.year * 12 + start.month - 1 + period * (12 if interval is Interval.YEAR else 1)
    year, month = months // 12, months % 12 + 1
    if year > datetime.MAXYEAR:
        return LAST
    end = datetime.date(year, month, min(start.day, _days_in(year, month)))
    return min((end - EPOCH).days + 1, LAST)


def is_longer_or_same(period: int, interval: Interval, than: int, than_interval: Interval) -> bool:
    """Whether a period lasts at least as long as another, from whichever day they begin."""
    months = {Interval.MONTH, Interval.YEAR}
    if interval in months and than_interval in months:
        return _months(period, interval) >= _months(than, than_interval)
    return _least_days(period, interval) >= _most_days(than, than_interval)


def _days_in(year: int, month: int) -> int:
    after = datetime.date(year + month // 12, month % 12 + 1, 1) if (year, month) < (9999, 12) else None
    return 31 if after is None else (after - datetime.timedelta(days=1)).day


def _least_days(period: int, interval: Interval) -> int:
    return {Interval.DAY: period, Interval.WEEK: 7 * period}.get(interval) or _months(period, interval) * 365 // 12 - 3


def _most_days(period: int, interval: Interval) -> int:
    return {Interval.DAY: period, Interval.WEEK: 7 * period}.get(interval) or _months(period, interval) * 366 // 12 + 3


def _months(period: int, interval: Interval) -> int:
    return period * (12 if interval is Interval.YEAR else 1)
