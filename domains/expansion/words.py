"""The words and shapes of an expansion's answer; they are part of the API and stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

NO_PARENT = -1


class How(StrEnum):
    """Why an address is on the way."""

    ASKED = "asked"
    ALIAS = "alias"  # the mailbox that an alias leads to
    MEMBER = "member"  # of a group
    SUBSCRIBER = "subscriber"  # of a mailing list
    FORWARDED = "forwarded"  # the target of a forward, or of a mailbox that forwards
    CATCH_ALL = "catch_all"  # takes what its domain has no address for


class Outcome(StrEnum):
    """What becomes of a message that comes to it."""

    DELIVERED = "delivered"  # kept in a mailbox (which may forward besides)
    EXTERNAL = "external"  # leaves for another server
    BEHIND = "behind"  # no such address here; the domain's mail server behind is said to know
    EXPANDED = "expanded"  # goes on to what it stands for
    FORWARDED = "forwarded"  # a mailbox that forwards without keeping a copy
    CAUGHT = "caught"  # no such address, but the domain has a catch-all
    LATER = "later"  # a subscriber who gets a digest or an index instead
    BEYOND = "beyond"  # of a domain that whoever asks doesn't administer: nothing more is said
    UNKNOWN_DOMAIN = "unknown_domain"
    UNKNOWN_ADDRESS = "unknown_address"
    DOMAIN_DISABLED = "domain_disabled"
    DOMAIN_PENDING = "domain_pending"
    DOMAIN_DELETED = "domain_deleted"
    DISABLED = "disabled"
    PENDING = "pending"
    DELETED = "deleted"
    EMPTY = "empty"  # a group, forward or list with nobody in it
    NO_MAIL = "no_mail"  # a subscriber who asked for none, or is banned
    SENDER_REFUSED = "sender_refused"
    REPEATED = "repeated"  # came by on another way already
    CYCLE = "cycle"  # would come by itself again
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many"


ARRIVALS = frozenset({Outcome.DELIVERED, Outcome.EXTERNAL, Outcome.BEHIND, Outcome.LATER, Outcome.BEYOND})


class Step(NamedTuple):
    """One address on the way. `parent` is the number of the step it comes from; `data` says more for some outcomes.

    data: alias_of (own name of an address asked for by an alias name of its domain), forwards (how many targets),
    senders (who may send, where not everybody), step (of a repetition or cycle: where it came by), mode (subscriber).
    """

    number: int
    parent: int
    level: int
    email: str
    how: str
    outcome: str
    kind: str  # Address.Kind, "" for what isn't ours
    data: dict[str, Any] | None = None


class Delivery(NamedTuple):
    """Where a message ends, once: in a mailbox, with another server, in a digest, or beyond what may be seen.

    email: its own name, also where its step has an alias name of its domain.
    """

    email: str
    outcome: str
    step: int


@dataclass
class Expansion:
    """The answer. steps: parents before children, level by level."""

    email: str
    sender: str
    steps: list[Step] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many steps ended how."""
        found: dict[str, int] = {}
        for step in self.steps:
            found[step.outcome] = found.get(step.outcome, 0) + 1
        return found
