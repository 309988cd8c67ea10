"""Where a query's words stand in a text: marked pieces of a subject, and the best window of a body.

Folds exactly as the index does (analysis.FOLDING), so "grosse" marks "Größe", and gives the text back as it was written
(only composed: NFC). Words after a minus are not marked.
Not for: deciding whether a message matches; HTML (the page escapes the pieces).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice, pairwise
from operator import itemgetter
from typing import TypeAlias

from archive.query.analysis import FOLDING, UNSPACED, UNSPACED_RANGES, words_of
from archive.query.nodes import And, Field, Node, Or, Phrase, Prefix, Text, Word

LOOKED_AT = 200_000
MOST_MATCHES = 2_000
BODY_FIELDS = ("", "body")
FILE_FIELDS = ("", "attachment")
IN_WORD = rf"[^\s{UNSPACED_RANGES}]"

Pieces: TypeAlias = list[tuple[str, bool]]
Match: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other in a folded text; `first` is searched for, `pattern` decides."""

    field: str
    first: str
    pattern: re.Pattern[str]

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        at = folded.find(self.first)
        while at >= 0:
            found = self.pattern.match(folded, at)
            if found:
                yield at, found.end()
            at = folded.find(self.first, found.end() if found else at + 1)


class Marker:
    """Marks the terms of one query; cheap to make, safe for threads."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(dict.fromkeys(terms))

    def mark(self, text: str, field: str = "subject") -> Pieces:
        """The whole text in pieces, with those marked that a bare word or one of that field asks for."""
        text = _composed(text)
        return _pieces(text, 0, len(text), self._matches(text, ("", field)))

    def snippet(self, text: str, width: int = 200, fields: tuple[str, ...] = BODY_FIELDS) -> Pieces:
        """About `width` characters where most different terms stand together, on one line; else the beginning.

        Looks at the first 200,000 characters only.
        """
        text = _composed(text[:LOOKED_AT])
        matches = self._matches(text, fields)
        start, end = _window(text, matches, width)
        pieces = _one_line(_pieces(text, start, end, matches))
        return [*([("… ", False)] if start else []), *pieces, *([(" …", False)] if end < len(text) else [])]

    def _matches(self, text: str, fields: tuple[str, ...]) -> list[Match]:
        folded = _Folded(text)
        return sorted(
            (folded.origin(start), folded.origin(end - 1) + 1, number)
            for number, term in enumerate(self.terms)
            if term.field in fields
            for start, end in islice(term.find(folded.text), MOST_MATCHES)
        )


class _Folded:
    """A folded text that knows where each of its characters came from; ß and a few others become two characters."""

    def __init__(self, text: str) -> None:
        self.text = text.translate(FOLDING)
        self.extra: list[int] = []  # the places in the folded text that no character of the text has of its own
        if len(self.text) != len(text):
            growing = "".join(char for char in set(text) if len(FOLDING[ord(char)]) > 1)
            for found in re.finditer(f"[{re.escape(growing)}]", text):
                place = found.start() + len(self.extra)
                self.extra.extend(range(place + 1, place + len(FOLDING[ord(found[0])])))

    def origin(self, place: int) -> int:
        """The index in the text of the character that this folded character is (part of)."""
        return place - bisect_right(self.extra, place)


def marker(node: Node) -> Marker:
    """The Marker of a query."""
    return Marker(_terms(node, ""))


def _terms(node: Node, field: str) -> Iterator[Term]:
    match node:
        case And(children) | Or(children):
            for child in children:
                yield from _terms(child, field)
        case Field(name, child):
            yield from _terms(child, name)
        case Word() | Phrase() | Prefix():
            yield from _term(node, field)
        case _:
            return


def _term(node: Text, field: str) -> Iterator[Term]:
    words = words_of(node.text)
    if not words:
        return
    pattern = _edge(words[0], f"(?<!{IN_WORD})") + re.escape(words[0])
    for before, word in pairwise(words):
        pattern += (r"\s*" if UNSPACED.match(before) or UNSPACED.match(word) else r"\s+") + re.escape(word)
    is_open = isinstance(node, Prefix) and bool(words_of(node.text[-1:]))
    pattern += _edge(words[-1], f"{IN_WORD}*" if is_open else f"(?!{IN_WORD})")
    yield Term(field, words[0], re.compile(pattern))


def _edge(word: str, pattern: str) -> str:
    """Characters that stand alone in the index need no edge beside them."""
    return "" if UNSPACED.match(word) else pattern


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _window(text: str, matches: list[Match], width: int) -> tuple[int, int]:
    """Start and end of the piece of text to show; cut between words where one is near."""
    first, last = _densest(matches, width)
    start = max(0, min(first - (width - (last - first)) // 3, len(text) - width))
    end = min(len(text), start + width)
    if start and (space := re.compile(r"\s").search(text, start, min(first, start + width // 5))):
        start = space.end()
    if end < len(text) and (cut := text.rfind(" ", max(last, end - max(width // 5, 20)), end)) > start:
        end = cut
    return start, end


def _densest(matches: list[Match], width: int) -> tuple[int, int]:
    """Start and end of the matches that stand within width and are of most different terms; of equals the first."""
    best, most, oldest = (0, 0), 0, 0
    inside: dict[int, int] = {}
    for start, end, term in matches:
        inside[term] = inside.get(term, 0) + 1
        while matches[oldest][0] < start and end - matches[oldest][0] > width:
            _leave(inside, matches[oldest][2])
            oldest += 1
        if len(inside) > most:
            best, most = (matches[oldest][0], min(end, matches[oldest][0] + width)), len(inside)
    return best


def _leave(inside: dict[int, int], term: int) -> None:
    inside[term] -= 1
    if not inside[term]:
        del inside[term]


def _pieces(text: str, start: int, end: int, matches: list[Match]) -> Pieces:
    """The text from start to end, cut where marks begin and end; overlapping marks are one."""
    pieces: Pieces = []
    at = start
    for first, last, _ in matches:
        begins, ends = max(first, at), min(last, end)
        if begins < ends:
            pieces += [(text[at:begins], False), (text[begins:ends], True)]
            at = ends
    pieces.append((text[at:end], False))
    groups = groupby(filter(itemgetter(0), pieces), itemgetter(1))
    return [("".join(part for part, _ in group), marked) for marked, group in groups]


def _one_line(pieces: Pieces) -> Pieces:
    return [(re.sub(r"\s+", " ", part), marked) for part, marked in pieces]
