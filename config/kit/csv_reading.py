"""CSV files that people send: any encoding Excel writes, any of three delimiters, constant memory.

    file = CsvFile.open(upload, known={"email", "name", "quota"}, required={"email"})
    for row in file:                    # row.line, row["email"]
        …

What can't be read raises `CsvError`, which says line and column. Rows come as texts; what they mean, and which of them
are refused, is the importing service's. `config.kit.csv` writes what this reads.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils.translation import gettext as _

from config.kit.csv import unguarded

_CHUNK = 64 * 1024
_DELIMITERS = (",", ";", "\t")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class CsvError(Exception):
    """The file can't be read on from here. line and column count from 1 as an editor and a spreadsheet do; 0: none."""

    permanent = True

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(str(self))

    def __str__(self) -> str:
        if not self.line:
            return self.reason
        place = {"line": self.line, "column": self.column, "reason": self.reason}
        if not self.column:
            return _("Line %(line)d: %(reason)s") % place
        return _("Line %(line)d, column %(column)d: %(reason)s") % place


@dataclass(frozen=True)
class Limits:
    """How much is read at most; beyond it is a CsvError. Characters for cells and lines."""

    bytes: int = 256 * 1024 * 1024
    rows: int = 1_000_000
    columns: int = 100
    cell: int = 32_767  # as in Excel
    line: int = 1_000_000


LIMITS = Limits()


@dataclass(frozen=True)
class CsvRow:
    """One row: its first line in the file, and its cells by the column's name ("" where the row is shorter)."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


@dataclass
class CsvFile:
    """A file whose head is read and whose rows can be gone through once.

    notices: what a person should know about how it was read (a guessed encoding).
    """

    heads: list[str]
    delimiter: str
    encoding: str
    notices: list[str]
    _rows: Iterator[tuple[int, list[str]]] = field(repr=False)
    _limits: Limits = LIMITS

    @classmethod
    def open(
        cls,
        file: IO[bytes] | Any,
        *,
        known: Collection[str] = (),
        required: Collection[str] = (),
        limits: Limits = LIMITS,
    ) -> CsvFile:
        """Read the head of a seekable binary file (an upload). Names of columns are compared without case.

        known: the columns there may be, () for any. Raises: CsvError.
        """
        encoding, notices = _encoding(file, limits)
        text = io.TextIOWrapper(io.BufferedReader(_Raw(file), _CHUNK), encoding=encoding, newline="")
        lines = _Lines(text, limits)
        first = next((line for line in lines if line.strip()), "")
        delimiter = _delimiter(first)
        if first.casefold().startswith("sep="):
            first = next((line for line in lines if line.strip()), "")
        rows = _rows(lines, first, delimiter, limits)
        try:
            line, cells = next(rows)
        except StopIteration:
            raise CsvError(_("The file is empty.")) from None
        heads = _heads(cells, line, known, required, limits)
        return cls(heads, delimiter, encoding, notices, rows, limits)

    def __iter__(self) -> Iterator[CsvRow]:
        """The rows that have anything in them. Raises: CsvError."""
        for count, (line, cells) in enumerate(self._rows, start=1):
            if count > self._limits.rows:
                raise CsvError(_("There are more than %(count)d rows.") % {"count": self._limits.rows}, line=line)
            if len(cells) > len(self.heads) and any(cells[len(self.heads) :]):
                numbers = {"cells": len(cells), "heads": len(self.heads)}
                reason = _("The row has %(cells)d cells, but there are %(heads)d columns.") % numbers
                raise CsvError(reason, line=line, column=len(self.heads) + 1)
            yield CsvRow(line, {head: unguarded(cell.strip()) for head, cell in zip(self.heads, cells, strict=False)})


def _encoding(file: Any, limits: Limits) -> tuple[str, list[str]]:
    """By its mark; else UTF-8 where all of it is; else what Windows writes. Reads the file once."""
    file.seek(0)
    start = file.read(4)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    utf8 = codecs.getincrementaldecoder("utf-8")()
    windows = codecs.getincrementaldecoder("cp1252")()
    is_utf8 = is_windows = True
    size = 0
    file.seek(0)
    while piece := file.read(_CHUNK):
        size += len(piece)
        if size > limits.bytes:
            raise CsvError(_("The file is larger than %(size)d MiB.") % {"size": limits.bytes // 1024**2})
        is_utf8 = is_utf8 and _decodes(utf8, piece)
        is_windows = is_windows and _decodes(windows, piece)
    is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    file.seek(0)
    if marked or is_utf8:
        return marked or "utf-8", []
    notice = _(
        "The file is not UTF-8; it was read as Latin-1 (Windows). Check the names with accents before you go on."
    )
    return "cp1252" if is_windows else "latin-1", [notice]


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


class _Raw(io.RawIOBase):
    """Whatever has `read(size)`, for io.BufferedReader; leaves the file open."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Lines:
    """The lines of a text, none longer than the limit; knows the number of the last one."""

    def __init__(self, text: io.TextIOWrapper, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self.text.readline(self.limits.line + 1)
        except UnicodeError as error:
            raise CsvError(_("This can't be read as text."), line=self.number + 1) from error
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > self.limits.line:
            raise CsvError(
                _("The line is longer than %(count)d characters.") % {"count": self.limits.line}, line=self.number
            )
        if "\0" in line:
            raise CsvError(_("There is a NUL byte; this is no text file."), line=self.number)
        return line


def _delimiter(first: str) -> str:
    if first.casefold().startswith("sep=") and first[4:5] in _DELIMITERS:
        return first[4]
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _rows(lines: _Lines, first: str, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of each row that isn't empty."""

    def fed() -> Iterator[str]:
        if first:
            yield first
        yield from lines

    reader = csv.reader(fed(), delimiter=delimiter, strict=True)
    start = lines.number
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _spoken(error, start, limits) from error
        if any(cell.strip() for cell in cells):
            _check(cells, start, limits)
            yield start, cells
        start = lines.number + 1


def _spoken(error: csv.Error, line: int, limits: Limits) -> CsvError:
    said = str(error)
    if "field larger" in said:
        return CsvError(_cell_too_long(limits), line=line)
    if "unexpected end" in said:
        return CsvError(_("A quoted cell is opened and never closed."), line=line)
    return CsvError(_("A quote stands where none can be; write two of them inside a quoted cell."), line=line)


def _cell_too_long(limits: Limits) -> str:
    return _("A cell is longer than %(count)d characters; perhaps a quote is not closed.") % {"count": limits.cell}


def _check(cells: list[str], line: int, limits: Limits) -> None:
    if len(cells) > limits.columns:
        raise CsvError(_("There are more than %(count)d columns.") % {"count": limits.columns}, line=line)
    for column, cell in enumerate(cells, start=1):
        if len(cell) > limits.cell:
            raise CsvError(_cell_too_long(limits), line=line, column=column)


def _heads(cells: list[str], line: int, known: Collection[str], required: Collection[str], limits: Limits) -> list[str]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    heads = [unguarded(cell.strip()).casefold() for cell in cells]
    by_name = {name.casefold(): name for name in known}
    for column, head in enumerate(heads, start=1):
        if not head:
            raise CsvError(_("The column has no name."), line=line, column=column)
        if head in heads[: column - 1]:
            raise CsvError(_("The column “%(name)s” is there twice.") % {"name": head}, line=line, column=column)
        if known and head not in by_name:
            raise CsvError(_unknown(head, by_name), line=line, column=column)
    missing = [name for name in required if name.casefold() not in heads]
    if missing:
        raise CsvError(_("The column “%(name)s” is missing.") % {"name": "”, “".join(missing)}, line=line)
    return [by_name.get(head, head) for head in heads]


def _unknown(head: str, by_name: dict[str, str]) -> str:
    near = difflib.get_close_matches(head, by_name, n=1)
    values = {"name": head[:80], "near": near[0] if near else "", "known": ", ".join(by_name)}
    if near:
        return _("There is no column “%(name)s”. Did you mean “%(near)s”?") % values
    return _("There is no column “%(name)s”. There can be: %(known)s.") % values
