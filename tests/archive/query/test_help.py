"""The explanation is true, and a chip takes away just its filter."""

from __future__ import annotations

import pytest

from archive.query.help import ROWS, chips
from archive.query.language import parse


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.syntax)
def test_every_example_of_the_help_can_be_read(row: object) -> None:
    assert parse(getattr(row, "example"))  # noqa: B009


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("invoice", []),
        ("", []),
        ("from:alice", [("from", "alice", False, "")]),
        ("invoice from:alice", [("from", "alice", False, "invoice")]),
        ("invoice -has:attachment", [("has", "attachment", True, "invoice")]),
        (
            'a from:(b OR c) in:"x y" before:2004',
            [
                ("from", "b OR c", False, 'a in:"x y" before:2004'),
                ("in", "x y", False, "a from:(b OR c) before:2004"),
                ("before", "2004", False, 'a from:(b OR c) in:"x y"'),
            ],
        ),
        ("(a OR b) larger:1M", [("larger", "1M", False, "a OR b")]),
        ("(a OR b) c larger:1M", [("larger", "1M", False, "(a OR b) c")]),
        ("a OR from:b", []),
        ("id:<a(1)@b> x", [("id", "a(1)@b", False, "x")]),
        ("larger:1M larger:1M", [("larger", "1M", False, "larger:1M"), ("larger", "1M", False, "larger:1M")]),
    ],
)
def test_a_filter_is_a_chip_with_the_query_that_is_left_without_it(
    query: str, expected: list[tuple[str, str, bool, str]]
) -> None:
    found = chips(parse(query))
    assert [(chip.name, chip.value, chip.negated, chip.without) for chip in found] == expected
    for chip in found:
        parse(chip.without)
