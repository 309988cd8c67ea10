"""Whom outgoing connections believe: the authorities of the system, and those that the organisation added.

Every client of ours that checks a certificate takes its context from here, so that a directory, a relay or a receiver
of events whose certificate an own authority signed is trusted as soon as that authority is. Who keeps the added ones
is registered; without one the system's count alone. Not for the certificates that we show ourselves.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("postkeep.net")

KEPT_S = 10.0
_load: Callable[[], str] = str  # nothing added
_guard = threading.Lock()
_kept: tuple[float, str] | None = None


def register(load: Callable[[], str]) -> None:
    """Say who knows the added authorities: a function that answers their certificates as one PEM text."""
    global _load
    _load = load
    forget()


def forget() -> None:
    """Ask again at the next connection (somebody changed the list)."""
    global _kept
    with _guard:
        _kept = None


def added() -> str:
    """The added authorities as one PEM text, asked for once in a while; nothing where they can't be had."""
    global _kept
    now = time.monotonic()
    with _guard:
        if _kept is not None and _kept[0] > now:
            return _kept[1]
    try:
        found = _load()
    except Exception:  # the database is away: the system's authorities still count
        logger.exception("the added authorities can't be read")
        found = ""
    with _guard:
        _kept = (now + KEPT_S, found)
    return found


def client_context(more: str = "") -> ssl.SSLContext:
    """A context for a client that checks the other side's certificate and name. more: PEM that counts here alone."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for pem in (added(), more):
        if pem:
            context.load_verify_locations(cadata=pem)
    return context
