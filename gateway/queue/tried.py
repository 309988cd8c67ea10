"""One item of the queue and what came of trying it: what `settling` writes down and `gateway.bounces` tells about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.delivery.said import Outcome
from gateway.models import QueueItem
from gateway.queue.claiming import Claimed


@dataclass(frozen=True, slots=True)
class Tried:
    """One item and what came of it. not_before: when to try again at the earliest, where that is known."""

    item: QueueItem
    outcome: Outcome
    not_before: datetime | None = None

    @classmethod
    def of(cls, claimed: Claimed, outcome: Outcome, not_before: datetime | None = None) -> Tried:
        return cls(claimed.item, outcome, not_before)
