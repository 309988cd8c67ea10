"""Expressions that a person typed: compiled by re2, or refused with the reason and the place of the error.

re2 takes time proportional to text × expression, whatever both are (no back-tracking), within a fixed memory. `Pattern`
searches one text, `PatternSet` asks many patterns at once. Not for our own constant patterns: those are `re`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import re2

from domains.errors import DomainsError
from domains.policy import pattern_syntax as syntax
from domains.policy.canonical import BadForm, canonical_domain
from domains.policy.sentences import Sentence, gettext_noop, sentence

MAX_LENGTH = 4096
MAX_MEMORY_BYTES = 4 * 1024 * 1024
PIECE_LENGTH = 80
# Above this a text is searched pattern by pattern: many at once can be slower there, when a text is made to that end.
SET_TEXT_BYTES = 16 * 1024
SET_SIZE = 200
SET_MEMORY_BYTES = 16 * 1024 * 1024


_is_over: ContextVar[Callable[[], bool] | None] = ContextVar("is_over", default=None)


class OutOfTime(DomainsError):
    """Searching took longer than whoever asked wants to wait (`time_limit`)."""


@contextmanager
def time_limit(is_over: Callable[[], bool]) -> Iterator[None]:
    """Within it searching raises OutOfTime before the next pattern begins when the caller's clock says that it is over.

    One pattern is not interrupted: re2 needs some seconds at worst for a text of a mebibyte made against it, without
    keeping other threads from running.
    """
    token = _is_over.set(is_over)
    try:
        yield
    finally:
        _is_over.reset(token)


def _go_on() -> None:
    is_over = _is_over.get()
    if is_over is not None and is_over():
        raise OutOfTime


class BadPattern(DomainsError, ValueError):
    """Not an expression. `reason` says why, `position` where: the index of a character in the text, from 0."""

    def __init__(self, reason: Sentence, position: int) -> None:
        super().__init__(f"{reason} (at {position})")
        self.reason = reason
        self.position = position


class PatternMode(StrEnum):
    """How a filter is read: REGEX anywhere in the text; WILDCARD (* and ?) the whole text; TEXT anywhere, letter by
    letter; DOMAIN a host name and everything below it."""

    REGEX = "regex"
    WILDCARD = "wildcard"
    TEXT = "text"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression; made by `compile_pattern`."""

    text: str
    mode: PatternMode
    case_sensitive: bool
    source: str
    compiled: Any

    def is_in(self, text: bytes) -> bool:
        """Raises: OutOfTime, within a time limit."""
        _go_on()
        return self.compiled.search(text) is not None

    def find(self, text: bytes) -> str | None:
        """The first piece of the UTF-8 text that matches, cut to PIECE_LENGTH characters; None when none does."""
        found = self.compiled.search(text)
        if found is None:
            return None
        start, end = found.span()
        return shorten(text[start : min(end, start + 4 * PIECE_LENGTH + 4)].decode("utf-8", "ignore"))


def compile_pattern(text: str, *, mode: PatternMode = PatternMode.REGEX, case_sensitive: bool = False) -> Pattern:
    """The expression, ready to search. Raises: BadPattern. Capturing groups only group."""
    _refuse_unreadable(text)
    if mode is PatternMode.REGEX:
        _refuse_hungry(text)
    source = _source(text, mode)
    if not case_sensitive:
        source = "(?i)" + source
    try:
        compiled = re2.compile(source, _options())
    except re2.error as error:
        raise _bad_pattern(text, case_sensitive, error) from error
    return Pattern(text, mode, case_sensitive, source, compiled)


def encode(text: str) -> bytes:
    """The text as patterns search it; lone surrogates become “?”."""
    return text.encode("utf-8", "replace")


def shorten(text: str) -> str:
    """At most PIECE_LENGTH characters, the last one an ellipsis when there were more."""
    return text if len(text) <= PIECE_LENGTH else text[: PIECE_LENGTH - 1] + "…"


def _options(memory_bytes: int = MAX_MEMORY_BYTES) -> re2.Options:
    options = re2.Options()
    options.max_mem = memory_bytes
    options.log_errors = False
    options.never_capture = True
    return options


def _refuse_unreadable(text: str) -> None:
    if not text:
        raise BadPattern(Sentence(gettext_noop("write what to look for")), 0)
    if len(text) > MAX_LENGTH:
        reason = sentence(gettext_noop("longer than %(most)d characters"), most=MAX_LENGTH)
        raise BadPattern(reason, MAX_LENGTH)
    for position, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise BadPattern(Sentence(gettext_noop("this character can't be looked for")), position)


def _refuse_hungry(text: str) -> None:
    """What re2 would take but we don't: bytes instead of characters, and repetitions that make searching slow."""
    found = syntax.tokens(text)
    for token in found:
        if text[token.start : token.end] == "\\C":
            raise BadPattern(*syntax.explain(text, token, "invalid escape sequence: \\C"))
    place = syntax.too_many_steps(found, text)
    if place is not None and not _is_bad(text):
        reason = sentence(
            gettext_noop("up to here the expression, its repetitions written out, has more than %(most)d steps"),
            most=syntax.MAX_STEPS,
        )
        raise BadPattern(reason, place)


def _source(text: str, mode: PatternMode) -> str:
    match mode:
        case PatternMode.REGEX:
            return text
        case PatternMode.TEXT:
            return str(re2.escape(text))
        case PatternMode.WILDCARD:
            special = {"*": ".*", "?": "."}
            return rf"\A(?s:{''.join(special.get(part) or re2.escape(part) for part in text)})\z"
        case PatternMode.DOMAIN:
            try:
                domain = canonical_domain(text.strip().removeprefix("*").removeprefix("."))
            except BadForm as error:
                raise BadPattern(error.reason, 0) from error
            return rf"\A(?:.*\.)?{re2.escape(domain)}\z"


def _is_bad(expression: str) -> bool:
    try:
        re2.compile(expression, _options())
    except re2.error:
        return True
    return False


def _bad_pattern(text: str, case_sensitive: bool, error: Exception) -> BadPattern:
    found = syntax.tokens(text)
    flags = "" if case_sensitive else "(?i)"
    token = syntax.locate(text, found, lambda prefix: _is_bad(flags + prefix))
    said = error.args[0] if error.args else ""
    message = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if token is None:
        token = syntax.Token(place := syntax.last_open(found), place + 1, syntax.Kind.OPEN)
        message = "missing )"
    reason, position = syntax.explain(text, token, message)
    return BadPattern(reason, min(position, len(text) - 1))


class PatternSet:
    """Many patterns asked at once: `matching(text)` gives the places (in the order given) of those that match."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._sets = [_Chunk(self._patterns, start) for start in range(0, len(self._patterns), SET_SIZE)]

    def __len__(self) -> int:
        return len(self._patterns)

    def matching(self, text: bytes) -> list[int]:
        _go_on()
        if len(text) > SET_TEXT_BYTES:
            return [place for place, pattern in enumerate(self._patterns) if pattern.is_in(text)]
        return [place for chunk in self._sets for place in chunk.matching(text)]


class _Chunk:
    """Up to SET_SIZE patterns in one automaton, with a first pattern that always matches.

    When an automaton runs out of memory re2 only says "nothing matches"; the missing first pattern tells, and then
    each pattern is asked by itself.
    """

    def __init__(self, patterns: Sequence[Pattern], start: int) -> None:
        self._patterns = patterns[start : start + SET_SIZE]
        self._start = start
        self._set = _compiled_set(self._patterns) if len(self._patterns) > 1 else None

    def matching(self, text: bytes) -> list[int]:
        if self._set is not None:
            found = self._set.Match(text)
            if 0 in found:
                return sorted(self._start + place - 1 for place in found if place)
        return [self._start + place for place, one in enumerate(self._patterns) if one.is_in(text)]


def _compiled_set(patterns: Sequence[Pattern]) -> Any:
    made = re2.Set.SearchSet(_options(SET_MEMORY_BYTES))
    try:
        made.Add(b"")
        for pattern in patterns:
            made.Add(pattern.source.encode())
        made.Compile()
    except re2.error:  # together too large; one by one they are not
        return None
    return made
