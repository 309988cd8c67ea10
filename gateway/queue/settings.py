"""The settings of the queue as delivery reads them: a row that people change, kept here for some seconds."""

from __future__ import annotations

import threading
import time

from gateway.models import QueueSettings

KEPT_S = 5.0
_lock = threading.Lock()
_kept: tuple[float, QueueSettings] | None = None


def read_settings() -> QueueSettings:
    """The row, or the usual values where nobody has set any. At most one query in some seconds."""
    global _kept
    with _lock:
        known = _kept
    if known is not None and time.monotonic() - known[0] < KEPT_S:
        return known[1]
    found = QueueSettings.objects.first() or QueueSettings()
    with _lock:
        _kept = (time.monotonic(), found)
    return found


def forget() -> None:
    """Read them anew next time."""
    global _kept
    with _lock:
        _kept = None
