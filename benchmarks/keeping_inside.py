"""What benchmarks.keeping times inside a house of its own: a million small messages, a preview, 100,000 deletions.

    manage.py shell -c "from benchmarks.keeping_inside import build; build(1_000_000)"
    manage.py shell -c "from benchmarks.keeping_inside import measure; measure(3)"

Every tenth message says that it has expired. Not for exact accounts (benchmarks.decade).
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

from archive import engines
from archive.models import Store
from archive.services import holds, retention_policies, retention_preview
from archive.services.retention_dates import follow
from archive.services.retention_run import process
from archive.services.stores import current_store
from archive.store import Ingest, journal
from archive.store.operations import compact
from benchmarks.decade import BOXES, CONSOLE, values_of
from benchmarks.decade_model import FIRST, Model, Rule, invent
from benchmarks.directory_data import fill
from config.kit import secrets
from domains.models import Mailbox
from jobs.running import TaskRun

EXPIRED = Rule("Expired", 1, "years", "expired")
REST = Rule("Rest", 30, "years", deletes=False)


def build(messages: int) -> None:
    """Forty people's mail of ten years in one store, indexed. Prints {"seconds"}."""
    if not secrets.has_recovery_key():
        secrets.make_recovery_key()
    fill(BOXES, 2, 1)
    boxes = _boxes()
    opened = engines.open_store(current_store(CONSOLE))
    for box in boxes:
        opened.mailbox(box.pk, box.address)
    began = time.perf_counter()
    try:
        for month, letters in groupby(invent(messages, BOXES), key=lambda letter: letter.month):
            year, rest = divmod(FIRST.year * 12 + month, 12)
            moment = dt.datetime(year, rest + 1, 15, tzinfo=dt.UTC).timestamp()
            journal.clock = lambda moment=moment: moment  # type: ignore[misc]
            with Ingest(opened, boxes[0].pk, index="feed") as ingest:
                for letter in letters:
                    raw = letter.raw()
                    if letter.content % 10 == 0:
                        raw = raw.replace(b"Subject: ", b"Subject: expired ")
                    for at in letter.boxes:
                        ingest.put("Inbox", content=raw, mailbox=boxes[at].pk)
    finally:
        journal.clock = time.time
    print(json.dumps({"seconds": time.perf_counter() - began, "messages": opened.catalogue.counter("messages")}))


def measure(rounds: int) -> None:
    """Preview, working out, deletion, compaction, one after another. Prints one line of JSON."""
    store = Store.objects.get()
    boxes = _boxes()
    holds.place_hold(CONSOLE, holds.HoldTerms("Case 1", "Asked", mailboxes=boxes[3:6], query="subject:letter"))
    holds.place_hold(CONSOLE, holds.HoldTerms("Case 2", "Asked", date_from=dt.date(2018, 2, 1)))
    real = retention_policies.check([values_of(rule, boxes) for rule in Model.POLICIES[0]])
    found: dict[str, Any] = {"messages": engines.open_store(store).catalogue.counter("messages")}
    found["preview"] = [_timed(lambda: retention_preview.preview(real)) for _ in range(rounds)]
    retention_policies.set_policies(CONSOLE, [values_of(rule, boxes) for rule in (EXPIRED, REST)])
    found["work out"] = _timed(lambda: follow(store))
    found["preview of a change"] = [_timed(lambda: retention_preview.preview(real)) for _ in range(rounds)]
    for row in holds.list_holds(CONSOLE):
        holds.release_hold(CONSOLE, row, reason="The case is closed")
    before = _bytes(store)
    result: dict[str, Any] = {}
    found["process"] = _timed(lambda: result.update(process(CONSOLE, TaskRun(0))))
    found["deleted"] = result["deleted"]
    opened = engines.open_store(store)
    found["compact"] = _timed(lambda: compact.run(opened, compact.plan(opened)))
    found["stored_bytes"] = [before, _bytes(store)]
    print(json.dumps(found))


def _timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds by the clock on the wall and of this process's processors."""
    wall, processors = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - wall, "processor_s": time.process_time() - processors}


def _boxes() -> list[Mailbox]:
    return list(Mailbox.objects.order_by("pk")[:BOXES])


def _bytes(store: Store) -> int:
    return sum(file.stat().st_size for file in (store.root / "packs").iterdir())
