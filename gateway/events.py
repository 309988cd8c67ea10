"""What the gateway tells webhooks of: mail put into quarantine and released from it, certificates that end soon.

Never what a mail says: no subject, no names of files, no text.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Level, Right
from accounts.scopes import scope_ref
from gateway.models import Recipient
from jobs.webhooks import catalogue
from jobs.webhooks.catalogue import EventType
from jobs.webhooks.outbox import Event, emit_many, is_wanted

HELD = "message.quarantined"


def register() -> None:
    catalogue.register(
        EventType(HELD, _("Message put into quarantine"), Right.MANAGE_QUARANTINE),
        EventType(
            "message.released",
            _("Message released from quarantine"),
            Right.MANAGE_QUARANTINE,
            actions=("quarantine.release",),
            details=("message", "category"),
        ),
        EventType(
            "certificate.expiring",
            _("Certificate ends soon"),
            Right.MANAGE_GATEWAY,
            alerts=("gateway.certificate_expires",),
            server=True,
        ),
    )


def tell_of_held(recipients: Sequence[Recipient]) -> None:
    """Of those for whom a message was put into quarantine just now; in the caller's transaction."""
    held = [row for row in recipients if row.state == Recipient.State.HELD]
    if held and is_wanted(HELD):
        emit_many([_event(row) for row in held])


def _event(row: Recipient) -> Event:
    scopes = (*scope_ref(Level.DOMAIN, row.domain_id), *scope_ref(Level.CUSTOMER, row.customer_id))
    data = {
        "message": row.message.key,
        "recipient": row.address,
        "direction": row.direction,
        "category": row.category,
        "score": row.score,
    }
    return Event(HELD, f"{HELD}_{row.message.key}_{row.pk}", scopes, data, row.received_at, frozenset({HELD}))
