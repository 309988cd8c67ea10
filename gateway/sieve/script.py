"""A script as it was understood: plain, immutable data with the place of every command, made by `parsing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domains.policy.sentences import Sentence

Value = str | int | tuple[str, ...]

MOST_BYTES = 256 * 1024  # of one script, whatever a quota allows
MOST_TOKENS = 20_000
MOST_DEPTH = 15  # RFC 5228 §2.10.5 asks for so many
FOLDER_LENGTH, FOLDER_DEPTH = 200, 10

EXTENSIONS: dict[str, str] = {
    "body": "RFC 5173",
    "comparator-i;ascii-casemap": "RFC 5228",
    "comparator-i;ascii-numeric": "RFC 4790",
    "comparator-i;octet": "RFC 5228",
    "copy": "RFC 3894",
    "date": "RFC 5260",
    "ereject": "RFC 5429",
    "envelope": "RFC 5228",
    "environment": "RFC 5183",
    "fileinto": "RFC 5228",
    "imap4flags": "RFC 5232",
    "mailbox": "RFC 5490",
    "regex": "draft-ietf-sieve-regex",
    "reject": "RFC 5429",
    "relational": "RFC 5231",
    "subaddress": "RFC 5233",
    "vacation": "RFC 5230",
    "vacation-seconds": "RFC 6131",
    "variables": "RFC 5229",
}


class BadScript(Exception):
    """Not a script that Postkeep understands. `said` says why; line and column are counted from 1."""

    def __init__(self, said: Sentence, line: int, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {said}")
        self.said, self.line, self.column = said, line, column


@dataclass(frozen=True, slots=True)
class Node:
    """One command or test. values: by the names of sievelib's definitions, strings unquoted; extra: what stands behind
    a tag (":days 7" is extra["days"]). rule: what the comment above its outermost command calls it."""

    name: str
    line: int
    column: int
    rule: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    extra: Mapping[str, Value] = field(default_factory=dict)
    tests: tuple[Node, ...] = ()
    block: tuple[Node, ...] = ()

    def text(self, name: str, default: str = "") -> str:
        found = self.values.get(name, default)
        return found if isinstance(found, str) else str(found)

    def texts(self, name: str) -> tuple[str, ...]:
        found = self.values.get(name, ())
        return found if isinstance(found, tuple) else (str(found),)

    def number(self, name: str) -> int:
        found = self.values.get(name, 0)
        return found if isinstance(found, int) else 0

    def extra_text(self, name: str, default: str = "") -> str:
        found = self.extra.get(name, default)
        return found if isinstance(found, str) else str(found)

    def walk(self) -> Iterator[Node]:
        yield self
        for each in (*self.tests, *self.block):
            yield from each.walk()


@dataclass(frozen=True, slots=True)
class Script:
    """The commands in order, and the extensions that it names."""

    commands: tuple[Node, ...]
    extensions: frozenset[str] = frozenset()

    def walk(self) -> Iterator[Node]:
        for command in self.commands:
            yield from command.walk()
