"""When a job runs: once, every so many minutes, daily, weekly or monthly, in a time zone. Pure: no database, no clock.

A schedule is kept as it was written (the dataset of the MailStore administration API: `date`, `interval`, `time`,
`dayOfWeek`, `dayOfMonth`, `timeZoneId`), and every local time means exactly one moment:

- a time that the clocks jump over (02:30 on the day they go forward) runs as much later as they jump (at 03:30);
- a time that comes twice (02:30 on the day they go back) runs at the first of both;
- every N minutes counts from local midnight in real minutes.

A day of the month that a month lacks is left out there; `Last` is always its last. Together with a weekday the day of
the month is the earliest one: 1 with Monday is the first Monday, 8 the second, `Last` with Friday the last Friday.
Not for what a schedule is called (`schedule_words`) nor for what is due (`dispatching`).
Source: PEP 495 (fold), RFC 5545 §3.3.10 (recurrence rules).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import tzlocal
from dateutil import rrule
from tzlocal.windows_tz import win_tz

LOCAL = "$Local"
LAST = "Last"
INTERVALS = (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS_OF_MONTH = (*(str(day) for day in range(1, 32)), LAST)
_SLACK = timedelta(days=2)  # a local time may lie that far from its moment where a zone skipped a day
_BY_DAY = dict(zip(WEEKDAYS, rrule.weekdays, strict=True))


class BadSchedule(ValueError):
    """What was written is no schedule; `field` names what is wrong with it, `code` how (`schedule_words`)."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code


@dataclass(frozen=True, slots=True)
class Schedule:
    """When, in a time zone. Exactly one of date, interval and time is given; weekday and day of month need the time;
    a month needs its day.
    """

    time_zone: str = LOCAL
    date: datetime | None = None  # local, without a zone
    interval: int | None = None  # minutes
    time: time | None = None
    day_of_week: str = ""
    day_of_month: str = ""
    month: str = ""

    def __post_init__(self) -> None:
        """Raises: BadSchedule."""
        zone_of(self.time_zone)
        chosen = [name for name in ("date", "interval", "time") if getattr(self, name) is not None]
        if not chosen:
            raise BadSchedule("time", "nothing" if not (self.day_of_week or self.day_of_month) else "needs time")
        if len(chosen) > 1:
            raise BadSchedule(chosen[1], "one only")
        if self.interval is not None and self.interval not in INTERVALS:
            raise BadSchedule("interval", "no such interval")
        for name, known in (("day_of_week", WEEKDAYS), ("day_of_month", DAYS_OF_MONTH), ("month", MONTHS)):
            value = getattr(self, name)
            if value and self.time is None:
                raise BadSchedule(name, "needs time")
            if value and value not in known:
                raise BadSchedule(name, "no such day" if name != "month" else "no such month")
        if self.month and not self.day_of_month:
            raise BadSchedule("day_of_month", "month needs day")
        if self.month and self.day_of_month != LAST and int(self.day_of_month) > _longest(self.month):
            raise BadSchedule("day_of_month", "no such day")

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.time_zone)

    @property
    def is_once(self) -> bool:
        return self.date is not None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first run later than this moment, in UTC; None when there is none any more."""
        return next(self.runs_after(moment), None)

    def upcoming(self, moment: datetime, count: int) -> list[datetime]:
        """The next runs after this moment, in UTC."""
        return [run for run, _number in zip(self.runs_after(moment), range(count), strict=False)]

    def runs_after(self, moment: datetime) -> Iterator[datetime]:
        """All runs later than this moment, in order, each once."""
        last = moment.astimezone(UTC)
        for run in self._moments(last):
            if run > last:
                last = run
                yield run

    def as_json(self) -> dict[str, object]:
        """As the dataset writes it; what isn't given is left out."""
        found: dict[str, object] = {"timeZoneId": self.time_zone}
        if self.date is not None:
            found["date"] = self.date.isoformat(timespec="seconds")
        if self.interval is not None:
            found["interval"] = self.interval
        if self.time is not None:
            found["time"] = self.time.strftime("%H:%M:%S" if self.time.second else "%H:%M")
        if self.day_of_week:
            found["dayOfWeek"] = self.day_of_week
        if self.day_of_month:
            found["dayOfMonth"] = self.day_of_month
        if self.month:
            found["month"] = self.month
        return found

    def _moments(self, after: datetime) -> Iterator[datetime]:
        """Runs from some before `after` on; they may be out of order only where they are the same moment."""
        zone = self.zone
        if self.date is not None:
            yield moment_of(self.date, zone)
        elif self.interval is not None:
            yield from _every(self.interval, zone, after)
        else:
            for local in self._rule(after.astimezone(zone).replace(tzinfo=None) - _SLACK):
                yield moment_of(local, zone)

    def _rule(self, start: datetime) -> rrule.rrule:
        assert self.time is not None
        start = datetime.combine(start.date(), self.time)
        weekday = _BY_DAY.get(self.day_of_week)
        if not self.day_of_month:
            return rrule.rrule(rrule.DAILY if weekday is None else rrule.WEEKLY, dtstart=start, byweekday=weekday)
        days = _days(self.day_of_month, narrowed=weekday is not None)
        month = MONTHS.index(self.month) + 1 if self.month else None
        return rrule.rrule(rrule.MONTHLY, dtstart=start, bymonth=month, bymonthday=days, byweekday=weekday)


def read_schedule(values: Mapping[str, object]) -> Schedule:
    """A schedule from the dataset, in either spelling of its names; null and "" are not given.

    Raises: BadSchedule.
    """
    names = {
        "timezoneid": "time_zone",
        "timezone": "time_zone",
        "dayofweek": "day_of_week",
        "dayofmonth": "day_of_month",
    }
    found: dict[str, object] = {}
    for name, value in values.items():
        known = names.get(name.replace("_", "").lower(), name)
        if known not in Schedule.__slots__:
            raise BadSchedule(name, "unknown")
        if value not in (None, ""):
            found[known] = value
    return Schedule(
        time_zone=str(found.get("time_zone", LOCAL)),
        date=_date(found.get("date")),
        interval=_number(found.get("interval")),
        time=_time(found.get("time")),
        day_of_week=_word(found.get("day_of_week"), WEEKDAYS),
        day_of_month=_word(found.get("day_of_month"), DAYS_OF_MONTH),
        month=_word(found.get("month"), MONTHS),
    )


def moment_of(local: datetime, zone: tzinfo) -> datetime:
    """The one moment (UTC) that a local time means; see the module for times that come twice or never."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """The zone of an id: IANA, Windows, or $Local. Raises: BadSchedule."""
    if name == LOCAL:
        return tzlocal.get_localzone()
    try:
        return ZoneInfo(win_tz.get(name, name))
    except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones
        raise BadSchedule("time_zone", "no such zone") from error


def time_zones() -> list[tuple[str, str]]:
    """Every id that is understood with the IANA name it means: $Local, then IANA's names, then Windows'."""
    own = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    return [
        (LOCAL, str(tzlocal.get_localzone())),
        *((name, name) for name in own),
        *sorted((name, means) for name, means in win_tz.items() if name not in own),
    ]


def _every(minutes: int, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        begin, end = (moment_of(datetime.combine(each, time()), zone) for each in (day, day + timedelta(days=1)))
        run = begin
        while run < end:
            yield run
            run += timedelta(minutes=minutes)
        day += timedelta(days=1)


def _longest(month: str) -> int:
    """Its days, in a leap year."""
    return monthrange(2024, MONTHS.index(month) + 1)[1]


def _days(day_of_month: str, *, narrowed: bool) -> list[int]:
    """The days of the month that may be meant, counted from its end where negative."""
    if day_of_month == LAST:
        return list(range(-7, 0)) if narrowed else [-1]
    first = int(day_of_month)
    return list(range(first, min(first + 7, 32))) if narrowed else [first]


def _date(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadSchedule("date", "no date") from error
    if found.tzinfo is not None:
        raise BadSchedule("date", "has a zone")
    if not 1970 <= found.year <= 9000:
        raise BadSchedule("date", "no date")
    return found.replace(microsecond=0)


def _number(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,4}", str(value)):
        raise BadSchedule("interval", "no such interval")
    return int(str(value))


def _time(value: object) -> time | None:
    if value is None or isinstance(value, time):
        return value
    if not re.fullmatch(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", str(value)):
        raise BadSchedule("time", "no time")
    try:
        return time.fromisoformat(str(value).rjust(5 if str(value).count(":") == 1 else 8, "0"))
    except ValueError as error:
        raise BadSchedule("time", "no time") from error


def _word(value: object, known: tuple[str, ...]) -> str:
    """A known word in its own case, else as it is."""
    text = "" if value is None else str(value)
    return next((word for word in known if word.lower() == text.lower()), text)
