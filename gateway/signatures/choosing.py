"""Which blocks somebody's message to a recipient gets: their own signature, and what rules say.

    chosen = choose(book, Writing(recipient="bob@example.net", is_inside=False, is_reply=False, day=today))

The rules of a domain are asked first, then its customer's, then the server's; within each, in their order. The first
that fits decides the signature; every addition that fits comes below it. A rule that stops ends the rules of its own
place only: nobody takes away what the places above add. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import groupby


class Kind(StrEnum):
    SIGNATURE = "signature"
    ADDITION = "addition"


class Own(StrEnum):
    """What people's own signatures are worth. Stored."""

    FIRST = "first"  # they count before the templates'
    ELSE = "else"  # only where no rule gives one
    NEVER = "never"


class Side(StrEnum):
    ANY = "any"
    INSIDE = "inside"
    OUTSIDE = "outside"


class Occasion(StrEnum):
    ANY = "any"
    FIRST = "first"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Template:
    """`id`: of its row; own: it is the person's own."""

    id: int
    name: str
    kind: Kind
    html: str
    text: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """place: 0 for the domain's, 1 the customer's, 2 the server's. template None: no signature at all.

    recipients: addresses in which `*` stands for anything; none: everybody.
    """

    id: int
    name: str
    place: int
    template: Template | None
    side: Side = Side.ANY
    recipients: tuple[str, ...] = ()
    occasion: Occasion = Occasion.ANY
    first_day: date | None = None
    last_day: date | None = None
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """What counts for one person: their own signature, and the rules that name them, in order."""

    own: Template | None = None
    worth: Own = Own.FIRST
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Writing:
    """One message to one recipient."""

    recipient: str
    is_inside: bool
    is_reply: bool
    day: date


@dataclass(frozen=True, slots=True)
class Chosen:
    """`templates` in their order; `rules`: those that spoke."""

    templates: tuple[Template, ...] = ()
    rules: tuple[Rule, ...] = ()


def choose(book: Book, writing: Writing) -> Chosen:
    """The blocks, the signature first."""
    spoke: list[Rule] = []
    signature: Template | None = None
    additions: list[Template] = []
    is_decided = False
    for _place, rules in groupby(book.rules, key=lambda rule: rule.place):
        for rule in _fitting(rules, writing):
            template = rule.template
            if template is not None and template.kind is Kind.ADDITION:
                if template not in additions:
                    additions.append(template)
                    spoke.append(rule)
            elif not is_decided:
                is_decided, signature = True, template
                spoke.append(rule)
            if rule.stops:
                break
    if _own_counts(book, is_decided=is_decided, signature=signature):
        signature = book.own
        spoke = [rule for rule in spoke if rule.template is not None and rule.template.kind is Kind.ADDITION]
    templates = ([signature] if signature is not None else []) + additions
    return Chosen(tuple(templates), tuple(spoke))


def _own_counts(book: Book, *, is_decided: bool, signature: Template | None) -> bool:
    if book.own is None or book.worth is Own.NEVER:
        return False
    if is_decided and signature is None:
        return False  # a rule says: none here
    return book.worth is Own.FIRST or not is_decided


def _fitting(rules: Iterable[Rule], writing: Writing) -> Iterable[Rule]:
    return (rule for rule in rules if fits(rule, writing))


def fits(rule: Rule, writing: Writing) -> bool:
    if rule.side is not Side.ANY and (rule.side is Side.INSIDE) is not writing.is_inside:
        return False
    if rule.occasion is not Occasion.ANY and (rule.occasion is Occasion.REPLY) is not writing.is_reply:
        return False
    if rule.first_day is not None and writing.day < rule.first_day:
        return False
    if rule.last_day is not None and writing.day > rule.last_day:
        return False
    return not rule.recipients or _is_one_of(writing.recipient, rule.recipients)


def _is_one_of(address: str, patterns: Sequence[str]) -> bool:
    folded = address.casefold()
    return any(fnmatchcase(folded, pattern.replace("[", "[[]").replace("?", "[?]")) for pattern in patterns)
