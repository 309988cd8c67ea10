"""Who gets mail for an address, as far as somebody may know: addresses beyond their domains are only named."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Right
from domains.expansion import Expansion, Outcome, expand
from domains.models import Address


def expand_for(actor: Actor, text: str, *, sender: str = "") -> Expansion:
    """The expansion of `text` for this actor. An address of a domain that isn't theirs is one that we don't know.

    Raises: Forbidden, BadAddress.
    """
    actor.require_somewhere(Right.VIEW_USERS)
    return expand(text, sender or None, reach=actor.reach(Right.VIEW_USERS))


def loop_through(actor: Actor, address: Address) -> list[str]:
    """The shortest way from this address back to itself, both ends named; [] where there is none that the actor sees.

    Members, forwards and catch-alls of different people make loops together, so none is refused; they are cut when mail
    is expanded, and whoever saves one is told.
    """
    found = expand(address.text, reach=actor.reach(Right.VIEW_USERS))
    for step in found.steps:  # level by level: the first is the shortest
        if step.outcome == Outcome.CYCLE and (step.data or {}).get("step") == 0:
            return _way_to(found, step.number)
    return []


def _way_to(found: Expansion, number: int) -> list[str]:
    """The addresses from the first step to this one."""
    way = []
    while number >= 0:
        way.append(found.steps[number].email)
        number = found.steps[number].parent
    return way[::-1]
