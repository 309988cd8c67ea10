"""Medians, targets and the tables that are put into the README."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.__main__ import newest
from benchmarks.figures import Target, medians, number, percentile, put_between_marks, table, target_table


def test_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 241)]
    assert percentile(values, 95) == 228
    assert percentile(values, 50) == 120
    assert percentile([3.0], 95) == 3.0


def test_each_query_has_the_median_of_its_rounds() -> None:
    assert medians([[3.0, 1.0, 2.0], [5.0]]) == [2.0, 5.0]


def test_numbers_have_three_digits() -> None:
    assert [number(value) for value in (0, 0.01234, 1.234, 56.78, 1234.5, 28032)] == [
        "0",
        "0.0123",
        "1.23",
        "56.8",
        "1,234",
        "28,032",
    ]


def test_a_target_says_whether_it_is_met_or_by_how_much_it_is_short() -> None:
    assert Target("ingest", 8.5, 8.0, " ×", at_least=True).verdict == "met"
    assert Target("ingest", 6.0, 8.0, " ×", at_least=True).verdict == "short by 2.00 × (25% of the target)"
    assert Target("page", 100.0, 80.0, " ms").line == (
        "page: 100 ms, target ≤ 80.0 ms: short by 20.0 ms (25% of the target)"
    )


def test_tables_are_markdown_and_bars_in_cells_do_not_break_them() -> None:
    assert table(("a", "b"), [("x|y", "1")]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |\n"
    assert "| size | 0.650 | ≤ 0.700 | met |" in target_table([Target("size", 0.65, 0.70)])


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    once = put_between_marks("# Benchmarks\n\nHow to.\n", "| 1 |")
    twice = put_between_marks(once + "\nAfter.\n", "| 2 |")
    assert twice.startswith("# Benchmarks\n\nHow to.\n")
    assert "| 1 |" not in twice
    assert "| 2 |" in twice
    assert twice.endswith("\nAfter.\n")


def test_the_last_figures_of_every_section_are_told_each_with_its_day(tmp_path: Path) -> None:
    for day, sections in (("2026-11-21", {"web": 1, "memory": 2}), ("2026-11-29", {"web": 3})):
        (tmp_path / f"{day}.json").write_text(json.dumps({"machine": {"day": day}, "sections": sections}))
    found = newest(tmp_path)
    assert found["sections"] == {"web": 3, "memory": 2}
    assert found["days"] == {"web": "2026-11-29", "memory": "2026-11-21"}
    assert found["machine"] == {"day": "2026-11-29"}
