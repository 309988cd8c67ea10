"""Putting mail that can't go on into a repository, with everything needed to send it on its way again.

Not for what people do with repositories (`gateway.services.repositories`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.keys import new_key
from gateway.models import QueueItem, Recipient, Repository, RepositoryItem, Step
from gateway.steps import Kind, step_of

ERROR, ADDRESS_ERROR, RELAY_DENIED = "var/mail/error", "var/mail/address-error", "var/mail/relay-denied"
SPAM, DLP, VIRUS, REFUSED = "var/mail/spam", "var/mail/dlp", "var/mail/virus", "var/mail/refused"  # `gateway.refusing`


def repository_for(status: str) -> str:
    """The standard repository for a failure of this status (RFC 3463): x.1.z are addresses, x.7.z are refusals."""
    kind = status[2:3] if status[1:2] == "." and status[3:4] == "." else ""
    return {"1": ADDRESS_ERROR, "7": RELAY_DENIED}.get(kind, ERROR)


def repository_named(name: str) -> Repository:
    """It, made where it isn't there yet."""
    return Repository.objects.get_or_create(name=name)[0]


def store(rows: Sequence[tuple[QueueItem, str, str]], at: datetime) -> list[RepositoryItem]:
    """Put items (with repository and reason) there in the caller's transaction; they leave the queue by the caller."""
    if not rows:
        return []
    places = {name: repository_named(name) for name in sorted({name for _, name, _ in rows})}
    made = RepositoryItem.objects.bulk_create(
        RepositoryItem(
            key=new_key(), repository=places[name], message=item.message, recipient=item.recipient,
            content=item.content, sender=item.sender, addresses=[item.address], domain_id=item.domain_id,
            customer_id=item.customer_id, why=why, attributes=attributes_of(item), created_at=at,
        )
        for item, name, why in rows
    )  # fmt: skip
    Step.objects.bulk_create(
        step_of(item, Kind.STORED, data={"repository": name, "why": why}) for item, name, why in rows
    )
    ids = [item.recipient_id for item, _, _ in rows if item.recipient_id is not None]
    Recipient.objects.filter(pk__in=ids).update(state=Recipient.State.STORED, state_at=at)
    return made


def attributes_of(item: QueueItem) -> dict[str, object]:
    """What an item of the queue had, so that it can be one again."""
    return {
        "queue": item.queue, "destination": item.destination, "relay_id": item.relay_id, "headers": item.headers,
        "subject_prefix": item.subject_prefix, "parameters": item.parameters, "priority": item.priority,
        "tries": item.attempts, "last_answer": item.last_reply,
    }  # fmt: skip
