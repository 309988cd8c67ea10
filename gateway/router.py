"""The router table: which line fits an address, and where the address is led. Pure.

    route("ada@old.example", rules) -> Routed("ada@new.example", via="", lines=(3,))

Lines are asked in order; the first that fits counts. A rewritten address is asked again from the top, at most
`MOST_STEPS` times. Not for what the directory makes of the address (`gateway.resolving`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.ip_table import BadNetwork, canonical

MOST_STEPS = 10
_TARGET = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_PATTERN = re.compile(r"[^\s@,;<>]*@[^\s@,;<>]+")


class BadRule(ValueError):
    """A line can't be used; the text says why, `field` which part ("pattern", "target")."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Rule:
    """A line. kind: rewrite, relay, refuse, discard, journal (target: the networks that may report)."""

    number: int
    pattern: str
    kind: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Routed:
    """Where the table leads. `ends` is "refuse", "discard" or "journal" where it ends there, "loop" where it goes in
    circles.

    via: host:port it leaves through. lines: the numbers of the lines that spoke. text: what a refusal says, or the
    networks that may send reports there.
    """

    address: str
    via: str = ""
    ends: str = ""
    text: str = ""
    lines: tuple[int, ...] = ()


def route(address: str, rules: Sequence[Rule]) -> Routed:
    """Follow the table from an address in lower case."""
    lines: list[int] = []
    seen = {address}
    while True:
        found = _first(address, rules)
        if found is None:
            return Routed(address, lines=tuple(lines))
        rule, stars = found
        lines.append(rule.number)
        if rule.kind == "relay":
            return Routed(address, via=host_and_port(rule.target), lines=tuple(lines))
        if rule.kind != "rewrite":
            return Routed(address, ends=rule.kind, text=rule.target, lines=tuple(lines))
        address = _filled(rule.target.lower(), stars)
        if address in seen or len(lines) > MOST_STEPS:
            return Routed(address, ends="loop", lines=tuple(lines))
        seen.add(address)


def _first(address: str, rules: Iterable[Rule]) -> tuple[Rule, list[str]] | None:
    for rule in rules:
        stars = match(rule.pattern, address)
        if stars is not None:
            return rule, stars
    return None


def match(pattern: str, address: str) -> list[str] | None:
    """What stands for each `*` of a pattern that fits the whole address; None where it doesn't fit.

    A star before the @ stands for anything but an @, one behind it for at least one character.
    """
    local, _, domain = pattern.lower().partition("@")
    name, at, host = address.rpartition("@")
    if not at:
        return None
    first, second = _stars(local, name, "*"), _stars(domain, host, "+")
    return None if first is None or second is None else first + second


def _stars(pattern: str, text: str, least: str) -> list[str] | None:
    if "*" not in pattern:
        return [] if pattern == text else None
    before, _, after = pattern.partition("*")
    middle = text[len(before) : len(text) - len(after)]
    fits = len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)
    return [middle] if fits and (middle or least == "*") else None


def _filled(target: str, stars: Sequence[str]) -> str:
    """The target with its stars filled from left to right; the last one again where there are more."""
    parts = target.split("*")
    filled = parts[0]
    for number, part in enumerate(parts[1:]):
        filled += (stars[min(number, len(stars) - 1)] if stars else "") + part
    return filled


def host_and_port(target: str) -> str:
    """host:port in small letters, port 25 where none is said. Raises: BadRule."""
    found = _TARGET.fullmatch(target.strip())
    port = int(found[2] or 25) if found else 0
    if found is None or not 0 < port < 65536:
        raise BadRule("A server is written as name:port, such as mail.example.org:25.", "target")
    return f"{found[1].lower()}:{port}"


def networks(target: str) -> str:
    """Networks as they are kept, with a space between them. Raises: BadRule, also where there is none."""
    text = "The servers that may send there: 192.0.2.7 or 192.0.2.0/24, several with a space between them."
    try:
        found = [canonical(word) for word in target.replace(",", " ").split()]
    except BadNetwork:
        raise BadRule(text, "target") from None
    if not found:
        raise BadRule(text, "target")
    return " ".join(found)


def check(rule: Rule) -> None:
    """Raises: BadRule."""
    local, _, domain = rule.pattern.partition("@")
    if not _PATTERN.fullmatch(rule.pattern) or not local or local.count("*") > 1 or domain.count("*") > 1:
        text = "An address, in which * may stand once before the @ and once behind it: *@example.org."
        raise BadRule(text, "pattern")
    if rule.kind == "relay":
        host_and_port(rule.target)
    elif rule.kind == "rewrite":
        if not _PATTERN.fullmatch(rule.target) or rule.target.startswith("@"):
            raise BadRule("The new address; * stands for what stood there: *@example.org.", "target")
        if rule.target.count("*") > rule.pattern.count("*"):
            raise BadRule("There are more * here than in the address.", "target")
    elif rule.kind == "journal":
        networks(rule.target)
    elif rule.kind == "discard" and rule.target:
        raise BadRule("What is thrown away goes nowhere.", "target")
