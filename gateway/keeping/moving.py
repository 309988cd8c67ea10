"""Copies that wait are put into the stores of their mailboxes, a batch at a time.

Not for what becomes of them there, nor for the bytes left behind (`gateway.content.sweep`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from archive.errors import ArchiveError
from archive.models import Store, StoreState
from archive.services.passing import Wanted, keep_copies
from archive.services.stores import current_store
from archive.store.errors import StoreError
from config.kit import secrets
from gateway import content
from gateway.flow import InFile
from gateway.models import Content, Folder, Kept, Step
from gateway.steps import Kind, step

BATCH_ROWS = 256
BATCH_BYTES = 32 << 20
RETRY_S = 15.0
LOCK = 0x67_6B_65_70  # pg_advisory_lock: many put in at once, or one takes out
State = Kept.State
FAILURES = (ArchiveError, StoreError, secrets.SecretsError, OSError)


@dataclass
class Patience:
    """What failed a moment ago and is left alone for a while, so that it doesn't stand in the way of the rest."""

    stores: dict[int, float] = field(default_factory=dict)
    customers: dict[int | None, float] = field(default_factory=dict)  # who have no store that takes their mail
    contents: dict[int, float] = field(default_factory=dict)

    def forget_old(self) -> None:
        now = time.monotonic()
        self.stores = {key: until for key, until in self.stores.items() if until > now}
        self.customers = {key: until for key, until in self.customers.items() if until > now}
        self.contents = {key: until for key, until in self.contents.items() if until > now}

    def leave_store(self, store: Store) -> None:
        self.stores[store.pk] = time.monotonic() + RETRY_S

    def leave_customer(self, customer: int | None) -> None:
        self.customers[customer] = time.monotonic() + RETRY_S

    def leave_content(self, row: Kept) -> None:
        if row.content_id is not None:
            self.contents[row.content_id] = time.monotonic() + 20 * RETRY_S


def keep_waiting(patience: Patience) -> int:
    """Put the next batch of waiting copies into stores; how many were taken on (0: nothing waits that can be tried).

    Raises: DatabaseError; what is in a store by then is found there the next time.
    """
    patience.forget_old()
    with transaction.atomic():
        lock(exclusive=False)
        rows = _next_rows(patience)
        alone = [row for row in rows if row.mailbox is None or row.content is None]
        _leave_with_message(alone)
        movable = [row for row in rows if row.mailbox is not None and row.content is not None]
        for customer, some in _by_customer(movable).items():
            _keep(customer, some, patience)
    return len(rows)


def lock(*, exclusive: bool) -> None:
    """Until the transaction ends: nothing is taken out while something is put in, so that nobody's copy goes with
    another's.
    """
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])


def _next_rows(patience: Patience) -> list[Kept]:
    """What waits longest, at most BATCH_BYTES of it; locked, and without what others have locked."""
    waiting = Kept.objects.filter(state=State.WAITING).exclude(content__in=list(patience.contents))
    rows = (
        _without(patience.stores, _without_customers(patience.customers, waiting))
        .select_related("recipient__message", "mailbox", "content")
        .defer("content__data", "recipient__decision", "recipient__message__facts")
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("pk")[:BATCH_ROWS]
    )
    found: list[Kept] = []
    seen: set[int] = set()
    size = 0
    for row in rows:
        if row.content is not None and row.content.pk not in seen:
            seen.add(row.content.pk)
            size += row.content.size_bytes
            if found and size > BATCH_BYTES:
                break
        found.append(row)
    return found


def _without(stores: dict[int, float], waiting: QuerySet[Kept]) -> QuerySet[Kept]:
    """Not what would go to these stores."""
    if not stores:
        return waiting
    current = Store.objects.filter(state=StoreState.CURRENT, detached_at=None).values_list("pk", "customer")
    own = {customer: pk for pk, customer in current if customer is not None}
    if any(pk in stores for pk, customer in current if customer is None):
        well = [customer for customer, pk in own.items() if pk not in stores]
        return waiting.filter(Q(mailbox=None) | Q(mailbox__customer_id__in=well))
    ill = [customer for customer, pk in own.items() if pk in stores]
    return waiting.filter(Q(mailbox=None) | Q(mailbox__customer_id=None) | ~Q(mailbox__customer_id__in=ill))


def _without_customers(customers: Collection[int | None], waiting: QuerySet[Kept]) -> QuerySet[Kept]:
    """Not what is of these; None: of nobody's customer."""
    if None in customers:
        waiting = waiting.filter(Q(mailbox=None) | ~Q(mailbox__customer_id=None))
    some = [each for each in customers if each is not None]
    nobodys = Q(mailbox=None) | Q(mailbox__customer_id=None)
    return waiting.filter(nobodys | ~Q(mailbox__customer_id__in=some)) if some else waiting


def _leave_with_message(rows: Sequence[Kept]) -> None:
    """What is nobody's here stays with its message; where there is nothing to keep, nothing is kept."""
    steps = []
    for row in rows:
        row.state = State.KEPT if row.content is not None else State.GONE
        row.problem = "" if row.content is not None else _("Its bytes are gone.")
        row.sha256 = None if row.content is None else bytes(row.content.sha256)
        steps.append(_step_of(row))
    Kept.objects.bulk_update(rows, ["state", "problem", "sha256"])
    Step.objects.bulk_create(steps)


def _by_customer(rows: Sequence[Kept]) -> dict[int | None, list[Kept]]:
    """Those of each have one store."""
    found: dict[int | None, list[Kept]] = {}
    for row in rows:
        assert row.mailbox is not None
        found.setdefault(row.mailbox.customer_id, []).append(row)
    return found


def _keep(customer: int | None, rows: list[Kept], patience: Patience) -> None:
    """One batch for one store; each row says what became of it."""
    broken: dict[int, str] = {}
    numbers: dict[int, int] = {}
    problem = ""
    store: Store | None = None
    try:
        with transaction.atomic():
            store = current_store(Actor.system(), rows[0].mailbox)
        for key, number in keep_copies(store, [_wanted(row, broken) for row in rows]):
            numbers[key] = number
    except FAILURES as error:
        problem = str(error) or type(error).__name__
        if store is None:
            patience.leave_customer(customer)
        else:
            patience.leave_store(store)
    done, left = [row for row in rows if row.pk in numbers], [row for row in rows if row.pk not in numbers]
    for row in done:
        assert store is not None
        row.state, row.store_id, row.number, row.problem = State.KEPT, store.pk, numbers[row.pk], ""
        row.sha256 = bytes(row.content.sha256) if row.content is not None else None
        row.content = None
    for row in left:
        damage = broken.get(row.content_id or 0, "")
        row.problem = (damage or problem or row.problem)[:500]
        if damage:
            patience.leave_content(row)
    Kept.objects.bulk_update(done, ["state", "store_id", "number", "problem", "sha256", "content"])
    Kept.objects.bulk_update(left, ["problem"])
    Step.objects.bulk_create([_step_of(row) for row in done])


def _wanted(row: Kept, broken: dict[int, str]) -> Wanted:
    assert row.mailbox is not None and row.content is not None
    return Wanted(
        key=row.pk,
        mailbox=row.mailbox,
        folder=row.path,
        passes=row.folder != Folder.ARCHIVE,
        sha256=bytes(row.content.sha256),
        received_at=row.recipient.received_at,
        read=partial(_read, row.content.pk, broken),
    )


def _read(content_id: int, broken: dict[int, str]) -> bytes | BinaryIO | None:
    try:
        body = content.body_of(Content.objects.get(pk=content_id))
    except (content.DamagedContent, Content.DoesNotExist) as error:
        broken[content_id] = str(error)
        return None
    return body.file if isinstance(body, InFile) else body.read()  # type: ignore[return-value]  # the engine closes it


def _step_of(row: Kept) -> Step:
    data = {
        "folder": row.path,
        "until": None if row.until is None else row.until.isoformat(),
        "store": row.store_id,
        "number": row.number,
    }
    kind = Kind.KEPT if row.state == State.KEPT else Kind.PROBLEM
    return step(
        kind, row.recipient.message, row.recipient, data=data if row.state == State.KEPT else {"text": row.problem}
    )
