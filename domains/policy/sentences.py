"""Sentences for people, in English, that pages can translate: a text with named places and what goes there.

The texts are marked with `gettext_noop`, the name by which the gettext tools know them; a page shows
`translated(sentence, gettext)`. Not for choosing a language: that needs Django.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Union

Datum = Union[str, int, float, "Sentence"]


def gettext_noop(text: str) -> str:
    """The text itself; the call marks it for translation."""
    return text


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is the key in the catalogue of translations, `data` its named values; `str()` is the English sentence."""

    text: str
    data: Mapping[str, Datum] = field(default_factory=dict)

    def __str__(self) -> str:
        return translated(self, gettext_noop)


def sentence(text: str, **data: Datum) -> Sentence:
    return Sentence(text, data)


def translated(said: Sentence, gettext: Callable[[str], str]) -> str:
    """The sentence in gettext's language, and the sentences that it contains."""
    values = {
        name: translated(value, gettext) if isinstance(value, Sentence) else value for name, value in said.data.items()
    }
    return gettext(said.text) % values
