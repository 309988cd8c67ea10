"""Who gets mail for an address, as far as somebody may know: addresses beyond their domains are only named."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Right
from domains.expansion import Expansion, expand


def expand_for(actor: Actor, text: str, *, sender: str = "") -> Expansion:
    """The expansion of `text` for this actor. An address of a domain that isn't theirs is one that we don't know.

    Raises: Forbidden, BadAddress.
    """
    actor.require_somewhere(Right.VIEW_USERS)
    return expand(text, sender or None, reach=actor.reach(Right.VIEW_USERS))
