"""The language of the search box of every list: words, "phrases", `field:value`, `-field:value`, `field>value`.

`parse` only reads text; what a field makes of its values is `config.kit.list_fields`'. Not the language for searching
mail (archive.query).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal, NamedTuple

from django.utils.translation import gettext as _

Op = Literal[":", "=", ">", ">=", "<", "<="]
MAX_LENGTH = 1_000
MAX_TERMS = 40
_OPERATORS: tuple[Op, ...] = (">=", "<=", ":", "=", ">", "<")


class BadTerm(Exception):
    """Something in the box can't be understood; the text is for the person who typed it."""


class Value(NamedTuple):
    """One value as it was typed; `literal` (in quotes) makes `*` a star and `>` a sign."""

    text: str
    literal: bool = False


@dataclasses.dataclass(frozen=True)
class Term:
    """One thing asked for. field "" means free words; several values mean any of them."""

    field: str
    op: Op
    values: tuple[Value, ...]
    negated: bool = False
    typed: str = dataclasses.field(default="", compare=False)


def parse(text: str) -> list[Term]:
    """The terms of a search, in their order; all of them must hold. Raises: BadTerm (too long)."""
    if len(text) > MAX_LENGTH:
        raise BadTerm(_("This search is too long. Up to %(count)d characters are read.") % {"count": MAX_LENGTH})
    terms = list(_Reader(text.replace("\0", " ")).terms())
    if len(terms) > MAX_TERMS:
        raise BadTerm(_("This search has too many words. Up to %(count)d are read.") % {"count": MAX_TERMS})
    return terms


def split_operator(value: Value, op: Op = ":") -> tuple[Op, Value]:
    """`created:>2026-01-01` means what `created>2026-01-01` means."""
    if op == ":" and not value.literal:
        for sign in (">=", "<=", ">", "<", "="):
            if value.text.startswith(sign):
                return sign, Value(value.text.removeprefix(sign))
    return op, value


def quoted(text: str) -> str:
    """A value as it has to be typed so that it means just itself."""
    plain = text and not any(sign.isspace() or sign in '",*' for sign in text) and text[0] not in "-<>="
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return text if plain else f'"{escaped}"'


class _Reader:
    """Reads from left to right and never fails: what makes no sense as syntax is a word."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def terms(self) -> Iterator[Term]:
        while True:
            while self.at < len(self.text) and self.text[self.at].isspace():
                self.at += 1
            if self.at >= len(self.text):
                return
            start = self.at
            term = self._term()
            if term is not None:
                yield Term(*term, typed=self.text[start : self.at])

    def _term(self) -> tuple[str, Op, tuple[Value, ...], bool] | None:
        negated = self._takes("-") and not self._at_end_of_word()
        name, op = self._field()
        values = tuple(self._values() if name else [self._value(ends="")])
        if name and not any(value.text or value.literal for value in values):
            return None  # `state:` while somebody is still typing
        if not name and values == (Value(""),):
            return ("", ":", (Value("-"),), False)
        return name, op, values, negated

    def _field(self) -> tuple[str, Op]:
        """A name with its operator; "" and nothing read where the next word is just a word."""
        at = self.at
        while at < len(self.text) and (self.text[at].isalnum() or self.text[at] in "_-."):
            at += 1
        name = self.text[self.at : at]
        op = next((sign for sign in _OPERATORS if self.text.startswith(sign, at)), None)
        if op is None or not name or not name[0].isalpha():
            return "", ":"
        self.at = at + len(op)
        return name, op

    def _values(self) -> Iterator[Value]:
        yield self._value(ends=",")
        while self._takes(","):
            yield self._value(ends=",")

    def _value(self, *, ends: str) -> Value:
        if self._takes('"'):
            return Value(self._phrase(), literal=True)
        start = self.at
        while not self._at_end_of_word() and self.text[self.at] not in ends:
            self.at += 1
        return Value(self.text[start : self.at])

    def _phrase(self) -> str:
        """To the closing quote, or to the end where somebody is still typing."""
        found = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == '"':
                break
            if sign == "\\" and self.at < len(self.text):
                sign = self.text[self.at]
                self.at += 1
            found.append(sign)
        return "".join(found)

    def _takes(self, sign: str) -> bool:
        taken = self.text.startswith(sign, self.at)
        self.at += len(sign) if taken else 0
        return taken

    def _at_end_of_word(self) -> bool:
        return self.at >= len(self.text) or self.text[self.at].isspace()
