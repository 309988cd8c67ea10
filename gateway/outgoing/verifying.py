"""Whether who sends may write as From says: as themselves or an alias; servers as any address of their domain.

The envelope's sender was asked about before (`gateway.intake`). What follows is the policy's: category "sender verify".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domains.policy.facts import Direction, SenderVerify
from gateway.flow import Incoming, Inspection, Route
from gateway.resolving import sender_of

MOST_AUTHORS = 20


def verified(incoming: Incoming, inspection: Inspection, routes: Sequence[Route]) -> Inspection:
    """With what was found out, where somebody of ours sends; a message without From is left to other rules.

    Raises: DatabaseError.
    """
    authors = inspection.facts.header_from
    if not authors or not any(route.direction is Direction.OUTGOING for route in routes):
        return inspection
    said = SenderVerify.PASSED
    if len(authors) > MOST_AUTHORS or any(sender_of(incoming.client, each.address) is None for each in authors):
        said = SenderVerify.FAILED
    return replace(inspection, facts=replace(inspection.facts, sender_verify=said))
