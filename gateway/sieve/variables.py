"""Variables of a script (RFC 5229): ${name}, ${1}, and how a value may be changed on its way into one."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_VARIABLES, MOST_LENGTH = 128, 4000
_USED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,31}|[0-9]{1,2})\}")


class Variables:
    """Those of one run. Without the extension texts stay as they are."""

    def __init__(self, is_on: bool) -> None:
        self.is_on = is_on
        self._named: dict[str, str] = {}
        self._matched: tuple[str, ...] = ()

    def matched(self, groups: tuple[str, ...]) -> None:
        """What wildcards stood for, the whole first; nine of them at least count."""
        if self.is_on:
            self._matched = tuple(each[:MOST_LENGTH] for each in groups[:32])

    def expand(self, text: str) -> str:
        if not self.is_on or "${" not in text:
            return text
        return _USED.sub(lambda found: self._value(found[1]), text)[:MOST_LENGTH]

    def put(self, name: str, value: str, modifiers: Iterable[str]) -> bool:
        """Whether there was room. Modifiers in the order in which they count (RFC 5229 §4.1)."""
        if len(self._named) >= MOST_VARIABLES and name.lower() not in self._named:
            return False
        for modifier in modifiers:
            value = _modified(value, modifier)
        self._named[name.lower()] = value[:MOST_LENGTH]
        return True

    def _value(self, name: str) -> str:
        if name.isdigit():
            number = int(name)
            return self._matched[number] if number < len(self._matched) else ""
        return self._named.get(name.lower(), "")


def _modified(value: str, modifier: str) -> str:
    match modifier:
        case ":lower":
            return value.lower()
        case ":upper":
            return value.upper()
        case ":lowerfirst":
            return value[:1].lower() + value[1:]
        case ":upperfirst":
            return value[:1].upper() + value[1:]
        case ":quotewildcard":
            return re.sub(r"([*?\\])", r"\\\1", value)
        case ":length":
            return str(len(value))
    return value
