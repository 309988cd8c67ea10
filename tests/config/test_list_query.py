"""The search box of lists: what people type, and what it means."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kit.list_query import BadTerm, Term, Value, parse, quoted, split_operator
from config.kit.list_values import moment, pattern, size_bytes

NOW = dt.datetime(2026, 11, 21, 12, 30, tzinfo=dt.UTC)


def _word(text: str, *, literal: bool = False, negated: bool = False) -> Term:
    return Term("", ":", (Value(text, literal),), negated)


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("anna  berg", [_word("anna"), _word("berg")]),
        ('"anna berg"', [_word("anna berg", literal=True)]),
        ("-anna", [_word("anna", negated=True)]),
        ('-"anna berg"', [_word("anna berg", literal=True, negated=True)]),
        ("a-b", [_word("a-b")]),
        ("-", [_word("-")]),
        ("state:active", [Term("state", ":", (Value("active"),))]),
        ("-state:active,held", [Term("state", ":", (Value("active"), Value("held")), True)]),
        ('name:"Anna \\"B\\" C",d', [Term("name", ":", (Value('Anna "B" C', True), Value("d")))]),
        ("name:*part*", [Term("name", ":", (Value("*part*"),))]),
        ("quota>90%", [Term("quota", ">", (Value("90%"),))]),
        ("size>=1G", [Term("size", ">=", (Value("1G"),))]),
        ("created<=2026-01-01T12:30", [Term("created", "<=", (Value("2026-01-01T12:30"),))]),
        ("größe:1", [Term("größe", ":", (Value("1"),))]),
        ("state:", []),
        ('name:""', [Term("name", ":", (Value("", True),))]),
        ('name:"not closed', [Term("name", ":", (Value("not closed", True),))]),
        ("10:30", [_word("10:30")]),
        (":x", [_word(":x")]),
        ("anna@example.org", [_word("anna@example.org")]),
    ],
)
def test_what_is_typed_is_understood(typed: str, terms: list[Term]) -> None:
    assert parse(typed) == terms


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error_and_keeps_every_word_that_was_typed(text: str) -> None:
    try:
        terms = parse(text)
    except BadTerm:
        assert len(text.split()) > 5
        return
    for term in terms:
        assert term.values
        assert term.typed in text.replace("\0", " ")


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
def test_a_quoted_value_means_just_itself(text: str) -> None:
    (term,) = parse(f"name:{quoted(text)}")
    (value,) = term.values
    assert split_operator(value) == (":", Value(text, value.literal))
    assert value.literal or "*" not in text


@pytest.mark.parametrize("typed", ["x" * 1001, "a " * 41, "10,000 lines\n" * 10_000])
def test_a_search_that_is_too_long_is_refused_in_words(typed: str) -> None:
    with pytest.raises(BadTerm, match="too"):
        parse(typed)


def test_an_operator_may_follow_the_colon() -> None:
    assert split_operator(Value(">=2026")) == (">=", Value("2026"))
    assert split_operator(Value(">=2026", literal=True)) == (":", Value(">=2026", literal=True))


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ("1024", 1024),
        ("1k", 1024),
        ("1.5G", 1_610_612_736),
        ("2 GiB", 2 * 1024**3),
        ("500MB", 500 * 1024**2),
        ("7 bytes", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(typed: str, size: int) -> None:
    assert size_bytes(typed) == size


@pytest.mark.parametrize("typed", ["", "big", "1X", "-1", "9999999999P", "1e5"])
def test_what_is_no_size_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        size_bytes(typed)


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [
        ("2026", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2024-02-29", "2024-02-29T00:00", "2024-03-01T00:00"),
        ("2026-01-31T09:05", "2026-01-31T09:05", "2026-01-31T09:06"),
        ("today", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("Yesterday", "2026-11-20T00:00", "2026-11-21T00:00"),
        ("-2d", "2026-11-19T12:30", "2026-11-19T12:30"),
        ("36h", "2026-11-20T00:30", "2026-11-20T00:30"),
    ],
)
def test_moments_are_read_as_the_time_they_name(typed: str, start: str, end: str) -> None:
    found = moment(typed, NOW)
    assert [each.strftime("%Y-%m-%dT%H:%M") for each in found] == [start, end]


@pytest.mark.parametrize("typed", ["", "soon", "2026-13", "2026-02-30", "0000", "9999", "-99999y", "2026-1-1T25:00"])
def test_what_is_no_moment_is_refused(typed: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(typed, NOW)


@pytest.mark.parametrize(
    ("typed", "whole", "lookup"),
    [
        ("a", False, ("contains", "a")),
        ("a", True, ("exact", "a")),
        ("a*", True, ("startswith", "a")),
        ("*a", False, ("endswith", "a")),
        ("*a*", True, ("contains", "a")),
        ("a*b.c", False, ("regex", "^a.*b\\.c$")),
    ],
)
def test_stars_say_which_part_is_meant(typed: str, whole: bool, lookup: tuple[str, str]) -> None:
    assert pattern(typed, literal=False, whole=whole) == lookup
    assert pattern("a*b", literal=True, whole=True) == ("exact", "a*b")
