"""What all kinds of rules have in common: kinds, ids, the order of priorities, and the match they return.

The kinds themselves are `senders` (and `protected`), `attachments`, `uris` and `dlp`; `book` holds all rules that may
concern one message. Not for storing rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from domains.policy.facts import Where
from domains.policy.patterns import BadPattern, Pattern, PatternMode, PatternSet, compile_pattern
from domains.policy.reasons import Code, Reason, reason
from domains.policy.sentences import Sentence, gettext_noop, sentence

RuleId = int | str
Problem = tuple[str, Sentence]
"""The name of a field and what is wrong with it."""

MAX_PRIORITY = 1_000_000
MAX_TEXT = 1000


class RuleKind(StrEnum):
    SENDER = "sender"
    ATTACHMENT = "attachment"
    URI = "uri"
    DLP = "dlp"


class PatternRule(Protocol):
    """A rule with an expression and a priority; the smaller number is asked first, as in the order of a list."""

    @property
    def id(self) -> RuleId: ...
    @property
    def priority(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that fits: which, where in the message, the piece it fits (shortened), and why that matters."""

    kind: RuleKind
    rule_id: RuleId
    where: Where
    piece: str
    why: Reason


def id_key(rule_id: RuleId) -> tuple[int, int, str]:
    """Numbers before texts, each in their own order: the same for whatever order rules come in."""
    return (0, rule_id, "") if isinstance(rule_id, int) else (1, 0, rule_id)


def rank(rule: PatternRule) -> tuple[int, tuple[int, int, str]]:
    """The order in which rules are asked: by priority, then by id."""
    return rule.priority, id_key(rule.id)


R = TypeVar("R", bound=PatternRule)


@dataclass(frozen=True, slots=True)
class Ordered(Generic[R]):
    """Rules in the order in which they are asked, each with its pattern, and all patterns as one set."""

    rules: tuple[R, ...]
    patterns: tuple[Pattern, ...]
    together: PatternSet

    def matching(self, text: bytes) -> Sequence[int]:
        """The places of the rules whose pattern is in the text; the first is asked first."""
        return self.together.matching(text) if self.rules else ()


def put_in_order(compiled: Iterable[tuple[R, Pattern]]) -> Ordered[R]:
    """Two rules with the same priority and id keep a stable order by their pattern's text."""
    pairs = sorted(compiled, key=lambda pair: (rank(pair[0]), pair[1].text))
    patterns = tuple(pattern for _rule, pattern in pairs)
    return Ordered(tuple(rule for rule, _pattern in pairs), patterns, PatternSet(patterns))


def unreadable(rule_id: RuleId, error: Exception) -> Reason:
    """A note for a rule that was stored although it can't be read: it is left out, and every decision says so."""
    return reason(Code.RULE_UNREADABLE, rule=rule_id, error=str(error))


def pattern_problems(field: str, text: str, mode: PatternMode, *, case_sensitive: bool = False) -> list[Problem]:
    """One problem with the place of the error, or none."""
    try:
        compile_pattern(text, mode=mode, case_sensitive=case_sensitive)
    except BadPattern as error:
        said = sentence(gettext_noop("Character %(place)d: %(reason)s."), place=error.position + 1, reason=error.reason)
        return [(field, said)]
    return []


def common_problems(priority: int, **texts: str) -> list[Problem]:
    """Priorities and free texts (descriptions, explanations) within their limits."""
    found: list[Problem] = []
    if not 0 <= priority <= MAX_PRIORITY:
        found.append(("priority", sentence(gettext_noop("From 0 to %(most)d."), most=MAX_PRIORITY)))
    for field, text in texts.items():
        if len(text) > MAX_TEXT:
            found.append((field, sentence(gettext_noop("Longer than %(most)d characters."), most=MAX_TEXT)))
        elif "\0" in text:
            found.append((field, Sentence(gettext_noop("It has a character that can't be kept."))))
    return found
