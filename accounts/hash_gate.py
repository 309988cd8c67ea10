"""At most so many passwords are hashed, and attempts to sign in handled, at a time in a process.

A hash costs about 50 ms of a processor and 32 MiB, so strangers who guess from a thousand addresses could keep a
machine busy with nothing else. Who finds no place waits, in the order of their rank (`crowd`), and only a few do: who
comes while all waiting places are taken takes that of the last in order, if they come before them. Who is sent away is
asked to come again in a moment, without having guessed; so threads are left for everybody else.

Those who came often of late have one place at most, and rest as long as they took, so that a crowd uses half a
processor and never all of it. Not for who comes before whom (`crowd`), nor for how many guesses are free (`throttle`).
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from accounts.errors import TooManyAttempts

LONGEST_WAIT_S = 5.0
LONGEST_REST_S = 1.0
AGAIN_S = 2
OFTEN = 4  # from this rank on: came at least so often of late


@dataclass(order=True)
class _Waiting:
    rank: int
    number: int
    is_sent_away: bool = field(default=False, compare=False)


class Gate:
    """places: how many are inside at a time; waiting: how many known browsers (rank 0), strangers, and of those how
    many who came often, may wait.
    """

    def __init__(self, places: int, waiting: tuple[int, int, int] = (4, 3, 1)) -> None:
        self._places = places
        self._waiting = waiting
        self._inside: list[int] = []  # ranks
        self._queue: list[_Waiting] = []  # in their order
        self._numbers = itertools.count()
        self._rests_until = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def place(self, rank: int) -> Iterator[None]:
        """A place inside. Raises: TooManyAttempts."""
        self._enter(rank)
        began = time.monotonic()
        try:
            yield
        finally:
            self._leave(rank, began)

    def _enter(self, rank: int) -> None:
        with self._changed:
            if not self._queue and self._may_enter(rank):
                self._inside.append(rank)
                return
            mine = _Waiting(rank, next(self._numbers))
            self._make_room(rank)
            self._queue.append(mine)
            self._queue.sort()
            try:
                self._wait(mine)
                self._inside.append(rank)
            finally:
                self._queue.remove(mine)
                self._changed.notify_all()

    def _wait(self, mine: _Waiting) -> None:
        ends = time.monotonic() + LONGEST_WAIT_S
        while True:
            if mine.is_sent_away:
                raise TooManyAttempts(AGAIN_S)
            if self._queue[0] is mine and self._may_enter(mine.rank):
                return
            left = ends - time.monotonic()
            if left <= 0:
                raise TooManyAttempts(AGAIN_S)
            rests = self._rests_until - time.monotonic() if mine.rank >= OFTEN else 0.0
            self._changed.wait(min(left, rests) if rests > 0 else left)

    def _make_room(self, rank: int) -> None:
        """Where no more of a kind may wait, the last in order goes, or who has just come. Raises: TooManyAttempts."""
        known, strangers, often = self._waiting
        here = [each for each in self._queue if not each.is_sent_away and bool(each.rank) == bool(rank)]
        if rank >= OFTEN:
            frequent = [each for each in here if each.rank >= OFTEN]
            here, most = (frequent, often) if len(frequent) >= often else (here, strangers)
        else:
            most = strangers if rank else known
        if len(here) < most:
            return
        last = here[-1]
        if last.rank <= rank:
            raise TooManyAttempts(AGAIN_S)
        last.is_sent_away = True
        self._changed.notify_all()

    def _may_enter(self, rank: int) -> bool:
        if len(self._inside) >= self._places:
            return False
        if rank < OFTEN:
            return True
        return time.monotonic() >= self._rests_until and not any(each >= OFTEN for each in self._inside)

    def _leave(self, rank: int, began: float) -> None:
        with self._changed:
            self._inside.remove(rank)
            if rank >= OFTEN:
                now = time.monotonic()
                self._rests_until = now + min(now - began, LONGEST_REST_S)
            self._changed.notify_all()


GATE = Gate(max(1, (os.cpu_count() or 2) - 1))  # of hashing
ENTRANCE = Gate(4)  # of an attempt as a whole, which may wait for a directory
