"""Date and Message-ID for what mail programs and devices send without them, so that it isn't taken for spam.

Source: RFC 6409 §8.1, §8.3; RFC 5322 §3.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email.utils import format_datetime

from domains.policy.facts import Direction
from gateway.delivery.composing import fields_of, parts_of
from gateway.flow import Door, Incoming, Inspection, Leaving, Route
from gateway.naming import own_domain
from gateway.outgoing.message import Outgoing

MISSING_DATE = "missing-date"  # of `domains.policy.signs`
_WRITTEN_HERE = frozenset({Door.SUBMISSION, Door.FILTER, Door.CONSOLE, Door.OWN, Door.RELEASE})


def as_completed(incoming: Incoming, inspection: Inspection, routes: Sequence[Route]) -> Inspection:
    """What was found out, without what `complete` will mend: people of ours get each other's mail as it leaves."""
    facts = inspection.facts
    if incoming.door not in _WRITTEN_HERE or MISSING_DATE not in facts.bad_headers:
        return inspection
    if not any(route.direction is Direction.OUTGOING for route in routes):
        return inspection
    broken = tuple(name for name in facts.bad_headers if name != MISSING_DATE)
    return replace(inspection, facts=replace(facts, bad_headers=broken))


def complete(message: Outgoing, leaving: Leaving) -> Sequence[Leaving]:
    """With the lines that are missing put before it. A Postfix in front does so for its own networks alone."""
    incoming = message.incoming
    if incoming.door not in _WRITTEN_HERE:
        return (leaving,)
    head, _body = parts_of(leaving.body.chunks())
    if head is None:
        return (leaving,)
    there = {name for name, _field in fields_of(head)}
    lines = list(leaving.headers)
    if b"date" not in there:
        lines.append(f"Date: {format_datetime(incoming.received_at)}")
    if b"message-id" not in there:
        lines.append(f"Message-ID: <{incoming.key}@{own_domain()}>")
    return (replace(leaving, headers=tuple(lines)),)
