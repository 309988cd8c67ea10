"""Searching several stores as if they were one: exact totals add up, pages merge by date, store and number.

Each store is asked for the ranks of its page only; rows are fetched for what is shown. Not for which stores somebody
may search, nor for what is done about one that can't be opened: callers say.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass

from archive.query.nodes import Node

from .rows import NUMBER_BITS, NUMBER_MASK, Row
from .searching import Page, Question, Scope, ranked, refusals, relevant, rows_of
from .store import Store


@dataclass(frozen=True, slots=True)
class Part:
    """One store of several: the number it is known by, and the folders to look into (None = all)."""

    key: int
    store: Store
    folders: set[int] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins or ends: a message's rank and its store."""

    rank: int
    key: int

    @property
    def second(self) -> int:
        return self.rank >> NUMBER_BITS


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page: newest first below `before`, or just above `after`; by relevance from `offset` on."""

    limit: int = 50
    before: Place | None = None
    after: Place | None = None
    offset: int = 0
    order: str = "date"
    zone: datetime.tzinfo = datetime.UTC


@dataclass(slots=True)
class Together:
    """What was found: (store, row) each; where the neighbouring pages begin, where there are any."""

    total: int
    milliseconds: float
    lines: list[tuple[int, Row]]
    newer: Place | None = None
    older: Place | None = None


def search_several(parts: Sequence[Part], query: str | Node, mailboxes: set[int] | None, wanted: Wanted) -> Together:
    """One page over all parts, with the exact total. Raises: QueryError, WrongFormat (a damaged index)."""
    question = Question(query, wanted.zone)
    scopes = {part.key: Scope(mailboxes, part.folders) for part in parts}
    if wanted.order != "date":
        return _by_relevance(parts, question, scopes, wanted)
    started = time.perf_counter()
    total, places = 0, list[tuple[int, int, int]]()
    with refusals(question.node):
        for part in parts:
            page = Page(wanted.limit + 1, _below(wanted.before, part.key), _above(wanted.after, part.key))
            count, ranks = ranked(part.store, question, scopes[part.key], page)
            total += count
            places += [(rank >> NUMBER_BITS, part.key, rank) for rank in ranks]
    milliseconds = (time.perf_counter() - started) * 1000
    places.sort(reverse=True)
    shown = places[-wanted.limit :] if wanted.after else places[: wanted.limit]
    lines = _fetch(parts, scopes, [(key, rank & NUMBER_MASK) for _second, key, rank in shown])
    first, last = (Place(shown[0][2], shown[0][1]), Place(shown[-1][2], shown[-1][1])) if shown else (None, None)
    more = len(places) > wanted.limit
    if wanted.after:
        return Together(total, milliseconds, lines, first if more else None, last)
    return Together(total, milliseconds, lines, first if wanted.before else None, last if more else None)


def _fetch(parts: Sequence[Part], scopes: dict[int, Scope], shown: list[tuple[int, int]]) -> list[tuple[int, Row]]:
    """The rows of (store, number) each, in their order, without those that were deleted a moment ago."""
    wanted: dict[int, list[int]] = {}
    for key, number in shown:
        wanted.setdefault(key, []).append(number)
    rows: dict[tuple[int, int], Row] = {}
    for part in parts:
        if part.key in wanted:
            fetched = rows_of(part.store, wanted[part.key], scopes[part.key])
            rows.update(((part.key, row.number), row) for row in fetched)
    return [(place[0], rows[place]) for place in shown if place in rows]


def _by_relevance(parts: Sequence[Part], question: Question, scopes: dict[int, Scope], wanted: Wanted) -> Together:
    """Scores of different indexes can't be compared: store after store, each by its own.

    Once the page is full the other stores are only counted.
    """
    started = time.perf_counter()
    total, shown = 0, list[tuple[int, int]]()
    with refusals(question.node):
        for part in parts:
            page = Page(wanted.limit - len(shown), offset=max(wanted.offset - total, 0), order=wanted.order)
            count, numbers = relevant(part.store, question, scopes[part.key], page)
            total += count
            shown += [(part.key, number) for number in numbers]
    milliseconds = (time.perf_counter() - started) * 1000
    return Together(total, milliseconds, _fetch(parts, scopes, shown))


def _below(place: Place | None, key: int) -> int | None:
    """The rank below which a store's lines stand after a place: by date, then store, then number, highest first."""
    if place is None:
        return None
    if place.key == key:
        return place.rank
    return (place.second + 1 if key < place.key else place.second) << NUMBER_BITS


def _above(place: Place | None, key: int) -> int | None:
    """The rank above which a store's lines stand before a place."""
    if place is None:
        return None
    if place.key == key:
        return place.rank
    return max(((place.second + 1 if key < place.key else place.second) << NUMBER_BITS) - 1, 0)
