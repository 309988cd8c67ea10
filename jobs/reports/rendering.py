"""A report as a letter: HTML with its charts as pictures, and the same as plain text. Or as a page, for the preview.

In the present language and time zone. Not for what a report says (`building`) nor how charts look (`drawing`).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext

from accounts import links
from config.kit.branding import PLAIN, Brand
from config.kit.mailing import Letter
from config.kit.templatetags.kit import number, size_text
from jobs.reports import drawing, plain
from jobs.reports.blocks import Bars, Block, Cell, Column, Figures, Forecast, Meters, Table, Tone, Words
from jobs.reports.building import Report
from jobs.reports.palette import DARK, DRAWN, LIGHT

TEMPLATE, TEXT_TEMPLATE = "jobs/report/mail.html", "jobs/report/mail.txt"
_KINDS: dict[type, str] = {
    Figures: "figures", Bars: "bars", Forecast: "forecast", Table: "table", Meters: "meters", Words: "words",
}  # fmt: skip
Address = Callable[[str, bytes], str]  # name of a picture, PNG -> what its <img> names


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a report. why: why somebody got it, in a sentence; brand: how the service looks to them."""

    why: str = ""
    brand: Brand = PLAIN


def as_letter(report: Report, around: Context) -> Letter:
    """For a mail: pictures go along and are named by their content ids (RFC 2392)."""
    token, host = secrets.token_hex(6), urlsplit(links.public_url()).hostname or "postkeep"
    pictures: dict[str, bytes] = {}

    def keep(name: str, png: bytes) -> str:
        content_id = f"{name}.{token}@{host}"
        pictures[content_id] = png
        return f"cid:{content_id}"

    return Letter(report.subject, as_text(report, around), _html(report, around, keep, in_page=False), pictures)


def as_page(report: Report, around: Context) -> str:
    """For a browser: the same document, with the pictures in it."""

    def put_in(name: str, png: bytes) -> str:
        return f"data:image/png;base64,{base64.b64encode(png).decode()}"

    return _html(report, around, put_in, in_page=True)


def as_text(report: Report, around: Context) -> str:
    """The plain text, in lines of at most 76 characters where words allow it."""
    sections = [
        (each.title, None if each.content is None else plain.blocks_as_text(each.content.blocks))
        for each in report.sections
    ]
    context = {
        **_around(report, around),
        "sections": sections,
        "headline": plain.figures_as_text(report.headline),
    }
    return render_to_string(TEXT_TEMPLATE, context).strip() + "\n"


def _html(report: Report, around: Context, address: Address, *, in_page: bool) -> str:
    shown = []
    for each in report.sections:
        blocks = [_shown(block, address) for block in each.content.blocks] if each.content else []
        shown.append({"section": each, "blocks": blocks, "url": each.content.url if each.content else ""})
    headline = Figures(report.headline)
    context = {**_around(report, around), "headline": headline, "sections": shown, "in_page": in_page}
    if in_page:
        context["home"] = ""  # the page's own address, whatever name it was opened by
    return render_to_string(TEMPLATE, context)


def _around(report: Report, around: Context) -> dict[str, Any]:
    return {
        "report": report,
        "period": report.period,
        "around": around,
        "home": links.public_url(),
        "host": urlsplit(links.public_url()).hostname,
        "language": get_language() or "en",
        "accent": f"#{around.brand.colour}" if around.brand.colour else DRAWN[Tone.NONE],
        "light": LIGHT,
        "dark": DARK,
        "drawn": DRAWN,
    }


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block with what its template needs beside it."""

    block: Block
    template: str
    picture: str = ""
    ticks: Sequence[str] = ()
    labels: Sequence[drawing.Label] = ()
    rows: Sequence[Sequence[tuple[Column, Cell]]] = ()

    @property
    def picture_height(self) -> int:
        return 150


def _shown(block: Block, address: Address) -> ShownBlock:
    template = f"jobs/report/{_KINDS[type(block)]}.html"
    if isinstance(block, Bars):
        highest = max((sum(point.amounts) for point in block.points), default=0)
        ticks = [amount_text(tick, block.unit) for tick in drawing.scale_of(highest, block.unit).ticks]
        labels = drawing.labels_of([point.label for point in block.points])
        return ShownBlock(block, template, address(block.name, drawing.draw_bars(block)), ticks, labels)
    if isinstance(block, Forecast):
        day_form = pgettext("date format: day and month, as Django's date filter", "j M")
        labels = [drawing.Label(date_format(day, day_form), 20) for day in drawing.days_of(block)]
        picture = address(block.name, drawing.draw_forecast(block))
        return ShownBlock(block, template, picture, [amount_text(block.ceiling, block.unit), number(0)], labels)
    if isinstance(block, Table):
        return ShownBlock(block, template, rows=[list(zip(block.columns, row, strict=True)) for row in block.rows])
    return ShownBlock(block, template)


def amount_text(amount: int, unit: str) -> str:
    """An amount as people read it."""
    return size_text(amount) if unit == "bytes" else number(amount)
