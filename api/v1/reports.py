"""The status report: read as data, or mailed as a task. Source of the names: SendStatusReport of the MailStore API."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import Fault, Invalid
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from jobs import services
from jobs.errors import BadArguments
from jobs.reports import sending
from jobs.reports.blocks import Block, Figure
from jobs.reports.building import Report
from jobs.schedules import LOCAL

group = Group("Reports", "What happened in a period and how things stand, as far as one may see it.")
Timespan = Literal["today", "yesterday", "thisweek", "lastweek", "thismonth", "lastmonth"]
Tone = Literal["", "good", "warn", "bad", "held"]
Zone = Annotated[
    str, Field(max_length=100, description="A time zone of IANA or Windows; $Local is the server's.", examples=[LOCAL])
]


class ReportQuery(BaseModel):
    """Which period, as counted where."""

    model_config = ConfigDict(extra="forbid")

    timespan: Annotated[Timespan, Field(description="The period.")] = "yesterday"
    timeZoneId: Zone = LOCAL  # noqa: N815


class ReportSend(Body):
    """About which period, to whom."""

    timespan: Timespan
    time_zone_id: Zone = LOCAL
    recipients: Annotated[
        list[Annotated[str, Field(max_length=320)]],
        Field(max_length=100, description="Empty: the recipients of notices.", examples=[["ops@example.org"]]),
    ] = []


class FigureAnswer(Answer):
    """One number, as people read it."""

    label: str
    value: str
    hint: str
    tone: Tone


class NoticeAnswer(Answer):
    """Something that wants attention."""

    text: str
    tone: Tone
    url: str


class SectionAnswer(Answer):
    """A part of the report; `blocks` are figures, bars, forecasts, tables, meters and words, each with its `kind`."""

    name: str
    title: str
    is_complete: Annotated[bool, Field(description="False where it could not be made; the server's log says why.")]
    blocks: list[dict[str, JsonValue]]


class ReportAnswer(Answer):
    """A whole report, in the language asked for."""

    timespan: Timespan
    since: Moment
    before: Annotated[Moment, Field(description="Its end, not included.")]
    label: str
    verdict: str
    notices: list[NoticeAnswer]
    headline: list[FigureAnswer]
    sections: list[SectionAnswer]


def _figure(figure: Figure) -> FigureAnswer:
    return FigureAnswer(
        label=figure.label,
        value=figure.value,
        hint=figure.hint,
        tone=str(figure.tone),  # type: ignore[arg-type]
    )


def _block(block: Block) -> dict[str, Any]:
    return {"kind": type(block).__name__.lower(), **_plain(dataclasses.asdict(block))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {to_camel(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def present(report: Report) -> ReportAnswer:
    period = report.period
    return ReportAnswer(
        timespan=period.timespan.value,
        since=period.since,
        before=period.before,
        label=period.label,
        verdict=report.verdict,
        notices=[NoticeAnswer(text=each.text, tone=str(each.tone), url=each.url) for each in report.notices],  # type: ignore[arg-type]
        headline=[_figure(each) for each in report.headline],
        sections=[
            SectionAnswer(
                name=each.name,
                title=each.title,
                is_complete=each.content is not None,
                blocks=[_block(block) for block in each.content.blocks] if each.content else [],
            )
            for each in report.sections
        ],
    )


@contextmanager
def _at_its_field() -> Iterator[None]:
    """What the command says of its arguments is about fields here."""
    try:
        yield
    except BadArguments as error:
        raise Invalid.of([Fault(to_camel(error.field), str(error))]) from error


@group.get("/reports/status", admit=subjects.somewhere(Right.VIEW_REPORTS))
def report_status(actor: Actor, query: ReportQuery) -> ReportAnswer:
    """Read the status report of a period.

    The same that is mailed and that stands on the page; everybody sees the part of it that is theirs.
    """
    with _at_its_field():
        period = sending.read_period(query.timespan, query.timeZoneId)
    return present(sending.report_for(actor, period))


@group.post("/reports/status", admit=subjects.somewhere(Right.VIEW_REPORTS), status=202)
def report_send(actor: Actor, body: ReportSend) -> Created[TaskAnswer]:
    """Mail the status report, as a task.

    Each recipient gets it in their language. Who doesn't hold the right on the server sends it to people they see.
    """
    arguments = sending.SendStatusReportArguments(body.timespan, body.time_zone_id, ", ".join(body.recipients))
    with _at_its_field():
        task = services.submit(actor, sending.COMMAND, arguments)
    return Created(present_task(task), f"/tasks/{task.pk}")
