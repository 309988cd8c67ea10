"""What a schedule is called, and what is wrong with one, in the reader's language."""

from __future__ import annotations

from datetime import time

from django.utils import dates, formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.permissions import Text
from jobs.schedules import LAST, LOCAL, MONTHS, BadSchedule, Schedule, zone_of

WEEKDAY_WORDS: dict[str, Text] = {
    "Monday": gettext_lazy("Monday"),
    "Tuesday": gettext_lazy("Tuesday"),
    "Wednesday": gettext_lazy("Wednesday"),
    "Thursday": gettext_lazy("Thursday"),
    "Friday": gettext_lazy("Friday"),
    "Saturday": gettext_lazy("Saturday"),
    "Sunday": gettext_lazy("Sunday"),
}
MONTH_WORDS: dict[str, Text] = {name: dates.MONTHS[number] for number, name in enumerate(MONTHS, 1)}
INTERVAL_WORDS: dict[int, Text] = {
    5: gettext_lazy("every 5 minutes"),
    10: gettext_lazy("every 10 minutes"),
    15: gettext_lazy("every 15 minutes"),
    20: gettext_lazy("every 20 minutes"),
    30: gettext_lazy("every 30 minutes"),
    60: gettext_lazy("every hour"),
    120: gettext_lazy("every 2 hours"),
    180: gettext_lazy("every 3 hours"),
    240: gettext_lazy("every 4 hours"),
    360: gettext_lazy("every 6 hours"),
    720: gettext_lazy("every 12 hours"),
}
# (weekday, its first possible day of the month) in words; other days are said with their number.
_ORDINALS: dict[str, Text] = {
    "1": pgettext_lazy("weekday of a month", "on the first %(weekday)s of a month at %(time)s"),
    "8": pgettext_lazy("weekday of a month", "on the second %(weekday)s of a month at %(time)s"),
    "15": pgettext_lazy("weekday of a month", "on the third %(weekday)s of a month at %(time)s"),
    "22": pgettext_lazy("weekday of a month", "on the fourth %(weekday)s of a month at %(time)s"),
    LAST: pgettext_lazy("weekday of a month", "on the last %(weekday)s of a month at %(time)s"),
}
_WRONG: dict[str, Text] = {
    "nothing": gettext_lazy("Say when it runs: at a date, every so many minutes, or at a time of day."),
    "needs time": gettext_lazy("A day needs a time of day."),
    "one only": gettext_lazy("Only one of a date, an interval and a time of day."),
    "no such interval": gettext_lazy("Every 5, 10, 15, 20, 30, 60, 120, 180, 240, 360 or 720 minutes."),
    "no such day": gettext_lazy("There is no such day."),
    "no such month": gettext_lazy("There is no such month."),
    "month needs day": gettext_lazy("A month needs a day of the month."),
    "no such zone": gettext_lazy("There is no such time zone."),
    "no date": gettext_lazy("A date and time, such as 2026-01-31T02:30:00."),
    "has a zone": gettext_lazy("The date is local to the time zone; leave out its offset."),
    "no time": gettext_lazy("A time of day, such as 02:30."),
    "unknown": gettext_lazy("A schedule has no such field."),
}


def schedule_words(schedule: Schedule) -> str:
    """One line: when it runs, without its time zone."""
    if schedule.date is not None:
        return _("once, on %(date)s") % {"date": formats.date_format(schedule.date, "SHORT_DATETIME_FORMAT")}
    if schedule.interval is not None:
        return str(INTERVAL_WORDS[schedule.interval])
    said = {
        "time": _clock(schedule.time),
        "weekday": WEEKDAY_WORDS.get(schedule.day_of_week, ""),
        "day": schedule.day_of_month,
    }
    words = _frame(schedule) % said
    if not schedule.month:
        return words
    return _("%(when)s, only in %(month)s") % {"when": words, "month": MONTH_WORDS[schedule.month]}


def zone_words(name: str) -> str:
    """A time zone as people know it: $Local is the server's own."""
    if name == LOCAL:
        return _("the server's time (%(zone)s)") % {"zone": str(zone_of(name))}
    return name


def wrong_words(error: BadSchedule) -> str:
    return str(_WRONG[error.code])


def _frame(schedule: Schedule) -> str:
    if schedule.day_of_week and schedule.day_of_month:
        ordinal = _ORDINALS.get(schedule.day_of_month)
        return str(ordinal) if ordinal else _("on the first %(weekday)s from the %(day)s. of a month on, at %(time)s")
    if schedule.day_of_week:
        return _("every %(weekday)s at %(time)s")
    if schedule.day_of_month == LAST:
        return _("on the last day of a month at %(time)s")
    if schedule.day_of_month:
        return _("on day %(day)s of a month at %(time)s")
    return _("every day at %(time)s")


def _clock(at: time | None) -> str:
    assert at is not None
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")
