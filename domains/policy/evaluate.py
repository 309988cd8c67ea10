"""The decision itself: `evaluate(facts, policy, book, recipient) -> Decision`. Pure, deterministic, never raises.

Everything that speaks is collected as a finding, whatever else has spoken, so that a page can show it all. Then:

1. an ALLOW of the sender overrules what is doubt (failed verification, spam, broken headers or encoding, advertising),
   never what is danger or size (virus, leak, forbidden attachment, too big), nor an impersonation; only the domain's
   own ALLOW that requires SPF and got it vouches for somebody who writes in a protected name;
2. of the findings that count and keep it from being delivered, the one whose category is worst decides
   (`decision.Category` has the order); without any, the worst of those that deliver it with a mark; else it is clean.

Not for: what to say in SMTP, where to keep it, dates (the answer has durations).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from domains.policy.book import RuleBook
from domains.policy.canonical import fold_address
from domains.policy.decision import ORDER, Action, Category, Decision, Finding, Keeping, Unit
from domains.policy.facts import Direction, Facts, SenderVerify
from domains.policy.patterns import shorten
from domains.policy.policy import MB, Policy
from domains.policy.reasons import Code, Reason, reason
from domains.policy.senders import ListPriority, SenderRule, SenderType, Verdict

_OVERRULED_BY_ALLOW = frozenset(
    {Category.SENDER_VERIFY, Category.SPAM, Category.BAD_HEADERS, Category.BAD_ENCODING, Category.ADVERT}
)
_IMPERSONATIONS = frozenset(
    {
        Code.IMPERSONATES_ADDRESS,
        Code.SHOWS_PROTECTED_ADDRESS,
        Code.SHOWS_PROTECTED_NAME,
        Code.LOOKS_LIKE_PROTECTED,
    }
)
_MAX_SCORE = 1e6
_NEVER_ARCHIVED = frozenset({Category.NOT_SERVED, Category.TOO_BIG, Category.VIRUS, Category.DLP})


@dataclass(frozen=True, slots=True)
class Recipient:
    """For whom: the mailbox's own address (not the alias that was written to), and what its domain has set."""

    address: str
    list_priority: ListPriority = ListPriority.USER
    sender_verify: bool = True


def evaluate(facts: Facts, policy: Policy, book: RuleBook, recipient: Recipient) -> Decision:
    """What happens to this message for this recipient; for outgoing mail, under its sender's policy."""
    weighing = _Weighing(facts, policy, book, recipient)
    if facts.direction is Direction.INCOMING:
        weighing.weigh_incoming()
    else:
        weighing.weigh_outgoing()
    return weighing.decision()


class _Weighing:
    """One message being judged: findings and notes as they come."""

    def __init__(self, facts: Facts, policy: Policy, book: RuleBook, recipient: Recipient) -> None:
        self.facts, self.policy, self.book, self.recipient = facts, policy, book, recipient
        self.findings: list[Finding] = []
        self.notes: list[Reason] = list(book.notes)
        self.score: float | None = None

    def weigh_incoming(self) -> None:
        verdict = self._senders()
        self._always(served=self.policy.incoming)
        self._impersonation(verdict)
        self._sender_verify()
        self._spam()
        facts = self.facts
        if facts.bad_headers:
            self._add(Category.BAD_HEADERS, reason(Code.BAD_HEADERS, names=_names(facts.bad_headers)))
        if facts.bad_encoding:
            self._add(Category.BAD_ENCODING, reason(Code.BAD_ENCODING, names=_names(facts.bad_encoding)))
        if facts.advert_signs:
            self._add(Category.ADVERT, reason(Code.ADVERT, names=_names(facts.advert_signs)))
        if verdict.winner is not None and verdict.winner.rule.type is SenderType.ALLOW:
            self._overrule(verdict.winner.rule)

    def weigh_outgoing(self) -> None:
        self._always(served=self.policy.outgoing)
        for match in self.book.dlp.judge(self.facts):
            self.findings.append(Finding(Category.DLP, match.why, self._action(Category.DLP), match))
        if unread := self.book.dlp.unread(self.facts):
            self._add(Category.DLP, reason(Code.NOT_ALL_READ, names=_names(unread)))
        self._author_verify()
        self._spam()
        broken = self.facts.bad_headers + self.facts.bad_encoding
        if broken:
            self.notes.append(reason(Code.ONLY_NOTED_OUTGOING, names=_names(broken)))

    def _add(self, category: Category, why: Reason) -> None:
        self.findings.append(Finding(category, why, self._action(category)))

    def _senders(self) -> Verdict:
        mailbox = fold_address(self.recipient.address)
        verdict = self.book.senders.judge(self.facts, mailbox, self.recipient.list_priority)
        self.notes.extend(verdict.notes)
        spoke = [] if verdict.winner is None else [(verdict.winner, None), *verdict.beaten]
        for choice, beaten in spoke:
            blocks = choice.rule.type is SenderType.BLOCK
            category = Category.BLOCKED_SENDER if blocks else Category.CLEAN
            self.findings.append(
                Finding(category, choice.match.why, self._action(category), choice.match, overruled=beaten)
            )
        return verdict

    def _always(self, *, served: bool) -> None:
        """What is asked of every message, in both directions."""
        facts, policy = self.facts, self.policy
        if not served:
            self._add(Category.NOT_SERVED, reason(Code.SERVICE_OFF))
        if facts.size_bytes > policy.mail_size_limit_mb * MB:
            why = reason(Code.TOO_BIG, size_bytes=facts.size_bytes, limit_mb=policy.mail_size_limit_mb)
            self._add(Category.TOO_BIG, why)
        if facts.virus_names:
            self._add(Category.VIRUS, reason(Code.VIRUS, names=_names(facts.virus_names)))
        for match in self.book.attachments.judge(facts.attachments):
            denied = match.why.code is Code.ATTACHMENT_DENIED
            category = Category.BAD_ATTACHMENT if denied else Category.CLEAN
            self.findings.append(Finding(category, match.why, self._action(category), match))
        unread = [each for each in facts.incomplete if each.startswith("archive-")]
        if unread and not policy.relay_props.relay_unread_archives:
            self._add(Category.BAD_ATTACHMENT, reason(Code.ARCHIVE_UNREAD, names=_names(unread)))
        if facts.incomplete:
            self.notes.append(reason(Code.NOT_ALL_READ, names=_names(facts.incomplete)))

    def _impersonation(self, verdict: Verdict) -> None:
        matches, notes = self.book.protected.judge(self.facts, fold_address(self.recipient.address))
        self.notes.extend(notes)
        voucher = _voucher(verdict)
        for match in matches:
            overruled = None if voucher is None else reason(Code.BEATEN_BY_ALLOW, rule=voucher.id)
            action = self._action(Category.SENDER_VERIFY)
            self.findings.append(Finding(Category.SENDER_VERIFY, match.why, action, match, overruled))

    def _sender_verify(self) -> None:
        if self.facts.sender_verify is not SenderVerify.FAILED:
            return
        if self.recipient.sender_verify:
            why = reason(Code.SENDER_UNVERIFIED, piece=shorten(self.facts.envelope_sender))
            self._add(Category.SENDER_VERIFY, why)
        else:
            self.notes.append(reason(Code.VERIFY_OFF))

    def _author_verify(self) -> None:
        """In outgoing mail: whether the person may write as From says."""
        if self.facts.sender_verify is not SenderVerify.FAILED:
            return
        if self.recipient.sender_verify:
            piece = shorten(", ".join(each.address for each in self.facts.header_from))
            self._add(Category.SENDER_VERIFY, reason(Code.NOT_THEIR_ADDRESS, piece=piece))
        else:
            self.notes.append(reason(Code.VERIFY_OFF))

    def _spam(self) -> None:
        """The score with what the URI rules change, and whether that is spam."""
        score = self.facts.spam_score
        if score is None or not math.isfinite(score):
            self.notes.append(reason(Code.NO_SCORE))
            score = None
        verdict = self.book.uris.judge(self.facts.uris)
        for match in verdict.matches:
            self.findings.append(Finding(Category.CLEAN, match.why, Action.DELIVER, match))
        if score is not None or verdict.matches:
            self.score = max(-_MAX_SCORE, min((score or 0.0) + verdict.change, _MAX_SCORE))
        if self.score is not None and self.score >= self.policy.spam_score:
            self._add(Category.SPAM, reason(Code.SPAM, score=self.score, limit=self.policy.spam_score))

    def _overrule(self, rule: SenderRule) -> None:
        why = reason(Code.BEATEN_BY_ALLOW, rule=rule.id)
        self.findings = [
            replace(finding, overruled=why)
            if finding.category in _OVERRULED_BY_ALLOW
            and finding.overruled is None
            and finding.why.code not in _IMPERSONATIONS
            else finding
            for finding in self.findings
        ]

    def _action(self, category: Category) -> Action:
        """What the policy does with a message of this category."""
        if category is Category.CLEAN:
            return Action.DELIVER
        if self.facts.direction is Direction.INCOMING and self._relays(category):
            return Action.DELIVER
        return Action.HOLD if self.policy.quarantine and self._stores(category) else Action.REFUSE

    def _relays(self, category: Category) -> bool:
        relay = self.policy.relay_props
        if category is Category.SPAM:
            return relay.relay_spam and self.score is not None and self.score < relay.spam_score_limit
        return {
            Category.ADVERT: relay.relay_advert,
            Category.BAD_HEADERS: relay.relay_bad_headers,
            Category.BAD_ATTACHMENT: relay.relay_bad_attachments,
        }.get(category, False)

    def _stores(self, category: Category) -> bool:
        store = self.policy.quarantine_props
        return {
            Category.SPAM: store.store_spam,
            Category.VIRUS: store.store_virus,
            Category.ADVERT: store.store_advert,
            Category.BLOCKED_SENDER: store.store_blacklisted,
            Category.SENDER_VERIFY: store.store_sender_verify,
            Category.BAD_HEADERS: store.store_bad_headers,
            Category.BAD_ENCODING: store.store_bad_encoding,
            Category.BAD_ATTACHMENT: store.store_bad_attachments,
            # The manual has no switch; a leak is for an administrator to look at, not for the sender to send again.
            Category.DLP: True,
        }.get(category, False)

    def decision(self) -> Decision:
        findings = sorted(self.findings, key=lambda finding: ORDER[finding.category])
        place = _decider(findings)
        if place == len(findings):
            findings.append(Finding(Category.CLEAN, reason(Code.CLEAN), Action.DELIVER))
        findings[place] = replace(findings[place], decides=True)
        category, action = findings[place].category, findings[place].action
        found = {finding.category for finding in findings if finding.overruled is None} - {Category.CLEAN}
        holds, days = action is Action.HOLD, self.policy.quarantine_props.duration_days
        return Decision(
            category=category,
            action=action,
            findings=tuple(findings),
            subject_prefix=self._prefix(found) if action is Action.DELIVER else "",
            quarantine=Keeping(days, Unit.DAYS) if holds else None,
            retention=self._retention(category, action),
            archive=self._archive(found, action),
            spam_score=self.score,
            notes=tuple(self.notes),
        )

    def _prefix(self, found: set[Category]) -> str:
        if Category.SPAM in found and self.policy.relay_props.prefix_spam:
            return self.policy.relay_props.prefix_spam
        return self.policy.relay_props.advert_prefix if Category.ADVERT in found else ""

    def _retention(self, category: Category, action: Action) -> Keeping | None:
        props = self.policy.retention_props
        incoming = self.facts.direction is Direction.INCOMING
        wanted = props.store_clean_mail_in and category is Category.CLEAN if incoming else props.store_mail_out
        if not (self.policy.retention and wanted and action is Action.DELIVER):
            return None
        return Keeping(props.duration_days, Unit.DAYS)

    def _archive(self, found: set[Category], action: Action) -> Keeping | None:
        props = self.policy.archive_props
        if not self.policy.archive or found & _NEVER_ARCHIVED:
            return None
        if props.archive_by_copy and action is Action.DELIVER:
            return Keeping(props.duration_months, Unit.MONTHS, by_copy=True)
        if self.facts.direction is Direction.OUTGOING:
            wanted = props.store_mail_out and action is Action.DELIVER
        else:
            wanted = any(self._archives(category) for category in found or {Category.CLEAN})
        return Keeping(props.duration_months, Unit.MONTHS) if wanted else None

    def _archives(self, category: Category) -> bool:
        props = self.policy.archive_props
        return {
            Category.CLEAN: props.store_clean_mail_in,
            Category.SPAM: props.store_spam,
            Category.BAD_HEADERS: props.store_bad_headers,
            Category.BAD_ENCODING: props.store_bad_encoding,
            Category.BAD_ATTACHMENT: props.store_bad_attachments,
            Category.ADVERT: props.store_advert,
            Category.BLOCKED_SENDER: props.store_blacklisted,
            Category.SENDER_VERIFY: props.store_sender_verify,
        }.get(category, False)


def _decider(findings: Sequence[Finding]) -> int:
    """The place of the one that settles it; behind the last when nothing does."""
    count = [place for place, finding in enumerate(findings) if finding.overruled is None]
    for place in count:
        if findings[place].action is not Action.DELIVER:
            return place
    for place in count:
        finding = findings[place]
        if finding.category is not Category.CLEAN or finding.why.code is Code.SENDER_ALLOWED:
            return place
    return len(findings)


def _voucher(verdict: Verdict) -> SenderRule | None:
    """The domain's own ALLOW that SPF confirmed, unless the sender is blocked after all."""
    winner = verdict.winner
    if winner is None or winner.rule.type is SenderType.BLOCK:
        return None
    rules = [winner.rule, *(choice.rule for choice, _why in verdict.beaten)]
    return next((r for r in rules if r.type is SenderType.ALLOW and r.spf_required and "@" not in r.owner), None)


def _names(names: Iterable[str]) -> str:
    return shorten(", ".join(names))
