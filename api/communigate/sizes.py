"""Sizes as scripts write them (`50M`, `unlimited`), as bytes and back. Pure."""

from __future__ import annotations

import re

from api.communigate.format import Value
from api.communigate.refusing import Refused
from domains.limits import UNLIMITED

_SIZE = re.compile(r"(\d{1,15})\s*([kmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def bytes_of(value: Value, name: str) -> int | None:
    """None for `default`, −1 for unlimited. Raises: Refused."""
    text = str(value).strip().lower() if isinstance(value, (str, int)) and not isinstance(value, bool) else "?"
    if text in ("default", ""):
        return None
    if text in ("unlimited", "-1", "none"):
        return UNLIMITED
    found = _SIZE.fullmatch(text)
    if found is None:
        raise Refused(501, f"{name}: a size is expected, such as 50M or unlimited")
    return int(found[1]) << _UNITS[found[2]]


def size_text(size_bytes: int) -> str:
    """In the largest unit that says it without a fraction."""
    if size_bytes == UNLIMITED:
        return "unlimited"
    for unit in ("T", "G", "M", "K"):
        shift = _UNITS[unit.lower()]
        if size_bytes and size_bytes % (1 << shift) == 0:
            return f"{size_bytes >> shift}{unit}"
    return str(size_bytes)


def count_of(value: Value, name: str) -> int | None:
    """A number of things: None for `default`, −1 for unlimited. Raises: Refused."""
    text = str(value).strip().lower()
    if text in ("default", ""):
        return None
    if text in ("unlimited", "-1"):
        return UNLIMITED
    if not re.fullmatch(r"\d{1,12}", text):
        raise Refused(501, f"{name}: a number is expected")
    return int(text)


def count_text(count: int) -> str:
    return "unlimited" if count == UNLIMITED else str(count)
