"""The tree a query is read into. Nodes compare by meaning; `span` (start, end in the typed text) does not count.

Not for: reading or printing text (language), matching (compile).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class All:
    """Everything: the empty query."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as typed; where the index splits it (foo-bar), its pieces follow each other."""

    text: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other."""

    text: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prefix:
    """A word of which the beginning is given, without its star."""

    text: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: Node


@dataclass(frozen=True, slots=True)
class Field:
    """A text field (from to cc subject body attachment); child holds only text nodes and And, Or, Not of them."""

    name: str
    child: Node
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HasAttachment:
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class HasUnindexed:
    """Messages of which an attached file could not be read, so that its words are not found."""

    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Days:
    """name is before, after or on; text is the day, month, year or distance as typed, lower-case (language.days_of)."""

    name: str
    text: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Size:
    """name is larger or smaller; both are strict."""

    name: str
    text: str
    size_bytes: int
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InFolder:
    """The folder of that path (a/b) and all below it."""

    path: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MessageId:
    """A Message-ID without its angle brackets, in its own case."""

    value: str
    span: Span = field(default=(0, 0), compare=False, repr=False)


Filter: TypeAlias = Field | HasAttachment | HasUnindexed | Days | Size | InFolder | MessageId
Text: TypeAlias = Word | Phrase | Prefix
Node: TypeAlias = All | Word | Phrase | Prefix | And | Or | Not | Filter
FILTERS = (Field, HasAttachment, HasUnindexed, Days, Size, InFolder, MessageId)
