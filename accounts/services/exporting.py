"""Taking the audit trail out: that somebody did is an event itself."""

from __future__ import annotations

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right

MOST_QUERY = 500


def note_export(actor: Actor, *, format: str, query: str) -> None:
    """Note that the audit trail was taken out, in which form and with which filters. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_AUDIT)
    audit.record(actor, "audit.export", None, format=format, query=query[:MOST_QUERY])
