"""Searching the server's log: by time, level, words, request and process; newest first, page by page.

A search reads at most so many bytes at once and says how far it came, so that it always answers. Not for writing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.kit import logbook

LIMIT = 100
LIMIT_MAX = 1_000
READ_AT_ONCE = 48 << 20
_SLACK = timedelta(minutes=1)
_RANK = {name: number for number, name in enumerate(logbook.LEVELS)}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. place: where it stands, to go on from."""

    at: datetime
    level: str
    logger: str
    part: str
    pid: int
    request: str
    text: str
    trace: str
    place: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; everything that is given must fit. text: these words, in any case, also in a trace.

    level: at least this one. since is included, before isn't. after: the place of the last line of the page before.
    """

    text: str = ""
    level: str = ""
    request: str = ""
    part: str = ""
    since: datetime | None = None
    before: datetime | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Lines, newest first. more: the place to go on from, "" at the end; looked_to: how far back it looked."""

    lines: list[LogLine]
    more: str
    looked_to: datetime | None


def search(wanted: Wanted, *, limit: int = LIMIT) -> Found:
    """The newest lines that fit, older than `wanted.after`."""
    lines: list[LogLine] = []
    read = 0
    looked_to: datetime | None = None
    last_place = ""
    for segment in _older(wanted):
        if read >= READ_AT_ONCE:
            return Found(lines, last_place, looked_to)
        for line in _lines_of(segment, wanted):
            looked_to, last_place = line.at, line.place
            if wanted.since is not None and line.at < wanted.since:
                if line.at + _SLACK < wanted.since:  # processes write a little out of order
                    return Found(lines, "", looked_to)
                continue
            if _fits(line, wanted):
                lines.append(line)
                if len(lines) >= limit:
                    return Found(lines, line.place, looked_to)
        read += segment.stat().st_size if segment.exists() else 0
        last_place = f"{segment.name}:0"
    return Found(lines, "", looked_to)


def parts() -> list[str]:
    """The processes that write, for a choice."""
    return ["web", "worker", "beat", "indexer", "delivery", "gateway", "keeper", "shell"]


def _older(wanted: Wanted) -> Iterator[Path]:
    """The files that may hold what is wanted, newest first."""
    name = wanted.after.partition(":")[0]
    newest_day, oldest_day = _day(wanted.before), _day(wanted.since)
    for path in reversed(logbook.segments()):
        if name and path.name > name:
            continue
        if newest_day and path.name[:10] > newest_day:
            continue
        if path.name[:10] < oldest_day:
            return
        yield path


def _day(moment: datetime | None) -> str:
    """The day in UTC; nothing for none, and for one at the very ends of the calendar."""
    with contextlib.suppress(OverflowError):
        return "" if moment is None else moment.astimezone(UTC).date().isoformat()
    return ""


def _lines_of(segment: Path, wanted: Wanted) -> Iterator[LogLine]:
    """A file's lines from its end on (or from where the page before ended), as far as their bytes may fit."""
    name, _, offset = wanted.after.partition(":")
    try:
        data = segment.read_bytes()
    except OSError:
        return
    end = int(offset) if name == segment.name and offset.isdecimal() else len(data)
    needle = wanted.text.casefold() if wanted.text.isascii() else ""
    while end > 0:
        start = data.rfind(b"\n", 0, end - 1) + 1
        raw = data[start:end]
        if not needle or _may_hold(raw, needle):
            line = _read(raw, f"{segment.name}:{start}")
            if line is not None:
                yield line
        end = start


def _may_hold(raw: bytes, needle: str) -> bool:
    """Quicker than reading its JSON; what JSON writes otherwise (quotes, backslashes) is looked at in full."""
    return '"' in needle or "\\" in needle or needle.encode() in raw.lower()


def _read(raw: bytes, place: str) -> LogLine | None:
    """None for half a line of a process that was killed."""
    try:
        entry = json.loads(raw)
        return LogLine(
            at=datetime.fromisoformat(entry["at"]),
            level=str(entry["level"]),
            logger=str(entry["logger"]),
            part=str(entry["part"]),
            pid=int(entry["pid"]),
            request=str(entry["request"]),
            text=str(entry["text"]),
            trace=str(entry.get("trace", "")),
            place=place,
        )
    except (ValueError, KeyError, TypeError):
        return None


def _fits(line: LogLine, wanted: Wanted) -> bool:
    if wanted.before is not None and line.at >= wanted.before:
        return False
    if wanted.level and _RANK.get(line.level, 0) < _RANK.get(wanted.level, 0):
        return False
    if wanted.request and line.request != wanted.request:
        return False
    if wanted.part and line.part != wanted.part:
        return False
    words = wanted.text.casefold()
    return not words or words in line.text.casefold() or words in line.trace.casefold() or words in line.logger
