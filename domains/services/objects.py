"""What groups and forwards (and other addresses without a mailbox) have in common: words, state, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import versions
from domains.errors import Invalid
from domains.models import Address
from domains.services import claims
from domains.services.readdressing import RIGHT_FOR


def require_right(actor: Actor, address: Address) -> Right:
    """The right that this kind of address needs. Raises: Forbidden."""
    right = RIGHT_FOR[Address.Kind(address.kind)]
    actor.require(right, address)
    return right


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, if their fields hold them. Raises: Invalid."""
    for name, value in values.items():
        limit = getattr(Address._meta.get_field(name), "max_length", None)
        if isinstance(value, str) and limit is not None and len(value) > limit:
            raise Invalid(_("At most %(limit)s characters.") % {"limit": limit}, field=name)
    return dict(values)


def change_fields(
    actor: Actor, address: Address, values: Mapping[str, Any], *, expected: int | None = None
) -> versions.Changes:
    """Set fields of an address and leave its event; for services that asked the right, inside a transaction.

    Raises: Invalid, ChangedMeanwhile.
    """
    changes = versions.change(address, checked(values), expected=expected)
    if changes:
        audit.record(actor, f"{address.kind}.edit", address, changes=changes)
    return changes


def set_enabled(actor: Actor, address: Address, *, enabled: bool, expected: int | None = None) -> versions.Changes:
    """Let an alias, group, forward or list take mail, or not. Raises: Forbidden, ChangedMeanwhile."""
    require_right(actor, address)
    if address.kind == Address.Kind.MAILBOX:
        raise ValueError("a mailbox has states of its own")
    with transaction.atomic():
        return change_fields(actor, address, {"is_enabled": enabled}, expected=expected)


def delete_address(actor: Actor, address: Address, *, expected: int | None = None) -> None:
    """Delete an alias, group, forward or list at once: the address is free, and what named it doesn't any more.

    Raises: Forbidden, ChangedMeanwhile.
    """
    require_right(actor, address)
    if address.kind == Address.Kind.MAILBOX:
        raise ValueError("a mailbox is deleted as a state")
    with transaction.atomic():
        versions.change(address, {}, expected=expected)
        audit.record(actor, f"{address.kind}.delete", address, recipients=address.recipient_count)
        claims.release(address)
