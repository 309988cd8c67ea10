"""Keep a catalogue's file in good order: fold the log back, drop free pages, refresh what the query planner knows.

A projection only (I5): journal, packs and index are not touched. Readers go on; a writer waits for the moments in which
the file is written.
"""

from __future__ import annotations

import sqlite3

from ..errors import StorageFailed
from ..store import Store
from .report import Meter, Plan, Progress, Report, Stop, never, quiet

# Below this share of free pages the file is left as it is.
LEAST_FREE = 0.1


def plan(store: Store) -> Plan:
    """How large the file is and how much of it is free. In bytes."""
    size, free, log = _figures(store)
    return Plan("maintain", 3, {"file_bytes": size, "free_bytes": free, "log_bytes": log})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped, StorageFailed (no room for the new file), which leave the catalogue as it was."""
    meter = Meter(plan.total, progress, stop)
    report = Report("maintain", {"bytes_before": plan.numbers["file_bytes"] + plan.numbers["log_bytes"]})
    store.catalogue.tidy()
    meter.step(1, "folding the log back")
    size, free, _ = _figures(store)
    db = sqlite3.connect(store.catalogue.path, timeout=30, isolation_level=None)
    try:
        if size and free / size >= LEAST_FREE:
            with store.work_lease("index.lock"):  # nobody indexes from rows that are being moved
                db.execute("VACUUM")
            report.notes.append("free pages were given back")
        meter.step(1, "giving back free pages")
        db.execute("PRAGMA analysis_limit=1000")
        db.execute("PRAGMA optimize")
    except sqlite3.OperationalError as error:
        raise StorageFailed(f"the catalogue can't be tidied now: {error}") from error
    finally:
        db.close()
    store.catalogue.tidy()
    meter.step(1, "statistics of the query planner")
    size, _, log = _figures(store)
    report.numbers["bytes_after"] = size + log
    return report


def _figures(store: Store) -> tuple[int, int, int]:
    """(file, free in it, write-ahead log), in bytes."""
    db, path = store.catalogue.reader, store.catalogue.path
    page = int(db.execute("PRAGMA page_size").fetchone()[0])
    pages, free = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count"))
    log = path.with_name(f"{path.name}-wal")
    return page * pages, page * free, log.stat().st_size if log.exists() else 0
