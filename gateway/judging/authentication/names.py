"""Asking DNS while a message waits: answers are kept for as long as their zone says, within limits.

One `NameCache` a process, used from many threads; the same question is under way once. A `Questions` is one message's
view of it, with its own end of time. A question that nobody answered raises `NoAnswer`: never "there is none".

Where the name servers say nothing at all, not even where `com` is, not every message waits for them: for some seconds
what isn't remembered counts as unanswered at once. A sender's own slow servers bring that about for nobody.

Not for looking at the health of domains (`domains.diagnosis`), whose resolver this uses (POSTKEEP_DNS_SERVERS).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from domains.diagnosis.lookups import Answer, Resolver, Status, text_of
from gateway.directory import before_reading

logger = logging.getLogger(__name__)

MOST_KEPT = 20_000
LONGEST_S, NEGATIVE_S, UNANSWERED_S = 3600.0, 300.0, 15.0
LOOKUP_S = 4.0
SLOW_S, PROBE_S, SILENT_S = 1.0, 1.0, 15.0
KNOWN_EVERYWHERE = ("com", "NS")


class NoAnswer(Exception):
    """No name server said, or there was no time left to ask: a temporary error."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records as texts: TXT joined, addresses and hosts as written, MX as "preference host". exists: the name."""

    records: tuple[str, ...]
    exists: bool


@dataclass(slots=True)
class _Asking:
    """A question under way: those who ask the same wait for it."""

    done: threading.Event
    found: Found | None = None


class NameCache:
    """Answers of one resolver, those asked for last."""

    def __init__(self, resolver: Resolver, *, most: int = MOST_KEPT) -> None:
        self._resolver, self._most = resolver, most
        self._guard = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, Found | None]] = OrderedDict()
        self._under_way: dict[tuple[str, str], _Asking] = {}
        self._probing = threading.Lock()
        self._is_silent, self._look_again_at = False, 0.0

    def knows(self, name: str, kind: str) -> bool:
        """Whether `ask` would answer without waiting just now."""
        with self._guard:
            kept = self._kept.get(_key(name, kind))
        return kept is not None and kept[0] > time.monotonic()

    def ask(self, name: str, kind: str, until: float) -> Found:
        """until: on the monotonic clock. Raises: NoAnswer; NotRemembered where nobody may wait."""
        key = _key(name, kind)
        now = time.monotonic()
        with self._guard:
            kept = self._kept.get(key)
            if kept is not None and kept[0] > now:
                self._kept.move_to_end(key)
                return _or_raise(kept[1], key)
            before_reading()
            asking = self._under_way.get(key)
            is_first = asking is None
            if asking is None:
                asking = self._under_way[key] = _Asking(threading.Event())
        if not is_first:
            asking.done.wait(max(until - now, 0))
            return _or_raise(asking.found, key)
        try:
            return self._look_up(key, asking, until - now)
        finally:
            with self._guard:
                self._under_way.pop(key, None)
            asking.done.set()

    def _look_up(self, key: tuple[str, str], asking: _Asking, left_s: float) -> Found:
        if left_s <= 0:
            raise NoAnswer(f"no time was left to ask for {key[1]} of {key[0]}")
        if self._is_silent and not self._speaks_again():
            raise NoAnswer("the name servers don't answer")
        began = time.monotonic()
        answer = self._resolver.ask(*key, lifetime_s=min(left_s, LOOKUP_S))
        found = None if answer.status is Status.UNANSWERED else _found(answer)
        if found is None and time.monotonic() - began >= min(left_s, SLOW_S):
            self._speaks_again()
        if found is not None or left_s > LOOKUP_S:
            with self._guard:
                self._kept[key] = time.monotonic() + _lifetime_s(answer), found
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        asking.found = found
        return _or_raise(found, key)

    def _speaks_again(self) -> bool:
        """Whether the name servers answer anything; looked up by one at a time, and again after some seconds."""
        if not self._probing.acquire(blocking=False):
            return not self._is_silent
        try:
            if time.monotonic() >= self._look_again_at:
                answer = self._resolver.ask(*KNOWN_EVERYWHERE, lifetime_s=PROBE_S)
                silent = answer.status is Status.UNANSWERED
                if silent != self._is_silent:
                    logger.warning("the name servers %s", "don't answer" if silent else "answer again")
                self._is_silent, self._look_again_at = silent, time.monotonic() + (SILENT_S if silent else 0.0)
            return not self._is_silent
        finally:
            self._probing.release()


def _key(name: str, kind: str) -> tuple[str, str]:
    return name.lower().rstrip("."), kind


def _or_raise(found: Found | None, key: tuple[str, str]) -> Found:
    if found is None:
        raise NoAnswer(f"nobody answered for {key[1]} of {key[0]}")
    return found


def _found(answer: Answer) -> Found:
    return Found(tuple(text_of(record) for record in answer.records), answer.status is not Status.NO_NAME)


def _lifetime_s(answer: Answer) -> float:
    if answer.status is Status.UNANSWERED:
        return UNANSWERED_S
    if answer.status is Status.FOUND and answer.message is not None:
        return min([LONGEST_S, *(float(rrset.ttl) for rrset in answer.message.answer)])
    return NEGATIVE_S


class Questions:
    """What one message asks, until its time is up."""

    def __init__(self, cache: NameCache, *, timeout_s: float) -> None:
        self._cache, self._until = cache, time.monotonic() + timeout_s

    def ask(self, name: str, kind: str) -> Found:
        """Raises: NoAnswer."""
        return self._cache.ask(name, kind, self._until)

    def sees_others(self) -> bool:
        """Whether the name servers know the names of the internet. In a closed network they know their own, and that
        there is no `gmail.com` says nothing about a sender there."""
        try:
            return self.ask(*KNOWN_EVERYWHERE).exists
        except NoAnswer:
            return False

    def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name, none when there is no such name. Raises: NoAnswer."""
        return self.ask(name, "TXT").records
