"""What waits to leave: for those who manage queues. Envelopes, tries and answers; never the content."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, StrIndex, Substr
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Relay
from gateway.models import QueueItem, QueueSettings
from gateway.queue.adding import QUEUE

SPOOL = "spool"  # James' name of what waits to be judged; here everything is judged before it is taken
STANDARD = (QUEUE,)
# Where an item goes, in words: the relay's server, the route's, the domain.
_RELAY = Relay.objects.filter(pk=Cast(Substr(OuterRef("destination"), 7), BigIntegerField()))
_PLACE = Case(
    When(destination__regex=r"^relay:[0-9]{1,18}$", then=Subquery(_RELAY.values("transport_dest")[:1])),
    default=Substr("destination", StrIndex("destination", Value(":")) + 1),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items: all that is said counts. name: a message's key. older_than: by when they came. ids: these only."""

    queue: str = ""
    sender: str | None = None
    recipient: str = ""
    name: str = ""
    destination: str = ""
    state: str = ""
    older_than: timedelta | None = None
    ids: Collection[int] | None = None

    def as_data(self) -> dict[str, object]:
        """What is said, for the audit trail and for tasks."""
        found: dict[str, object] = {
            name: value
            for name in ("queue", "recipient", "name", "destination", "state")
            if (value := getattr(self, name))
        }
        if self.sender is not None:
            found["sender"] = self.sender
        if self.older_than is not None:
            found["older_than_minutes"] = round(self.older_than.total_seconds() / 60)
        return found


def list_items(actor: Actor) -> QuerySet[QueueItem]:
    """Everything in the queues. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    return QueueItem.objects.select_related("message").defer("message__facts").annotate(place=_PLACE)


def find_items(actor: Actor, wanted: Wanted) -> QuerySet[QueueItem]:
    """Those that are wanted. Raises: Forbidden."""
    return list_items(actor).filter(condition_of(wanted))


def condition_of(wanted: Wanted) -> Q:
    found = Q()
    named = {
        "queue": wanted.queue, "destination": wanted.destination, "state": wanted.state,
        "message__key": wanted.name,
    }  # fmt: skip
    for path, value in named.items():
        if value:
            found &= Q(**{path: value})
    if wanted.recipient:
        found &= Q(address__in=_forms(wanted.recipient))
    if wanted.sender is not None:
        found &= Q(sender__in=_forms("" if wanted.sender == "<>" else wanted.sender))
    if wanted.older_than is not None:
        found &= Q(created_at__lte=timezone.now() - wanted.older_than)
    if wanted.ids is not None:
        found &= Q(pk__in=list(wanted.ids))
    return found


def _forms(address: str) -> set[str]:
    """As it was typed, and in small letters: addresses are kept as they were said."""
    return {address, address.lower()}


def get_item(actor: Actor, item_id: int) -> QueueItem:
    """One item. Raises: Http404 (also for who may not manage queues)."""
    found = None
    if actor.has(Right.MANAGE_QUEUES):
        found = QueueItem.objects.select_related("message", "recipient", "relay").filter(pk=item_id).first()
    if found is None:
        raise Http404("no such item of the queue")
    return found


@dataclass(frozen=True, slots=True)
class QueueCount:
    """A queue in numbers. oldest: when the oldest came."""

    name: str
    waiting: int
    held: int
    size_bytes: int
    oldest: datetime | None


def list_queues(actor: Actor) -> list[QueueCount]:
    """All queues; the usual one also when it is empty. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.queue, count(*) FILTER (WHERE q.state = 'waiting'), count(*) FILTER (WHERE q.state = 'held'),"
            " coalesce(sum(c.size_bytes), 0)::bigint, min(q.created_at)"
            " FROM gateway_queueitem q JOIN gateway_content c ON c.id = q.content_id GROUP BY q.queue ORDER BY q.queue"
        )
        found = {row[0]: QueueCount(*row) for row in cursor.fetchall()}
    for name in STANDARD:
        found.setdefault(name, QueueCount(name, 0, 0, 0, None))
    return [found[name] for name in sorted(found)]


def get_queue(actor: Actor, name: str) -> QueueCount:
    """One queue. Raises: Http404 (also for who may not manage queues)."""
    if actor.has(Right.MANAGE_QUEUES):
        for found in list_queues(actor):
            if found.name == name:
                return found
    raise Http404("no such queue")


@dataclass(frozen=True, slots=True)
class DestinationCount:
    """A destination in numbers. name: how people call it. The last three are of the last 24 hours."""

    destination: str
    name: str
    waiting: int
    held: int
    in_hand: int
    oldest: datetime | None
    next_at: datetime | None
    last_answer: str
    delivered: int
    deferred: int
    failed: int


_DESTINATIONS = """
    WITH queued AS (
        SELECT destination, count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(*) FILTER (WHERE state = 'held') AS held,
               count(*) FILTER (WHERE claimed_until > now()) AS in_hand, min(created_at) AS oldest,
               min(next_at) FILTER (WHERE state = 'waiting') AS next_at,
               (array_agg(last_reply ORDER BY attempts DESC, id) FILTER (WHERE last_reply <> ''))[1] AS answer
        FROM gateway_queueitem GROUP BY destination
    ), day AS (
        SELECT destination, sum(delivered) AS delivered, sum(deferred) AS deferred, sum(failed) AS failed
        FROM gateway_destinationhour WHERE hour > now() - interval '24 hours' GROUP BY destination
    )
    SELECT destination, coalesce(waiting, 0), coalesce(held, 0), coalesce(in_hand, 0), oldest, next_at,
           coalesce(answer, ''), coalesce(delivered, 0), coalesce(deferred, 0), coalesce(failed, 0)
    FROM queued FULL JOIN day USING (destination)
    WHERE %(text)s = '' OR strpos(destination, %(text)s) > 0
    ORDER BY coalesce(waiting, 0) + coalesce(held, 0) DESC, coalesce(delivered, 0) DESC, destination LIMIT %(most)s
"""


def list_destinations(actor: Actor, *, text: str = "", most: int = 200) -> list[DestinationCount]:
    """Where mail waits for, the longest line first, then where it went in the last day. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    with connection.cursor() as cursor:
        cursor.execute(_DESTINATIONS, {"text": text.lower(), "most": most})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    names = names_of(row[0] for row in rows)
    return [DestinationCount(row[0], names[row[0]], *row[1:]) for row in rows]


def names_of(destinations: Any) -> dict[str, str]:
    """How people call them: the relay's name and server, the route's server, the domain."""
    wanted = list(destinations)
    ids = [int(text[6:]) for text in wanted if text.startswith("relay:") and text[6:].isdecimal()]
    relays = {row.pk: row for row in Relay.objects.filter(pk__in=ids).select_related("domain")} if ids else {}
    found = {}
    for text in wanted:
        kind, _, rest = text.partition(":")
        relay = relays.get(int(rest)) if kind == "relay" and rest.isdecimal() else None
        if relay is not None:
            found[text] = f"{relay.transport_dest}:{relay.transport_port} ({relay.domain.name}, {relay.name})"
        else:
            found[text] = text if kind == "relay" else rest
    return found


def get_settings(actor: Actor) -> QueueSettings:
    """The settings; the usual ones, unsaved, where nobody set any. Raises: Forbidden."""
    actor.require(Right.MANAGE_QUEUES)
    return QueueSettings.objects.first() or QueueSettings()
