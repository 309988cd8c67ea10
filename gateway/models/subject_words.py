"""Words of subjects as PostgreSQL's text search has them, for an index that finds them among millions.

Everything that is neither letter nor digit parts words, as the text search's own parser would not: it takes "2026-1177"
for a number and a negative one. A word is found whole or from its beginning. Not for mail that is kept (archive.store).
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, F, Func, Q, Value

_WORD = re.compile(r"[^\W_]+")


class SubjectWords(Func):
    """The words of a text column."""

    template = "to_tsvector('simple'::regconfig, regexp_replace(%(expressions)s, '[\\W_]+', ' ', 'g'))"
    output_field: Any = SearchVectorField()


class _Have(Func):
    """Whether a query finds these words."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    arity = 2
    output_field: Any = BooleanField()
    conditional = True


def words_of(text: str) -> list[str]:
    """In small letters, in their order."""
    return _WORD.findall(text.lower())


def has_words(path: str, words: list[str], *, in_order: bool) -> Q:
    """The rows whose column has these words (`words_of`, one at least), the last one from its beginning.

    in_order: one after the other; otherwise anywhere, each from its beginning.
    """
    if in_order:
        query = " <-> ".join(f"'{word}'" for word in words) + ":*"
    else:
        query = " & ".join(f"'{word}':*" for word in words)
    return Q(_Have(SubjectWords(F(path)), Value(query)))
