"""What a command is in the table: its name, the pattern of its arguments, and what answers it. Not for what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from api.communigate.context import Context
from api.communigate.grammar import Arguments
from api.communigate.pwd.door import NOTHING, Data
from api.communigate.refusing import ERROR

Handler = Callable[[Context, Arguments], Data]


@dataclass(frozen=True, slots=True)
class Command:
    """reads: changes nothing, so that a token that may only read is enough, and needs no transaction.

    apart: has no transaction around it, since it waits for what others do with what it wrote.
    refused: why it is answered with a clear no. taken: the code where what it should make is there already.
    """

    name: str
    patterns: tuple[str, ...]
    run: Handler | None
    about: str
    reads: bool = False
    refused: str = ""
    taken: int = ERROR
    apart: bool = False


def command(
    name: str,
    pattern: str | tuple[str, ...],
    run: Handler,
    about: str,
    *,
    reads: bool = False,
    taken: int = ERROR,
    apart: bool = False,
) -> Command:
    patterns = (pattern,) if isinstance(pattern, str) else pattern
    return Command(name, patterns, run, about, reads=reads, taken=taken, apart=apart)


def refused(reason: str, names: Iterable[str]) -> list[Command]:
    """Commands that are known, and not served here."""
    return [Command(name, ("[ rest… ]",), None, "", refused=reason) for name in names]


def done(_result: Any = None) -> Data:
    """For commands without data."""
    return NOTHING
