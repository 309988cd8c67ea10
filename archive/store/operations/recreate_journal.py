"""Write a damaged journal anew: from the records that prove themselves, and from catalogue and packs what those lack.

What can be rebuilt: messages (number, hash, size, dates), where they lie, mailboxes, folders, dictionaries and packs.
What can't, and is said in the report: when and why messages were deleted, earlier names of folders and addresses, and
the chain: proofs of before are of the old journal, which is kept beside the new one. A journal that is whole is left
alone. `recover` does the same as a part of its work; this is for who wants only that, with the account of it.

Relies on I4 and I5. Killed at any moment, the old journal stands or the new one is whole.
"""

from __future__ import annotations

from ..journal import Record
from ..salvage import Gap, salvage
from ..store import Store
from .recover import mend_journal, rebuild_catalogue, rescue, retire_short_packs
from .report import Meter, Plan, Progress, Report, Stop, never, quiet

CANT = (
    "not rebuilt: when and why messages were deleted by lost records, and earlier names of folders and addresses",
    "not rebuilt: the hash chain; proofs from before belong to the old journal, which is kept",
)


def plan(store: Store) -> Plan:
    """What is damaged, how many records prove themselves, and what the catalogue would add. Changes nothing."""
    items = list(salvage(store.journal, store.backend))
    records = [item for item in items if isinstance(item, Record)]
    gaps = [item for item in items if isinstance(item, Gap)]
    before, after = rescue(store, records, Report("recreate_journal")) if gaps else ([], [])
    kinds = [event[0] for event in before + after]
    size = store.backend.total("packs")
    numbers = {
        "journal_gaps": len(gaps), "records_kept": len(records), "messages_rebuilt": kinds.count("msg"),
        "folders_rebuilt": kinds.count("dir"), "placements_rebuilt": kinds.count("put"),
    }  # fmt: skip
    return Plan("recreate_journal", size, numbers)


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Raises: Stopped, StoreFull."""
    report = Report("recreate_journal", {"records": 0})
    meter = Meter(plan.total, progress, stop)
    with store.backend.lock("writer.lock"):
        if not mend_journal(store, report):
            report.notes.append("the journal is whole; nothing was written anew")
            return report
        rebuild_catalogue(store, meter, report)
        retire_short_packs(store, report)
    report.notes += CANT
    return report
