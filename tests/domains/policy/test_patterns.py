"""Typed expressions: refused with the place of the error, never slow."""

from __future__ import annotations

import re
import time

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.policy.pattern_syntax import tokens
from domains.policy.patterns import (
    SET_TEXT_BYTES,
    BadPattern,
    PatternMode,
    PatternSet,
    compile_pattern,
    encode,
)


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("a(b", 1, "never closed"),
        ("(((", 2, "never closed"),
        ("(a(b)", 0, "never closed"),
        ("(a)b)c)", 4, "closes nothing"),
        ("x[a", 1, "[ is never closed"),
        ("ab\\", 2, "escapes nothing"),
        ("x(?=y)", 1, "look-ahead isn't supported"),
        ("x(?!y)", 1, "negative look-ahead isn't supported"),
        ("(?<=x)y", 0, "look-behind isn't supported"),
        ("ab(?<!x)y", 2, "negative look-behind isn't supported"),
        (r"(a)\1", 3, "back-references aren't supported"),
        (r"\\1(a)\1", 6, "back-references aren't supported"),
        (r"(?P<n>a)(?P=n)", 8, "back-references aren't supported"),
        (r"(?<n>a)\k<n>", 7, "back-references aren't supported"),
        ("(?>a)", 0, "atomic groups aren't supported"),
        ("a++", 2, "possessive repetition isn't supported"),
        ("a**", 2, "can't be repeated again"),
        ("*.exe", 0, "nothing before it"),
        ("a|*b", 2, "nothing before it"),
        ("a{2,1}", 1, "isn't possible"),
        ("a{1001}", 1, "isn't possible"),
        ("q[z-a]", 2, "no range"),
        ("[ab[:foo:]]", 3, "no range"),
        (r"é\p{Foo}", 1, "no range"),
        (r"[a-\d]", 3, "no meaning"),
        (r"end\Z", 3, r"write \z"),
        (r"\u00e4", 0, r"write \x"),
        (r"a\C", 1, "would cut"),
        ("(?P<a b>x)", 0, "names of groups"),
        ("[]a]**" + "x" * 40, 5, "repeated again"),
        ("[^]a]**" + "x" * 40, 6, "repeated again"),
        ("日本(?=語)", 2, "look-ahead"),
        ("😀ä(", 2, "never closed"),
        (r"\Q((\E(?=a", 6, "look-ahead"),
        ("", 0, "write what"),
        ("a\0b", 1, "can't be looked for"),
        ("ab\ud800", 2, "can't be looked for"),
        ("x" * 5000, 4096, "longer than 4096"),
        ("(a)" * 1300 + "(?=x)", 3900, "look-ahead"),
        (r"(a{10}){100}(a?){400}", 7, "more than 500 steps"),
        (r"\p{L}{200}[^a]\p{L}{200}", 19, "too much memory"),
        ("(" * 4000, 3999, "never closed"),
    ],
)
def test_a_bad_expression_is_refused_with_the_reason_and_the_place(text: str, position: int, reason: str) -> None:
    with pytest.raises(BadPattern) as caught:
        compile_pattern(text)
    assert reason in str(caught.value.reason)
    assert caught.value.position == position


PIECES = r"""
a é 😀 ( (?: (?i) (?i: (?P<n> ) [ [^ ] - | * + ? {2} {2, {3,2} } ^ $ .
\ \d \1 \Q \E \p{L} \x{41} [:alpha:] z-a (?= (?<!
"""
GRAMMAR = st.lists(st.sampled_from(PIECES.split()), max_size=12).map("".join)


@settings(deadline=None)
@given(GRAMMAR)
def test_before_the_place_of_the_error_everything_is_fine(text: str) -> None:
    try:
        compile_pattern(text)
    except BadPattern as error:
        assert 0 <= error.position <= max(len(text) - 1, 0)
        before = [token for token in tokens(text) if token.end <= error.position]
        depth = sum({"(": 1, ")": -1}.get(_bracket(text[token.start : token.end]), 0) for token in before)
        piece = text[: before[-1].end] if before else ""
        if "never closed" not in str(error.reason):
            re2.compile(piece + ")" * depth, _quiet())


def _bracket(token: str) -> str:
    opens = token.startswith("(") and not re.fullmatch(r"\(\?[A-Za-z-]*\)|\(\?<?[=!]", token)
    return "(" if opens else token


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


@settings(deadline=None)
@given(st.one_of(GRAMMAR, st.text(max_size=30)))
def test_any_text_is_an_expression_or_refused_and_tokens_are_the_whole_text(text: str) -> None:
    assert "".join(text[token.start : token.end] for token in tokens(text)) == text
    try:
        compile_pattern(text).find(b"some text")
    except BadPattern as error:
        assert 0 <= error.position <= max(len(text) - 1, 0)


@settings(deadline=None)
@given(st.text(max_size=20), st.sampled_from([PatternMode.TEXT, PatternMode.WILDCARD]))
def test_text_and_wildcards_take_any_characters_literally(text: str, mode: PatternMode) -> None:
    try:
        pattern = compile_pattern(text, mode=mode, case_sensitive=True)
    except BadPattern as error:
        assert not text or "can't be looked for" in str(error.reason)
    else:
        assert pattern.find(encode(text)) is not None


@pytest.mark.parametrize(
    ("mode", "filter", "text", "fits"),
    [
        (PatternMode.WILDCARD, "*.exe", "setup.EXE", True),
        (PatternMode.WILDCARD, "*.exe", "setup.exe.txt", False),
        (PatternMode.WILDCARD, "report ?.pdf", "report 1.pdf", True),
        (PatternMode.WILDCARD, "*.exe", "line\nbreak.exe", True),
        (PatternMode.WILDCARD, "a.c", "abc", False),
        (PatternMode.TEXT, ".exe", "a.exe.txt", True),
        (PatternMode.TEXT, ".exe", "anexe", False),
        (PatternMode.REGEX, r"\.exe$", "setup.exe", True),
        (PatternMode.REGEX, "straße", "STRAßE", True),
        (PatternMode.REGEX, "МОСКВА", "москва", True),
        (PatternMode.DOMAIN, "example.org", "example.org", True),
        (PatternMode.DOMAIN, "example.org", "a.b.example.org", True),
        (PatternMode.DOMAIN, ".Example.org", "a.example.org", True),
        (PatternMode.DOMAIN, "*.example.org", "a.example.org", True),
        (PatternMode.DOMAIN, "example.org", "notexample.org", False),
        (PatternMode.DOMAIN, "example.org", "example.org.evil.example", False),
        (PatternMode.DOMAIN, "bücher.example", "www.xn--bcher-kva.example", True),
    ],
)
def test_each_mode_fits_what_people_mean_by_it(mode: PatternMode, filter: str, text: str, fits: bool) -> None:
    assert (compile_pattern(filter, mode=mode).find(encode(text)) is not None) is fits


def test_case_counts_when_asked_to() -> None:
    assert compile_pattern("secret").find(b"SECRET") == "SECRET"
    assert compile_pattern("secret", case_sensitive=True).find(b"SECRET") is None


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(BadPattern, match="not a domain name"):
        compile_pattern("exa mple", mode=PatternMode.DOMAIN)


def test_the_piece_found_is_short_and_whole_characters() -> None:
    piece = compile_pattern("ä+").find(encode("x" + "ä" * 10_000))
    assert piece == "ä" * 79 + "…"


@pytest.mark.parametrize(
    "catastrophic",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(a|a?)+b",
        "([a-zA-Z]+)*$",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*a){20}$",
        "(a?){100}a{100}b",
        "((a{0,22}){0,22})9",
        "(x+x+)+y",
    ],
)
def test_classic_catastrophes_take_time_in_proportion_to_the_text(catastrophic: str) -> None:
    pattern = compile_pattern(catastrophic)
    text = b"a" * 200_000 + b"!"
    started = time.perf_counter()
    pattern.find(text)
    # Back-tracking would need longer than the universe has; a busy machine needs some tenths of a second.
    assert time.perf_counter() - started < 5


def test_many_patterns_at_once_find_what_each_finds_alone() -> None:
    patterns = [compile_pattern(f"word{number}\\b") for number in range(450)]
    together = PatternSet(patterns)
    for size in (0, SET_TEXT_BYTES + 1):
        text = b"word7 word250 WORD449 word1x" + b"." * size
        assert together.matching(text) == [7, 250, 449]
    assert PatternSet([]).matching(b"word7") == []


def test_patterns_that_are_too_large_together_are_asked_one_by_one() -> None:
    patterns = [compile_pattern(rf"\p{{L}}{{1,30}}{number}") for number in range(60)]
    found = PatternSet(patterns).matching(encode("größe7 größe41"))
    assert found == [4, 7, 41]
