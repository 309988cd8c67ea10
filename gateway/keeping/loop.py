"""The keeper of `manage.py up`: one loop that puts what waits into stores, takes out what is due, clears away bytes
that nothing needs any more, and forgets passports that are old enough. Not for how any of it is done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, close_old_connections, connection

from archive.errors import ArchiveError
from archive.store.errors import StoreError
from config.kit import heartbeat
from gateway import content
from gateway.keeping.expiring import expire_due
from gateway.keeping.forgetting import forget_old
from gateway.keeping.moving import Patience, keep_waiting

logger = logging.getLogger("postkeep.keeper")

PART = "keeper"
POLL_S = 0.5
SWEEP_EVERY_S = 20.0
EXPIRE_EVERY_S = 60.0
FORGET_EVERY_S = 6 * 3600.0
WAIT_AFTER_FAILURE_S = 5.0


class KeeperLoop:
    """Runs until `stop`. Crash: the next one finds in the rows what is to be done, and in the stores what is done."""

    def __init__(self, stop: Callable[[], bool], beat: Callable[[], None] | None = None) -> None:
        self._stop = stop
        self._beat_now = beat or (lambda: heartbeat.beat(PART))
        self._beat_at = 0.0
        self._patience = Patience()
        self._swept_at = 0.0
        self._expired_at = 0.0
        self._after: tuple[datetime, int] | None = None
        self._forgot_at = 0.0
        self._forget_after: tuple[datetime, int] | None = None
        self._forgotten = 0

    def run(self) -> None:
        while not self._stop():
            close_old_connections()
            try:
                busy = self.run_once()
            except DatabaseError as error:
                logger.warning("the database doesn't answer as it should: %s", error)
                connection.close()
                self._sleep(WAIT_AFTER_FAILURE_S)
                continue
            except (ArchiveError, StoreError, OSError):
                logger.exception("keeping failed; next try in %d s", WAIT_AFTER_FAILURE_S)
                self._sleep(WAIT_AFTER_FAILURE_S)
                continue
            if not busy:
                self._sleep(POLL_S)

    def run_once(self) -> bool:
        """A batch of each; whether there was something to do."""
        self._beat()
        busy = bool(keep_waiting(self._patience))
        if self._is_due(self._expired_at, EXPIRE_EVERY_S) or self._after is not None:
            passed = expire_due(self._after)
            self._after = passed.after
            if self._after is None:
                self._expired_at = time.monotonic()
            busy = busy or self._after is not None
        if self._is_due(self._forgot_at, FORGET_EVERY_S) or self._forget_after is not None:
            self._forget()
            busy = busy or self._forget_after is not None
        if self._is_due(self._swept_at, SWEEP_EVERY_S) and not content.sweep():
            self._swept_at = time.monotonic()
        return busy

    def _forget(self) -> None:
        done = forget_old(self._forget_after)
        self._forgotten += done.messages
        self._forget_after = done.after
        if done.after is None:
            if self._forgotten:
                logger.info("%d messages are old enough that what became of them is forgotten", self._forgotten)
            self._forgot_at, self._forgotten = time.monotonic(), 0

    @staticmethod
    def _is_due(last: float, every_s: float) -> bool:
        return not last or time.monotonic() - last >= every_s

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beat_at >= heartbeat.EVERY_S:
            self._beat_at = now
            self._beat_now()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stop() and time.monotonic() < until:
            self._beat()
            time.sleep(min(POLL_S, seconds))
