"""Date and Message-ID for what mail programs and devices send without them, so that it isn't taken for spam.

Source: RFC 6409 §8.1, §8.3; RFC 5322 §3.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email.utils import format_datetime

from gateway.delivery.composing import fields_of, parts_of
from gateway.flow import Door, Leaving
from gateway.naming import own_domain
from gateway.outgoing.message import Outgoing

_WRITTEN_HERE = frozenset({Door.SUBMISSION, Door.CONSOLE, Door.OWN, Door.RELEASE})


def complete(message: Outgoing, leaving: Leaving) -> Sequence[Leaving]:
    """With the lines that are missing put before it. What comes through a Postfix in front was completed there."""
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
