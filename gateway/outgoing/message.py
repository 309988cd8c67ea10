"""What a stage of the chain is given: the message as it was judged. Not for the order of stages (`chain`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.flow import Incoming, Inspection, Judged, Leaving
from gateway.resolving import Sender


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The message as it was judged, and whose it is."""

    incoming: Incoming
    inspection: Inspection
    judged: tuple[Judged, ...]
    sender: Sender


Stage = Callable[[Outgoing, Leaving], Sequence[Leaving]]
