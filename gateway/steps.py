"""The words of a passport's steps, and the one way to add one.

Not for sentences: pages make those (`gateway.wording`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.utils import timezone

from accounts.actors import Actor
from gateway.inserting import unsaved
from gateway.models import Message, QueueItem, Recipient, RepositoryItem, Step


class Kind(StrEnum):
    """What happened. `data` of each, beyond what is obvious:

    received (reply), judged (category, action), kept (folder, until, store, number), queued (destination, relay),
    attempt (ok, destination, host, address, port, tls, code, status, reply, seconds, try; possible_duplicate where the
    remote may have it twice), delivered and bounced (the same, of the last try: it has no step of its own),
    held (queue), freed, released (to, why, allowed, via), deleted (why), expired, reported (as), blocked (sender),
    requested (why), granted, declined, ruled (rule, level, line, action, detail, problem), stored (repository, why),
    reprocessed (queue, message), redirected (to), signed (domain, selectors), signature (signature, spot, recipients),
    unsigned (because, recipients), noticed (notice: failed, delayed, relayed or away; to, message),
    opened (why, until), remediated (why, outcome, copies, problem), distributed (list, copies, message),
    problem (text).
    """

    RECEIVED = "received"
    JUDGED = "judged"
    KEPT = "kept"
    QUEUED = "queued"
    ATTEMPT = "attempt"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    HELD = "held"
    FREED = "freed"
    RELEASED = "released"
    DELETED = "deleted"
    EXPIRED = "expired"
    REPORTED = "reported"
    BLOCKED = "blocked"
    ALLOWED = "allowed"
    REQUESTED = "requested"
    GRANTED = "granted"
    DECLINED = "declined"
    RULED = "ruled"
    STORED = "stored"
    REPROCESSED = "reprocessed"
    REDIRECTED = "redirected"
    SIGNED = "signed"
    SIGNATURE = "signature"
    UNSIGNED = "unsigned"
    NOTICED = "noticed"
    OPENED = "opened"
    REMEDIATED = "remediated"
    DISTRIBUTED = "distributed"
    PROBLEM = "problem"


def step(
    kind: Kind,
    message: Message,
    recipient: Recipient | None = None,
    *,
    actor: Actor | None = None,
    data: dict[str, Any] | None = None,
) -> Step:
    """An unsaved step of now, for bulk_create or save. The person is the one who really acted."""
    person = None if actor is None else (actor.acting or actor).user
    return unsaved(
        Step, message=message, recipient=recipient, at=timezone.now(), kind=kind.value, data=data or {}, person=person
    )


def step_of(
    item: QueueItem | RepositoryItem, kind: Kind, *, actor: Actor | None = None, data: dict[str, Any] | None = None
) -> Step:
    """The same for what an item of a queue or repository is about, which isn't read for it."""
    person = None if actor is None else (actor.acting or actor).user
    assert item.message_id is not None, "what has no passport has no steps"
    return unsaved(
        Step,
        message_id=item.message_id,
        recipient_id=item.recipient_id,
        at=timezone.now(),
        kind=kind.value,
        data=data or {},
        person=person,
    )
