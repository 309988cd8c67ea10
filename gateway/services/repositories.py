"""What people do with repositories: make one, read, remove, process again into a queue or from the beginning.

Content takes the right to read other people's mail and a reason, and leaves an event its owner's domain sees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import Invalid, Taken
from domains.models import Relay
from gateway import content, intake
from gateway.flow import Asked, Body, Client, Door, Incoming, Sending
from gateway.keeping import clearing
from gateway.keys import new_key
from gateway.models import QueueItem, Recipient, Repository, RepositoryItem, Step
from gateway.queue.adding import NORMAL, QUEUE, notify
from gateway.queue.settings import read_settings
from gateway.steps import Kind, step_of

BATCH = 50
_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}(/[A-Za-z0-9._-]{1,60}){0,7}")
_QUEUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
Rows = QuerySet[RepositoryItem]


@dataclass
class Done:
    """What an order came to: how many, and why others were left there."""

    count: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


def create_repository(actor: Actor, name: str) -> Repository:
    """A new one under this path. Raises: Forbidden, Invalid, Taken."""
    _require(actor)
    path = name.strip().strip("/")
    if not _NAME.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise Invalid(_("Letters, digits, dots and dashes, with slashes between the parts."), field="name")
    with transaction.atomic():
        made, is_new = Repository.objects.get_or_create(name=path)
        if not is_new:
            raise Taken(_("There is a repository of this name."), field="name")
        audit.record(actor, "repository.create", made)
    return made


def delete_repository(actor: Actor, repository: Repository) -> None:
    """Forget an empty one. Raises: Forbidden, Invalid."""
    _require(actor)
    with transaction.atomic():
        if RepositoryItem.objects.filter(repository=repository).exists():
            raise Invalid(_("Messages lie there. Remove them or process them again first."))
        audit.record(actor, "repository.delete", repository)
        repository.delete()


def delete_stored(
    actor: Actor, rows: Rows, *, about: Mapping[str, object] | None = None,
    told: Callable[[Done], None] | None = None, stop: Callable[[], bool] = lambda: False,
) -> Done:  # fmt: skip
    """Remove messages for good. Raises: Forbidden."""
    return _remove(actor, "repository.remove", rows, about, told, stop)


def expire_stored(
    actor: Actor, *, told: Callable[[Done], None] | None = None, stop: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> Done:  # fmt: skip
    """Remove for good what has lain there for longer than `REPOSITORY_DAYS`. Raises: Forbidden."""
    days = clearing.days_kept()
    if not days:
        _require(actor)
        return Done()
    rows = RepositoryItem.objects.filter(created_at__lte=(now or timezone.now()) - timedelta(days=days))
    return _remove(actor, "repository.expire", rows, {"days": days}, told, stop)


def _remove(
    actor: Actor, action: str, rows: Rows, about: Mapping[str, object] | None,
    told: Callable[[Done], None] | None, stop: Callable[[], bool],
) -> Done:  # fmt: skip
    _require(actor)

    def work(items: list[RepositoryItem], done: Done) -> None:
        Step.objects.bulk_create(
            step_of(item, Kind.DELETED, actor=actor, data={"why": item.repository.name})
            for item in items
            if item.message is not None
        )
        _mark(items, Recipient.State.DELETED)
        RepositoryItem.objects.filter(pk__in=[item.pk for item in items]).delete()
        done.count += len(items)

    return _each(actor, action, rows, work, about, told, stop)


def reprocess_stored(
    actor: Actor, rows: Rows, *, queue: str = "", about: Mapping[str, object] | None = None,
    told: Callable[[Done], None] | None = None, stop: Callable[[], bool] = lambda: False,
) -> Done:  # fmt: skip
    """Send messages on their way again. queue: straight into that queue, as they were; "": judged anew, as new mail.

    What can't go on stays where it is, with the reason counted. Raises: Forbidden, Invalid.
    """
    _require(actor)
    if queue and not _QUEUE.fullmatch(queue):
        raise Invalid(_("A queue's name has small letters, digits and dashes."), field="queue")
    work = (lambda items, done: _requeue(actor, items, queue, done)) if queue else (
        lambda items, done: _from_the_beginning(actor, items, done)
    )  # fmt: skip
    about = {**(about or {}), "queue": queue}
    return _each(actor, "repository.reprocess", rows, work, about, told, stop, at_once=BATCH if queue else 1)


def move_stored(
    actor: Actor, rows: Rows, *, target: Repository, about: Mapping[str, object] | None = None,
    told: Callable[[Done], None] | None = None, stop: Callable[[], bool] = lambda: False,
) -> Done:  # fmt: skip
    """Put messages into another repository. Those that are there already, by their key, stay. Raises: Forbidden."""
    _require(actor)

    def work(items: list[RepositoryItem], done: Done) -> None:
        keys = [item.key for item in items]
        there = set(RepositoryItem.objects.filter(repository=target, key__in=keys).values_list("key", flat=True))
        moved = [item for item in items if item.key not in there]
        Step.objects.bulk_create(
            step_of(item, Kind.STORED, actor=actor, data={"repository": target.name, "why": item.why})
            for item in moved
            if item.message is not None
        )
        RepositoryItem.objects.filter(pk__in=[item.pk for item in moved]).update(repository=target)
        done.count += len(moved)
        for _item in range(len(items) - len(moved)):
            done.refuse(_("it is there already"))

    about = {**(about or {}), "to": target.name}
    return _each(actor, "repository.move", rows, work, about, told, stop)


def require_reading(actor: Actor, item: RepositoryItem) -> None:
    """Raises: Forbidden, for who may not open this message."""
    actor.require(Right.MANAGE_QUEUES)
    recipient = item.recipient
    actor.require(Right.READ_OTHERS_MAIL, recipient if recipient is not None and recipient.scopes() else None)


def read_content(actor: Actor, item: RepositoryItem, *, reason: str) -> Body:
    """The message itself, which the caller closes. Raises: Forbidden, Invalid (no reason), DamagedContent."""
    require_reading(actor, item)
    if not reason.strip():
        raise Invalid(_("Say why you read it."), field="reason")
    about = item.recipient
    audit.record(actor, "repository.read", item, within=about, reason=reason.strip(), repository=item.repository.name)
    return content.body_of(item.content)


# --- ways ---------------------------------------------------------------------------------------------------------


def _requeue(actor: Actor, items: list[RepositoryItem], queue: str, done: Done) -> None:
    now, lifetime = timezone.now(), read_settings().lifetime
    relays = _relays(items)
    made: list[QueueItem] = []
    gone: list[RepositoryItem] = []
    for item in items:
        if item.message is None:
            done.refuse(_("its passport is gone: process it from the beginning"))
            continue
        gone.append(item)
        made += [_queued(item, address, queue, relays, now + lifetime) for address in item.addresses]
    QueueItem.objects.bulk_create(made)
    Step.objects.bulk_create(
        step_of(item, Kind.REPROCESSED, actor=actor, data={"queue": queue}) for item in gone if item.message is not None
    )
    _mark(gone, Recipient.State.QUEUED)
    RepositoryItem.objects.filter(pk__in=[item.pk for item in gone]).delete()
    notify(made)
    done.count += len(gone)


def _queued(
    item: RepositoryItem, address: str, queue: str, relays: dict[int, Relay], expires_at: datetime
) -> QueueItem:
    """As it was in the queue; a relay that is gone is replaced by what the domain has now."""
    had = item.attributes
    relay = relays.get(had.get("relay_id") or 0)
    if relay is None and had.get("relay_id"):
        relay = relays.get(-(item.domain_id or 0))
    destination = f"relay:{relay.pk}" if relay is not None else had.get("destination") or "mx:"
    if destination == "mx:":
        destination += address.rpartition("@")[2].lower()
    return QueueItem(
        queue=queue or QUEUE, message=item.message, recipient=item.recipient, content=item.content, sender=item.sender,
        address=address, relay=relay, destination=destination, domain_id=item.domain_id, customer_id=item.customer_id,
        headers=had.get("headers") or [], subject_prefix=had.get("subject_prefix") or "",
        parameters=had.get("parameters") or {}, priority=had.get("priority", NORMAL), expires_at=expires_at,
    )  # fmt: skip


def _relays(items: list[RepositoryItem]) -> dict[int, Relay]:
    """By their id; the default relay of a domain by its id with a minus."""
    ids = {item.attributes.get("relay_id") for item in items} - {None}
    found = {relay.pk: relay for relay in Relay.objects.filter(pk__in=ids)}
    without = [item for item in items if (item.attributes.get("relay_id") or 0) not in found]
    if missing := {item.domain_id for item in without if item.domain_id is not None}:
        found |= {-relay.domain_id: relay for relay in Relay.objects.filter(domain_id__in=missing, is_default=True)}
    return found


def _from_the_beginning(actor: Actor, items: list[RepositoryItem], done: Done) -> None:
    """Filed, marked and taken out in one transaction; the new message is what follows the old one's row."""
    for item in items:
        try:
            with transaction.atomic():
                _file_again(actor, item)
        except _Refused as error:
            done.refuse(str(error))
        except (content.DamagedContent, OSError):
            done.refuse(_("%(key)s: its bytes are damaged") % {"key": item.key})
        else:
            done.count += 1


class _Refused(Exception):
    """What the intake answered."""


def _file_again(actor: Actor, item: RepositoryItem) -> None:
    incoming = _incoming(item)
    try:
        answer, message = intake.take_now(incoming)
    finally:
        incoming.body.close()
    if not answer.is_ok or message is None:
        raise _Refused(f"{answer.code} {answer.enhanced} {answer.text}".replace(f" ({incoming.key})", ""))
    if item.message is not None:
        step_of(item, Kind.REPROCESSED, actor=actor, data={"queue": "", "message": message.key}).save()
    if item.recipient_id is not None:
        stored = Recipient.objects.filter(pk=item.recipient_id, state=Recipient.State.STORED)
        stored.update(state=Recipient.State.RELEASED, state_at=timezone.now(), followed_by=message)
    RepositoryItem.objects.filter(pk=item.pk).delete()


def _incoming(item: RepositoryItem) -> Incoming:
    """As new mail from whom it came."""
    was = item.message
    client = Client(
        (was.client_address or "127.0.0.1") if was else "127.0.0.1", name=was.client_name if was else "",
        helo=was.helo if was else "", user_id=was.person_id if was else None, door=Door.REPROCESS,
    )  # fmt: skip
    parameters = item.attributes.get("parameters") or {}
    return Incoming(
        key=new_key(),
        door=Door.REPROCESS,
        client=client,
        sender=Sending(item.sender, tuple(parameters.items())),
        recipients=tuple(Asked(address) for address in item.addresses),
        body=content.body_of(item.content),
        received_at=timezone.now(),
    )


def _require(actor: Actor) -> None:
    actor.require(Right.MANAGE_QUEUES)
    actor.require_writing()


def _mark(items: list[RepositoryItem], state: Recipient.State) -> None:
    ids = [item.recipient_id for item in items if item.recipient_id is not None]
    Recipient.objects.filter(pk__in=ids, state=Recipient.State.STORED).update(state=state, state_at=timezone.now())


def _each(
    actor: Actor, action: str, rows: Rows, work: Callable[[list[RepositoryItem], Done], None],
    about: Mapping[str, object] | None, told: Callable[[Done], None] | None, stop: Callable[[], bool],
    at_once: int = BATCH,
) -> Done:  # fmt: skip
    """Batch by batch, each in a transaction of its own."""
    done = Done()
    try:
        for ids in _in_batches(rows, at_once):
            if stop():
                break
            with transaction.atomic():
                found = RepositoryItem.objects.select_for_update(of=("self",)).filter(pk__in=ids)
                work(list(found.select_related("message", "recipient", "repository", "content").order_by("pk")), done)
            if told is not None:
                told(done)
    finally:
        if done.count:
            audit.record(actor, action, None, count=done.count, **dict[str, Any](about or {}))
    return done


def _in_batches(rows: Rows, size: int) -> Iterator[list[int]]:
    last_of_all = rows.order_by("-pk").values_list("pk", flat=True).first()
    after = 0
    while last_of_all is not None:
        found = rows.filter(pk__gt=after, pk__lte=last_of_all).order_by("pk").values_list("pk", flat=True)
        ids = list(found[:size])
        if not ids:
            return
        yield ids
        after = ids[-1]
