"""Sender verification: would the sender's own server take mail for the sender? Asked with an empty sender, sparingly.

Answers are remembered, also "nobody knows". A server is asked by one of us at a time and a few times a minute, all of
them together not often either: whoever sends us mail in the name of others must not make us a weapon against them. What
is proved to be forged (SPF, DMARC) isn't asked about at all. Connections pass the gate (`config.kit.net`).

Source: RFC 5321 §3.3, §4.5.5 (empty reverse-path), RFC 7505 (a domain that takes no mail).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field, replace

from config.kit import net
from config.kit.transcripts import Transcript
from domains.policy.facts import SenderVerify
from domains.smtp_talk import Talk
from gateway.judging.authentication.names import NoAnswer, Questions

SMTP_PORT = 25
ASK_S = 10.0
MOST_HOSTS = 2
REMEMBERED = 20_000
FOR_S = {SenderVerify.PASSED: 24 * 3600.0, SenderVerify.FAILED: 2 * 3600.0, SenderVerify.UNKNOWN: 900.0}
A_MINUTE = 60.0
MOST_PER_DOMAIN, MOST_IN_ALL = 6, 120  # a minute


def mail_hosts(domain: str, questions: Questions) -> list[str]:
    """The hosts that take a domain's mail, the preferred first; none: it takes no mail. Raises: NoAnswer."""
    records = [record.split() for record in questions.ask(domain, "MX").records]
    hosts = [parts for parts in records if len(parts) == 2 and parts[0].isdecimal()]
    if hosts:
        in_order = sorted(hosts, key=lambda parts: int(parts[0]))
        return [host.rstrip(".") for _preference, host in in_order if host.rstrip(".")]
    if any(questions.ask(domain, kind).records for kind in ("A", "AAAA")):
        return [domain]
    return []


def _gate(questions: Questions) -> net.Gate:
    """The gate, with the addresses of hosts from the servers that we ask for everything else."""

    def resolve(host: str, _port: int, _timeout_s: float) -> list[str]:
        try:
            found = [address for kind in ("A", "AAAA") for address in questions.ask(host, kind).records]
        except NoAnswer as error:
            raise net.NameUnanswered(str(error)) from error
        if not found:
            raise net.NameUnknown(f"there is no host {host}")
        return found

    return replace(net.the_gate(), resolve=resolve)


@dataclass(slots=True)
class Callouts:
    """The callouts of one process. `who` are we: the name in EHLO. For many threads."""

    who: str
    port: int = SMTP_PORT
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _known: OrderedDict[str, tuple[float, SenderVerify]] = field(default_factory=OrderedDict)
    _asked: dict[str, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)
    _busy: set[str] = field(default_factory=set)

    def verify(self, sender: str, questions: Questions) -> SenderVerify:
        """Waits for the sender's server, ten seconds at most. Never raises."""
        domain = sender.rpartition("@")[2].lower()
        now = time.monotonic()
        with self._guard:
            known = self._known.get(sender)
            if known is not None and known[0] > now:
                self._known.move_to_end(sender)
                return known[1]
            if not self._may_ask(domain, now):
                return SenderVerify.UNKNOWN
            self._busy.add(domain)
        try:
            found = self._ask(sender, domain, questions)
        finally:
            with self._guard:
                self._busy.discard(domain)
        with self._guard:
            self._known[sender] = now + FOR_S[found], found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _may_ask(self, domain: str, now: float) -> bool:
        """Whether one more may go there now; then it is counted."""
        if len(self._asked) > REMEMBERED:
            self._asked.clear()
        times = self._asked.setdefault(domain, deque())
        for each in (times, self._all):
            while each and each[0] < now - A_MINUTE:
                each.popleft()
        if domain in self._busy or len(times) >= MOST_PER_DOMAIN or len(self._all) >= MOST_IN_ALL:
            return False
        times.append(now)
        self._all.append(now)
        return True

    def _ask(self, sender: str, domain: str, questions: Questions) -> SenderVerify:
        try:
            hosts = mail_hosts(domain, questions)
        except NoAnswer:
            return SenderVerify.UNKNOWN
        if not hosts:
            return SenderVerify.FAILED
        until = time.monotonic() + ASK_S
        for host in hosts[:MOST_HOSTS]:
            try:
                return self._ask_host(host, sender, until, _gate(questions))
            except (net.NetError, ValueError):
                continue
        return SenderVerify.UNKNOWN

    def _ask_host(self, host: str, sender: str, until: float, gate: net.Gate) -> SenderVerify:
        """Raises: NetError; ValueError for a sender that is no line."""
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise net.TimedOut("no time was left")
        with net.connect(host, self.port, timeout_s=left_s, gate=gate, who="sender verification") as connection:
            talk = Talk(connection, Transcript(), until=until)
            if not talk.read().is_good or not talk.say(f"EHLO {self.who}").is_good:
                return SenderVerify.UNKNOWN
            if not talk.say("MAIL FROM:<>").is_good:
                return SenderVerify.UNKNOWN
            reply = talk.say(f"RCPT TO:<{sender}>")
            with suppress(net.NetError):
                talk.say("QUIT")
        if reply.is_good:
            return SenderVerify.PASSED
        return SenderVerify.UNKNOWN if reply.is_later else SenderVerify.FAILED
