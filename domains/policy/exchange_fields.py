"""The fields of each kind of rule in files: their names, how a cell or a JSON value is read, and how it is written.

Not for files as a whole: that is `exchange`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from domains.policy.attachments import AttachmentAction, AttachmentRule, Check, attachment_problems
from domains.policy.canonical import BadForm
from domains.policy.dlp import DlpRule, dlp_problems
from domains.policy.patterns import PatternMode
from domains.policy.rules import Problem, RuleKind
from domains.policy.senders import SenderRule, SenderType, parse_owner, parse_value, sender_problems
from domains.policy.sentences import Sentence, gettext_noop, sentence
from domains.policy.uris import UriAction, UriRule, uri_problems

Rule = SenderRule | AttachmentRule | UriRule | DlpRule


class BadCell(ValueError):
    """Not a value of this field; `reason` says why."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Column:
    """A field in a file. `names`: its own, then the manual's (JSON is written with the last).

    `may_be_given`: it may be missing when the whole file belongs to one owner.
    """

    names: tuple[str, ...]
    read: Callable[[Any], Any]
    required: bool = False
    may_be_given: bool = False

    @property
    def name(self) -> str:
        return self.names[0]

    def as_json(self, rule: Rule) -> Any:
        value = getattr(rule, self.name)
        return value.isoformat() if isinstance(value, datetime) else value

    def as_cell(self, rule: Rule) -> str:
        value = self.as_json(rule)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "" if value is None else str(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise BadCell(Sentence(gettext_noop("A text.")))


def _id(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


_YES, _NO = frozenset({"yes", "true", "1", "on", "x"}), frozenset({"no", "false", "0", "off"})


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise BadCell(Sentence(gettext_noop("Yes or no.")))
    return word in _YES


def _number(value: Any) -> int:
    if isinstance(value, str) and len(value) <= 20 and value.strip().removeprefix("-").isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadCell(Sentence(gettext_noop("A whole number.")))


def _moment(value: Any) -> datetime:
    """ISO 8601; without a zone it is UTC, a number is milliseconds since 1970 (as in the manual's samples)."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        moment = datetime.fromisoformat(_text(value).strip())
    except (ValueError, OverflowError, OSError) as error:
        raise BadCell(Sentence(gettext_noop("A date such as 2026-12-31 or 2026-12-31T18:00:00+01:00."))) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _one_of(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    by_name = {member.value.lower(): member for member in kind}

    def read(value: Any) -> StrEnum:
        found = by_name.get(_text(value).strip().lower())
        if found is None:
            known = ", ".join(member.value for member in kind)
            raise BadCell(sentence(gettext_noop("One of: %(known)s."), known=known))
        return found

    return read


_PRIORITY = Column(("priority",), _number)
_MODE = Column(("mode",), _one_of(PatternMode))
_FILTER = Column(("filter",), _text, required=True)
_DESCRIPTION = Column(("description",), _text)
_COLUMNS: dict[RuleKind, tuple[Column, ...]] = {
    RuleKind.SENDER: (
        Column(("type",), _one_of(SenderType), required=True),
        Column(("value",), _text, required=True),
        Column(("owner",), _text, required=True, may_be_given=True),
        Column(("subdomains",), _flag),
        Column(("expires_at", "expireAt"), _moment),
        Column(("spf_required", "spfOn"), _flag),
        Column(("display_name", "displayName"), _text),
        _DESCRIPTION,
    ),
    RuleKind.ATTACHMENT: (
        Column(("action",), _one_of(AttachmentAction), required=True),
        Column(("check", "checkType"), _one_of(Check), required=True),
        _FILTER,
        _MODE,
        _PRIORITY,
        _DESCRIPTION,
    ),
    RuleKind.URI: (Column(("action",), _one_of(UriAction), required=True), _FILTER, _MODE, _PRIORITY, _DESCRIPTION),
    RuleKind.DLP: (
        Column(("id",), _id, required=True),
        Column(("sender_domain", "senderDomain"), _text, required=True, may_be_given=True),
        Column(("expression",), _text, required=True),
        Column(("explanation",), _text),
        Column(("targets_sender", "targetsSender"), _flag),
        Column(("targets_recipients", "targetsRecipients"), _flag),
        Column(("targets_content", "targetsContent"), _flag),
        _MODE,
        Column(("case_sensitive", "caseSensitive"), _flag),
        _PRIORITY,
    ),
}


def columns_of(kind: RuleKind) -> tuple[Column, ...]:
    return _COLUMNS[kind]


_MAKERS: dict[RuleKind, Callable[..., Rule]] = {
    RuleKind.SENDER: SenderRule,
    RuleKind.ATTACHMENT: AttachmentRule,
    RuleKind.URI: UriRule,
    RuleKind.DLP: DlpRule,
}


def make(kind: RuleKind, line: int, values: dict[str, Any]) -> Rule:
    """The rule; its id is the line where it has none of its own."""
    return _MAKERS[kind](**{"id": line, **values})


def problems_of(rule: Rule) -> list[Problem]:
    match rule:
        case SenderRule():
            return sender_problems(rule)
        case AttachmentRule():
            return attachment_problems(rule)
        case UriRule():
            return uri_problems(rule)
        case DlpRule():
            return dlp_problems(rule)


def identity(rule: Rule) -> object:
    """What makes two rules the same one, for rules without problems."""
    match rule:
        case SenderRule():
            try:
                value = str(parse_value(rule.value, subdomains=rule.subdomains))
                return rule.type, value, parse_owner(rule.owner), rule.display_name
            except BadForm:
                return rule.type, rule.value, rule.owner, rule.display_name
        case AttachmentRule():
            return rule.action, rule.check, rule.filter, rule.mode
        case UriRule():
            return rule.action, rule.filter, rule.mode
        case DlpRule():
            return rule.sender_domain.lower(), rule.id
