"""The step before the analyzer, and that the folding used for marks is the analyzer's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.query.analysis import FOLDING, TOO_LONG_BYTES, longest_run_bytes, prepare, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Größe, naïve RÉSUMÉ", ["grosse", "naive", "resume"]),
        ("re\u0301sume\u0301", ["resume"]),
        ("foo-bar a_b a@b.c don't", ["foo", "bar", "a", "b", "a", "b", "c", "don", "t"]),
        ("明日の東京", list("明日の東京")),
        ("ﾃｽﾄ 한국어 x東y", ["ﾃ", "ｽ", "ﾄ", "한국어", "x", "東", "y"]),
        ("İstanbul", ["istanbul"]),
        ("a\ud800b", ["a", "b"]),
        ("x" * (TOO_LONG_BYTES - 1), ["x" * (TOO_LONG_BYTES - 1)]),
        ("x" * TOO_LONG_BYTES, []),
        ("東" * 100, ["東"] * 100),
        ("*** — …", []),
        ("", []),
    ],
)
def test_a_text_has_these_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_ascii_text_is_not_touched() -> None:
    text = "From alice@example.org " * 10
    assert prepare(text) is text


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=60))
def test_folding_by_characters_gives_the_words_of_the_analyzer(text: str) -> None:
    if longest_run_bytes(text) < TOO_LONG_BYTES:
        folded = prepare(text).translate(FOLDING)
        assert folded.split() == words_of(text)


@settings(max_examples=300, deadline=None)
@given(count=st.integers(1, 70), char=st.sampled_from("aéß한٣"))
def test_a_run_is_too_long_exactly_when_the_index_leaves_it_out(count: int, char: str) -> None:
    assert (longest_run_bytes(char * count) >= TOO_LONG_BYTES) == (words_of(char * count) == [])
