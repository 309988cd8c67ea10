"""Values as people type them into the search box of a list: sizes, moments, patterns. Pure; no database."""

from __future__ import annotations

import datetime as dt
import re

from django.utils import timezone

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgtp]?)(?:i?b)?|(\d{1,15})\s*bytes?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_AGO = re.compile(r"-?(\d{1,5})(min|h|d|w|mo|m|y)", re.IGNORECASE)
_HOURS = {"min": 1 / 60, "h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "mo": 24 * 30, "y": 24 * 365}
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2}))?)?)?")
_LIMIT = 2**63


def size_bytes(text: str) -> int:
    """ "1G", "1.5 GiB", "500MB" (binary as well) or "1024" in bytes. Raises: ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    size = int(float(found[1] or found[3]) * 1024 ** _POWERS[(found[2] or "").lower()])
    if size >= _LIMIT:
        raise ValueError(text)
    return size


def moment(text: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The time a text names, from start to end (not included); both the same for an instant such as "-30d".

    "2026", "2026-01", "2026-01-31", "2026-01-31T12:30", "today", "yesterday", in the current time zone.
    Raises: ValueError, OverflowError.
    """
    word = text.strip().casefold()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if word in ("today", "yesterday"):
        start = today if word == "today" else today - dt.timedelta(days=1)
        return start, start + dt.timedelta(days=1)
    found = _AGO.fullmatch(word)
    if found:
        at = now - dt.timedelta(hours=int(found[1]) * _HOURS[found[2]])
        return at, at
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return _period(*(int(part) if part else None for part in found.groups()))


def _period(
    year: int | None, month: int | None, day: int | None, hour: int | None, minute: int | None
) -> tuple[dt.datetime, dt.datetime]:
    start = dt.datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0)
    if minute is not None:
        end = start + dt.timedelta(minutes=1)
    elif day is not None:
        end = start + dt.timedelta(days=1)
    elif month is not None:
        end = (start + dt.timedelta(days=32)).replace(day=1)
    else:
        end = start.replace(year=start.year + 1)
    zone = timezone.get_current_timezone()
    return start.replace(tzinfo=zone), end.replace(tzinfo=zone)


def pattern(text: str, *, literal: bool, whole: bool) -> tuple[str, str]:
    """How a typed value is looked up: a Django lookup (without the `i` of case) and its text.

    `*` stands for anything unless literal; without one the value is the whole text or a part of it. `iexact` exists as
    "exact", `icontains` as "contains" and so on.
    """
    if literal or "*" not in text:
        return ("exact", text) if whole else ("contains", text)
    parts = text.split("*")
    inner = [part for part in parts if part]
    if len(inner) == 1:
        lookup = {(False, False): "exact", (False, True): "startswith", (True, False): "endswith"}
        return lookup.get((not parts[0], not parts[-1]), "contains"), inner[0]
    return "regex", "^" + ".*".join(_escaped(part) for part in parts) + "$"


def _escaped(text: str) -> str:
    """For PostgreSQL: a backslash before what is neither letter nor digit means the sign itself."""
    return "".join(sign if sign.isalnum() or sign == "_" else f"\\{sign}" for sign in text)
