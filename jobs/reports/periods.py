"""Which time a report is about: a day, a week or a month as people count them in a time zone, cut into slots.

Pure: no clock, no database. Weeks begin on Monday (ISO 8601). A day has as many slots as it has hours, 23 to 25 where
the clocks change. Source of the names: SendStatusReport of the MailStore administration API.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext

from jobs.schedules import moment_of, zone_of

Text = str | Promise


class Timespan(StrEnum):
    """The periods by the names that archive programs know."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_WEEK = "thisweek"
    LAST_WEEK = "lastweek"
    THIS_MONTH = "thismonth"
    LAST_MONTH = "lastmonth"

    @property
    def label(self) -> Text:
        return LABELS[self]


LABELS: dict[str, Text] = {
    Timespan.TODAY: gettext_lazy("Today"),
    Timespan.YESTERDAY: gettext_lazy("Yesterday"),
    Timespan.THIS_WEEK: gettext_lazy("This week"),
    Timespan.LAST_WEEK: gettext_lazy("Last week"),
    Timespan.THIS_MONTH: gettext_lazy("This month"),
    Timespan.LAST_MONTH: gettext_lazy("Last month"),
}
_DAYS = (Timespan.TODAY, Timespan.YESTERDAY)
_WEEKS = (Timespan.THIS_WEEK, Timespan.LAST_WEEK)


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a period: an hour of a day, a day of a week or a month. Its end is excluded.

    label: short, for an axis; name: in full, for a sentence.
    """

    since: datetime
    before: datetime
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment (included) to another (excluded), both UTC; first and last are its days in the zone.

    now: when the report is made. What lies after it hasn't happened yet.
    """

    timespan: Timespan
    zone_name: str
    first: date
    last: date
    now: datetime

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.zone_name)

    @property
    def since(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def before(self) -> datetime:
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def until(self) -> datetime:
        """Its end, or now where that is still to come."""
        return min(self.before, self.now)

    @property
    def is_over(self) -> bool:
        return self.before <= self.now

    @property
    def label(self) -> str:
        """The period in words, in the present language: "3 May 2026", "4–10 May 2026", "May 2026"."""
        if self.timespan in _DAYS:
            return date_format(self.first, pgettext("date format: weekday, day, month and year", "l, j F Y"))
        if self.timespan in _WEEKS:
            is_one = self.first.month == self.last.month
            day = pgettext("date format: the first day of a range within one month", "j") if is_one else ""
            first = date_format(self.first, day) if is_one else self._day(self.first)
            return f"{first}–{self._day(self.last)}" if is_one else f"{first} – {self._day(self.last)}"
        return date_format(self.first, pgettext("date format: month and year", "F Y"))

    def _day(self, day: date) -> str:
        return date_format(day, pgettext("date format: day, month and year in full", "j F Y"))

    def slots(self) -> list[Slot]:
        """Its hours or its days, in order, with short labels in the present language."""
        if self.timespan not in _DAYS:
            return list(self._days())
        found, at, last = [], self.since, self.before
        while at < last:
            local = at.astimezone(self.zone)
            found.append(Slot(at, min(at + timedelta(hours=1), last), f"{local:%H}", f"{local:%H:%M}"))
            at += timedelta(hours=1)
        return found

    def _days(self) -> Iterator[Slot]:
        with_name = pgettext("date format: short weekday and day", "D j")
        plain = pgettext("date format: day of the month alone", "j")
        whole = pgettext("date format: weekday, day and month", "l j F")
        day = self.first
        while day <= self.last:
            following = day + timedelta(days=1)
            label = date_format(day, with_name if self.timespan in _WEEKS else plain)
            name = date_format(day, whole)
            yield Slot(_midnight(day, self.zone), _midnight(following, self.zone), label, name)
            day = following

    def one_before(self) -> Period:
        """The period of the same kind before it, to compare with."""
        last = self.first - timedelta(days=1)
        length = (self.last - self.first).days
        first = last.replace(day=1) if self.timespan not in (*_DAYS, *_WEEKS) else last - timedelta(days=length)
        return replace(self, first=first, last=last)


def period_of(timespan: Timespan, zone_name: str, now: datetime) -> Period:
    """The period as it is now. Raises: BadSchedule for a zone that isn't known."""
    today = now.astimezone(zone_of(zone_name)).date()
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    yesterday, end_of_last_month = today - timedelta(days=1), month - timedelta(days=1)
    bounds = {
        Timespan.TODAY: (today, today),
        Timespan.YESTERDAY: (yesterday, yesterday),
        Timespan.THIS_WEEK: (monday, monday + timedelta(days=6)),
        Timespan.LAST_WEEK: (monday - timedelta(days=7), monday - timedelta(days=1)),
        Timespan.THIS_MONTH: (month, _end_of_month(month)),
        Timespan.LAST_MONTH: (end_of_last_month.replace(day=1), end_of_last_month),
    }
    first, last = bounds[timespan]
    return Period(timespan, zone_name, first, last, now.astimezone(UTC))


def _end_of_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return moment_of(datetime.combine(day, time()), zone)
