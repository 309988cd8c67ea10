"""As whom a mailbox may send: its own address by every name of its domain, and its aliases.

Source: CommuniGate's VERIFYACCOUNTIDENTITY. What the gateway does about it is the policies'.
"""

from __future__ import annotations

from email.utils import getaddresses
from enum import StrEnum

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from domains.models import Address, Mailbox, Recipient, Status


class Identity(StrEnum):
    """Why a mailbox may send as an address, or that it may not."""

    OWN = "own"
    ALIAS = "alias"
    NONE = "none"


def identity_of(mailbox: Mailbox, sender: str) -> Identity:
    """What the value of a From: header is to a mailbox (RFC 5322 §3.6.2); several addresses are nobody's alone.

    A name before the address is free. The caller asked whether the actor may see the mailbox.
    """
    found = [address for _name, address in getaddresses([sender]) if address]
    try:
        parsed = parse_address(found[0] if len(found) == 1 else "")
    except BadAddress:
        return Identity.NONE
    claims = Address.objects.filter(local=parsed.local, domain__names__name=parsed.domain)
    for key, kind in claims.exclude(domain__status=Status.PURGED).values_list("pk", "kind"):
        if key == mailbox.claim_id:
            return Identity.OWN
        if kind == Address.Kind.ALIAS and Recipient.objects.filter(address=key, target=mailbox.claim_id).exists():
            return Identity.ALIAS
    return Identity.NONE


def identities_of(mailbox: Mailbox) -> list[str]:
    """The addresses as which a mailbox may send, its own first, aliases by name; without those of alias domains."""
    aliases = Address.objects.filter(kind=Address.Kind.ALIAS, recipients__target=mailbox.claim_id)
    return [mailbox.address, *aliases.order_by("text").values_list("text", flat=True)]
