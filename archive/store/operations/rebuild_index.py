"""Build the index anew from journal and packs (I5), beside the old one, and put it in its place at the end."""

from __future__ import annotations

import shutil
from collections.abc import Collection

from ..index import Index
from ..indexer import BATCH_MESSAGES, LEASE, Indexer
from ..store import Store
from .report import Meter, Plan, Progress, Report, Stop, never, quiet


def plan(store: Store) -> Plan:
    messages = store.catalogue.counter("messages")
    return Plan("rebuild_index", messages, {"messages": messages, "raw_bytes": store.catalogue.counter("raw_bytes")})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """The old index answers until the new one is complete. Raises: Stopped (the old one stays)."""
    meter = Meter(plan.total, progress, stop)
    fresh = store.index_path.with_name(f"{store.index_path.name}.new")
    with store.work_lease(LEASE):
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            index = Index(fresh)
            with Indexer(store, index=index) as indexer:
                indexer.advance(stop=stop, on_messages=lambda count: meter.step(count, "indexing"))
                indexer.commit()
            found = index.searcher().num_docs
            old = store.index_path.with_name(f"{store.index_path.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            if store.index_path.exists():
                store.index_path.rename(old)
            fresh.rename(store.index_path)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        store.reopen_index()
    return Report("rebuild_index", {"messages": found})


def plan_folders(store: Store, folders: Collection[int]) -> Plan:
    """How many messages some folders hold."""
    messages = sum(store.catalogue.folder(number).messages for number in folders)
    return Plan("rebuild_index", messages, {"messages": messages, "folders": len(folders)})


def run_folders(
    store: Store, plan: Plan, folders: Collection[int], progress: Progress = quiet, stop: Stop = never
) -> Report:
    """Index the messages of some folders again, in the index that is there. Raises: Stopped (some are done)."""
    meter = Meter(plan.total, progress, stop)
    done = 0
    with Indexer(store) as indexer:
        indexer.advance(stop=stop)
        for folder in sorted(folders):
            after = -1
            while rows := store.list_folder(folder, after=after, limit=BATCH_MESSAGES):
                after = rows[0].rank
                indexer.put_again([row.number for row in rows])
                done += len(rows)
                meter.step(len(rows), "indexing")
        indexer.commit()
    return Report("rebuild_index", {"messages": done})
