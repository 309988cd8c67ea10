"""Whether mail that goes from one address to another would come back: for who asks before a step is added.

Our own pages let such circles be and cut them when mail is expanded (`domains.expansion`); programs written for other
systems expect a refusal. Source: james.md, groups and forwards.
"""

from __future__ import annotations

from domains.models import Recipient

MOST = 10_000


def leads_to(start: str, goal: str) -> bool:
    """Whether mail for `start` reaches `goal`, by however many steps; both as whole addresses in lower case."""
    if start == goal:
        return True
    seen, waiting = {start}, {start}
    while waiting and len(seen) < MOST:
        rows = Recipient.objects.filter(address__text__in=waiting).values_list("email", "target__text")
        found = {text for pair in rows for text in pair if text}
        if goal in found:
            return True
        waiting = found - seen
        seen |= waiting
    return False
