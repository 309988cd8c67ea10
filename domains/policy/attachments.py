"""Attachment rules: allow or deny by the name or the content type of an attachment, or of a file inside an archive.

For each attachment, and for each file inside one, the rules are asked in order (priority, then id); the first that fits
decides, so an ALLOW before a DENY is an exception. A DENY fits when any of the names (or types) the message gives the
file fits, an ALLOW only when all do: a file that is called two things is what the worse name says. Names are also
compared as they look to a person: NFKC, without invisible characters, without dots and spaces at the end.

Source: cleanmail.md §5.8, §6.25.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domains.policy.facts import ArchiveEntry, Attachment, Where
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
from domains.policy.sentences import Sentence, gettext_noop

MAX_NAME = 1000
MODES = frozenset({PatternMode.REGEX, PatternMode.WILDCARD, PatternMode.TEXT})


class AttachmentAction(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


class Check(StrEnum):
    """What the filter is compared with: Cleanmail's `checkType`."""

    FILENAME = "filename"
    CONTENT_TYPE = "contenttype"
    ARCHIVE_FILENAME = "archive-filename"
    ARCHIVE_CONTENT_TYPE = "archive-contenttype"


_WHERE = {
    Check.FILENAME: Where.ATTACHMENT_NAME,
    Check.CONTENT_TYPE: Where.ATTACHMENT_TYPE,
    Check.ARCHIVE_FILENAME: Where.ARCHIVE_NAME,
    Check.ARCHIVE_CONTENT_TYPE: Where.ARCHIVE_TYPE,
}


@dataclass(frozen=True, slots=True)
class AttachmentRule:
    """Case never matters in `filter`."""

    id: RuleId
    action: AttachmentAction
    check: Check
    filter: str
    mode: PatternMode = PatternMode.REGEX
    priority: int = 1
    description: str = ""


def attachment_problems(rule: AttachmentRule) -> list[Problem]:
    """What keeps the rule from being stored."""
    found = common_problems(rule.priority, description=rule.description)
    if rule.mode not in MODES:
        return [*found, ("mode", Sentence(gettext_noop("Only for links.")))]
    return found + pattern_problems("filter", rule.filter, rule.mode)


class AttachmentIndex:
    """All attachment rules that may concern a message, by what they check."""

    def __init__(self, rules: Iterable[AttachmentRule]) -> None:
        self.notes: list[Reason] = []
        compiled: dict[Check, list[tuple[AttachmentRule, Pattern]]] = {check: [] for check in Check}
        for rule in rules:
            try:
                pattern = compile_pattern(rule.filter, mode=rule.mode)
            except BadPattern as error:
                self.notes.append(unreadable(rule.id, error))
                continue
            compiled[rule.check].append((rule, pattern))
        self._ordered = {check: put_in_order(pairs) for check, pairs in compiled.items() if pairs}

    def judge(self, attachments: Sequence[Attachment]) -> list[Match]:
        """For each file that a rule fits, the rule that decides it; denied ones first."""
        if not self._ordered:
            return []
        seen = {(match.rule_id, match.where, match.piece): match for match in self._found(attachments)}
        return sorted(seen.values(), key=lambda match: match.why.code is Code.ATTACHMENT_ALLOWED)

    def _found(self, attachments: Sequence[Attachment]) -> Iterator[Match]:
        for attachment in attachments:
            types = (attachment.content_type, attachment.declared_type)
            yield from self._first((Check.FILENAME, attachment.names), (Check.CONTENT_TYPE, types))
            for entry in attachment.entries:
                yield from self._first_inside(entry)

    def _first_inside(self, entry: ArchiveEntry) -> Iterator[Match]:
        return self._first((Check.ARCHIVE_FILENAME, (entry.name,)), (Check.ARCHIVE_CONTENT_TYPE, (entry.content_type,)))

    def _first(self, *checks: tuple[Check, Sequence[str]]) -> Iterator[Match]:
        """The rule that decides one file, if any does."""
        best: tuple[AttachmentRule, str] | None = None
        label = next((text for _check, texts in checks for text in texts if text), "")
        for check, texts in checks:
            ordered = self._ordered.get(check)
            found = _first_fitting(ordered, _forms(texts, check)) if ordered is not None else None
            if found is not None and (best is None or rank(found[0]) < rank(best[0])):
                best = found
        if best is not None:
            rule, piece = best
            denied = rule.action is AttachmentAction.DENY
            code = Code.ATTACHMENT_DENIED if denied else Code.ATTACHMENT_ALLOWED
            why = reason(code, piece=shorten(label))
            yield Match(RuleKind.ATTACHMENT, rule.id, _WHERE[rule.check], shorten(piece), why)


def _first_fitting(ordered: Ordered[AttachmentRule], forms: list[tuple[str, ...]]) -> tuple[AttachmentRule, str] | None:
    """The first rule that fits a file with these names (or types), and the text it fits."""
    fits: dict[int, dict[int, str]] = {}
    for number, views in enumerate(forms):
        for view in views:
            for place in ordered.matching(encode(view)):
                fits.setdefault(place, {}).setdefault(number, view)
    for place in sorted(fits):
        rule = ordered.rules[place]
        if rule.action is AttachmentAction.DENY or len(fits[place]) == len(forms):
            return rule, min(fits[place].items())[1]
    return None


def _forms(texts: Sequence[str], check: Check) -> list[tuple[str, ...]]:
    """Each different text as it is and as it looks; inside an archive with its folders and without, either may fit."""
    forms: dict[str, None] = {}
    for text in texts:
        if text:
            forms[text[:MAX_NAME]] = None
            forms[visible(text[:MAX_NAME])] = None
    if check is not Check.ARCHIVE_FILENAME:
        return [(form,) for form in forms]
    return [(form, form.replace("\\", "/").rstrip("/").rpartition("/")[2]) for form in forms]


def visible(name: str) -> str:
    """The name as a person sees it and as Windows opens it."""
    if name.isascii() and name.isprintable():
        return name.rstrip(". ")
    composed = unicodedata.normalize("NFKC", name)
    return "".join(part for part in composed if unicodedata.category(part) not in ("Cf", "Cc", "Cs")).rstrip(". ")
