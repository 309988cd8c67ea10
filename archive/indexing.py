"""The indexer of `manage.py up`: one loop that brings every store's index up to its journal.

It looks twice a second whether a journal has grown, which costs a few stats; it opens an index for writing only when
there is something to do and nobody else (an import that feeds what it parsed) is doing it. Not for how documents are
made (`archive.store.indexer`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

from archive import engines
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.selectors import open_stores
from archive.store.errors import Busy, Stopped, StoreError
from archive.store.indexer import Indexer
from config.kit import heartbeat

logger = logging.getLogger("postkeep.indexer")

POLL_S = 0.5
STORES_EVERY_S = 5.0
WAIT_AFTER_FAILURE_S = 30.0
SMALL_HEAP_BYTES = 16_000_000  # tantivy's least is 15 MB; only held while there is work


class IndexerLoop:
    """Runs until `stop`. Crash: the next one goes on from each index's own position (I5)."""

    def __init__(self, stop: Callable[[], bool], beat: Callable[[], None] | None = None) -> None:
        self._stop = stop
        self._beat_now = beat or (lambda: heartbeat.beat("indexer"))
        self._beat_at = 0.0
        self._stores: list[Store] = []
        self._looked_at = 0.0
        self._not_before: dict[int, float] = {}

    def run(self) -> None:
        while not self._stop():
            close_old_connections()
            self.run_once()
            time.sleep(POLL_S)

    def run_once(self) -> int:
        """One look at every store; how many messages were indexed."""
        self._beat()
        self._look_for_stores()
        return sum(self._work_on(store) for store in self._stores if not self._stop())

    def _beat(self, _messages: int = 0) -> None:
        now = time.monotonic()
        if now - self._beat_at >= heartbeat.EVERY_S:
            self._beat_at = now
            self._beat_now()

    def _look_for_stores(self) -> None:
        now = time.monotonic()
        if self._stores and now - self._looked_at < STORES_EVERY_S:
            return
        self._looked_at = now
        try:
            self._stores = open_stores()
        except DatabaseError as error:  # the stores we know can be indexed without it
            logger.warning("the list of stores can't be read: %s", error)
            connection.close()

    def _work_on(self, store: Store) -> int:
        if time.monotonic() < self._not_before.get(store.pk, 0.0):
            return 0
        try:
            opened = engines.open_store(store)
            opened.refresh()
            behind = opened.catalogue.position().sequence - opened.index.position().sequence
            return self._index(opened) if behind > 0 else 0
        except Busy:
            return 0
        except Stopped:
            return 0
        except (StoreError, StoreUnavailable, OSError):
            logger.exception("the store %s can't be indexed now; next try in %d s", store.name, WAIT_AFTER_FAILURE_S)
            self._not_before[store.pk] = time.monotonic() + WAIT_AFTER_FAILURE_S
            engines.close_store(store)
            return 0

    def _index(self, opened: engine.Store) -> int:
        with Indexer(opened, wait=False, heap_bytes=SMALL_HEAP_BYTES) as indexer:
            done = indexer.advance(stop=self._stop, on_messages=self._beat)
            indexer.commit()
        logger.debug("%d messages went into the index of a store", done)
        return done
