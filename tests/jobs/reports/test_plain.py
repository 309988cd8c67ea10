"""What a report says to who reads mail as plain text."""

from __future__ import annotations

from jobs.reports.blocks import Bars, Cell, Column, Figure, Figures, Meter, Meters, Point, Series, Table, Tone, Words
from jobs.reports.plain import block_as_text, blocks_as_text


def test_a_table_keeps_its_columns_whatever_the_script() -> None:
    table = Table(
        "By store",
        [Column("Store"), Column("Messages", is_number=True)],
        [[Cell("Main"), Cell("1,204")], [Cell("日本", Tone.BAD), Cell("7")]],
        "and 3 more",
    )
    assert block_as_text(table).split("\n") == [
        "By store:",
        "Store  Messages",
        "-----  --------",
        "Main      1,204",
        "日本          7  !",
        "and 3 more",
    ]


def test_a_long_last_column_goes_on_below_itself_and_no_line_is_wider_than_a_terminal() -> None:
    why = "nobody has confirmed that the recovery key is kept in a safe place, and a copy of it elsewhere " * 4
    table = Table("", [Column("Part"), Column("State")], [[Cell("Recovery key"), Cell(why, Tone.BAD)]])
    lines = block_as_text(table).split("\n")
    assert len(lines) == 5 and max(map(len, lines)) <= 76
    assert lines[2].startswith("Recovery key  nobody has") and lines[2].endswith("  !")
    assert lines[3].startswith(" " * 14) and lines[4].endswith("…")


def test_bars_are_rows_of_signs_without_empty_ends() -> None:
    points = [Point(label, [amount]) for label, amount in (("00", 0), ("01", 12), ("02", 0), ("03", 24), ("04", 0))]
    text = block_as_text(Bars("x", "", "36 messages", [Series("Messages")], points))
    assert text.split("\n") == ["36 messages", "", "01  12  " + "█" * 12, "02   0", "03  24  " + "█" * 24]
    assert block_as_text(Bars("x", "", "Nothing", [Series("Messages")], points[:1])) == "Nothing"


def test_figures_meters_and_words_say_how_they_are() -> None:
    text = blocks_as_text(
        [
            Figures([Figure("Failed", "2", "of 7"), Figure("Completed", "5")]),
            Meters("", [Meter("/", 0.93, "1 GiB free", Tone.WARN)]),
            Words("Nothing is well.", Tone.BAD),
        ]
    )
    assert text.split("\n") == [
        "Failed     2 (of 7)",
        "Completed  5",
        "",
        "/  [#########.]  93 %  1 GiB free !",
        "",
        "!! Nothing is well.",
    ]
