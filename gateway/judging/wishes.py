"""Which recipients want their senders verified, as their mailboxes and domains say; remembered while that stays so."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.addresses import parse_address
from accounts.errors import BadAddress
from domains.inheritance import value_of
from domains.models import DomainName, Mailbox
from gateway.directory import Remembered

MOST_ASKED = 20
_wishes: Remembered[str, tuple[bool, bool]] = Remembered(20_000)


def is_ours(address: str) -> bool:
    """Whether we serve the address's domain."""
    return _of(address)[0]


def want_verification(recipients: Iterable[str]) -> bool:
    """Whether one of the first of these recipients does. Raises: DatabaseError."""
    return any(_of(address)[1] for address in list(recipients)[:MOST_ASKED])


def _of(address: str) -> tuple[bool, bool]:
    return _wishes.ask(address, lambda: _read(address))


def _read(address: str) -> tuple[bool, bool]:
    try:
        parsed = parse_address(address)
    except BadAddress:
        return False, False
    name = DomainName.objects.select_related("domain__customer").filter(name=parsed.domain).first()
    if name is None:
        return False, False
    box = Mailbox.objects.filter(address=f"{parsed.local}@{name.domain.name}").only("sender_verify").first()
    if box is not None and box.sender_verify is not None:
        return True, box.sender_verify
    return True, bool(value_of(name.domain, "sender_verify"))
