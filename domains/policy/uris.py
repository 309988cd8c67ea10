"""URI rules: links that change the spam score, and links for which block lists aren't asked.

`uridnsbl_skip_domain` takes off what block lists added because of such a link; `whitelist_uri_host` lowers the score by
100 and `blacklist_uri_host` raises it by 100, each once per message (as SpamAssassin's URI_HOST_IN_WHITELIST and
URI_HOST_IN_BLACKLIST do). For each link the rules are asked in order (priority, then id), and the first that fits is
the one that counts.

A filter is compared with the link's host (`example.org`), or with the whole link when it has a slash in it. The mode
`domain` means a host and everything below it, which is what most people want: as an expression `example.org` also fits
`example.org.evil.net`.

Source: cleanmail.md §5.10, §6.29-6.30.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domains.policy.canonical import fold_domain
from domains.policy.facts import Uri, Where
from domains.policy.patterns import BadPattern, Pattern, PatternMode, compile_pattern, encode, shorten
from domains.policy.reasons import Code, Reason, reason
from domains.policy.rules import (
    Match,
    Ordered,
    Problem,
    RuleId,
    RuleKind,
    common_problems,
    pattern_problems,
    put_in_order,
    rank,
    unreadable,
)

LISTED_SCORE = 100.0
MAX_URI = 2000


class UriAction(StrEnum):
    SKIP = "uridnsbl_skip_domain"
    ALLOW = "whitelist_uri_host"
    BLOCK = "blacklist_uri_host"


_CODES = {UriAction.SKIP: Code.URI_SKIPPED, UriAction.ALLOW: Code.URI_ALLOWED, UriAction.BLOCK: Code.URI_BLOCKED}


@dataclass(frozen=True, slots=True)
class UriRule:
    """Case never matters in `filter`."""

    id: RuleId
    action: UriAction
    filter: str
    mode: PatternMode = PatternMode.REGEX
    priority: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True)
class UriVerdict:
    """The links that rules fit, and by how much the spam score changes in all."""

    matches: tuple[Match, ...] = ()
    change: float = 0.0


def uri_problems(rule: UriRule) -> list[Problem]:
    """What keeps the rule from being stored."""
    return common_problems(rule.priority, description=rule.description) + pattern_problems(
        "filter", rule.filter, rule.mode
    )


class UriIndex:
    """All URI rules that may concern a message, by what they are compared with."""

    def __init__(self, rules: Iterable[UriRule]) -> None:
        self.notes: list[Reason] = []
        hosts: list[tuple[UriRule, Pattern]] = []
        wholes: list[tuple[UriRule, Pattern]] = []
        for rule in rules:
            try:
                pattern = compile_pattern(rule.filter, mode=rule.mode)
            except BadPattern as error:
                self.notes.append(unreadable(rule.id, error))
                continue
            whole = "/" in rule.filter and rule.mode is not PatternMode.DOMAIN
            (wholes if whole else hosts).append((rule, pattern))
        self._hosts = put_in_order(hosts)
        self._wholes = put_in_order(wholes)

    def rule_for(self, uri: Uri) -> tuple[UriRule, Where, str] | None:
        """The rule that counts for this link, and what of it fits."""
        host, whole = fold_domain(uri.host), uri.full[:MAX_URI]
        candidates = [
            (rule, where, text)
            for ordered, where, text in ((self._hosts, Where.URI_HOST, host), (self._wholes, Where.URI, whole))
            if (rule := _first(ordered, text)) is not None
        ]
        return min(candidates, key=lambda candidate: rank(candidate[0]), default=None)

    def judge(self, uris: Sequence[Uri]) -> UriVerdict:
        if not (self._hosts.rules or self._wholes.rules):
            return UriVerdict()
        matches: dict[tuple[RuleId, str], Match] = {}
        counted: set[UriAction] = set()
        total = 0.0
        for uri in uris:
            found = self.rule_for(uri)
            if found is None:
                continue
            rule, where, text = found
            change = _change(rule.action, uri, counted)
            counted.add(rule.action)
            total += change
            why = reason(_CODES[rule.action], piece=shorten(text), change=change)
            matches.setdefault((rule.id, text), Match(RuleKind.URI, rule.id, where, shorten(text), why))
        return UriVerdict(tuple(matches.values()), total)


def _first(ordered: Ordered[UriRule], text: str) -> UriRule | None:
    places = ordered.matching(encode(text)) if text else ()
    return ordered.rules[places[0]] if places else None


def _change(action: UriAction, uri: Uri, counted: set[UriAction]) -> float:
    if action is UriAction.SKIP:
        return -uri.listed_score if math.isfinite(uri.listed_score) else 0.0
    if action in counted:
        return 0.0
    return LISTED_SCORE if action is UriAction.BLOCK else -LISTED_SCORE
