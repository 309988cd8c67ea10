"""Conditions of a rule on when mail comes, in CommuniGate's words: Current Date, Time Of Day, Current Day.

    (Current Date, less than, 24 Dec 2026)           a date alone is a day by the server's clock
    (Current Date, greater than, 24 Dec 2026 17:00)  with a time it is a moment; without a zone by the server's clock
    (Time Of Day, in, 9:00-17:30)                    less than, greater than and in
    (Current Day, in, "Sat,Sun")                     is, is not, in and not in

Dates are written as in mail, as 24-12-2026, as 2026-12-24, or as a time stamp, which is in GMT. Not for other
conditions (`rules`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from django.utils import timezone

from api.communigate.format import DataError, Value, read_value
from api.communigate.refusing import Refused
from gateway.sieve.dates import zone_of
from gateway.sieve.moments import moment_text
from gateway.sieve.simple import Condition

DATA = ("current date", "time of day", "current day")
OURS = ("date", "time", "weekday")
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_COMPARED = {"less than": "before", "greater than": "after"}
_WORDS = {operation: word for word, operation in _COMPARED.items()} | {"is": "is", "not_is": "is not"}
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?\s*(am|pm)?", re.IGNORECASE)
_NUMBERS = re.compile(r"(\d{1,2})[-./](\d{1,2}|[a-z]{3})[-./](\d{4})(.*)", re.IGNORECASE)
_PLAIN = re.compile(r"(?:[a-z]{3,9},?\s+)?(\d{1,2})\s+([a-z]{3})[a-z]*\s+(\d{4})(.*)", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read(data: str, operation: str, value: str, name: str) -> list[Condition]:
    """Two for a span of the day, of which both must be so. Raises: Refused."""
    kind = OURS[DATA.index(data.lower())]
    found = {"date": _dates, "time": _times, "weekday": _weekdays}[kind](operation, value.strip())
    if found is None:
        raise Refused(501, f"rule {name}: {data} {operation} {value[:60]} has none here that means the same")
    return found


def _dates(operation: str, value: str) -> list[Condition] | None:
    if operation in _COMPARED:
        found = _date(value)
        return None if found is None else [Condition("date", _COMPARED[operation], _date_text(found))]
    found = _date(value)
    if operation not in ("is", "is not") or found is None or isinstance(found, datetime):
        return None
    return [Condition("date", "is" if operation == "is" else "not_is", found.isoformat())]


def _date_text(found: date) -> str:
    return moment_text(found) if isinstance(found, datetime) else found.isoformat()


def _date(text: str) -> date | None:
    """A datetime where a time is told."""
    try:
        if text.startswith("#T"):
            stamp = read_value(text)
            return stamp.replace(tzinfo=UTC) if isinstance(stamp, datetime) else None
        if re.match(r"\d{4}-", text):
            return date.fromisoformat(text) if len(text) == 10 else _moment(datetime.fromisoformat(text))
        found = _NUMBERS.fullmatch(text) or _PLAIN.fullmatch(text)
        if found is None:
            return None
        month = found[2].lower()
        number = int(month) if month.isdecimal() else _MONTHS.index(month) + 1
        day = date(int(found[3]), number, int(found[1]))
        rest = found[4].strip(" _T")
        return day if not rest else _with_time(day, rest)
    except (DataError, ValueError, OverflowError):
        return None


def _with_time(day: date, rest: str) -> datetime | None:
    """`17:00`, `17:00:00 +0100` or `17:00 GMT`."""
    clock, _blank, zone = rest.partition(" ")
    at = datetime.combine(day, time.fromisoformat(clock.zfill(5) if clock.count(":") == 1 else clock))
    if not zone:
        return _moment(at)
    known = zone_of("+0000" if zone.upper() in ("GMT", "UTC", "UT") else zone)
    return None if known is None else at.replace(tzinfo=known)


def _moment(at: datetime) -> datetime:
    return timezone.make_aware(at) if at.tzinfo is None else at


def _times(operation: str, value: str) -> list[Condition] | None:
    if operation == "in":
        first, dash, last = (part.strip() for part in value.partition("-"))
        begins, ends = _clock(first), _clock(last)
        if not dash or begins is None or ends is None or begins >= ends:
            return None
        return [Condition("time", "after", begins), Condition("time", "before", ends)]
    found = _clock(value)
    if operation not in _COMPARED or found is None:
        return None
    return [Condition("time", _COMPARED[operation], found)]


def _clock(text: str) -> str | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, half = int(found[1]), (found[3] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    return f"{hour:02d}:{found[2]}" if hour < 24 and int(found[2]) < 60 else None


def _weekdays(operation: str, value: str) -> list[Condition] | None:
    parts = [part.strip().lower()[:3] for part in value.split(",") if part.strip()]
    names = [day.lower() for day in DAYS]
    if not parts or not set(parts) <= set(names) or operation not in ("is", "is not", "in", "not in"):
        return None
    if len(parts) > 1 and operation in ("is", "is not"):
        return None
    numbers = ",".join(str(names.index(part)) for part in dict.fromkeys(parts))
    return [Condition("weekday", "not_is" if "not" in operation else "is", numbers)]


def said(condition: Condition) -> Value:
    """One of ours in that server's words."""
    if condition.what == "weekday":
        days = [DAYS[int(number)] for number in condition.value.split(",")]
        word = "not in" if condition.operation == "not_is" else "in"
        return ["Current Day", word, ",".join(days)]
    word = _WORDS[condition.operation]
    if condition.what == "time":
        return ["Time Of Day", word, condition.value]
    if len(condition.value) == 10:
        day = date.fromisoformat(condition.value)
        return ["Current Date", word, f"{day:%d} {_MONTHS[day.month - 1].title()} {day:%Y}"]
    at = datetime.fromisoformat(condition.value)
    return ["Current Date", word, f"{at:%d} {_MONTHS[at.month - 1].title()} {at:%Y %H:%M:%S} +0000"]
