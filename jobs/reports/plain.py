"""Blocks of a report as plain text: tables in columns, charts as rows of signs. For who reads mail without HTML."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from config.kit.templatetags.kit import number, size_text
from jobs.reports.blocks import Bars, Block, Figure, Figures, Forecast, Meters, Table, Tone, Words

WIDTH = 76
BAR = 24
LONGEST_CELL, LEAST_CELL = 44, 16
MARKS = {Tone.BAD: "!!", Tone.WARN: "!"}


def blocks_as_text(blocks: Sequence[Block]) -> str:
    """All of them, an empty line between two."""
    return "\n\n".join(text for text in map(block_as_text, blocks) if text)


def block_as_text(block: Block) -> str:
    if isinstance(block, Figures):
        return figures_as_text(block.figures)
    if isinstance(block, Bars):
        return _bars(block)
    if isinstance(block, Forecast):
        return _wrapped(block.summary)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Meters):
        return _meters(block)
    assert isinstance(block, Words)
    return _wrapped(f"{MARKS.get(block.tone, '')} {block.text}".strip())


def figures_as_text(figures: Sequence[Figure]) -> str:
    wide = max((_width(figure.label) for figure in figures), default=0)
    lines = [
        f"{_padded(figure.label, wide)}  {figure.value}{f' ({figure.hint})' if figure.hint else ''}"
        for figure in figures
    ]
    return "\n".join(lines)


def _bars(bars: Bars) -> str:
    """A row a bar; those without anything at either end are left out."""
    totals = [sum(point.amounts) for point in bars.points]
    highest = max(totals, default=0)
    if not highest:
        return _wrapped(bars.summary)
    first = next(at for at, total in enumerate(totals) if total)
    last = max(at for at, total in enumerate(totals) if total)
    points = list(bars.points)[first : last + 1]
    words = [point.shown or _amount(sum(point.amounts), bars.unit) for point in points]
    wide, wider = max(_width(point.label) for point in points), max(map(_width, words))
    lines = [_wrapped(bars.summary), ""]
    for point, word in zip(points, words, strict=True):
        total = sum(point.amounts)
        signs = "█" * max(1 if total else 0, round(BAR * total / highest))
        lines.append(f"{_padded(point.label, wide)}  {' ' * (wider - _width(word))}{word}  {signs}".rstrip())
    return "\n".join(lines)


def _table(table: Table) -> str:
    """In columns; what is too wide for a terminal goes on below itself. A mark ends the row that wants attention."""
    marks = [any(cell.tone in MARKS for cell in row) for row in table.rows]
    numbers = [column.is_number for column in table.columns]
    heads = [_cut(column.label) for column in table.columns]
    texts = [[" ".join(cell.text.split()) for cell in row] for row in table.rows]
    widths = _fitted([max(map(_width, column)) for column in zip(heads, *texts, strict=True)], numbers)
    lines = [f"{table.title}:"] if table.title else []
    lines.append(_row([_lines(head, width)[0] for head, width in zip(heads, widths, strict=True)], widths, numbers))
    lines.append(_row(["-" * width for width in widths], widths, numbers))
    for row, mark in zip(texts, marks, strict=True):
        cells = [_lines(text, width) for text, width in zip(row, widths, strict=True)]
        first, *rest = zip_longest(*cells, fillvalue="")
        lines.append(_row(first, widths, numbers) + ("  !" if mark else ""))
        lines += [_row(line, widths, numbers) for line in rest]
    if table.more:
        lines.append(table.more)
    return "\n".join(lines)


def _fitted(widths: list[int], numbers: Sequence[bool]) -> list[int]:
    """The widest columns of words made narrower, until the row fits with its mark."""
    found = list(widths)
    room = WIDTH - 3 - 2 * (len(found) - 1)
    while sum(found) > room:
        width, at = max(((width, at) for at, width in enumerate(found) if not numbers[at]), default=(0, 0))
        if width <= LEAST_CELL:
            break
        found[at] -= 1
    return found


def _row(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    parts = [_padded(cell, width, at_end=at_end) for cell, width, at_end in zip(cells, widths, numbers, strict=True)]
    return "  ".join(parts).rstrip()


def _meters(meters: Meters) -> str:
    wide = max((_width(_cut(meter.label)) for meter in meters.meters), default=0)
    lines = [f"{meters.title}:"] if meters.title else []
    for meter in meters.meters:
        full = round(10 * meter.share)
        mark = f" {MARKS[meter.tone]}" if meter.tone in MARKS else ""
        signs = f"[{'#' * full}{'.' * (10 - full)}]"
        lines.append(f"{_padded(_cut(meter.label), wide)}  {signs} {meter.percent:>3} %  {meter.text}{mark}")
    return "\n".join(lines)


def _amount(amount: int, unit: str) -> str:
    return size_text(amount) if unit == "bytes" else number(amount)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _lines(text: str, width: int) -> list[str]:
    """At least one, none wider unless a word is; what takes more than three is cut."""
    return textwrap.wrap(text, width, break_on_hyphens=False, max_lines=3, placeholder=" …") or [""]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_CELL else f"{line[: LONGEST_CELL - 1]}…"


def _width(text: str) -> int:
    """Columns on a terminal: wide letters take two, accents none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _padded(text: str, width: int, *, at_end: bool = False) -> str:
    space = " " * (width - _width(text))
    return f"{space}{text}" if at_end else f"{text}{space}"
