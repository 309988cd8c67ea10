"""SPF: may this client send with this envelope sender? A receiver's evaluation, macros and limits and all.

`domains.diagnosis.spf_records` reads records; explanations (exp=) aren't fetched, since nobody is shown them.

Source: RFC 7208 (§4 check_host, §4.6.4 limits, §5 mechanisms, §6.1 redirect, §7 macros).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote

from domains.diagnosis.spf_records import BadSpf, Term, is_spf, parse
from domains.policy.facts import AuthResult
from gateway.judging.authentication.names import Found, NoAnswer

Ask = Callable[[str, str], Found]
MOST_LOOKUPS, MOST_VOID, MOST_NAMES = 10, 2, 10
_RESULTS = {"+": AuthResult.PASS, "-": AuthResult.FAIL, "~": AuthResult.SOFTFAIL, "?": AuthResult.NEUTRAL}
_LEADING_ZERO = re.compile(r"/0\d+$|/0\d+/")
_TOP = re.compile(r"(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])\.?", re.IGNORECASE)
_MACRO = re.compile(r"%(?:%|_|-|\{([a-z])(\d*)(r?)([.\-+,/_=]*)\})", re.IGNORECASE)
_MACRO_AT_END = re.compile(r"%\{[^}]*\}$")
_EXPLAINING = "crt"


@dataclass(frozen=True, slots=True)
class SpfAnswer:
    """`domain`: what was asked for, of the envelope sender or HELO. `why`: the mechanism that fitted, or the error."""

    result: AuthResult
    domain: str = ""
    why: str = ""


def check(client: str, sender: str, helo: str, ask: Ask) -> SpfAnswer:
    """Whether the client may send as the envelope sender, or as `helo` where that is empty. Never raises."""
    local, at, domain = (sender or f"postmaster@{helo}").rpartition("@")
    domain = domain.rstrip(".").lower()
    if not at or not _is_domain(domain):
        return SpfAnswer(AuthResult.NONE, domain, "no domain that DNS can hold")
    try:
        address = ip_address(client)
    except ValueError:
        return SpfAnswer(AuthResult.NONE, domain, "the client has no address")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    asked = _Check(address, local or "postmaster", domain, helo, ask)
    try:
        return SpfAnswer(asked.evaluate(domain), domain, asked.why)
    except NoAnswer as error:
        return SpfAnswer(AuthResult.TEMPERROR, domain, str(error)[:200])
    except _Permanent as error:
        return SpfAnswer(AuthResult.PERMERROR, domain, str(error)[:200])


@lru_cache(maxsize=4000)
def _terms(record: str) -> tuple[Term, ...]:
    """Raises: BadSpf."""
    return tuple(parse(record))


class _Permanent(Exception):
    """The record can't be followed; the text says why."""


@dataclass(slots=True)
class _Check:
    client: IPv4Address | IPv6Address
    local: str
    sender_domain: str
    helo: str
    ask: Ask
    lookups: int = 0
    voids: int = 0
    why: str = ""
    names: list[str] | None = field(default=None)

    def evaluate(self, domain: str) -> AuthResult:
        record = self._record(domain)
        if record is None:
            self.why = "no record"
            return AuthResult.NONE
        try:
            terms = _terms(record)
        except BadSpf as error:
            raise _Permanent(f"{domain}: {error}") from error
        if not record.isprintable():
            raise _Permanent(f"{domain}: a character that no record may have")
        for term in terms:
            self._examine(term)
        for term in terms:
            if not term.is_modifier and self._matches(term, domain):
                self.why = term.text[:100]
                return _RESULTS[term.qualifier]
        redirect = next((term for term in terms if term.is_modifier and term.name == "redirect"), None)
        if redirect is None or any(term.name == "all" and not term.is_modifier for term in terms):
            self.why = "nothing in the record fits"
            return AuthResult.NEUTRAL
        self._spend(redirect)
        target = self._target(redirect, domain)
        result = self.evaluate(target) if _is_domain(target) else AuthResult.NONE
        if result is AuthResult.NONE:
            raise _Permanent(f"{redirect.text}: there is no record")
        return result

    def _record(self, domain: str) -> str | None:
        records = [text for text in self.ask(domain, "TXT").records if is_spf(text)]
        if len(records) > 1:
            raise _Permanent(f"{domain} has {len(records)} records")
        return records[0] if records else None

    def _examine(self, term: Term) -> None:
        """The rest of the syntax, before anything is evaluated."""
        if _LEADING_ZERO.search(term.text):
            raise _Permanent(term.text)
        if term.is_modifier and term.name not in ("redirect", "exp"):
            if _bad_macros(term.value):
                raise _Permanent(term.text)
        elif term.name not in ("ip4", "ip6", "all") and term.value and not _is_specification(term.value):
            raise _Permanent(term.text)

    def _spend(self, term: Term) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Permanent(f"{term.text}: more than {MOST_LOOKUPS} terms that ask DNS")

    def _look_up(self, name: str, kind: str) -> Found:
        found = self.ask(name, kind)
        if not found.records:
            self.voids += 1
            if self.voids > MOST_VOID:
                raise _Permanent(f"more than {MOST_VOID} questions without an answer")
        return found

    def _matches(self, term: Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return self.client in ip_network(term.value)
        self._spend(term)
        target = self._target(term, domain)
        if term.name == "include":
            return self._includes(term, target)
        if term.name == "ptr":
            return any(name == target or name.endswith("." + target) for name in self._validated())
        if not _is_domain(target):
            return False
        if term.name == "exists":
            return bool(self._look_up(target, "A").records)
        if term.name == "a":
            return self._is_one_of(self._look_up(target, self._kind).records, term)
        return self._is_mail_host(target, term)

    def _includes(self, term: Term, target: str) -> bool:
        result = self.evaluate(target) if _is_domain(target) else AuthResult.NONE
        if result is AuthResult.NONE:
            raise _Permanent(f"{term.text}: there is no record")
        return result is AuthResult.PASS

    def _is_mail_host(self, target: str, term: Term) -> bool:
        hosts = [record.split()[-1].rstrip(".") for record in self._look_up(target, "MX").records]
        if len(hosts) > MOST_NAMES:
            raise _Permanent(f"{term.text}: more than {MOST_NAMES} MX records")
        return any(self._is_one_of(self.ask(host, self._kind).records, term) for host in hosts if host)

    @property
    def _kind(self) -> str:
        return "A" if self.client.version == 4 else "AAAA"  # the versions of IP

    def _is_one_of(self, addresses: tuple[str, ...], term: Term) -> bool:
        length = term.lengths[0 if self._kind == "A" else 1]
        return any(self.client in ip_network(f"{address}/{length}", strict=False) for address in addresses)

    def _validated(self) -> list[str]:
        """The client's names that lead back to it; an error of DNS is no name."""
        if self.names is None:
            self.names = []
            try:
                found = self._look_up(self.client.reverse_pointer, "PTR").records[:MOST_NAMES]
            except NoAnswer:
                found = ()
            for name in (entry.rstrip(".").lower() for entry in found):
                try:
                    addresses = self.ask(name, self._kind).records
                except NoAnswer:
                    continue
                if any(ip_address(address) == self.client for address in addresses):
                    self.names.append(name)
        return self.names

    def _target(self, term: Term, domain: str) -> str:
        if not term.value:
            return domain
        name = self._expand(term.value, domain).rstrip(".").lower() if "%" in term.value else term.value
        while len(name) > 253 and "." in name:  # RFC 7208 §7.3
            name = name.partition(".")[2]
        return name.rstrip(".").lower()

    def _expand(self, text: str, domain: str) -> str:
        return _MACRO.sub(lambda found: self._macro(found, domain), text)

    def _macro(self, found: re.Match[str], domain: str) -> str:
        if found[1] is None:
            return {"%%": "%", "%_": " ", "%-": "%20"}[found[0]]
        letter = found[1].lower()
        value = self._letter(letter, domain)
        if found[2] or found[3] or found[4]:
            parts = re.split(f"[{re.escape(found[4] or '.')}]", value)
            parts = parts[::-1] if found[3] else parts
            value = ".".join(parts[-int(found[2]) :] if found[2] else parts)
        return quote(value, safe="-._~") if found[1].isupper() else value

    def _letter(self, letter: str, domain: str) -> str:
        if letter == "p":
            return self._best_name(domain)
        if letter == "i":
            if isinstance(self.client, IPv4Address):
                return str(self.client)
            return ".".join(self.client.exploded.replace(":", ""))
        return {
            "s": f"{self.local}@{self.sender_domain}",
            "l": self.local,
            "o": self.sender_domain,
            "d": domain,
            "v": "in-addr" if self.client.version == 4 else "ip6",
            "h": self.helo,
            "c": str(self.client),
            "r": "unknown",
            "t": str(int(time.time())),
        }[letter]

    def _best_name(self, domain: str) -> str:
        names = self._validated()
        return next(
            (name for name in names if name == domain),
            next((name for name in names if name.endswith("." + domain)), names[0] if names else "unknown"),
        )


def _is_domain(name: str) -> bool:
    """Several labels that DNS can hold; no address."""
    labels = name.split(".")
    return len(name) <= 253 and len(labels) > 1 and all(0 < len(label.encode()) <= 63 for label in labels)


def _bad_macros(text: str) -> bool:
    rest = _MACRO.sub("", text)
    letters = {found[1].lower() for found in _MACRO.finditer(text) if found[1]}
    zero = any(found[2] and int(found[2]) == 0 for found in _MACRO.finditer(text))
    return "%" in rest or zero or not letters <= set("slodipvhcrt") or not rest.isprintable() or " " in rest


def _is_specification(text: str) -> bool:
    """A domain specification: macros that exist, and at its end a macro or a top-level label. RFC 7208 §7.1."""
    if _bad_macros(text) or any(found[1] and found[1].lower() in _EXPLAINING for found in _MACRO.finditer(text)):
        return False
    if _MACRO_AT_END.search(text):
        return True
    before, dot, _top = text.rstrip(".").rpartition(".")
    return bool(dot) and bool(before) and bool(_TOP.fullmatch(_top))
