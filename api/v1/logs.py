"""The server's own log: searched, written to, and how much of it is kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer, Body, Moment, left_out
from api.v1 import subjects
from config.kit.log_search import LogLine, Wanted
from config.kit.logbook import LogSettings
from jobs import logs

group = Group("Log", "The server's own log, of this machine: searched, written to, and how much of it is kept.")
Level = Literal["debug", "info", "warning", "error"]
Part = Literal[
    "accounts", "jobs", "archive", "gateway", "delivery", "api", "dialects", "pages", "server", "libraries"
]  # those of config.kit.logbook.PARTS


class LogQuery(BaseModel):
    """Everything that is given must fit."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=300, description="These words, in any case.")] = ""
    level: Annotated[Level | None, Field(description="At least this one.")] = None
    requestId: Annotated[str, Field(max_length=40, description="The X-Request-ID of an answer.")] = ""  # noqa: N815
    part: Annotated[str, Field(max_length=40, description="web, worker, beat, indexer or shell.")] = ""
    since: Annotated[Moment | None, Field(description="From this moment on.")] = None
    until: Annotated[Moment | None, Field(description="Before this moment.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Field(max_length=60, description="`next` of the page before.")] = ""


class LineAnswer(Answer):
    """One line of the log."""

    at: Moment
    level: Level
    text: str
    trace: str
    request_id: str | None
    part: str
    pid: int
    logger: str


class LogAnswer(Answer):
    """Lines, newest first."""

    lines: list[LineAnswer]
    next: Annotated[str | None, Field(description="The `cursor` with which older lines follow; null at the end.")]


class LogWrite(Body):
    """A line of one's own."""

    level: Level = "info"
    text: Annotated[str, Field(min_length=1, max_length=2_000)]


class LogSettingsAnswer(Answer):
    """What is kept: at least this level, for so many days, at most so much."""

    level: Level
    days: int
    megabytes: int
    parts: Annotated[
        dict[Part, Level], Field(description="Parts with a level of their own; the others follow `level`.")
    ]


class LogSettingsChange(Body):
    """What is left out stays."""

    level: Annotated[Level, Field(description="`debug` keeps every detail.")] = left_out()
    days: Annotated[int, Field(ge=1, le=3_650)] = left_out()
    megabytes: Annotated[int, Field(ge=16, le=100_000)] = left_out()
    parts: Annotated[
        dict[Part, Level | None],
        Field(description="Null: the part follows `level` again. Parts that aren't named stay."),
    ] = left_out()


def _line(line: LogLine) -> LineAnswer:
    return LineAnswer(
        at=line.at,
        level=line.level,  # type: ignore[arg-type]
        text=line.text,
        trace=line.trace,
        request_id=None if line.request == "-" else line.request,
        part=line.part,
        pid=line.pid,
        logger=line.logger,
    )


@group.get("/server/log", admit=subjects.server(Right.VIEW_LOGS))
def log_search(actor: Actor, server: subjects.Server, query: LogQuery) -> LogAnswer:
    """Search the log, newest lines first.

    One call reads a bounded part of it: without lines and with a `next` there is older log to look at.
    """
    wanted = Wanted(
        text=query.text,
        level=query.level or "",
        request=query.requestId,
        part=query.part,
        since=query.since,
        before=query.until,
        after=query.cursor,
    )
    found = logs.search_log(actor, wanted, limit=query.limit)
    return LogAnswer(lines=[_line(line) for line in found.lines], next=found.more or None)


@group.post("/server/log", admit=subjects.server(Right.MANAGE_SERVER), status=204)
def log_write(actor: Actor, server: subjects.Server, body: LogWrite) -> None:
    """Put a line into the log, under one's name."""
    logs.write_log(actor, body.level, body.text)


@group.get("/server/log/settings", admit=subjects.server(Right.VIEW_LOGS))
def log_settings(actor: Actor, server: subjects.Server) -> LogSettingsAnswer:
    """Read what the log keeps, and how long."""
    return _settings(logs.get_log_settings(actor))


@group.patch("/server/log/settings", admit=subjects.server(Right.MANAGE_SERVER))
def log_settings_change(actor: Actor, server: subjects.Server, body: LogSettingsChange) -> None:
    """Change what the log keeps, and how long; every process follows within seconds."""
    logs.set_log_settings(actor, **body.changes())


def _settings(found: LogSettings) -> LogSettingsAnswer:
    return LogSettingsAnswer(**asdict(found))
