"""Build the index anew from journal and packs (I5), beside the old one, and put it in its place at the end."""

from __future__ import annotations

import shutil
from collections.abc import Collection

from ..index import Index
from ..indexer import LEASE, Indexer
from ..store import Store
from . import reindex
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
    plan = reindex.plan(store, reindex.Wanted(folders=frozenset(folders)))
    return Plan("rebuild_index", plan.total, {**plan.numbers, "folders": len(folders)})


def run_folders(
    store: Store, plan: Plan, folders: Collection[int], progress: Progress = quiet, stop: Stop = never
) -> Report:
    """Index the messages of some folders again, in the index that is there. Raises: Stopped (some are done)."""
    return reindex.run(store, plan, progress, stop, wanted=reindex.Wanted(folders=frozenset(folders)))
