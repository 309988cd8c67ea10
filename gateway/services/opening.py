"""Opening a kept message to read it: one's own, or another's while their archive stands open, which leaves a line.

Not for lists and facts, which are administration (`gateway.selectors.quarantine`).
"""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404

from accounts.actors import Actor
from archive.services.access import note_read
from gateway.keeping.reading import Copy, copy_of
from gateway.models import Recipient
from gateway.selectors.quarantine import reading_of


def open_copy(actor: Actor, recipient: Recipient) -> Copy:
    """The copy, and a line for its owner where somebody else reads it. Raises: Http404, CopyGone, StoreUnavailable."""
    allowed = reading_of(actor, recipient)
    if not allowed.allowed:
        raise Http404("not open to this person")
    copy = copy_of(recipient)
    if allowed.archive is not None and copy.stored is not None:
        note_read(actor, replace(copy.stored, archive=allowed.archive))
    return copy
