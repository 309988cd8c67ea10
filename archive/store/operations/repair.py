"""Mend a catalogue where that is quicker than replaying it: missing indexes, wrong counters, rows without a message.

What can't be mended so is built anew from journal and packs, as `recover` does it (I5). Those two are only read.
"""

from __future__ import annotations

import sqlite3

from ..errors import Damaged, StorageFailed
from ..store import Store
from .recover import rebuild_catalogue
from .report import Meter, Plan, Progress, Report, Stop, never, quiet
from .verify_catalogue import agrees

# (what, how many rows are wrong, what mends them)
MENDS = (
    ("placements of messages that are not there",
     "SELECT count(*) FROM placement WHERE number NOT IN (SELECT number FROM message)",
     "DELETE FROM placement WHERE number NOT IN (SELECT number FROM message)"),
    ("folders with a wrong number of messages",
     "SELECT count(*) FROM folder WHERE messages <> (SELECT count(*) FROM placement WHERE folder = folder.number)",
     "UPDATE folder SET messages = (SELECT count(*) FROM placement WHERE folder = folder.number)"),
    ("the number of messages",
     "SELECT (SELECT value FROM meta WHERE key = 'messages') IS DISTINCT FROM (SELECT count(*) FROM message)",
     "UPDATE meta SET value = (SELECT count(*) FROM message) WHERE key = 'messages'"),
    ("the size of all messages",
     "SELECT (SELECT value FROM meta WHERE key = 'raw_bytes') IS DISTINCT FROM "
     "(SELECT coalesce(sum(size), 0) FROM message)",
     "UPDATE meta SET value = (SELECT coalesce(sum(size), 0) FROM message) WHERE key = 'raw_bytes'"),
)  # fmt: skip


def plan(store: Store) -> Plan:
    """What is wrong with the catalogue, as far as a look tells."""
    numbers = {
        "damaged": int(not store.catalogue.is_sound()),
        "missing_indexes": len(store.catalogue.missing_indexes()),
        "wrong_rows": 0,
    }
    try:
        numbers["wrong_rows"] = sum(_count(store, sql) for _, sql, _ in MENDS)
    except (sqlite3.DatabaseError, Damaged, StorageFailed):
        numbers["damaged"] = 1
    size = store.backend.total("packs")
    return Plan("repair", size, numbers)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped (the catalogue is as it was, or mended in part), StoreFull, Damaged (recover first)."""
    report = Report("repair", {"mended": 0, "rebuilt": 0})
    meter = Meter(plan.total, progress, stop)
    with store.backend.lock("writer.lock"):
        if store.catalogue.is_sound():
            _mend(store, report)
        if not (store.catalogue.is_sound() and agrees(store, Meter(0, quiet, stop))):
            store.drop_pack()
            store.forget_readers()
            rebuild_catalogue(store, meter, report)
            report.numbers["rebuilt"] = 1
            report.notes.append("the catalogue was built anew from journal and packs")
    return report


def _count(store: Store, sql: str) -> int:
    return int(store.catalogue.reader.execute(sql).fetchone()[0])


def _mend(store: Store, report: Report) -> None:
    missing = store.catalogue.missing_indexes()
    try:
        with store.catalogue.transaction() as db:
            db.execute("SELECT count(*) FROM message")  # else SQLite goes by the tables and indexes it last knew
            for statement in missing:
                db.execute(statement)
                report.count("mended")
                report.notes.append("an index was missing: " + statement.split("(")[0].removeprefix("CREATE "))
            for what, wrong, mend in MENDS:
                if found := int(db.execute(wrong).fetchone()[0]):
                    db.execute(mend)
                    report.count("mended", found)
                    report.notes.append(f"mended: {what}")
    except (sqlite3.DatabaseError, StorageFailed) as error:
        report.notes.append(f"it can't be mended: {error}")
