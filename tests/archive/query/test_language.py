"""Reading a query: what is understood, what is refused and where, and that the text comes back."""

from __future__ import annotations

import datetime
import sys
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.query.errors import MESSAGES, QueryError
from archive.query.language import DEEPEST, LONGEST_QUERY, MOST_PREFIXES, days_of, parse, size_of, to_text
from archive.query.nodes import (
    All,
    And,
    Days,
    Field,
    HasAttachment,
    InFolder,
    MessageId,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Size,
    Word,
)

if TYPE_CHECKING:
    from _typeshed import TraceFunction

A, B, C = Word("a"), Word("b"), Word("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        (" \n\t", All()),
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a(b)c", And((A, B, C))),
        ("((a))", A),
        ("a and b or not c", And((A, Word("and"), B, Word("or"), Word("not"), C))),
        ("-a", Not(A)),
        ("NOT a b", And((Not(A), B))),
        ("-a -b", And((Not(A), Not(B)))),
        ("-(a b)", Not(And((A, B)))),
        ("--a", Not(Not(A))),
        ('"a b"', Phrase("a b")),
        ("“a b” „c b“", And((Phrase("a b"), Phrase("c b")))),
        ('a"b"c', And((A, Phrase("b"), C))),
        ('"OR"', Phrase("OR")),
        ("foo*", Prefix("foo")),
        ("東*", Prefix("東")),
        ("foo-bar", Word("foo-bar")),
        ("a@b.c", Word("a@b.c")),
        # a colon that is no field is text
        ("http://a.b/c", Word("http://a.b/c")),
        ("12:30", Word("12:30")),
        ("Re:hello", Word("Re:hello")),
        ("note:x", Word("note:x")),
        ("file://x", Word("file://x")),
        (":a", Word(":a")),
        # fields
        ("from:a", Field("from", A)),
        ("FROM:a", Field("from", A)),
        ('subject:"a b"', Field("subject", Phrase("a b"))),
        ("to:fo*", Field("to", Prefix("fo"))),
        ("from:(a OR -b)", Field("from", Or((A, Not(B))))),
        ("-from:a", Not(Field("from", A))),
        ("subject:http://a", Field("subject", Word("http://a"))),
        ("from:to:a", Field("from", Word("to:a"))),
        ("from:@a.b*", Field("from", Prefix("@a.b"))),
        ("has:attachment", HasAttachment()),
        ("has:Attachments", HasAttachment()),
        ("before:2004-01-31", Days("before", "2004-01-31")),
        ("on:2004-1", Days("on", "2004-1")),
        ("after:TODAY", Days("after", "today")),
        ("after:7d", Days("after", "7d")),
        ("larger:1M", Size("larger", "1M", 1 << 20)),
        ("smaller:500k", Size("smaller", "500k", 500 * 1024)),
        ("in:Inbox", InFolder("Inbox")),
        ('in:"a b/c d/"', InFolder("a b/c d")),
        ('in:“5" disks”', InFolder('5" disks')),
        ("id:<a@b>", MessageId("a@b")),
        ("id:a@b", MessageId("a@b")),
        ("id:<a(1)@b>", MessageId("a(1)@b")),
    ],
)
def test_a_text_is_read_as_this_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ('a "b c', "unclosed_quote", '"'),
        ('in:"b', "unclosed_quote", '"'),
        ("a (b", "unclosed_parenthesis", "("),
        ("a (", "unclosed_parenthesis", "("),
        ("from:(b", "unclosed_parenthesis", "("),
        ("a )", "unopened_parenthesis", ")"),
        (")", "unopened_parenthesis", ")"),
        ("a ( ) b", "empty_parenthesis", "( )"),
        ('a ""', "empty_phrase", '""'),
        ('a "*"', "no_letters", '"*"'),
        ("a OR", "operator_alone", "OR"),
        ("OR a", "operator_alone", "OR"),
        ("(OR a)", "operator_alone", "OR"),
        ("(a OR ) b", "operator_alone", "OR"),
        ("a OR OR b", "operator_alone", "OR"),
        ("a AND", "operator_alone", "AND"),
        ("a NOT", "not_alone", "NOT"),
        ("a - b", "minus_alone", "-"),
        ("a -", "minus_alone", "-"),
        ("(-)", "minus_alone", "-"),
        ("a ***", "no_letters", "***"),
        ("a & b", "no_letters", "&"),
        ("a*b", "star_inside", "a*b"),
        ("*ab", "star_inside", "*ab"),
        ("a*", "prefix_too_short", "a*"),
        ("foo-b*", "prefix_too_short", "foo-b*"),
        ("from:@b*", "prefix_too_short", "@b*"),
        ("x form:a", "unknown_field", "form:"),
        ("subjet:a", "unknown_field", "subjet:"),
        ("bodys:a", "unknown_field", "bodys:"),
        ("since:2004", "unknown_field", "since:"),
        ("from: a", "empty_field", "from:"),
        ("a (to:)", "empty_field", "to:"),
        ('in:""', "empty_field", 'in:""'),
        ("in:/", "empty_field", "in:/"),
        ("id:<>", "empty_field", "id:<>"),
        ("from:(to:a)", "field_inside_field", "to:"),
        ("before:2004-02-30", "bad_date", "2004-02-30"),
        ("before:31.1.2004", "bad_date", "31.1.2004"),
        ("on:0000", "bad_date", "0000"),
        ("a larger:big", "bad_size", "big"),
        ("larger:-1", "bad_size", "-1"),
        ("has:wings", "bad_has", "wings"),
    ],
)
def test_what_cant_be_read_is_refused_where_it_stands(text: str, code: str, marked: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert error.code == code
    assert text[error.position : error.position + error.length] == marked
    assert str(error) == MESSAGES[code] % error.params


def test_the_right_name_of_a_field_is_suggested() -> None:
    meant = {
        "form": "from",
        "fro": None,
        "subjct": "subject",
        "befor": "before",
        "filename": "attachment",
        "szie": None,
    }
    for typed, known in meant.items():
        try:
            parse(f"{typed}:x")
        except QueryError as error:
            assert error.params["suggestion"] == known
        else:
            assert known is None


def test_length_depth_and_number_of_prefixes_are_bounded() -> None:
    parse("a " * (LONGEST_QUERY // 2))
    parse("(" * DEEPEST + "a" + ")" * DEEPEST)
    parse("ab* " * MOST_PREFIXES)
    for text, code in (
        ("a" * (LONGEST_QUERY + 1), "too_long"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "too_deep"),
        ("-" * (DEEPEST + 1) + "a", "too_deep"),
        ("NOT " * (DEEPEST + 1) + "a", "too_deep"),
        ("ab* " * (MOST_PREFIXES + 1), "too_many_prefixes"),
    ):
        with pytest.raises(QueryError) as caught:
            parse(text)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2004", "2004-01-01", "2004-12-31"),
        ("2004-02", "2004-02-01", "2004-02-29"),
        ("2004-12", "2004-12-01", "2004-12-31"),
        ("2004-2-3", "2004-02-03", "2004-02-03"),
        ("9999", "9999-01-01", "9999-12-31"),
        ("today", "2004-03-31", "2004-03-31"),
        ("yesterday", "2004-03-30", "2004-03-30"),
        ("0d", "2004-03-31", "2004-03-31"),
        ("2w", "2004-03-17", "2004-03-17"),
        ("1m", "2004-02-29", "2004-02-29"),
        ("3m", "2003-12-31", "2003-12-31"),
        ("1y", "2003-03-31", "2003-03-31"),
        ("99999y", "0001-01-01", "0001-01-01"),
        ("99999w", "0087-09-24", "0087-09-24"),
    ],
)
def test_a_date_names_these_days(text: str, first: str, last: str) -> None:
    days = days_of(text, datetime.date(2004, 3, 31))
    assert days == (datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("17", 17),
        ("17b", 17),
        ("1k", 1024),
        ("1KiB", 1024),
        ("1.5M", 1536 * 1024),
        ("1,5mb", 1536 * 1024),
        ("2GiB", 2 << 30),
        ("1T", 1 << 40),
        ("1x", None),
        ("k", None),
        ("", None),
        ("１k", None),
        ("9" * 21, None),
    ],
)
def test_a_size_is_so_many_bytes(text: str, size_bytes: int | None) -> None:
    assert size_of(text) == size_bytes


WORDS = """
    a foo foo* ab* OR AND NOT or - ( ) (( )) " “ ” „ * : from: to: subject:( has:attachment has: before:2004 on:7d
    larger:1M in: in:"x y" in:a/b id:<a@b> id:"<a b>" http://x 12:30 form:x é 東京 -foo -( "a b" "OR" <> @ . / \\ \x00
"""
PARTS = [*WORDS.split(), "\ud800", "\u3000", " ", " ", " ", "  "]
anything = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PARTS), max_size=14).map("".join))


@settings(max_examples=1500, deadline=None)
@given(text=anything)
def test_any_text_is_read_or_refused_and_what_is_read_comes_back(text: str) -> None:
    try:
        tree = parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.position + error.length <= len(text)
        assert str(error)
        return
    assert parse(to_text(tree)) == tree


def lines_run(text: str) -> int:
    """How many lines of Python reading a query takes; the same each time, however busy the machine is."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> TraceFunction:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", ["a ", "-a ", "a OR ", '"a" ', "from:a ", "x:y ", "a", "id:<a> ", "in:a "])
def test_the_longest_queries_are_read_whole_with_work_that_grows_as_they_do(unit: str) -> None:
    text = (unit * (LONGEST_QUERY // len(unit))).removesuffix("OR ").strip()
    half = (unit * (LONGEST_QUERY // len(unit) // 2)).removesuffix("OR ").strip()
    tree = parse(text)
    asked = len(text.replace(" OR", "").split())
    assert len(getattr(tree, "children", [tree])) == asked
    assert lines_run(half) < lines_run(text) <= 2.2 * lines_run(half)
    assert lines_run(text) <= 60 * len(text)
