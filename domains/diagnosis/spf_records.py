"""SPF records read and followed: which hosts a record lets send, and what following it costs.

`parse` reads one record; `Walk` follows includes and redirects as a receiver would have to, in the worst case, and
counts. `Branch.verdict` then answers for an address. Macros can't be followed without a message: such a term costs its
lookup and matches nothing.

Source: RFC 7208 §4.6.4 (limits), §5 (mechanisms), §6.1 (redirect), §12 (grammar).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network

from domains.diagnosis.expectations import Network, plain
from domains.diagnosis.lookups import Answer, Lookups, Trace, Unanswered, text_of
from domains.diagnosis.mx import hosts_of

MOST_LOOKUPS, MOST_VOID_LOOKUPS, MOST_MX = 10, 2, 10
WALK_ENDS_AT = 40  # lookups; far enough to tell how much too long it is
_VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_TERM = re.compile(
    r"([+\-~?]?)([a-z][a-z0-9_.-]*)(?:([:=])(.*?))?((?:/\d{1,3})?(?://\d{1,3})?)", re.IGNORECASE | re.DOTALL
)
_MECHANISMS = {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"}
_COSTING = {"include", "a", "mx", "ptr", "exists"}
_NEEDS_VALUE = {"include", "exists", "ip4", "ip6", "redirect", "exp"}


class BadSpf(ValueError):
    """A record that receivers answer with permerror; the text holds the term."""


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism, or (`is_modifier`) a modifier; networks for ip4 and ip6."""

    text: str
    name: str
    qualifier: str = "+"
    value: str = ""
    lengths: tuple[int, int] = (32, 128)
    is_modifier: bool = False

    @property
    def has_macro(self) -> bool:
        return "%" in self.value


def is_spf(text: str) -> bool:
    return bool(_VERSION.match(text))


def parse(text: str) -> list[Term]:
    """The terms of a record. Raises: BadSpf."""
    terms = [_parse_term(word) for word in text.split()[1:]]
    for name in ("redirect", "exp"):
        if sum(term.is_modifier and term.name == name for term in terms) > 1:
            raise BadSpf(f"{name}= stands there twice")
    return terms


def _parse_term(word: str) -> Term:
    match = _TERM.fullmatch(word)
    if match is None or not word.isascii():
        raise BadSpf(word[:100])
    qualifier, name, separator, value, lengths = match.groups()
    name, is_modifier = name.lower(), separator == "="
    if is_modifier:
        if qualifier or (name in _NEEDS_VALUE and not value):
            raise BadSpf(word[:100])
        return Term(word, name, value=(value or "") + lengths, is_modifier=True)
    if name not in _MECHANISMS or ((name in _NEEDS_VALUE) != bool(value) and name not in ("a", "mx", "ptr")):
        raise BadSpf(word[:100])
    if name in ("ip4", "ip6"):
        return _parse_network(word, name, qualifier or "+", (value or "") + lengths)
    if (separator and not value) or (lengths and name not in ("a", "mx")):
        raise BadSpf(word[:100])
    return Term(word, name, qualifier or "+", value or "", _lengths(word, lengths))


def _parse_network(word: str, name: str, qualifier: str, value: str) -> Term:
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise BadSpf(word[:100]) from error
    if network.version != int(name[-1]):
        raise BadSpf(word[:100])
    return Term(word, name, qualifier, str(network))


def _lengths(word: str, text: str) -> tuple[int, int]:
    four, _, six = text.partition("//")
    lengths = int(four[1:] or 32) if four else 32, int(six) if six else 128
    if lengths[0] > 32 or lengths[1] > 128:
        raise BadSpf(word[:100])
    return lengths


@dataclass(slots=True)
class Branch:
    """A followed record: in order (qualifier, networks or the branch included or True for all); then the redirect."""

    steps: list[tuple[str, list[Network] | Branch | bool]] = field(default_factory=list)
    redirect: Branch | None = None

    def verdict(self, address: IPv4Address | IPv6Address) -> str:
        """+ - ~ ? for an address, "" when the record says nothing of it."""
        for qualifier, matches in self.steps:
            if isinstance(matches, Branch):
                is_match = matches.verdict(address) == "+"
            else:
                is_match = matches is True or any(address in network for network in matches or ())
            if is_match:
                return qualifier
        return self.redirect.verdict(address) if self.redirect else ""

    def allows(self, network: Network) -> bool:
        """Whether its first and its last address may send."""
        return all(self.verdict(address) == "+" for address in (network[0], network[-1]))


@dataclass(slots=True)
class Walk:
    """Follows one domain's record. What stops a receiver is in the lists; `silent` are names nobody answered about."""

    lookups: Lookups
    trace: Trace
    count: int = 0
    void: list[str] = field(default_factory=list)
    syntax: list[tuple[str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    included: set[str] = field(default_factory=set)
    uses_ptr: bool = False

    def follow(self, domain: str, text: str) -> Branch:
        """The record of `domain`, with everything that it refers to."""
        branch = Branch()
        try:
            terms = parse(text)
        except BadSpf as error:
            self.syntax.append((domain, str(error)))
            return branch
        for term in terms:
            if term.is_modifier:
                continue
            self._spend(term)
            branch.steps.append((term.qualifier, self._matches(domain, term)))
            if term.name == "all":
                return branch
        for term in terms:
            if term.is_modifier and term.name == "redirect":
                self.count += 1
                branch.redirect = self._refer(term)
        return branch

    def _spend(self, term: Term) -> None:
        self.count += term.name in _COSTING
        self.uses_ptr = self.uses_ptr or term.name == "ptr"

    def _matches(self, domain: str, term: Term) -> list[Network] | Branch | bool:
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return [ip_network(term.value)]
        if term.name == "include":
            return self._refer(term) or []
        if term.name == "ptr" or term.has_macro or self.count > WALK_ENDS_AT:
            return []
        target = plain(term.value or domain)
        try:
            return self._networks(target, term)
        except Unanswered as error:
            self.silent.append(error.answer.name)
            return []

    def _networks(self, target: str, term: Term) -> list[Network]:
        if term.name == "exists":
            self._ask(target, "A")
            return []
        if term.name == "a":
            return self._addresses(target, term, is_counted=True)
        hosts = hosts_of(self._ask(target, "MX"))
        if len(hosts) > MOST_MX:
            self.syntax.append((target, f"{term.text}: more than {MOST_MX} MX records"))
        return [network for host in hosts[:MOST_MX] if host for network in self._addresses(host, term)]

    def _ask(self, name: str, kind: str) -> Answer:
        answer = self.lookups.ask(self.trace, name, kind)
        if answer.is_void:
            self.void.append(name)
        return answer

    def _addresses(self, host: str, term: Term, *, is_counted: bool = False) -> list[Network]:
        addresses = self.lookups.addresses(self.trace, host)
        if not addresses and is_counted:
            self.void.append(host)
        return [
            ip_network(f"{address}/{term.lengths[1] if ':' in address else term.lengths[0]}", strict=False)
            for address in addresses
        ]

    def _refer(self, term: Term) -> Branch | None:
        """What include: or redirect= leads to."""
        target = plain(term.value)
        self.included.add(target)
        if term.has_macro or self.count > WALK_ENDS_AT:
            return None
        try:
            answer = self.lookups.ask(self.trace, target, "TXT")
        except Unanswered as error:
            self.silent.append(error.answer.name)
            return None
        if answer.is_void:
            self.void.append(target)
        texts = [text for text in map(text_of, answer.records) if is_spf(text)]
        if len(texts) != 1:
            self.broken.append(target)
            return None
        return self.follow(target, texts[0])
