"""PROTECTED sender rules: an address or a domain that nobody else may pretend to be.

The manual names the type and says no more. Here it means protection from impersonation, for incoming mail. A message
pretends to be a protected sender when

1. From is the protected address or in the protected domain, and nothing proves it: neither DMARC passed, nor SPF or a
   DKIM signature for From's domain (or one above or below it);
2. the name shown in From contains a protected address or domain, but From's address is another;
3. the name shown in From is the rule's `display_name` (case, accents and the order of words don't matter), but From's
   address is another;
4. From or Reply-To is in a domain that looks like the protected one (paypa1.example, pаypal.example with a Cyrillic а)
   without being it, below it or itself protected.

It then counts as a failed sender verification. Nothing is said of a protected sender that proves itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domains.policy.canonical import Address, BadForm, fold_address, fold_domain, is_within, parents
from domains.policy.facts import AuthResult, Facts, Where
from domains.policy.patterns import shorten
from domains.policy.reasons import Code, Reason, reason
from domains.policy.rules import Match, RuleKind, id_key, unreadable
from domains.policy.senders import (
    SenderRule,
    SenderType,
    SenderValue,
    aligned,
    is_expired,
    parse_owner,
    parse_value,
)

_SHOWN = re.compile(r"[^\s<>()\[\]\"',;:]+")
_MAX_NAME = 500
# Letters of other writings (and digits) that look like a Latin one in usual type, after NFKD and without accents.
_LOOKALIKES = str.maketrans(
    {
        **dict(zip("авеорсухѕԁһӏјԛԝктмнгп", "abeopcyxsdhljqwktmhrn", strict=True)),
        **dict(zip("αβεηικνορτυχγωσ", "abenlkvoptuxywo", strict=True)),
        **dict(zip("ıіɩɪɑɡ01i", "llllagoll", strict=True)),
    }
)


@dataclass(frozen=True, slots=True)
class Protection:
    rule: SenderRule
    value: SenderValue
    owner: str


class ProtectedIndex:
    """All PROTECTED rules that may concern a message, found by dictionary."""

    def __init__(self, rules: Iterable[SenderRule]) -> None:
        self.notes: list[Reason] = []
        self._addresses: dict[str, list[Protection]] = {}
        self._domains: dict[str, list[Protection]] = {}
        self._names: dict[str, list[Protection]] = {}
        self._looks: dict[str, list[Protection]] = {}
        for rule in rules:
            if rule.type is not SenderType.PROTECTED:
                continue
            try:
                one = Protection(rule, parse_value(rule.value, subdomains=rule.subdomains), parse_owner(rule.owner))
            except BadForm as error:
                self.notes.append(unreadable(rule.id, error))
                continue
            self._add(one)

    def _add(self, one: Protection) -> None:
        by_value, key = (self._addresses, str(one.value)) if one.value.local else (self._domains, one.value.domain)
        by_value.setdefault(key, []).append(one)
        self._looks.setdefault(look(one.value.domain), []).append(one)
        if name := fold_name(one.rule.display_name):
            self._names.setdefault(name, []).append(one)

    def judge(self, facts: Facts, mailbox: Address) -> tuple[list[Match], list[Reason]]:
        """The rules (each once, in the order of their ids) that the message pretends to, and notes."""
        owners = (str(mailbox), mailbox.domain)
        matches: dict[tuple[tuple[int, int, str], str], Match] = {}
        notes: dict[str, Reason] = {}
        for one, match in self._found(facts):
            if one.owner not in owners:
                continue
            if is_expired(one.rule, facts.received_at):
                notes.setdefault(repr(one.rule.id), reason(Code.RULE_EXPIRED, rule=one.rule.id))
                continue
            matches.setdefault((id_key(one.rule.id), one.rule.value), match)
        return [matches[key] for key in sorted(matches)], [notes[key] for key in sorted(notes)]

    def _found(self, facts: Facts) -> Iterator[tuple[Protection, Match]]:
        if not (self._addresses or self._domains):
            return
        for mailbox in facts.header_from:
            address = fold_address(mailbox.address)
            yield from self._claimed(address, facts)
            yield from self._shown(mailbox.name, address)
            yield from self._similar(address, Where.HEADER_FROM)
        for mailbox in facts.reply_to:
            yield from self._similar(fold_address(mailbox.address), Where.REPLY_TO)

    def _claimed(self, address: Address, facts: Facts) -> Iterator[tuple[Protection, Match]]:
        if proves_itself(address, facts):
            return
        for one in self._about(address):
            why = reason(Code.IMPERSONATES_ADDRESS, piece=shorten(str(address)))
            yield one, _match(one, Where.HEADER_FROM, str(address), why)

    def _about(self, address: Address) -> Iterator[Protection]:
        yield from self._addresses.get(str(address), ())
        for domain in parents(address.domain):
            yield from (one for one in self._domains.get(domain, ()) if one.value.covers(address))

    def _shown(self, name: str, address: Address) -> Iterator[tuple[Protection, Match]]:
        piece = shorten(str(address))
        for word in _SHOWN.findall(name[:_MAX_NAME]):
            shown = fold_address(word) if "@" in word else Address("", fold_domain(word.strip(".")))
            for one in self._about(shown):
                if not one.value.covers(address):
                    why = reason(Code.SHOWS_PROTECTED_ADDRESS, value=str(one.value), piece=piece)
                    yield one, _match(one, Where.DISPLAY_NAME, name, why)
        for one in self._names.get(fold_name(name), ()):
            if not one.value.covers(address):
                why = reason(Code.SHOWS_PROTECTED_NAME, value=str(one.value), piece=piece)
                yield one, _match(one, Where.DISPLAY_NAME, name, why)

    def _similar(self, address: Address, where: Where) -> Iterator[tuple[Protection, Match]]:
        genuine = {one.owner for one in self._about(address)}
        for domain in parents(address.domain):
            for one in self._looks.get(look(domain), ()):
                if one.owner not in genuine and not is_within(address.domain, one.value.domain):
                    piece = shorten(str(address))
                    why = reason(Code.LOOKS_LIKE_PROTECTED, value=str(one.value), piece=piece)
                    yield one, _match(one, where, str(address), why)


def _match(one: Protection, where: Where, piece: str, why: Reason) -> Match:
    return Match(RuleKind.SENDER, one.rule.id, where, shorten(piece), why)


def proves_itself(address: Address, facts: Facts) -> bool:
    """Is it shown that the message comes from the domain of this From address? (RFC 7489 §3.1, relaxed.)"""
    known = facts.authentication
    if len(facts.header_from) != 1:
        return False
    if known.dmarc is AuthResult.PASS:
        return True
    if known.spf is AuthResult.PASS and aligned(address.domain, fold_domain(known.spf_domain)):
        return True
    return any(
        signature.result is AuthResult.PASS and aligned(address.domain, fold_domain(signature.domain))
        for signature in known.dkim
    )


def fold_name(name: str) -> str:
    """A person's name as it is compared: no case, no accents, no punctuation, its words in alphabetical order."""
    decomposed = unicodedata.normalize("NFKD", name[:_MAX_NAME]).casefold()
    letters = "".join(part if part.isalnum() else " " for part in decomposed if not unicodedata.combining(part))
    return " ".join(sorted(letters.split()))


def look(domain: str) -> str:
    """What the domain looks like at a glance: similar ones give the same text."""
    labels = [_decoded(label) for label in domain.split(".")]
    decomposed = unicodedata.normalize("NFKD", ".".join(labels)).casefold()
    plain = "".join(part for part in decomposed if not unicodedata.combining(part)).translate(_LOOKALIKES)
    return plain.replace("rn", "m").replace("vv", "w").replace("-", "")


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
