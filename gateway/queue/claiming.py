"""Taking items into one's hand: by destination, the urgent and the oldest first, nobody waiting for anybody.

A claim is a lease (`claimed_until`) that its process renews while it works. A process of this machine that ended
loses its claims at once, one elsewhere when the lease is over. What was in the hand of one that ended may have been
delivered just before: whoever takes it next writes that down first, as a try that is a possible duplicate.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from config.kit import heartbeat
from domains.models import Relay
from gateway.inserting import Batch
from gateway.models import Content, Message, QueueItem
from gateway.selecting import columns_of
from gateway.steps import Kind, step_of

LEASE_S = 300
RENEW_S = 60
PRIORITIES = 10
PREFETCHED_BYTES = 32 * 1024


@dataclass(slots=True)
class Claimed:
    """An item in our hand. data: its bytes, where they are few."""

    item: QueueItem
    data: bytes | None = None


def worker_name() -> str:
    """Names this process on this machine, as long as it lives: "9f3c…|4711|81230|…"."""
    return f"{_machine()}|{os.getpid()}|{_started(os.getpid())}|{secrets.token_hex(3)}"


# Two things are written so that PostgreSQL can't guess wrong about a backlog: a level by itself is an array of one, or
# the index without it serves the order too, and every level without due items looks through the whole destination; and
# what was picked is an array, or the many that it expects are joined with a look at every row.
_CLAIM = """
    WITH picked AS (
        SELECT found.id, found.claimed_by
        FROM unnest(%(destinations)s::text[], %(rooms)s::int[]) AS wanted(destination, room)
        CROSS JOIN LATERAL (
            SELECT one.id, one.claimed_by
            FROM generate_series(0, %(last)s) AS level(priority)
            CROSS JOIN LATERAL (
                SELECT id, claimed_by, priority, next_at FROM gateway_queueitem
                WHERE state = 'waiting' AND destination = wanted.destination
                  AND priority = ANY(ARRAY[level.priority])
                  AND next_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
                ORDER BY priority, next_at, id LIMIT wanted.room
                FOR UPDATE SKIP LOCKED
            ) AS one
            ORDER BY one.priority, one.next_at, one.id LIMIT wanted.room
        ) AS found
    )
    UPDATE gateway_queueitem AS q
    SET claimed_by = %(worker)s, claimed_until = now() + make_interval(secs => %(lease)s),
        attempts = q.attempts + (q.claimed_by <> '')::int
    WHERE q.id = ANY(ARRAY(SELECT id FROM picked))
    RETURNING q.id, (SELECT picked.claimed_by FROM picked WHERE picked.id = q.id)
"""


def claim(worker: str, rooms: Mapping[str, int]) -> list[Claimed]:
    """Take due items, at most that many for each destination; the urgent and the oldest first."""
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {"destinations": list(rooms), "rooms": list(rooms.values()), "worker": worker}
        cursor.execute(_CLAIM, values | {"last": PRIORITIES - 1, "lease": LEASE_S})
        before: dict[int, str] = dict(cursor.fetchall())
        if not before:
            return []
        found = _read(cursor, list(before))
        lost = [each.item for each in found if before[each.item.pk]]
        batch = Batch()
        batch.add([step_of(item, Kind.ATTEMPT, data=_LOST | {"try": item.attempts}) for item in lost])
        batch.write()
    return found


_LOST = {"ok": False, "reply": "The process that had the message in hand ended", "possible_duplicate": True}


def _read(cursor: CursorWrapper, ids: list[int]) -> list[Claimed]:
    """The items with what belongs to them, in the order in which they are to leave. A relay is made once for all."""
    items, messages = columns_of(QueueItem, "q"), columns_of(Message, "m", without="facts")
    contents, relays = columns_of(Content, "c", without="data"), columns_of(Relay, "r")
    cursor.execute(
        f"""
        SELECT CASE WHEN c.size_bytes <= %s THEN c.data END, {items.sql}, {messages.sql}, {contents.sql}, {relays.sql}
        FROM gateway_queueitem q
        JOIN gateway_message m ON m.id = q.message_id
        JOIN gateway_content c ON c.id = q.content_id
        LEFT JOIN {Relay._meta.db_table} r ON r.id = q.relay_id
        WHERE q.id = ANY(%s) ORDER BY q.priority, q.next_at, q.id
        """,  # noqa: S608  # our names
        [PREFETCHED_BYTES, ids],
    )
    first = 1 + items.count
    second = first + messages.count
    third = second + contents.count
    found, known = [], dict[int, Relay]()
    for row in cursor.fetchall():
        item = items.row(row[1:first])
        item.message, item.content = messages.row(row[first:second]), contents.row(row[second:third])
        if item.relay_id is not None:
            item.relay = known.get(item.relay_id) or known.setdefault(item.relay_id, relays.row(row[third:]))
        found.append(Claimed(item, None if row[0] is None else bytes(row[0])))
    return found


def renew(worker: str) -> int:
    """Hold what we have in hand for longer; how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE gateway_queueitem SET claimed_until = now() + make_interval(secs => %s) WHERE claimed_by = %s"
            " AND claimed_until IS NOT NULL",
            [LEASE_S, worker],
        )
        return int(cursor.rowcount)


def give_back(worker: str, ids: Sequence[int]) -> None:
    """Let go of what was never tried."""
    QueueItem.objects.filter(pk__in=ids, claimed_by=worker).update(claimed_by="", claimed_until=None)


def free_orphans() -> int:
    """Free what processes of this machine hold that live no longer; how many items."""
    holders = QueueItem.objects.exclude(claimed_by="").filter(claimed_until__isnull=False)
    prefix = f"{_machine()}|"
    names = holders.filter(claimed_by__startswith=prefix).values_list("claimed_by", flat=True).distinct()
    dead = [name for name in names if not _lives(name)]
    return holders.filter(claimed_by__in=dead).update(claimed_until=None) if dead else 0


_DUE = """
    WITH RECURSIVE places AS (
        (SELECT destination, next_at FROM gateway_queueitem ORDER BY destination, next_at LIMIT 1)
        UNION ALL
        SELECT following.destination, following.next_at FROM places CROSS JOIN LATERAL (
            SELECT destination, next_at FROM gateway_queueitem
            WHERE destination > places.destination ORDER BY destination, next_at LIMIT 1
        ) AS following
    )
    SELECT destination FROM places WHERE next_at <= now()
"""


def due_destinations() -> list[str]:
    """Destinations that may have something to do now: one look into the index for each that has anything waiting."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        return [row[0] for row in cursor.fetchall()]


def _machine() -> str:
    return hashlib.sha256(heartbeat.here().encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When the kernel started that process, in its ticks; "" where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _lives(worker: str) -> bool:
    _, pid, started, _ = worker.split("|")
    return started != "" and _started(int(pid)) == started
