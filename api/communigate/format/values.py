"""What the format can say, as Python values. Strings, numbers, lists, dictionaries, bytes (a data block) and None (the
null object) are themselves; the rest is here. Not for reading or writing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Union


class Moment(Enum):
    """The two timestamps that are no times."""

    PAST = "PAST"
    FUTURE = "FUTURE"


PAST = Moment.PAST
FUTURE = Moment.FUTURE


@dataclass(frozen=True, slots=True)
class Address:
    """A network address, with a port or without (None). `ip` is as the standard library writes it."""

    ip: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Xml:
    """An element of XML, as text; balanced, and not looked into otherwise."""

    text: str


# datetime: with its zone; written in whole seconds of UTC. Dictionary keys are strings, their case counts.
Value = Union[  # noqa: UP007  # it names itself, as a string
    str, int, float, bool, None, bytes, datetime, Moment, Address, Xml, list["Value"], dict[str, "Value"]
]
