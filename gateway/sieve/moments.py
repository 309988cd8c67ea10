"""Conditions of a rule on when a message comes, in the form's words and in Sieve: the date, the time of day, the day of
the week, all by the server's clock unless a moment brings its own.

    date     is, not_is, before, after: `2026-12-24`; before, after: a moment too, `2026-12-24T17:00:00+00:00`
    time     before, after: `17:30`
    weekday  is, not_is: numbers with commas between, 0 for Sunday: `6,0`

Source: RFC 5260 §5 (currentdate), RFC 5231 (:value). Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Protocol

from gateway.sieve.script import Node

OPERATIONS: dict[str, tuple[str, ...]] = {
    "date": ("is", "not_is", "before", "after"),
    "time": ("before", "after"),
    "weekday": ("is", "not_is"),
}
NEEDS = {"date", "relational"}
_RELATIONS = {"before": "lt", "after": "gt"}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WEEKDAYS = re.compile(r"[0-6](,[0-6]){0,6}")


class Asked(Protocol):
    """A condition as the form has it."""

    @property
    def what(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def value(self) -> str: ...


def moment_text(moment: datetime) -> str:
    """As conditions hold it: in UTC, to the second."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def is_right(asked: Asked) -> bool:
    """Whether the value is one for what is asked."""
    if asked.what == "time":
        return _TIME.fullmatch(asked.value) is not None
    if asked.what == "weekday":
        return _WEEKDAYS.fullmatch(asked.value) is not None
    return _is_date(asked.value) or (asked.operation in _RELATIONS and _is_moment(asked.value))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        return moment_text(datetime.fromisoformat(text)) == text
    except (ValueError, OverflowError):
        return False


def written(asked: Asked) -> str:
    """The test, without what negates it."""
    operation = asked.operation.removeprefix("not_")
    if asked.what == "weekday":
        days = ", ".join(f'"{day}"' for day in asked.value.split(","))
        return f'currentdate :is "weekday" [{days}]'
    if asked.what == "time":
        return f'currentdate :value "{_RELATIONS[operation]}" "time" "{asked.value}:00"'
    if operation == "is":
        return f'currentdate :is "date" "{asked.value}"'
    if _is_date(asked.value):
        return f'currentdate :value "{_RELATIONS[operation]}" "date" "{asked.value}"'
    return f'currentdate :zone "+0000" :value "{_RELATIONS[operation]}" "iso8601" "{asked.value}"'


def read(test: Node) -> tuple[str, str, str] | None:
    """(what, operation, value) of a currentdate test; None for one that the form has no words for."""
    part, keys = test.text("date-part").lower(), test.texts("key-list")
    relation = {value: word for word, value in _RELATIONS.items()}.get(test.extra_text("match-type"), "")
    kind = test.text("match-type", ":is")
    zone = test.extra_text("zone") if "zone" in test.values else ""
    if "comparator" in test.extra or (kind == ":value") != bool(relation) or kind not in (":is", ":value"):
        return None
    operation = relation or "is"
    match part:
        case "weekday" if operation == "is" and not zone:
            return part, operation, ",".join(keys)
        case "time" if relation and not zone and len(keys) == 1 and keys[0].endswith(":00"):
            return part, operation, keys[0].removesuffix(":00")
        case "date" if not zone and len(keys) == 1:
            return part, operation, keys[0]
        case "iso8601" if relation and zone == "+0000" and len(keys) == 1:
            return "date", operation, keys[0]
    return None
