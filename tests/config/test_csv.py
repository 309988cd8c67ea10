"""CSV files out and in: what spreadsheets do to them, and what people and attackers send."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kit.csv import guarded, stream_csv, unguarded, write_csv
from config.kit.csv_reading import CsvError, CsvFile, CsvRow, Limits

HEAD = ["email", "name"]


def _written(*rows: Sequence[Any]) -> bytes:
    return b"".join(write_csv(HEAD, rows))


def _read(content: bytes, **options: Any) -> list[CsvRow]:
    return list(CsvFile.open(io.BytesIO(content), **options))


@pytest.mark.parametrize("cell", ["=1+1", "+49 30 1", "-x", "@SUM(A1)", "\tx", "\rx", "'=1", "''@"])
def test_what_a_spreadsheet_would_run_is_text_and_comes_back_as_it_was(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["plain", "'quoted'", "it's", "a=b", "", "'"])
def test_other_cells_are_left_alone(cell: str) -> None:
    assert guarded(cell) == cell == unguarded(cell)


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert [guarded(value) for value in (-1, 2.5, True, None)] == ["-1", "2.5", "yes", ""]


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30), min_size=1)
)
def test_what_is_written_is_read_back(names: list[str]) -> None:
    rows = [(f"u{number}@example.org", name) for number, name in enumerate(names)]
    read = _read(_written(*rows))
    assert [(row["email"], row["name"]) for row in read] == [
        (mail, unguarded(guarded(name).strip())) for mail, name in rows
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_every_encoding_delimiter_and_line_end_that_spreadsheets_write_is_read(
    encoding: str, delimiter: str, end: str
) -> None:
    text = end.join([f"email{delimiter}name", f'a@example.org{delimiter}"Jörg {delimiter} €"', ""])
    file = CsvFile.open(io.BytesIO(text.encode(encoding)))
    assert (file.delimiter, file.notices) == (delimiter, [])
    assert [(row.line, row["name"]) for row in file] == [(2, f"Jörg {delimiter} €")]


def test_what_old_windows_wrote_is_read_with_a_notice() -> None:
    file = CsvFile.open(io.BytesIO("email;name\na@example.org;Jörg €".encode("cp1252")))
    assert "not UTF-8" in file.notices[0]
    assert [row["name"] for row in file] == ["Jörg €"]
    odd = CsvFile.open(io.BytesIO(b"email;name\na@example.org;\x81\xe4"))
    assert odd.encoding == "latin-1"
    assert [row["name"] for row in odd] == ["\x81ä"]


def test_a_line_that_names_the_delimiter_is_obeyed_and_no_row() -> None:
    assert [row["name"] for row in _read(b"sep=;\r\nemail;name\r\na,b;c\r\n")] == ["c"]


def test_lines_are_those_of_the_file_also_after_line_breaks_in_cells() -> None:
    rows = _read(b'\n\nemail,name\r\na,"1\r\n2"\r\n\r\n,,\r\nb,x\r\n')
    assert [(row.line, row["email"]) for row in rows] == [(4, "a"), (8, "b")]


def test_short_rows_are_filled_and_empty_ends_are_dropped() -> None:
    (first, second) = _read(b"email,name,,\na\nb,x,,\n")
    assert (first["name"], second["name"]) == ("", "x")
    assert first["never heard of"] == ""


@pytest.mark.parametrize(
    ("content", "line", "column", "said"),
    [
        (b"", 0, 0, "empty"),
        (b"\n \n", 0, 0, "empty"),
        (b"email,name\na,b,c", 2, 3, "3 cells"),
        (b"email,email\n", 1, 2, "twice"),
        (b"email,,name\n", 1, 2, "no name"),
        (b"email,nmae\n", 1, 2, "Did you mean"),
        (b"email,shoe\n", 1, 2, "There can be"),
        (b"name\n", 1, 0, "is missing"),
        (b'email\n"a\nb\nc', 2, 0, "never closed"),
        (b'email,name\na,"b"c"\n', 2, 0, "quote"),
        (b"email\na\0b\n", 2, 0, "NUL"),
        ("email\na".encode("utf-16-le"), 1, 0, "NUL"),
        (b"email\n" + b"x" * 10_000_000, 2, 0, "longer"),
        (b'email\n"' + b"x\n" * 5_000_000, 2, 0, "quote is not closed"),
        (b"email\n" + b"x" * 40_000 + b"\n", 2, 1, "32767"),
        (b"email" + b"," * 200 + b"\nx" + b",x" * 200, 1, 0, "100 columns"),
        (b"\xff\xfeabc", 1, 0, "read as text"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(content: bytes, line: int, column: int, said: str) -> None:
    with pytest.raises(CsvError) as caught:
        _read(content, known={"email", "name"}, required={"email"})
    assert (caught.value.line, caught.value.column) == (line, column)
    assert said in str(caught.value)


@pytest.mark.parametrize("limits", [Limits(bytes=20), Limits(rows=2)])
def test_limits_are_kept(limits: Limits) -> None:
    with pytest.raises(CsvError):
        _read(b"email\n" + b"a@example.org\n" * 3, limits=limits)


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_an_error_in_words(content: bytes) -> None:
    try:
        _read(content)
    except CsvError as error:
        assert error.reason


class _Endless(io.RawIOBase):
    """200,000 rows that are never all there at once."""

    def __init__(self) -> None:
        self.at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        length = 20
        total = length * 200_000
        taken = min(size, total - self.at)
        first, skip = divmod(self.at, length)
        lines = range(first, first + (skip + taken) // length + 1)
        self.at += taken
        text = b"".join(b"email,name,x,y,z,qq\n" if n == 0 else b"u%06d@example.,n,\n" % n for n in lines)
        return text[skip : skip + taken]


def test_large_files_take_no_more_memory_than_small_ones() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _row in CsvFile.open(_Endless()))
        read_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        rows: Iterator[tuple[str, str]] = zip(itertools.repeat("a"), map(str, range(200_000)), strict=False)
        sent = sum(len(piece) for piece in stream_csv(HEAD, rows, filename="x"))
        written_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 199_999 and sent > 1_000_000
    assert max(read_peak, written_peak) < 3_000_000


def test_a_file_name_cannot_break_its_header() -> None:
    response = stream_csv(HEAD, [], filename='a"b\r\nX: y/../ü')
    assert response["Content-Disposition"] == 'attachment; filename="a-b--X--y-..--.csv"'
