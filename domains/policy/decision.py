"""What `evaluate` answers: the category, what happens, how long what is kept, and everything that spoke.

Plain data, comparable with ==. `as_data` makes JSON of it for storage and the API. Not for deciding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domains.policy.reasons import Reason
from domains.policy.rules import Match


class Category(StrEnum):
    """What a message is, worst first: of several that keep it from being delivered, the first decides."""

    NOT_SERVED = "not_served"
    TOO_BIG = "too_big"
    VIRUS = "virus"
    BLOCKED_SENDER = "blocked_sender"
    DLP = "dlp"
    SENDER_VERIFY = "sender_verify"
    BAD_ATTACHMENT = "bad_attachment"
    SPAM = "spam"
    BAD_HEADERS = "bad_headers"
    BAD_ENCODING = "bad_encoding"
    ADVERT = "advert"
    CLEAN = "clean"


ORDER: dict[Category, int] = {category: place for place, category in enumerate(Category)}


class Action(StrEnum):
    """DELIVER on, HOLD in quarantine, or REFUSE while the sender's server is still there (SMTP 5xx)."""

    DELIVER = "deliver"
    HOLD = "hold"
    REFUSE = "refuse"


class Unit(StrEnum):
    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how long something is kept from now on. `by_copy`: from the mailbox it reaches, not in passing (archive)."""

    amount: int
    unit: Unit
    by_copy: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that spoke: what it makes of the message, why, by which rule (None: no rule, the policy or a scanner).

    `action` is what would happen if only this had spoken. `overruled` says why it doesn't count, `decides` that it is
    the one that settled the matter.
    """

    category: Category
    why: Reason
    action: Action
    match: Match | None = None
    overruled: Reason | None = None
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one message for one recipient (outgoing: for the sender).

    `findings` has exactly one that decides, and the order in which they were weighed. `subject_prefix` is empty unless
    it is delivered with one. `spam_score` is after the URI rules. `notes` are worth knowing and change nothing.
    """

    category: Category
    action: Action
    findings: tuple[Finding, ...]
    subject_prefix: str = ""
    quarantine: Keeping | None = None
    retention: Keeping | None = None
    archive: Keeping | None = None
    spam_score: float | None = None
    notes: tuple[Reason, ...] = ()

    @property
    def decided_by(self) -> Finding:
        return next(finding for finding in self.findings if finding.decides)

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "category": self.category.value,
            "action": self.action.value,
            "subject_prefix": self.subject_prefix,
            "quarantine": _keeping(self.quarantine),
            "retention": _keeping(self.retention),
            "archive": _keeping(self.archive),
            "spam_score": self.spam_score,
            "findings": [_finding(finding) for finding in self.findings],
            "notes": [_reason(note) for note in self.notes],
        }


def _keeping(keeping: Keeping | None) -> dict[str, Any] | None:
    if keeping is None:
        return None
    return {"amount": keeping.amount, "unit": keeping.unit.value, "by_copy": keeping.by_copy}


def _reason(why: Reason) -> dict[str, Any]:
    return {"code": why.code.value, "data": dict(why.data)}


def _finding(finding: Finding) -> dict[str, Any]:
    match = finding.match
    return {
        "category": finding.category.value,
        "action": finding.action.value,
        "decides": finding.decides,
        "why": _reason(finding.why),
        "overruled": None if finding.overruled is None else _reason(finding.overruled),
        "rule": None if match is None else {"kind": match.kind.value, "id": match.rule_id},
        "where": None if match is None else match.where.value,
        "piece": None if match is None else match.piece,
    }
