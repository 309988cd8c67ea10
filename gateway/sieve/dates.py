"""The parts of a date that rules can ask for (RFC 5260 §4.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

_ZONE = re.compile(r"([+-])(\d\d)([0-5]\d)")


def zone_of(text: str) -> timezone | None:
    """ "+0100" as a zone; None for what is none."""
    found = _ZONE.fullmatch(text.strip())
    if found is None or int(found[2]) > 23:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset)


def date_in(value: str) -> datetime | None:
    """The date of a header field: all of it, or what stands behind its last semicolon (Received)."""
    text = value.rpartition(";")[2].strip()
    try:
        found = parsedate_to_datetime(text[:200])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found  # noqa: UP017


def part(moment: datetime, name: str) -> str:
    """The named part as text."""
    zone = moment.strftime("%z") or "+0000"
    parts = {
        "year": f"{moment.year:04d}",
        "month": f"{moment.month:02d}",
        "day": f"{moment.day:02d}",
        "date": moment.date().isoformat(),
        "julian": str(moment.date().toordinal() - 678576),  # Modified Julian Day
        "hour": f"{moment.hour:02d}",
        "minute": f"{moment.minute:02d}",
        "second": f"{moment.second:02d}",
        "time": f"{moment:%H:%M:%S}",
        "iso8601": f"{moment:%Y-%m-%dT%H:%M:%S}{zone[:3]}:{zone[3:5]}",
        "std11": format_datetime(moment),
        "zone": zone[:5],
        "weekday": str(moment.isoweekday() % 7),  # 0 is Sunday
    }
    return parts[name.lower()]
