"""One thread that makes durable what many connections bring, as many at once as have come meanwhile.

While one transaction is committed the next batch gathers, and after one of several messages a moment more, so under
load a commit serves many and an idle gateway waits for nobody. Delivery hears of them after the senders. Where the
answer to a commit is lost, the database is asked what is there before anything is filed again or refused, so that a
restart of the database makes no duplicates. Not for what is written (`filing`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, connection

from gateway.filing import file_batch
from gateway.flow import Filed
from gateway.inserting import forget_numbers
from gateway.models import Message, QueueItem
from gateway.queue import adding
from gateway.threads import keep_connection_fresh

LARGEST_BATCH = 64
LARGEST_BATCH_BYTES = 16 << 20
# An answer may come so much later where several come at once. Not longer: ten connections that all wait leave a
# processor idle, and the disk makes them wait already.
GATHERING_S = 0.0015
WAKING_S = 0.02  # how often delivery is told, which gathers for as long itself
BACK_WITHIN_S, AGAIN_AFTER_S = 10.0, 0.2
log = logging.getLogger("postkeep.gateway")

_Waiting = tuple[Filed, "asyncio.Future[None]"]
_Result = tuple["asyncio.Future[None]", BaseException | None]


class Committer:
    """Belongs to one event loop. `file` returns when the message is on disk."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._is_busy = False
        self._unheard: set[str] = set()  # destinations that delivery wasn't told of yet
        self._told_at = float("-inf")
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
            while (batch := self._next()) is not None:
                if batch:
                    keep_connection_fresh()
                    self._tell(self._file(batch))
                if time.monotonic() - self._told_at >= WAKING_S:
                    self._wake_delivery()
        finally:
            self._wake_delivery()
            connection.close()

    def _wake_delivery(self) -> None:
        if self._unheard:
            adding.wake(self._unheard)
            self._unheard.clear()
            self._told_at = time.monotonic()

    def _note_queued(self, items: Sequence[QueueItem]) -> None:
        self._unheard.update(item.destination for item in items)

    def _next(self) -> list[_Waiting] | None:
        """What waits; none where delivery is to be told before there is something; None: stop."""
        try:
            first = self._waiting.get(timeout=WAKING_S if self._unheard else None)
        except Empty:
            return []
        if first is None:
            return None
        if self._is_busy:
            time.sleep(GATHERING_S)
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
        self._is_busy = len(batch) > 1
        return batch

    def _file(self, batch: Sequence[_Waiting], *, is_last_try: bool = False) -> list[_Result]:
        try:
            file_batch([filed for filed, _done in batch], wake=self._note_queued)
        except Exception as error:
            return self._after(error, batch, is_last_try=is_last_try)
        return [(done, None) for _filed, done in batch]

    def _after(self, error: Exception, batch: Sequence[_Waiting], *, is_last_try: bool) -> list[_Result]:
        """What is there all the same is done; of the others one may be at fault, so each is filed by itself, once."""
        connection.close()
        forget_numbers()  # those that were kept may be what is at fault
        there = _found({filed.incoming.key for filed, _done in batch})
        if there is None or is_last_try:
            log.error("%d messages can't be filed, one is %s", len(batch), batch[0][0].incoming.key, exc_info=error)
            there = there or set()
            return [(done, None if filed.incoming.key in there else error) for filed, done in batch]
        results: list[_Result] = [(done, None) for filed, done in batch if filed.incoming.key in there]
        for waiting in batch:
            if waiting[0].incoming.key not in there:
                results += self._file([waiting], is_last_try=True)
        return results

    def _tell(self, results: Sequence[_Result]) -> None:
        self._loop.call_soon_threadsafe(_settle, results)


def _found(keys: set[str]) -> set[str] | None:
    """Which of these are on disk; None where the database doesn't come back in time to say so."""
    until = time.monotonic() + BACK_WITHIN_S
    while True:
        try:
            return set(Message.objects.filter(key__in=keys).values_list("key", flat=True))
        except (DatabaseError, InterfaceError):
            connection.close()
            if time.monotonic() > until:
                return None
            time.sleep(AGAIN_AFTER_S)


def _settle(results: Sequence[_Result]) -> None:
    for done, error in results:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
