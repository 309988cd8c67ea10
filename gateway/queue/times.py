"""When a message is tried again, when its sender hears of the delay, when it is given up. Pure but for chance.

Source: RFC 5321 §4.5.4.1 (retry at least after 30 minutes on the whole, give up after 4 to 5 days).
"""

from __future__ import annotations

import random
from datetime import timedelta

JITTER = 0.2


def wait_after(tries: int, *, first_s: int, longest_s: int, chance: float | None = None) -> timedelta:
    """How long to wait after that many failed tries: doubled each time, up to a limit, ±20 % so that a crowd spreads.

    chance: 0 … 1, for tests.
    """
    plain_s: float = min(first_s * 2.0 ** min(max(tries - 1, 0), 40), longest_s)
    drawn = random.random() if chance is None else chance  # noqa: S311  (no secret)
    return timedelta(seconds=plain_s * (1 - JITTER + 2 * JITTER * drawn))
