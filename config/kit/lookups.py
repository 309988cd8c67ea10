"""Comparisons that Django lacks and an index serves.

`name__ilike="%part%"` is PostgreSQL's ILIKE, which a trigram index on the column serves; `name__icontains` is
`UPPER(…) LIKE UPPER(…)`, which none does. Escape what people type with `like_escaped`.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import CharField, Field, Lookup
from django.db.models.fields.related import ForeignObject
from django.db.models.functions import Lower


class Ilike(Lookup):
    """`ILIKE` with a pattern of its own."""

    lookup_name = "ilike"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} ILIKE {right}", (*left_values, *right_values)


Field.register_lookup(Ilike)


def like_escaped(text: str) -> str:
    """The text itself as part of a LIKE pattern."""
    return re.sub(r"([\\%_])", r"\\\1", text)


class Among(Lookup):
    """`= ANY (array)`: like `in`, but one parameter however many values there are, so the query's shape stays."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_values = self.process_lhs(compiler, connection)
        return f"{left} = ANY (%s)", (*left_values, list(self.rhs))


Field.register_lookup(Among)
ForeignObject.register_lookup(Among)  # foreign keys look at their own lookups only
CharField.register_lookup(Lower)  # `name__lower__startswith`, for an index on Lower("name") with text_pattern_ops
