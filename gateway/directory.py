"""Whether the directory has changed: so that a process may keep in memory what it read there.

The database itself says so (triggers of migration 0002 notify when a change is committed), so that no writer can
forget it. A process that doesn't listen, or has lost its connection, keeps nothing and reads anew every time.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import psycopg
from django.db import connection

CHANNEL = "postkeep_directory"
AGAIN_AFTER_S = 1.0
log = logging.getLogger("postkeep.gateway")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


_memory = threading.local()


class NotRemembered(Exception):
    """What was asked isn't in memory, and within `only_remembered` nobody waits: not for the database, nor for DNS."""


@contextmanager
def only_remembered() -> Iterator[None]:
    """Within it what would ask the database raises NotRemembered: for threads that may not wait, as an event loop's."""
    before = getattr(_memory, "is_all", False)
    _memory.is_all = True
    try:
        yield
    finally:
        _memory.is_all = before


def before_reading() -> None:
    """Called by whoever is about to read the directory, or to wait for anything else. Raises: NotRemembered."""
    if getattr(_memory, "is_all", False):
        raise NotRemembered


class Changes:
    """Counts the changes of the directory while it listens. One per process; safe for threads."""

    def __init__(self) -> None:
        self._count = 0
        self._is_listening = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def stamp(self) -> int | None:
        """A number that stays the same as long as nothing has changed; None: nobody knows, so keep nothing."""
        return self._count if self._is_listening else None

    def start(self) -> None:
        """Begin to listen, once in a process and after it was forked."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="directory changes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(5.0)
        self._is_listening = False

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("nothing of the directory is kept in memory until the database answers: %s", error)
            finally:
                self._is_listening = False
                self._count += 1
            self._stopped.wait(AGAIN_AFTER_S)

    def _listen(self) -> None:
        parameters = {
            name: value
            for name, value in connection.get_connection_params().items()
            if name not in ("cursor_factory", "context", "pool", "prepare_threshold")
        }
        with psycopg.connect(**parameters, autocommit=True) as listening:
            listening.execute(f"LISTEN {CHANNEL}")
            self._count += 1
            self._is_listening = True
            while not self._stopped.is_set():
                for _notice in listening.notifies(timeout=1.0, stop_after=1):
                    self._count += 1


changes = Changes()


class Remembered(Generic[K, V]):
    """What was read last, by key, as long as the directory stays as it is; the `most` used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._stamp: int | None = None
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """What is remembered; None where that is nothing, or old."""
        stamp = changes.stamp()
        with self._lock:
            if stamp is None or stamp != self._stamp:
                self._kept.clear()
                self._stamp = stamp
                return None
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def ask(self, key: K, read: Callable[[], V]) -> V:
        """What is remembered, or what `read` says, which is remembered if nothing has changed meanwhile."""
        found = self.get(key)
        if found is not None:
            return found
        before_reading()
        before = changes.stamp()
        value = read()
        self.put(key, value, before)
        return value

    def put(self, key: K, value: V, read_at: int | None) -> None:
        """Remember what was read after the stamp was `read_at`."""
        with self._lock:
            if read_at is None or read_at != changes.stamp() or read_at != self._stamp:
                return
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
