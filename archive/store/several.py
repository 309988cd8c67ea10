"""Searching several stores as if they were one: exact totals add up, pages merge by date, store and number.

Each store is asked for the ranks of its page only; rows are fetched for what is shown. Not for which stores somebody
may search, nor for what is done about one that can't be opened: callers say.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from archive.query.language import parse
from archive.query.nodes import Node

from .rows import NUMBER_BITS, Row
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
    node = parse(query) if isinstance(query, str) else query
    if wanted.order != "date":
        return _by_relevance(parts, node, mailboxes, wanted)
    total, milliseconds = 0, 0.0
    places: list[tuple[int, int, int]] = []
    for part in parts:
        found = part.store.ranked(
            node,
            mailboxes=mailboxes,
            folders=part.folders,
            limit=wanted.limit + 1,
            before=_below(wanted.before, part.key),
            after=_above(wanted.after, part.key),
            zone=wanted.zone,
        )
        total, milliseconds = total + found.total, milliseconds + found.milliseconds
        places += [(rank >> NUMBER_BITS, part.key, rank) for rank in found.ranks]
    places.sort(reverse=True)
    shown = places[-wanted.limit :] if wanted.after else places[: wanted.limit]
    lines = _fetch(parts, mailboxes, shown)
    first, last = (Place(shown[0][2], shown[0][1]), Place(shown[-1][2], shown[-1][1])) if shown else (None, None)
    more = len(places) > wanted.limit
    if wanted.after:
        return Together(total, milliseconds, lines, first if more else None, last)
    return Together(total, milliseconds, lines, first if wanted.before else None, last if more else None)


def _fetch(
    parts: Sequence[Part], mailboxes: set[int] | None, shown: list[tuple[int, int, int]]
) -> list[tuple[int, Row]]:
    rows: dict[tuple[int, int], Row] = {}
    for part in parts:
        ranks = [rank for _second, key, rank in shown if key == part.key]
        if ranks:
            fetched = part.store.rows_ranked(ranks, mailboxes=mailboxes, folders=part.folders)
            rows |= {(part.key, row.rank): row for row in fetched}
    return [(key, rows[key, rank]) for _second, key, rank in shown if (key, rank) in rows]


def _by_relevance(parts: Sequence[Part], node: Node, mailboxes: set[int] | None, wanted: Wanted) -> Together:
    """Scores of different indexes can't be compared: store after store, each by its own."""
    total, milliseconds = 0, 0.0
    lines: list[tuple[int, Row]] = []
    several = len(parts) > 1
    for part in parts:
        found = part.store.search(
            node,
            mailboxes=mailboxes,
            folders=part.folders,
            limit=wanted.limit + (wanted.offset if several else 0),
            offset=0 if several else wanted.offset,
            order=wanted.order,
            zone=wanted.zone,
        )
        total, milliseconds = total + found.total, milliseconds + found.milliseconds
        lines += [(part.key, row) for row in found.rows]
    start = wanted.offset if several else 0
    return Together(total, milliseconds, lines[start : start + wanted.limit])


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
    return ((place.second + 1 if key < place.key else place.second) << NUMBER_BITS) - 1
