"""The form in which an audit event is hashed, and how hashes follow each other. Pure; not for the database.

The canonical form is JSON with sorted keys, no spaces and UTF-8 as it stands, over every column of the event; times
are in UTC with microseconds. hash = SHA-256(hash before, as hexadecimal text | "\n" | canonical form). The first event
follows 64 zeros.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC

from accounts.models import AuditEvent

FIRST = "0" * 64


def canonical(event: AuditEvent) -> bytes:
    """The bytes of an event that are hashed."""
    return json.dumps(
        {
            "about_user_id": event.about_user_id,
            "action": event.action,
            "actor_id": event.actor_id,
            "actor_label": event.actor_label,
            "address": event.address,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "changes": event.changes,
            "customer_id": event.customer_id,
            "details": event.details,
            "domain_id": event.domain_id,
            "id": event.pk,
            "object_id": event.object_id,
            "object_label": event.object_label,
            "object_type": event.object_type,
            "reason": event.reason,
            "via": event.via,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def next_hash(before: str, event: AuditEvent) -> str:
    """The hash of an event that follows `before`."""
    return hashlib.sha256(before.encode() + b"\n" + canonical(event)).hexdigest()


def signature(key_id: str, key: bytes, sequence: int, hash: str) -> str:
    """What only the holder of the key can write beside a hash: `KEY-ID:HMAC`."""
    text = f"{sequence}:{hash}".encode()
    return f"{key_id}:{hmac.new(key, text, hashlib.sha256).hexdigest()}"
