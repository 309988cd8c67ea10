"""Who is looked at first where many try to sign in at once: whoever tried least of late.

Each process remembers how often each network came within a quarter of an hour, also where it was sent away unseen. A
crowd of guessers comes again and again, so its members stand behind somebody who comes for the first time, or who
mistyped once, from their first second on. A browser that has signed in before is counted by itself, not by its network.
A network address of IPv6 is a customer's /64, and a share of the /48 that it lies in.

Not for how many guesses are free (`throttle`): nothing here refuses anybody where there is room.
"""

from __future__ import annotations

import contextvars
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accounts import blocking, throttle
from accounts.hash_gate import ENTRANCE

LATE_S = 900.0
KEPT = 100_000  # networks; beyond, those are forgotten that came first
SITE_SHARE = 16  # so many attempts out of a /48 weigh like one out of each of its /64

_has_place: contextvars.ContextVar[bool] = contextvars.ContextVar("has_place", default=False)
_rank: contextvars.ContextVar[int] = contextvars.ContextVar("rank", default=0)


class Arrivals:
    """How often each came of late. In memory of this process, bounded; for several threads."""

    def __init__(self, kept: int = KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept, self._clock = kept, clock
        self._came: OrderedDict[str, tuple[float, int]] = OrderedDict()  # since when, how often
        self._lock = threading.Lock()

    def came(self, key: str) -> int:
        """Note that it came; how often it did before."""
        now = self._clock()
        with self._lock:
            since, times = self._of(key, now)
            self._came[key] = (since, times + 1)
            if len(self._came) > self._kept:
                self._came.popitem(last=False)
        return times

    def of(self, key: str) -> int:
        """How often it came."""
        with self._lock:
            return self._of(key, self._clock())[1]

    def take_back(self, key: str) -> None:
        """Once less: it came with good reason."""
        with self._lock:
            since, times = self._of(key, self._clock())
            if times <= 1:
                self._came.pop(key, None)
            else:
                self._came[key] = (since, times - 1)

    def clear(self) -> None:
        with self._lock:
            self._came.clear()

    def _of(self, key: str, now: float) -> tuple[float, int]:
        since, times = self._came.get(key, (now, 0))
        return (since, times) if now - since < LATE_S else (now, 0)


ARRIVALS = Arrivals()


def arrive(address: str, device: str | None = None) -> int:
    """Somebody tries: their rank, the lower the sooner they are looked at. device: the cookie's value, if any.

    0 is for known browsers that tried little of late; whether the cookie is of this very account is `throttle`'s.
    """
    owner = throttle.device_owner(device)
    if owner is not None:
        return ARRIVALS.came(f"device:{owner}") // 10
    mine, site = _keys(address)
    before = ARRIVALS.came(mine)
    return 1 + (before if site is None else max(before, ARRIVALS.came(site) // SITE_SHARE))


def rank_of(address: str) -> int:
    """The rank of somebody whose arrival was noted, among those who aren't known."""
    mine, site = _keys(address)
    before = max(0, ARRIVALS.of(mine) - 1)
    return 1 + (before if site is None else max(before, ARRIVALS.of(site) // SITE_SHARE))


def went_well(address: str, device: str | None = None) -> None:
    """Who came had the right password: it counts no more. Only this one, as in `throttle.forgive`."""
    owner = throttle.device_owner(device)
    for key in _keys(address) if owner is None else (f"device:{owner}",):
        if key is not None:
            ARRIVALS.take_back(key)


@contextmanager
def place(address: str, device: str | None = None) -> Iterator[None]:
    """A place at the entrance for an attempt from there, in its order; the same where one has it already, at a door
    that gave it before anything else was looked at. Raises: TooManyAttempts.
    """
    if _has_place.get():
        yield
        return
    with ENTRANCE.place(arrive(address, device)):
        token = _has_place.set(True)
        try:
            yield
        finally:
            _has_place.reset(token)


@contextmanager
def as_(rank: int) -> Iterator[None]:
    """Wait inside with this rank. Hashing outside of a sign-in (tasks, new passwords) has 0."""
    token = _rank.set(rank)
    try:
        yield
    finally:
        _rank.reset(token)


def present_rank() -> int:
    """The rank of who is looked at in this thread."""
    return _rank.get()


def _keys(address: str) -> tuple[str, str | None]:
    parsed = blocking.parse(address)
    if parsed is None or parsed.version == 4:
        return f"network:{throttle.network_of(address)}", None
    return f"network:{throttle.network_of(address)}", f"site:{ipaddress.ip_network((parsed, 48), strict=False)}"
