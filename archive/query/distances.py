"""Days that a query names by how long ago they are ("7d", "today"): where they stand, and put down as dates.

For what must go on meaning the same mail: a hold that covers "the last month" would let go of a message every day. Not
for searching, where the day is that of the search (compile).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace

from archive.query.language import days_of
from archive.query.nodes import And, Days, Node, Not, Or


def distances(node: Node) -> Iterator[str]:
    """The days that aren't the same tomorrow, as they were typed."""
    match node:
        case And(children) | Or(children):
            for child in children:
                yield from distances(child)
        case Not(child):
            yield from distances(child)
        case Days(name, text) if _is_distance(text):
            yield f"{name}:{text}"


def put_down(node: Node, today: datetime.date) -> Node:
    """The same query with dates in the place of distances."""
    match node:
        case And(children):
            return And(tuple(put_down(child, today) for child in children))
        case Or(children):
            return Or(tuple(put_down(child, today) for child in children))
        case Not(child):
            return Not(put_down(child, today))
        case Days(_name, text) if _is_distance(text):
            days = days_of(text, today)
            return node if days is None else replace(node, text=days[0].isoformat())
        case _:
            return node


def _is_distance(text: str) -> bool:
    """Whether it names other days when it is asked in another year."""
    return days_of(text, datetime.date(2000, 1, 31)) != days_of(text, datetime.date(2001, 1, 30))
