"""Comparing what a message says with what a rule asks: match types and comparators.

No back-tracking anywhere: `*` is found piece by piece from the left, expressions of people run in re2.

Source: RFC 5228 §2.7, RFC 5229 §3.2 (what wildcards stood for), RFC 5231 (:value, :count), RFC 4790 (comparators).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

OCTET, CASEMAP, NUMERIC = "i;octet", "i;ascii-casemap", "i;ascii-numeric"
MOST_COMPARED = 64 * 1024  # characters of one value
MOST_KEY = 1_000  # characters of a key with wildcards
_UPPER = {letter: letter + 32 for letter in range(65, 91)}
_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
}


def folded(text: str, comparator: str) -> str:
    """In the form in which a comparator compares: only A–Z are folded (RFC 4790 §9.2)."""
    return text.translate(_UPPER) if comparator == CASEMAP else text


def relates(relation: str, left: str, right: str, comparator: str) -> bool:
    """ ":value": numbers with i;ascii-numeric (what is none is larger than all), texts otherwise."""
    if comparator == NUMERIC:
        return _RELATIONS[relation](_number(left), _number(right))
    return _RELATIONS[relation](folded(left, comparator), folded(right, comparator))


def relates_count(relation: str, count: int, right: str) -> bool:
    """ ":count"."""
    return _RELATIONS[relation](float(count), _number(right))


def _number(text: str) -> float:
    digits = re.match(r"[0-9]{1,18}", text)
    return float(digits[0]) if digits else float("inf")


def compare(kind: str, value: str, key: str, comparator: str) -> tuple[str, ...] | None:
    """What wildcards or groups stood for, the whole first; () where there are none; None: no match."""
    value = value[:MOST_COMPARED]
    if kind == ":matches":
        return _wild(value, folded(value, comparator), folded(key, comparator))
    if kind == ":regex":
        found = _expression(key, comparator == CASEMAP).search(value)
        return None if found is None else (found.group(0), *(group or "" for group in found.groups()))
    if comparator == NUMERIC and kind == ":is":
        return () if _number(value) == _number(key) else None
    left, right = folded(value, comparator), folded(key, comparator)
    return () if (right in left if kind == ":contains" else left == right) else None


def work_of(kind: str, value: str, key: str) -> int:
    """How much one comparison costs: with wildcards, every place of the value may ask the whole key."""
    length = min(len(value), MOST_COMPARED)
    return 1 + (length * len(key) // 16_384 if kind == ":matches" else length // 4_096)


@lru_cache(maxsize=512)
def is_pattern(text: str) -> bool:
    """Whether it is an expression of re2 that is small enough, whatever the comparator: folding makes it larger."""
    try:
        for ignores_case in (True, False):
            _expression(text, ignores_case)
    except re2.error:
        return False
    return True


@lru_cache(maxsize=512)
def _expression(text: str, ignores_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not ignores_case
    options.max_mem = 1 << 20
    options.log_errors = False
    return re2.compile(text, options)


@lru_cache(maxsize=512)
def _pieces(key: str) -> tuple[re.Pattern[str], ...]:
    """What stands between the stars, each a pattern of fixed length in which a “?” is one character."""
    pieces: list[str] = [""]
    escaped = False
    for letter in key:
        if escaped:
            pieces[-1] += re.escape(letter)
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == "*":
            pieces.append("")
        else:
            pieces[-1] += "(.)" if letter == "?" else re.escape(letter)
    return tuple(re.compile(piece, re.S) for piece in pieces)


def _wild(value: str, text: str, key: str) -> tuple[str, ...] | None:
    """Each star takes as little as it can, the last one what is left."""
    first, *others = _pieces(key)
    found = first.match(text) if others else first.fullmatch(text)
    if found is None:
        return None
    said = [value, *_groups(found, value)]
    at = found.end()
    for number, piece in enumerate(others):
        if number == len(others) - 1:
            start = _last_start(piece, text, at)
            found = None if start is None else piece.match(text, start)
        else:
            found = piece.search(text, at)
        if found is None:
            return None
        said += [value[at : found.start()], *_groups(found, value)]
        at = found.end()
    return tuple(said)


def _groups(found: re.Match[str], value: str) -> list[str]:
    return [value[found.start(number) : found.end(number)] for number in range(1, found.re.groups + 1)]


def _last_start(piece: re.Pattern[str], text: str, at: int) -> int | None:
    """Where the last piece, which ends the text, begins."""
    plain = piece.pattern.replace("(.)", "\0")
    length = len(re.sub(r"\\(.)", r"\1", plain, flags=re.S))
    start = len(text) - length
    return start if start >= at else None
