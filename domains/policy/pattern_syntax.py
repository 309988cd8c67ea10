"""Where in an expression an error is, and what it is in plain words: re2 names the offending piece, never its place.

The expression is cut into tokens of re2's grammar. Every prefix that ends between two tokens, with its open groups
closed, is an expression by itself; re2 reads from left to right, so those before the error are fine and those after it
are not: halving finds the first bad token.

Not for compiling: `patterns` does that, with whatever this module finds.
Source: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate

from domains.policy.sentences import Sentence, gettext_noop, sentence

MAX_STEPS = 500


class Kind(Enum):
    ATOM = auto()
    OPEN = auto()
    CLOSE = auto()
    REPEAT = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    kind: Kind


# These patterns are ours and read short tokens; each is linear.
_REPEAT = re.compile(r"[*+?]|\{(\d+)(?:,(\d*))?\}", re.ASCII)
_ESCAPE = re.compile(r"\\(?:[pP](?:\{[^}]*\}?|.)?|x(?:\{[^}]*\}?|[0-9a-fA-F]{0,2})|[0-7]{1,3}|.)?", re.DOTALL)
_GROUP = re.compile(r"\(\?(?:(?P<name>P?<\w+>)|[A-Za-z-]*(?P<end>[:)])|P[=>]|<[=!]|.)?", re.DOTALL)


def tokens(text: str) -> list[Token]:
    """The expression in pieces that re2 reads as one; together they are the whole text. Never raises."""
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        end, kind = _token(text, at)
        yield Token(at, end, kind)
        at = end


def _token(text: str, at: int) -> tuple[int, Kind]:
    character = text[at]
    if character == "(":
        return _group(text, at)
    if character == ")":
        return at + 1, Kind.CLOSE
    if character == "[":
        return _end_of_class(text, at), Kind.ATOM
    if character == "\\":
        return _escape(text, at)
    if repeat := _REPEAT.match(text, at):
        return repeat.end(), Kind.REPEAT
    return at + 1, Kind.OTHER if character in "|^$" else Kind.ATOM


def _group(text: str, at: int) -> tuple[int, Kind]:
    found = _GROUP.match(text, at)
    if found is None:
        return at + 1, Kind.OPEN
    opens = found["name"] is not None or found["end"] == ":"
    return found.end(), Kind.OPEN if opens else Kind.OTHER


def _escape(text: str, at: int) -> tuple[int, Kind]:
    if text.startswith("\\Q", at):
        end = text.find("\\E", at)
        return (len(text) if end < 0 else end + 2), Kind.ATOM
    found = _ESCAPE.match(text, at)
    assert found is not None
    return found.end(), Kind.OTHER if found[0] in ("\\b", "\\B", "\\A", "\\z") else Kind.ATOM


def _end_of_class(text: str, at: int) -> int:
    """Just behind the ] that closes the [ at `at`, or the end of the text."""
    here = at + 1 + text.startswith("^", at + 1)
    here += text.startswith("]", here)
    while here < len(text):
        if text[here] == "]":
            return here + 1
        if text.startswith("[:", here) and (end := text.find(":]", here + 2)) > 0:
            here = end + 2
        elif found := _ESCAPE.match(text, here):
            here = found.end()
        else:
            here += 1
    return len(text)


def too_many_steps(found: list[Token], text: str) -> int | None:
    """Where the expression, its counted repetitions written out, gets longer than MAX_STEPS; None when it doesn't.

    Each step may cost a few nanoseconds per byte of text: this bounds the time of one search.
    """
    groups, last, total = [0], 0, 0
    for token in found:
        if token.kind is Kind.OPEN:
            groups.append(0)
            last = 0
        elif token.kind is Kind.CLOSE and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif token.kind is Kind.REPEAT:
            more = last * (_times(text[token.start : token.end]) - 1)
            groups[-1] += more
            last += more
            total += more
        elif token.kind is Kind.ATOM:
            last = token.end - token.start - 4 if text.startswith("\\Q", token.start) else 1
            groups[-1] += last
            total += last
        if total > MAX_STEPS:
            return token.start
    return None


def _times(repeat: str) -> int:
    found = _REPEAT.match(repeat)
    if found is None or found[1] is None:
        return 1
    return max(int(found[1][:5]), int((found[2] or "1")[:5]), 1)


def locate(text: str, found: list[Token], is_bad: Callable[[str], bool]) -> Token | None:
    """The first token that spoils the expression, by about log2(tokens) calls of `is_bad`.

    `None`: every piece is fine, only a group is open at the end. `is_bad` must tell whether re2 refuses an expression.
    """
    depths = list(accumulate(_depth(token) for token in found))

    def spoilt(count: int) -> bool:
        depth = depths[count - 1] if count else 0
        return depth < 0 or (count > 0 and is_bad(text[: found[count - 1].end] + ")" * depth))

    first = bisect_left(range(len(found) + 1), True, key=spoilt)
    return found[first - 1] if 0 < first <= len(found) else None


def _depth(token: Token) -> int:
    return {Kind.OPEN: 1, Kind.CLOSE: -1}.get(token.kind, 0)


def last_open(found: list[Token]) -> int:
    """The place of the innermost group that is never closed; 0 when all are."""
    opened: list[int] = []
    for token in found:
        if token.kind is Kind.OPEN:
            opened.append(token.start)
        elif token.kind is Kind.CLOSE and opened:
            opened.pop()
    return opened[-1] if opened else 0


_UNSUPPORTED = {
    "(?=": gettext_noop("look-ahead isn't supported"),
    "(?!": gettext_noop("negative look-ahead isn't supported"),
    "(?<=": gettext_noop("look-behind isn't supported"),
    "(?<!": gettext_noop("negative look-behind isn't supported"),
    "(?>": gettext_noop("atomic groups aren't supported"),
    "(?(": gettext_noop("conditions aren't supported"),
    "(?#": gettext_noop("comments aren't supported"),
    "(?|": gettext_noop("groups that share their numbers aren't supported"),
    "(?P=": gettext_noop("back-references aren't supported"),
    "(?P>": gettext_noop("recursion isn't supported"),
    "(?&": gettext_noop("recursion isn't supported"),
    "(?R": gettext_noop("recursion isn't supported"),
    "\\k": gettext_noop("back-references aren't supported"),
    "\\g": gettext_noop("back-references aren't supported"),
    "\\Z": gettext_noop("write \\z for the end of the text"),
    "\\u": gettext_noop("write \\x{…} for a character by its number"),
    "\\N": gettext_noop("write \\x{…} for a character by its number"),
    "\\C": gettext_noop("\\C isn't supported: it would cut characters in two"),
}
_BACK_REFERENCE = re.compile(r"\\[1-9]")

_ERRORS = {
    "missing )": gettext_noop("this ( is never closed"),
    "unexpected )": gettext_noop("this ) closes nothing"),
    "missing ]": gettext_noop("this [ is never closed"),
    "trailing \\": gettext_noop("a \\ at the end escapes nothing"),
    "no argument for repetition operator": gettext_noop("“%(piece)s” has nothing before it to repeat"),
    "invalid repetition size": gettext_noop(
        "“%(piece)s” isn't possible: the second number can't be the smaller one, and 1,000 times is the most, "
        "nested repetitions multiplied"
    ),
    "bad repetition operator": gettext_noop("a repetition can't be repeated again"),
    "invalid escape sequence": gettext_noop("“%(piece)s” has no meaning"),
    "invalid UTF-8": gettext_noop("“%(piece)s” has no meaning"),
    "invalid character class": gettext_noop("“%(piece)s” is no class of characters"),
    "invalid character class range": gettext_noop("“%(piece)s” is no range of characters"),
    "invalid named capture group": gettext_noop("names of groups are made of letters, digits and _"),
    "invalid perl operator": gettext_noop("“%(piece)s” isn't supported"),
    "pattern too large": gettext_noop("up to here the expression needs too much memory"),
}
_POSSESSIVE = gettext_noop("possessive repetition isn't supported")


def explain(text: str, token: Token, error: str) -> tuple[Sentence, int]:
    """What is wrong with the token and where, from what re2 said ("kind: piece")."""
    kind, _colon, piece = error.partition(": ")
    within = text[token.start : token.end]
    place = token.start + max(within.find(piece), 0) if piece else token.start
    piece = text[place : token.end] if not piece or piece not in within else piece
    for start, reason in _UNSUPPORTED.items():
        if text.startswith(start, place) and kind.startswith("invalid"):
            return Sentence(reason), place
    if kind == "invalid escape sequence" and _BACK_REFERENCE.match(text, place):
        return Sentence(_UNSUPPORTED["\\k"]), place
    if kind == "bad repetition operator" and within == "+":
        return Sentence(_POSSESSIVE), place
    for start, reason in _ERRORS.items():
        if kind == start or kind.startswith(f"{start} -"):
            return sentence(reason, piece=piece[:20]), place
    return sentence(gettext_noop("“%(piece)s” isn't supported"), piece=piece[:20]), place
