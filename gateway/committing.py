"""One thread that makes durable what many connections bring, as many at once as have come meanwhile.

While one transaction is committed the next batch gathers, so under load a commit serves dozens of messages and an idle
gateway waits for nobody. Not for what is written (`filing`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from django.db import close_old_connections, connection

from gateway.filing import file_batch
from gateway.flow import Filed

LARGEST_BATCH = 64
LARGEST_BATCH_BYTES = 16 << 20
log = logging.getLogger("postkeep.gateway")

_Waiting = tuple[Filed, "asyncio.Future[None]"]


class Committer:
    """Belongs to one event loop. `file` returns when the message is on disk."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    async def file(self, filed: Filed) -> None:
        """Make it durable. Raises: what the database raised; then nothing of it is there."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((filed, done))
        # A connection that goes away meanwhile doesn't take it back: it may be on disk already.
        await asyncio.shield(done)

    def stop(self) -> None:
        """After what waits has been filed."""
        self._waiting.put(None)
        self._thread.join(30.0)

    def _run(self) -> None:
        try:
            while batch := self._next():
                close_old_connections()
                self._tell(self._file(batch))
        finally:
            connection.close()

    def _next(self) -> list[_Waiting]:
        """What waits, at least one; empty: stop."""
        first = self._waiting.get()
        if first is None:
            return []
        batch, size = [first], first[0].incoming.body.size_bytes
        while len(batch) < LARGEST_BATCH and size < LARGEST_BATCH_BYTES:
            try:
                more = self._waiting.get_nowait()
            except Empty:
                break
            if more is None:
                self._waiting.put(None)
                break
            batch.append(more)
            size += more[0].incoming.body.size_bytes
        return batch

    def _file(self, batch: Sequence[_Waiting]) -> list[tuple[asyncio.Future[None], BaseException | None]]:
        try:
            file_batch([filed for filed, _done in batch])
        except Exception as error:
            if len(batch) == 1:
                log.exception("the message %s can't be filed", batch[0][0].incoming.key)
                return [(batch[0][1], error)]
            # one of them may be at fault: each by itself
            return [each for waiting in batch for each in self._file([waiting])]
        return [(done, None) for _filed, done in batch]

    def _tell(self, results: Sequence[tuple[asyncio.Future[None], BaseException | None]]) -> None:
        self._loop.call_soon_threadsafe(_settle, results)


def _settle(results: Sequence[tuple[asyncio.Future[None], BaseException | None]]) -> None:
    for done, error in results:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
