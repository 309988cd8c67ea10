"""All rows of a query, however many, in constant memory here and on the database's side.

A few thousand at a time by their keys. A cursor of the server would keep the whole result on its disk for as long as
somebody on a slow line reads; these are short queries, and rows that come meanwhile are met too (or not).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
SIZE = 2_000


def in_batches(rows: QuerySet[M], *, size: int = SIZE, descending: bool = False) -> Iterator[M]:
    """Each row once, in the order of the keys. The query isn't sliced, and its own order is left."""
    ordered = rows.order_by("-pk" if descending else "pk")
    left = ordered
    while batch := list(left[:size]):
        yield from batch
        if len(batch) < size:
            return
        left = ordered.filter(**{"pk__lt" if descending else "pk__gt": batch[-1].pk})
