"""CSV files that are sent: safe in a spreadsheet, made while they are sent, in constant memory.

Cells that a spreadsheet would run (`= + - @`, tab, CR first) get an apostrophe before them here and lose it when the
file is read (config.kit.csv_reading).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

_RUNS = ("=", "+", "-", "@", "\t", "\r")
_FLUSH_ROWS = 200


class _Echo:
    """A file that gives back what is written."""

    def write(self, text: str) -> str:
        return text


def guarded(value: object) -> str:
    """A cell's text as it may stand in a file that somebody opens in a spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)  # a number is no formula, not even a negative one
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip("'").startswith(_RUNS) else text


def unguarded(text: str) -> str:
    """The cell without the apostrophe that `guarded` put before it."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_RUNS) else text


def write_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file in pieces: UTF-8 with a byte order mark (Excel wants it), CRLF, commas."""
    writer = csv.writer(_Echo())
    piece = ["\ufeff", writer.writerow([guarded(head) for head in heads])]
    for row in rows:
        piece.append(writer.writerow([guarded(cell) for cell in row]))
        if len(piece) >= _FLUSH_ROWS:
            yield "".join(piece).encode()
            piece = []
    if piece:
        yield "".join(piece).encode()


def stream_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, filename: str) -> StreamingHttpResponse:
    """A download that is made while it is sent. Give rows from `queryset.iterator()`."""
    response = StreamingHttpResponse(write_csv(heads, rows), content_type="text/csv; charset=utf-8")
    safe = "".join(sign if (sign.isascii() and sign.isalnum()) or sign in "-_." else "-" for sign in filename)
    response["Content-Disposition"] = f'attachment; filename="{safe}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
