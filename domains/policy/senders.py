"""Sender rules: ALLOW and BLOCK an address or a domain, for a mailbox or a whole domain. PROTECTED is in `protected`.

A value is `name@example.org`, `example.org` (that domain only), or `.example.org` (it and everything below it, as is
the option `subdomains`); `@example.org`, `*@example.org` and `*.example.org` are read likewise. Rules are looked up by
dictionary, however many there are.

Which rule decides: the owners are asked in the order of the domain's list priority (the mailbox's rules first, or the
domain's), and the first that has a fitting one wins. Among an owner's rules the address beats the domain, the nearer
domain the farther one, BLOCK beats ALLOW, the smaller id the greater.

What is compared: BLOCK fits the envelope sender, From and Sender. ALLOW fits the envelope sender, or From when there is
exactly one. An ALLOW that requires SPF counts only when SPF passed, and for From only when the domain that SPF was
asked for is From's, or one is below the other (RFC 7489 §3.1, relaxed): a pass for the attacker's own domain proves
nothing.

Source: cleanmail.md §5.9, §6.26-6.28.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from domains.policy.canonical import Address, BadForm, canonical_domain, fold_address, fold_domain, is_within, parents
from domains.policy.canonical import parse_address as parse_address_strictly
from domains.policy.facts import AuthResult, Facts, Where
from domains.policy.patterns import shorten
from domains.policy.reasons import Code, Reason, reason
from domains.policy.rules import Match, Problem, RuleId, RuleKind, common_problems, id_key, unreadable
from domains.policy.sentences import Sentence, gettext_noop


class SenderType(StrEnum):
    ALLOW = "ALLOW"
    BLOCK = "BLOCK"
    PROTECTED = "PROTECTED"


class ListPriority(StrEnum):
    """Whose sender rules win in a conflict: Cleanmail's `wblistPriority`."""

    USER = "USER"
    DOMAIN = "DOMAIN"


@dataclass(frozen=True, slots=True)
class SenderRule:
    """`owner` is a mailbox's address or a domain. `expires_at` is the first moment at which it no longer counts.

    `spf_required` concerns ALLOW only. `display_name` concerns PROTECTED addresses only: the name nobody else may show.
    """

    id: RuleId
    type: SenderType
    value: str
    owner: str
    subdomains: bool = False
    expires_at: datetime | None = None
    spf_required: bool = False
    display_name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SenderValue:
    """A rule's value, read: an address (`local` is set), a domain, or a domain and everything below it."""

    local: str
    domain: str
    below: bool = False

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.local else "." * self.below + self.domain

    def covers(self, address: Address) -> bool:
        if self.local:
            return (self.local, self.domain) == (address.local, address.domain)
        return is_within(address.domain, self.domain) if self.below else address.domain == self.domain


def parse_value(text: str, *, subdomains: bool = False) -> SenderValue:
    """Read what a rule is about. Raises: BadForm."""
    text = text.strip()
    if text.startswith(("*@", "@")):
        text = text.partition("@")[2]
    if "@" in text:
        address = parse_address_strictly(text)
        return SenderValue(address.local, address.domain)
    below = text.startswith((".", "*."))
    return SenderValue("", canonical_domain(text.removeprefix("*").removeprefix(".")), below or subdomains)


def parse_owner(text: str) -> str:
    """A mailbox's address or a domain, in comparable form. Raises: BadForm."""
    return str(parse_address_strictly(text)) if "@" in text else canonical_domain(text)


def sender_problems(rule: SenderRule) -> list[Problem]:
    """What keeps the rule from being stored."""
    found = common_problems(0, description=rule.description, display_name=rule.display_name)
    value: SenderValue | None = None
    try:
        value = parse_value(rule.value, subdomains=rule.subdomains)
    except BadForm as error:
        found.append(("value", error.reason))
    try:
        parse_owner(rule.owner)
    except BadForm as error:
        found.append(("owner", error.reason))
    if rule.spf_required and rule.type is not SenderType.ALLOW:
        found.append(("spf_required", Sentence(gettext_noop("Only a rule that allows can require SPF."))))
    if value is not None and value.local and rule.subdomains:
        found.append(("subdomains", Sentence(gettext_noop("An address has no sub-domains."))))
    if rule.display_name and (rule.type is not SenderType.PROTECTED or (value is not None and not value.local)):
        found.append(("display_name", Sentence(gettext_noop("Only a protected address can have a name."))))
    return found


def is_expired(rule: SenderRule, now: datetime) -> bool:
    return rule.expires_at is not None and _in_utc(rule.expires_at) <= _in_utc(now)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule that fits, how closely (smaller is closer), and what it fits."""

    rule: SenderRule
    distance: int
    match: Match


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sender rules say: who decides, who was beaten and why, and what to note."""

    winner: Choice | None = None
    beaten: tuple[tuple[Choice, Reason], ...] = ()
    notes: tuple[Reason, ...] = ()


@dataclass(slots=True)
class OwnersRules:
    """One owner's ALLOW and BLOCK rules by what they are about."""

    addresses: dict[str, list[SenderRule]] = field(default_factory=dict)
    domains: dict[str, list[SenderRule]] = field(default_factory=dict)
    below: dict[str, list[SenderRule]] = field(default_factory=dict)

    def add(self, rule: SenderRule, value: SenderValue) -> None:
        kept, key = (self.domains, value.domain)
        if value.local:
            kept, key = (self.addresses, str(value))
        elif value.below:
            kept = self.below
        kept.setdefault(key, []).append(rule)

    def about(self, address: Address) -> Iterator[tuple[SenderRule, int]]:
        """The rules about this address with their distance: 0 itself, 1 its domain, 2 that and below, 3 …"""
        for rule in self.addresses.get(str(address), ()):
            yield rule, 0
        for rule in self.domains.get(address.domain, ()):
            yield rule, 1
        for distance, domain in enumerate(parents(address.domain), 2):
            for rule in self.below.get(domain, ()):
                yield rule, distance


class SenderIndex:
    """All ALLOW and BLOCK rules that may concern a message, by owner."""

    def __init__(self, rules: Iterable[SenderRule]) -> None:
        self._owners: dict[str, OwnersRules] = {}
        self.notes: list[Reason] = []
        for rule in rules:
            if rule.type is SenderType.PROTECTED:
                continue
            try:
                value, owner = parse_value(rule.value, subdomains=rule.subdomains), parse_owner(rule.owner)
            except BadForm as error:
                self.notes.append(unreadable(rule.id, error))
                continue
            self._owners.setdefault(owner, OwnersRules()).add(rule, value)

    def joined(self, other: SenderIndex) -> SenderIndex:
        """Both as one, for owners that only one of them has; neither changes."""
        both = SenderIndex(())
        both._owners = {**self._owners, **other._owners}
        both.notes = [*self.notes, *other.notes]
        return both

    def judge(self, facts: Facts, mailbox: Address, priority: ListPriority) -> Verdict:
        """What the rules of the mailbox and of its domain say of the message's sender."""
        owners = [str(mailbox), mailbox.domain]
        if priority is ListPriority.DOMAIN:
            owners.reverse()
        notes: list[Reason] = []
        ranked = [
            (owner, choice)
            for owner in owners
            if owner in self._owners
            for choice in sorted(_choices(facts, self._owners[owner], notes), key=_closeness)
        ]
        if not ranked:
            return Verdict(notes=_once(notes))
        first_owner, winner = ranked[0]
        beaten = []
        for owner, choice in ranked[1:]:
            if choice.rule.id == winner.rule.id and owner == first_owner:
                continue
            by_rule = owner == first_owner
            why = (
                reason(Code.BEATEN_BY_RULE, rule=winner.rule.id)
                if by_rule
                else reason(Code.BEATEN_BY_OWNER, owner=first_owner)
            )
            beaten.append((choice, why))
        return Verdict(winner, tuple(beaten), _once(notes))


def _closeness(choice: Choice) -> tuple[int, bool, tuple[int, int, str], str]:
    return choice.distance, choice.rule.type is SenderType.ALLOW, id_key(choice.rule.id), choice.match.where


def _once(notes: list[Reason]) -> tuple[Reason, ...]:
    kept: dict[str, Reason] = {}
    for note in notes:
        kept.setdefault(f"{note.code} {note.data['rule']!r}", note)
    return tuple(kept[key] for key in sorted(kept))


def _choices(facts: Facts, rules: OwnersRules, notes: list[Reason]) -> Iterator[Choice]:
    """Each rule once, where it fits best."""
    best: dict[tuple[RuleId, str, str], Choice] = {}
    for where, address in senders_of(facts):
        for rule, distance in rules.about(address):
            if not _may_speak(rule, where, address, facts, notes):
                continue
            blocks = rule.type is SenderType.BLOCK
            piece = shorten(str(address))
            why = reason(Code.SENDER_BLOCKED if blocks else Code.SENDER_ALLOWED, piece=piece)
            choice = Choice(rule, distance, Match(RuleKind.SENDER, rule.id, where, piece, why))
            key = (rule.id, rule.type, rule.value)
            if key not in best or _closeness(choice) < _closeness(best[key]):
                best[key] = choice
    yield from best.values()


def senders_of(facts: Facts) -> list[tuple[Where, Address]]:
    """Who the message says to be from, in comparable form; empty ones are left out."""
    found = [(Where.ENVELOPE_SENDER, fold_address(facts.envelope_sender))]
    found += [(Where.HEADER_FROM, fold_address(mailbox.address)) for mailbox in facts.header_from]
    found += [(Where.HEADER_SENDER, fold_address(mailbox.address)) for mailbox in facts.header_sender]
    return [(where, address) for where, address in found if address.domain]


def _may_speak(rule: SenderRule, where: Where, address: Address, facts: Facts, notes: list[Reason]) -> bool:
    allows = rule.type is SenderType.ALLOW
    if allows and (where is Where.HEADER_SENDER or (where is Where.HEADER_FROM and len(facts.header_from) != 1)):
        return False
    if is_expired(rule, facts.received_at):
        notes.append(reason(Code.RULE_EXPIRED, rule=rule.id))
        return False
    if allows and rule.spf_required and not spf_speaks_for(address, where, facts):
        notes.append(reason(Code.ALLOW_NEEDS_SPF, rule=rule.id))
        return False
    return True


def spf_speaks_for(address: Address, where: Where, facts: Facts) -> bool:
    """Did SPF pass, for this address's own domain? The envelope sender is what SPF is about."""
    if facts.authentication.spf is not AuthResult.PASS:
        return False
    if where is Where.ENVELOPE_SENDER:
        return True
    return aligned(address.domain, fold_domain(facts.authentication.spf_domain))


def aligned(domain: str, other: str) -> bool:
    """The same domain, or one below the other; a top-level domain alone is nobody's."""
    shorter = min(domain, other, key=len)
    return "." in shorter and (is_within(domain, other) or is_within(other, domain))
