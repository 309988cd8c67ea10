"""Asking DNS for a diagnosis: which resolver, how long, and the difference between "there is none" and "nobody said".

A `Resolver` is what is asked (POSTKEEP_DNS_SERVERS, or the system's); `Lookups` is one diagnosis' view of it, with a
time limit and a memory; a `Trace` notes what one check asked and what came, for people to read. Truncated answers are
asked for again over TCP. Thread-safe.

Not for connecting to what was found (`config.kit.net`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.rdatatype
import dns.resolver
from django.conf import settings

ATTEMPT_S, LOOKUP_S = 2.0, 6.0
MOST_LINES = 50
UDP_BYTES = 1232  # the size that passes everywhere (DNS flag day 2020)


class Status(StrEnum):
    """How a question was answered."""

    FOUND = "found"
    EMPTY = "empty"  # the name exists and has no such record
    NO_NAME = "no_name"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. canonical: the name at the end of CNAMEs. is_verified: the resolver vouches for it (DNSSEC)."""

    name: str
    type: str
    status: Status
    records: tuple[Any, ...] = ()
    canonical: str = ""
    is_verified: bool = False
    problem: str = ""
    message: dns.message.Message | None = field(default=None, repr=False)

    @property
    def is_void(self) -> bool:
        return self.status in (Status.EMPTY, Status.NO_NAME)


class Unanswered(Exception):
    """No name server said; the check that needs it can't be made."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.problem)
        self.answer = answer


class Resolver:
    """Name servers that resolve for us: (address, port) each; none means the system's."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), *, attempt_s: float = ATTEMPT_S) -> None:
        self._plain = _make(servers, attempt_s)
        self._unchecked = _make(servers, attempt_s, dns.flags.CD)

    @classmethod
    def configured(cls) -> Resolver:
        """As POSTKEEP_DNS_SERVERS says."""
        return cls(settings.DNS_SERVERS)

    def ask(self, name: str, kind: str, *, lifetime_s: float = LOOKUP_S, unchecked: bool = False) -> Answer:
        """One question; never raises. unchecked: also what the resolver takes for forged (DNSSEC)."""
        resolver = self._unchecked if unchecked else self._plain
        if resolver is None:
            return Answer(name, kind, Status.UNANSWERED, problem="this system has no DNS resolver configured")
        try:
            absolute = dns.name.from_text(name)
            answer = resolver.resolve(absolute, kind, raise_on_no_answer=False, lifetime=lifetime_s, search=False)
        except dns.resolver.NXDOMAIN as error:
            response = error.kwargs.get("responses", {}).get(absolute)
            return Answer(name, kind, Status.NO_NAME, is_verified=response is not None and _is_verified(response))
        except (dns.resolver.NoNameservers, dns.resolver.LifetimeTimeout) as error:
            return Answer(name, kind, Status.UNANSWERED, problem=_problem(error))
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return Answer(name, kind, Status.NO_NAME, problem="this is no name that DNS can hold")
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            return Answer(name, kind, Status.UNANSWERED, problem=f"{type(error).__name__}: {error}"[:300])
        records = tuple(answer.rrset or ())
        status = Status.FOUND if records else Status.EMPTY
        canonical = _plain_name(answer.canonical_name)
        return Answer(name, kind, status, records, canonical, _is_verified(answer.response), message=answer.response)


def _make(
    servers: Sequence[tuple[str, int]], attempt_s: float, more_flags: dns.flags.Flag | int = 0
) -> dns.resolver.Resolver | None:
    try:
        made = dns.resolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if servers:
        made.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
    made.timeout, made.flags = attempt_s, int(dns.flags.RD | dns.flags.AD | more_flags)
    made.use_edns(0, dns.flags.DO, UDP_BYTES)
    return made


def _is_verified(response: dns.message.Message) -> bool:
    return bool(response.flags & dns.flags.AD)


def _problem(error: dns.resolver.NoNameservers | dns.resolver.LifetimeTimeout) -> str:
    """What each name server said, shortly."""
    said = dict.fromkeys(str(entry[3]).rstrip(".") for entry in error.kwargs.get("errors", []))
    return "; ".join(said)[:300] or "no answer"


def _plain_name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


@dataclass(slots=True)
class Trace:
    """The lines of one check: what was looked up, what came, what was concluded."""

    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def note(self, answer: Answer) -> None:
        """One line per record that came; a question that was asked before adds none."""
        said = {
            Status.FOUND: [text_of(record) for record in answer.records[:MOST_LINES]],
            Status.EMPTY: ["no such record"],
            Status.NO_NAME: ["no such name"],
            Status.UNANSWERED: [f"no answer ({answer.problem})"],
        }[answer.status]
        lines = (f"{answer.name} {answer.type}: {text}" for text in said)
        self.lines += [line for line in lines if line not in self.lines]


class Lookups:
    """What one diagnosis asks, until its time is up; the same question is asked once."""

    def __init__(self, resolver: Resolver, *, until: float) -> None:
        self._resolver, self._until = resolver, until
        self._known: dict[tuple[str, str, bool], Answer] = {}

    def ask_softly(self, trace: Trace, name: str, kind: str, *, unchecked: bool = False) -> Answer:
        """The answer, also when nobody gave one."""
        key = (name.lower().rstrip("."), kind, unchecked)
        answer = self._known.get(key)
        if answer is None:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                answer = Answer(key[0], kind, Status.UNANSWERED, problem="the time limit of the diagnosis is over")
            else:
                answer = self._resolver.ask(key[0], kind, lifetime_s=min(LOOKUP_S, left_s), unchecked=unchecked)
            self._known[key] = answer
        trace.note(answer)
        return answer

    def ask(self, trace: Trace, name: str, kind: str) -> Answer:
        """The answer. Raises: Unanswered."""
        answer = self.ask_softly(trace, name, kind)
        if answer.status is Status.UNANSWERED:
            raise Unanswered(answer)
        return answer

    def texts(self, trace: Trace, name: str) -> list[str]:
        """The TXT records of a name, each with its strings joined. Raises: Unanswered."""
        return [text_of(record) for record in self.ask(trace, name, "TXT").records]

    def addresses(self, trace: Trace, name: str) -> list[str]:
        """All addresses of a name, IPv4 first. Raises: Unanswered, when one of the two questions got no answer."""
        answers = [self.ask(trace, name, kind) for kind in ("A", "AAAA")]
        return [record.address for answer in answers for record in answer.records]


def text_of(record: dns.rdata.Rdata) -> str:
    """A record as people read it: a TXT as its text, names without the final dot."""
    if record.rdtype == dns.rdatatype.TXT:
        return b"".join(record.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    return record.to_text().removesuffix(".")
