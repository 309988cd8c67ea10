"""The status report: what happened in a period and how things stand, in sections that each app registers.

    from jobs.reports import Content, Figure, Section, register

    register(Section("archived", _("Archived"), load=archived, order=10))  # in AppConfig.ready()

A section says what it has as blocks of data (`blocks`), never as HTML: the same report is a mail with pictures, plain
text, a page and an answer of the API. `building` asks the sections, `rendering` writes, `sending` mails.
"""

from __future__ import annotations

from jobs.reports.blocks import (
    Bars,
    Block,
    Cell,
    Column,
    Content,
    Figure,
    Figures,
    Forecast,
    Meter,
    Meters,
    Notice,
    Point,
    Series,
    Table,
    Tone,
    Words,
)
from jobs.reports.periods import Period, Timespan
from jobs.reports.registry import Asked, Section, register

__all__ = [
    "Asked",
    "Bars",
    "Block",
    "Cell",
    "Column",
    "Content",
    "Figure",
    "Figures",
    "Forecast",
    "Meter",
    "Meters",
    "Notice",
    "Period",
    "Point",
    "Section",
    "Series",
    "Table",
    "Timespan",
    "Tone",
    "Words",
    "register",
]
