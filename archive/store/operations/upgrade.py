"""Bring a store to the newest format, so that it may be written with all words of the journal.

From 1 to 3 nothing that lies there changes its meaning, so the journal is not written anew: it is read through, as an
older reader would, and then `store.json` says the new format. The catalogue, a projection, is brought up whenever a
store is opened. Relies on I5. Stopped or killed at any moment, the store is of the old format or of the new one.
"""

from __future__ import annotations

import json

from ..journal import Position
from ..layout import FORMAT, read_head
from ..store import Store
from .report import Meter, Plan, Progress, Report, Stop, never, quiet


def plan(store: Store) -> Plan:
    """Which format it has, and how much of the journal is read before it gets another."""
    now = read_head(store.backend).format
    size = store.backend.total("journal") if now < FORMAT else 0
    return Plan("upgrade", size, {"format": now, "to": FORMAT, "journal_bytes": size})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Damaged (recover first: nothing is changed), ReadOnly, Stopped."""
    report = Report("upgrade", {"format": FORMAT, "records": 0})
    meter = Meter(plan.total, progress, stop)
    with store.writer_lease():
        head = read_head(store.backend)
        if head.format == FORMAT:
            report.notes.append("the store is of the newest format already")
            return report
        for record in store.journal.read(Position(), events=False):
            json.loads(record.text.decode("utf-8", "surrogatepass"))
            report.count("records")
            meter.step(record.after.offset - record.start, "journal")
        store.backend.put("store.json", head.upgraded().as_bytes())
    report.notes.append(f"from format {head.format} to {FORMAT}")
    return report
