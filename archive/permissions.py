"""Who may reach into whose archive: pure decisions, no queries.

Not for finding what somebody may read (`selectors`) and not for opening an archive (`services.access`).
"""

from __future__ import annotations

from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.permissions import EndUserRight, Right


def reads_everything(actor: Actor) -> bool:
    """Whoever has the machine's shell, and the machinery itself, need no opening."""
    return actor.kind != "user"


def is_own(actor: Actor, address: str) -> bool:
    """Whether the address is the person's own (mail stays closed to who acts as somebody)."""
    try:
        if not actor.may_read_mail or actor.user is None:
            return False
        return actor.user.email == str(parse_address(address))
    except BadAddress:
        return False


def require_import(actor: Actor, address: str) -> None:
    """Into their own mailbox people import as their domain lets them; into another's needs the right.

    Raises: Forbidden.
    """
    if not is_own(actor, address):
        actor.require(Right.IMPORT_MAIL)
    elif not actor.has(Right.IMPORT_MAIL):
        actor.require_own(EndUserRight.IMPORT_MAIL)
