"""A command line as words and values, and what each of them is for, by the command's own pattern.

Patterns are written like the manual's signatures, in one line: capitals are keywords (any case on the line), others are
parameters, `[…]` may be left out, `A|B:name` is one of these keywords, kept under that name. After a parameter stands
what it must be: `{}` a dictionary, `()` an array, `#` a number, `<>` a data block, `*` any value, `…` the rest of the
line as it is; nothing means a string, quoted or not. Pure. Not for what commands do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.communigate.format import Address, DataError, Reader, Value

MOST_TOKENS = 64
_WORD = re.compile(r'[^ \t\r\n\x0b\x0c"{(]+')  # other alphabets' blanks may stand in names
_PART = re.compile(r"\[|\]|[^\s\[\]]+")
_DIGITS = re.compile(r"[+-]?\d{1,18}")


class BadSyntax(Exception):
    """The line isn't what the command takes; the text says what it takes or where it breaks."""


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a line. is_word: unquoted, so it may be a keyword."""

    value: Value
    is_word: bool
    begins: int


class Line:
    """The arguments of a command, read one by one as they are asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._reader = Reader(text)
        self._tokens: list[Token] = []
        self._is_read = False

    def token(self, number: int) -> Token | None:
        """The one of this number from 0, None behind the last. Raises: DataError."""
        while len(self._tokens) <= number and not self._is_read:
            self._read()
        return self._tokens[number] if number < len(self._tokens) else None

    def rest(self, number: int) -> str:
        """Everything from this token on, as it was sent."""
        if number and self.token(number - 1) is None:
            return ""
        begins = self._begin_of(number)
        return _unquoted(self.text[begins:].strip())

    def skip_all(self) -> None:
        """The rest was taken as it is."""
        self._is_read = True

    def _begin_of(self, number: int) -> int:
        if number < len(self._tokens):
            return self._tokens[number].begins
        self._reader.skip()
        return self._reader.at

    def _read(self) -> None:
        reader = self._reader
        reader.skip()
        if reader.at_end:
            self._is_read = True
            return
        if len(self._tokens) >= MOST_TOKENS:
            raise reader.error("too many arguments")
        begins = reader.at
        if reader.next == '"':
            self._tokens.append(Token(reader.quoted(), False, begins))
        elif reader.next in "{(":
            self._tokens.append(Token(reader.value(), False, begins))
        else:
            self._tokens.append(self._word_or_value(begins))

    def _word_or_value(self, begins: int) -> Token:
        """Numbers, times, addresses and blocks where they are ones; else a word: names come unquoted, too."""
        reader = self._reader
        if reader.next in "#[<":
            trial = Reader(self.text, begins)
            try:
                value = trial.value()
            except DataError:
                if reader.next == "[":
                    raise
            else:
                reader.at = trial.at
                return Token(value, False, begins)
        found = _WORD.match(self.text, begins)
        assert found is not None  # neither a blank, a quote nor a bracket stands here
        reader.at = found.end()
        return Token(found[0], True, begins)


@dataclass(frozen=True, slots=True)
class Keyword:
    words: tuple[str, ...]  # in capitals
    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Maybe:
    parts: tuple[Part, ...]


Part = Keyword | Parameter | Maybe
Arguments = dict[str, Any]


def parse(pattern: str, text: str) -> Arguments:
    """What stands for each parameter; keywords are kept under their name. Raises: BadSyntax."""
    line = Line(text)
    best = _Failure()
    try:
        for found, number in _match(compiled(pattern), 0, line, 0, {}, best):
            if line.token(number) is None:
                return found
            best.note(number, "something that doesn't belong here")
    except DataError as error:
        raise BadSyntax(f"syntax error: {error}") from error
    token = line.token(best.number)
    where = f" at position {token.begins}" if token is not None else ""
    takes = f"expected: {pattern}" if pattern else "it takes no arguments"
    raise BadSyntax(f"syntax error: {best.text}{where}; {takes}")


class _Failure:
    """The farthest that any reading of the line came, which is what people meant."""

    def __init__(self) -> None:
        self.number, self.text = -1, "something is missing"

    def note(self, number: int, text: str) -> None:
        if number > self.number:
            self.number, self.text = number, text


@cache
def compiled(pattern: str) -> tuple[Part, ...]:
    """The parts of a pattern. Raises: ValueError for one that is written wrongly."""
    stack: list[list[Part]] = [[]]
    for word in _PART.findall(pattern):
        if word == "[":
            stack.append([])
        elif word == "]":
            inner = stack.pop()
            stack[-1].append(Maybe(tuple(inner)))
        else:
            stack[-1].append(_part(word))
    if len(stack) != 1:
        raise ValueError(f"brackets don't match: {pattern}")
    return tuple(stack[0])


def _part(word: str) -> Part:
    choices, _colon, name = word.partition(":")
    words = tuple(choices.upper().split("|"))
    if name or choices.isupper():
        return Keyword(words, name or choices.lower())
    found = re.fullmatch(r"([a-z_]+)(\{\}|\(\)|#|<>|\*|…)?", word)
    if found is None:
        raise ValueError(f"no part of a pattern: {word}")
    return Parameter(found[1], found[2] or "")


def _match(
    parts: tuple[Part, ...], at: int, line: Line, number: int, found: Arguments, best: _Failure
) -> Iterator[tuple[Arguments, int]]:
    """(arguments, number of tokens), the fullest reading first. Raises: DataError."""
    if at == len(parts):
        yield found, number
        return
    part = parts[at]
    if isinstance(part, Maybe):
        yield from _match((*part.parts, *parts[at + 1 :]), 0, line, number, found, best)
        yield from _match(parts, at + 1, line, number, found, best)
        return
    if isinstance(part, Parameter) and part.kind == "…":
        text = line.rest(number)
        if text:
            line.skip_all()
            yield {**found, part.name: text}, number + MOST_TOKENS
        else:
            best.note(number, f"{part.name} is missing")
        return
    token = line.token(number)
    if token is None:
        best.note(number, f"{_name_of(part)} is missing")
        return
    taken = _take(part, token)
    if taken is _NOT:
        best.note(number, f"{_name_of(part)} expected")
        return
    kept = {part.name: taken, **found} if isinstance(part, Keyword) else {**found, part.name: taken}
    yield from _match(parts, at + 1, line, number + 1, kept, best)  # a keyword never hides a parameter of its name


def _unquoted(text: str) -> str:
    """What stands in the quotes, where all of a text does."""
    if not text.startswith('"'):
        return text
    reader = Reader(text)
    found = reader.quoted()
    return found if reader.at_end else text


_NOT = object()


def _name_of(part: Part) -> str:
    return "|".join(part.words) if isinstance(part, Keyword) else getattr(part, "name", "")


def _take(part: Keyword | Parameter, token: Token) -> Any:
    """The value of a token for this part; `_NOT` where it is none for it."""
    value = token.value
    if isinstance(part, Keyword):
        word = value.upper() if token.is_word and isinstance(value, str) else ""
        return word if word in part.words else _NOT
    if part.kind == "*":
        return value
    if part.kind == "{}":
        return value if isinstance(value, dict) else _NOT
    if part.kind == "()":
        return value if isinstance(value, list) else _NOT
    if part.kind == "<>":
        return value if isinstance(value, bytes) else _NOT
    if part.kind == "#":
        return _number(value)
    return _string(value)


def _number(value: Value) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return _NOT


def _string(value: Value) -> Any:
    """Names are strings; a number or an address that stands in a name's place is one, too."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, Address):
        return f"[{value.ip}]" + (f":{value.port}" if value.port is not None else "")
    return _NOT
