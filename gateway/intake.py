"""From a message at the door to one that is durable: resolve, inspect, judge, file. Then the door says 250.

Not for the protocol (`gateway.smtp`) nor for who may connect (`gateway.reception`).
"""

from __future__ import annotations

import asyncio

from gateway.flow import OK, Answer, Asked, Client, Door, Incoming, Sending
from gateway.resolving import NOT_OURS, resolve, sender_of

LATER = Answer(451, "4.3.2", "Messages can't be taken yet; try again later")


def start() -> None:
    """Once in a process, in its event loop."""


async def stop() -> None:
    """After what was taken has been filed."""


async def rcpt(client: Client, sender: Sending, asked: Asked) -> Answer:
    """Whether this recipient gets mail from this client: everybody we serve, and anybody for who may send."""
    return await asyncio.to_thread(_rcpt, client, sender, asked)


def _rcpt(client: Client, sender: Sending, asked: Asked) -> Answer:
    found = resolve(asked.address, sender.address)
    if found.is_ours:
        return found.refusal or OK
    if client.door is Door.FILTER or sender_of(client, sender.address) is not None:
        return OK
    return NOT_OURS


async def take(incoming: Incoming) -> Answer:
    """Make it durable."""
    return LATER
