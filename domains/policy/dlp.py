"""Rules against leaks (DLP): expressions for what must not leave, per domain of the sender; outgoing mail only.

A rule looks at the sender (envelope, From and Sender), the recipients (envelope, To and Cc) or the content (subject,
textual bodies, names and texts of attachments), as it says. Its domain is compared with the envelope sender's, or
From's when that is empty; sub-domains have rules of their own. Every rule that fits speaks, in the order of priority
and id. What couldn't be read whole can't be looked through: `unread` names it, and it is kept back as a leak.

Source: james.md §14. Unlike there, case doesn't matter unless the rule says so: “Secret” is a secret as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domains.policy.canonical import BadForm, canonical_domain, fold_address
from domains.policy.facts import Facts, Mailbox, Text, Where
from domains.policy.patterns import BadPattern, Pattern, PatternMode, compile_pattern, encode
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

MODES = frozenset({PatternMode.REGEX, PatternMode.WILDCARD, PatternMode.TEXT})
UNREAD = frozenset({"size", "parts", "depth", "text"})  # of `facts.incomplete`
_TARGETS = ("targets_sender", "targets_recipients", "targets_content")


@dataclass(frozen=True, slots=True)
class DlpRule:
    id: RuleId
    sender_domain: str
    expression: str
    explanation: str = ""
    targets_sender: bool = False
    targets_recipients: bool = False
    targets_content: bool = False
    mode: PatternMode = PatternMode.REGEX
    case_sensitive: bool = False
    priority: int = 1


def dlp_problems(rule: DlpRule) -> list[Problem]:
    """What keeps the rule from being stored."""
    found = common_problems(rule.priority, explanation=rule.explanation)
    if isinstance(rule.id, str) and not (0 < len(rule.id) <= 200 and rule.id.isprintable()):
        found.append(("id", Sentence(gettext_noop("An id has 1 to 200 visible characters."))))
    try:
        canonical_domain(rule.sender_domain)
    except BadForm as error:
        found.append(("sender_domain", error.reason))
    if not any(getattr(rule, target) for target in _TARGETS):
        found.append(("targets_content", Sentence(gettext_noop("Choose what it looks at."))))
    if rule.mode not in MODES:
        return [*found, ("mode", Sentence(gettext_noop("Only for links.")))]
    return found + pattern_problems("expression", rule.expression, rule.mode, case_sensitive=rule.case_sensitive)


class DlpIndex:
    """All rules against leaks that may concern a message, by the sender's domain and what they look at."""

    def __init__(self, rules: Iterable[DlpRule]) -> None:
        self.notes: list[Reason] = []
        compiled: dict[tuple[str, str], list[tuple[DlpRule, Pattern]]] = {}
        for rule in rules:
            try:
                domain = canonical_domain(rule.sender_domain)
                pattern = compile_pattern(rule.expression, mode=rule.mode, case_sensitive=rule.case_sensitive)
            except (BadForm, BadPattern) as error:
                self.notes.append(unreadable(rule.id, error))
                continue
            for target in _TARGETS:
                if getattr(rule, target):
                    compiled.setdefault((domain, target), []).append((rule, pattern))
        self._ordered = {key: put_in_order(pairs) for key, pairs in compiled.items()}

    def reads_content(self, facts: Facts) -> bool:
        """Whether a rule looks at what this message says."""
        return (sender_domain(facts), "targets_content") in self._ordered

    def unread(self, facts: Facts) -> tuple[str, ...]:
        """What nobody could look through although a rule looks at what this message says."""
        return tuple(each for each in facts.incomplete if each in UNREAD) if self.reads_content(facts) else ()

    def judge(self, facts: Facts) -> list[Match]:
        """The rules that fit, each once, in order."""
        domain = sender_domain(facts)
        looked_at = (("targets_sender", _sender), ("targets_recipients", _recipients), ("targets_content", _content))
        found: dict[tuple[RuleId, str], tuple[DlpRule, Match]] = {}
        for target, texts in looked_at:
            ordered = self._ordered.get((domain, target))
            if ordered is not None:
                for rule, match in _matches(ordered, texts(facts)):
                    found.setdefault((rule.id, rule.expression), (rule, match))
        in_order = sorted(found.values(), key=lambda pair: (rank(pair[0]), pair[0].expression))
        return [match for _rule, match in in_order]


def sender_domain(facts: Facts) -> str:
    """Whose rules these are: the envelope sender's domain, or From's when the envelope has none."""
    domain = fold_address(facts.envelope_sender).domain
    if not domain and facts.header_from:
        domain = fold_address(facts.header_from[0].address).domain
    return domain


def _matches(ordered: Ordered[DlpRule], texts: Iterator[Text]) -> Iterator[tuple[DlpRule, Match]]:
    for text in texts:
        raw = encode(text.text)  # whole: what was cut off is cut off by `reading`, which says so
        for place in ordered.matching(raw):
            rule = ordered.rules[place]
            piece = ordered.patterns[place].find(raw) or ""
            data = {"piece": piece, "explanation": rule.explanation}
            yield rule, Match(RuleKind.DLP, rule.id, text.where, piece, reason(Code.LEAK, **data))


def _sender(facts: Facts) -> Iterator[Text]:
    yield Text(Where.ENVELOPE_SENDER, facts.envelope_sender)
    yield from _entries(Where.HEADER_FROM, facts.header_from)
    yield from _entries(Where.HEADER_SENDER, facts.header_sender)


def _recipients(facts: Facts) -> Iterator[Text]:
    for recipient in facts.recipients:
        yield Text(Where.RECIPIENT, recipient)
    yield from _entries(Where.RECIPIENT, facts.header_recipients)


def _entries(where: Where, entries: Iterable[Mailbox]) -> Iterator[Text]:
    for entry in entries:
        yield Text(where, f"{entry.name} <{entry.address}>" if entry.name else entry.address)


def _content(facts: Facts) -> Iterator[Text]:
    yield Text(Where.SUBJECT, facts.subject)
    yield from facts.texts
    for attachment in facts.attachments:
        for name in attachment.names:
            yield Text(Where.ATTACHMENT_NAME, name)
