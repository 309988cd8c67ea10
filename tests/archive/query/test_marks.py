"""Marks stand where the index finds, and the text stays what it was."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.query.analysis import words_of
from archive.query.language import parse
from archive.query.marks import Pieces, marker
from archive.query.nodes import Word


def shown(pieces: Pieces) -> str:
    """Pieces as a text with [marks]."""
    return "".join(f"[{part}]" if marked else part for part, marked in pieces)


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("grosse", "Die Größe, GROẞE, großen", "Die [Größe], [GROẞE], großen"),
        ("Größe", "grosse große", "[grosse] [große]"),
        ("resume", "Résumé re\u0301sume\u0301!", "[Résumé] [résumé]!"),
        ("file", "ﬁle profile file", "[ﬁle] profile [file]"),
        ("istanbul", "İstanbul ıstanbul", "[İstanbul] [ıstanbul]"),
        ("ae", "Æ x", "[Æ] x"),
        ('"quick fox"', "Quick, fox! quick brown fox", "[Quick, fox]! quick brown fox"),
        ("foo-bar", "foo bar foo_bar foobar", "[foo bar] [foo_bar] foobar"),
        ("foo*", "food foo-d xfoo", "[food] [foo]-d xfoo"),
        ("東京", "明日の東京都は", "明日の[東京]都は"),
        ("ab", "ab東 xab", "[ab]東 xab"),
        ("a -b", "a b", "[a] b"),
        ("a OR b", "a b", "[a] [b]"),
        ("subject:a body:b", "a b", "[a] b"),
        ('a "a b"', "a b a", "[a b] [a]"),
        ("has:attachment before:2004 in:x", "attachment 2004 x", "attachment 2004 x"),
        ("", "a", "a"),
        ("a", "", ""),
        ("привет", "ПРИВЕТ!", "[ПРИВЕТ]!"),
    ],
)
def test_a_subject_is_marked_where_the_query_speaks_of_it(query: str, text: str, marked: str) -> None:
    assert shown(marker(parse(query)).mark(text)) == marked


def test_addresses_are_marked_by_their_field() -> None:
    pieces = marker(parse("from:alice@example.org to:bob")).mark("Bob <alice@example.org>", "from")
    assert shown(pieces) == "Bob <[alice@example.org]>"


def test_a_snippet_shows_where_most_different_words_stand_on_one_line() -> None:
    text = "report " * 40 + "\n" + "filler text " * 40 + "the annual\n\treport, signed " + "more of it " * 40
    found = shown(marker(parse("annual report signed")).snippet(text, 80))
    assert "the [annual] [report], [signed]" in found
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert len(found) < 80 + 20


def test_a_snippet_without_a_match_is_the_beginning() -> None:
    assert shown(marker(parse("absent")).snippet("one two three", 40)) == "one two three"
    assert shown(marker(parse("absent")).snippet("one two three four", 10)) == "one two …"
    assert marker(parse("absent")).snippet("") == []


def test_a_snippet_of_a_huge_text_comes_at_once() -> None:
    text = "Größe und wörld the a quick fox\n" * 40_000
    found = marker(parse('a the wor* "quick fox" größe'))
    found.snippet("warm")
    started = time.perf_counter()
    assert found.snippet(text)
    assert time.perf_counter() - started < 2


alphabet = st.text(alphabet="aAbßẞéÉe\u0301İıﬁÆ東京한 \n-.*_1٣ⅷσΣς\ud800\U0001f600", max_size=40)


@settings(max_examples=800, deadline=None)
@given(text=alphabet, query=alphabet, width=st.integers(1, 60))
def test_marks_never_lose_text_and_mark_just_the_words_the_index_knows(text: str, query: str, width: int) -> None:
    found = marker(Word(query))
    pieces = found.mark(text)
    assert "".join(part for part, _ in pieces) == unicodedata.normalize("NFC", text)
    words = words_of(query)
    for part, marked in pieces:
        if marked:
            assert words_of(part)[: len(words)] == words
    if len(words) == 1:
        assert any(marked for _, marked in pieces) == (words[0] in words_of(text))
    assert len("".join(part for part, _ in found.snippet(text, width))) <= 2 * width + len(query) * 4 + 4
