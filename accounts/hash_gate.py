"""At most so many passwords are hashed at a time in a process, and those first who are most likely at home here.

A hash costs about 50 ms of a processor and 32 MiB, so strangers who guess from a thousand addresses could keep a
machine busy with nothing else. Who waits is let in by class: browsers that have signed in before, then networks without
a wrong guess of late, then all others. Of each class only a few may wait, the last only as long as nobody else does;
who may not is asked to come again in a moment, without having guessed. So threads are left for everybody else.

The class is said by the door (`signing_in`) and kept in a context variable, since hashing happens deep in Django.
Hashing in tasks passes in the first class.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from accounts.errors import TooManyAttempts

LONGEST_WAIT_S = 5.0
AGAIN_S = 2


class Standing(IntEnum):
    """Who asks, the first first."""

    KNOWN = 0
    QUIET = 1
    NOISY = 2


_standing: contextvars.ContextVar[Standing] = contextvars.ContextVar("standing", default=Standing.KNOWN)


@contextmanager
def as_(standing: Standing) -> Iterator[None]:
    """Hash inside as this class."""
    token = _standing.set(standing)
    try:
        yield
    finally:
        _standing.reset(token)


class Gate:
    """places: hashes at a time; most: how many of each class may wait."""

    def __init__(self, places: int, most: tuple[int, int, int] = (4, 2, 1)) -> None:
        self._free = places
        self._most = most
        self._queue: list[tuple[int, int]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place to hash at. Raises: TooManyAttempts."""
        self._enter(_standing.get())
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _enter(self, standing: Standing) -> None:
        with self._changed:
            waiting = [each for each, _number in self._queue if each == standing]
            others = len(self._queue) - len(waiting)
            is_full = len(waiting) >= self._most[standing] or (standing == Standing.NOISY and others)
            if (self._queue or not self._free) and is_full:
                raise TooManyAttempts(AGAIN_S)
            mine = (int(standing), next(self._numbers))
            heapq.heappush(self._queue, mine)
            ends = time.monotonic() + LONGEST_WAIT_S
            try:
                while not self._free or self._queue[0] != mine:
                    left = ends - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        raise TooManyAttempts(AGAIN_S)
                self._free -= 1
            finally:
                self._queue.remove(mine)
                heapq.heapify(self._queue)
                self._changed.notify_all()


GATE = Gate(max(1, (os.cpu_count() or 2) - 1))
