"""Lists over a million rows in which words are looked for by a trigram index.

Where few rows have a word, PostgreSQL may still walk the index of the order until it has met fifty of them, and reads
most of the table when names and addresses go together. So a page that looks for words is sorted after it was found;
but where more than 10,000 have it (`example` in a million addresses) the walk meets fifty soon, and sorting takes
seconds. Of words too short for a trigram only the beginning of an address is looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.db.models import F, Func, Model, Q
from django.http import QueryDict

from config.kit.list_fields import Main, Text
from config.kit.list_query import BadTerm, Term, parse
from config.kit.list_state import Asked
from config.kit.listing import Listing
from config.kit.paging import Order
from config.kit.preferences import ListMemory

M = TypeVar("M", bound=Model)
_TRIGRAM = re.compile(r"\w{3}")
_LAST = "\ud7ff"  # what follows are surrogates, which PostgreSQL refuses


class _Unindexed(Func):
    """The value itself, in a form that no index has."""

    def __init__(self, path: str, *, is_text: bool) -> None:
        super().__init__(F(path))
        self.template = "(%(expressions)s || '')" if is_text else "(%(expressions)s + 0)"


@dataclass(frozen=True, eq=False)
class BigAsked(Asked):
    """What an address asks of a big list."""

    def order_among(self, *, are_many: bool) -> Order:
        found = super().order
        if are_many or not self.looks_for_words or not isinstance(found.key, str):
            return found
        model_field = next((each for each in self.fields if each.sort and each.sort_key == found.key), None)
        return replace(found, key=_Unindexed(found.key, is_text=isinstance(model_field, Text)))

    @property
    def looks_for_words(self) -> bool:
        """Whether a word or part is asked for that the trigram index finds."""
        texts = {each.name for each in self.fields if isinstance(each, Text)}
        if any(name in texts and any(map(_TRIGRAM.search, values)) for name, values in self.filters.items()):
            return True
        try:
            terms = parse(self.text)
        except BadTerm:
            return False
        return any(
            not term.negated and (not term.field or term.field in texts)
            and any(_TRIGRAM.search(value.text) for value in term.values)
            for term in terms
        )  # fmt: skip

    def _word(self, term: Term) -> Q:
        main = next((each for each in self.fields if isinstance(each, Main)), None)
        text = term.values[0].text.lower().rstrip("*")
        if main is None or not text or "*" in text or text[-1] >= _LAST or _TRIGRAM.search(text):
            return super()._word(term)
        after = text[:-1] + chr(ord(text[-1]) + 1)
        condition = Q(**{f"{main.orm_path}__gte": text, f"{main.orm_path}__lt": after})
        return ~condition if term.negated else condition


@dataclass(frozen=True, eq=False)
class BigListing(Listing[M], Generic[M]):
    """A list over so many rows that how they are found decides."""

    def ask(self, actor: Any, params: QueryDict, memory: ListMemory | None = None) -> BigAsked:
        return BigAsked(self, self.fields_for(actor), params, memory or ListMemory())
