"""Keep a catalogue's file in good order: fold the log back, drop free pages, refresh what the query planner knows.

A projection only (I5): journal, packs and index are not touched. Readers go on; a writer waits for the moments in which
the file is written.
"""

from __future__ import annotations

from ..store import Store
from .report import Meter, Plan, Progress, Report, Stop, never, quiet

# Below this share of free pages the file is left as it is.
LEAST_FREE = 0.1


def plan(store: Store) -> Plan:
    """How large the file is and how much of it is free. In bytes."""
    size, free, log = store.catalogue.figures()
    return Plan("maintain", 3, {"file_bytes": size, "free_bytes": free, "log_bytes": log})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped, StorageFailed (no room for the new file), which leave the catalogue as it was."""
    meter = Meter(plan.total, progress, stop)
    report = Report("maintain", {"bytes_before": plan.numbers["file_bytes"] + plan.numbers["log_bytes"]})
    store.catalogue.tidy()
    meter.step(1, "folding the log back")
    size, free, _ = store.catalogue.figures()
    if size and free / size >= LEAST_FREE:
        with store.work_lease("index.lock"):  # nobody indexes from rows that are being moved
            store.catalogue.give_back()
        report.notes.append("free pages were given back")
    meter.step(1, "giving back free pages")
    store.catalogue.optimise()
    store.catalogue.tidy()
    meter.step(1, "statistics of the query planner")
    size, _, log = store.catalogue.figures()
    report.numbers["bytes_after"] = size + log
    return report
