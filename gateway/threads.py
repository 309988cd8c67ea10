"""Running what blocks (the database, DNS) beside an event loop, in a few threads that keep their connections."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections, connection

T = TypeVar("T")
LOOKED_AT_EVERY_S = 5.0
CLOSING_S = 30.0
_own = threading.local()


class Threads:
    """A pool of one event loop."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _fresh, work)

    def stop(self) -> None:
        """What is running ends by itself; what waits is given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """After what was asked is done, connections closed: blocks, so not for the event loop itself."""
        together = threading.Barrier(self._count)
        for _each in range(self._count):
            self._pool.submit(_close, together)
        self._pool.shutdown()


def _close(together: threading.Barrier) -> None:
    """Each thread of a pool closes its own connection: none gets two of these, because it waits for the others."""
    together.wait(CLOSING_S)
    connection.close()


def keep_connection_fresh() -> None:
    """Have this thread's connection asked now and then whether it still works; not before every piece of work."""
    now = time.monotonic()
    if now - getattr(_own, "looked_at", 0.0) > LOOKED_AT_EVERY_S:
        close_old_connections()
        _own.looked_at = now


def _fresh(work: Callable[[], T]) -> T:
    """Run it on a connection that is asked now and then whether it still works."""
    keep_connection_fresh()
    try:
        return work()
    except Exception:
        connection.close_if_unusable_or_obsolete()
        raise
