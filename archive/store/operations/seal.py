"""Move sealed packs of a store in PostgreSQL out of the database: to files or to S3, as it is set up.

Each is uploaded, read back and compared; only then one transaction points at the object and drops the rows. What can't
be uploaded now stays where it is and is tried again by the next run. Relies on I4: killed at any moment, the bytes lie
in the database, or outside and were compared.
"""

from __future__ import annotations

import contextlib

from ..errors import Busy, Damaged, StorageFailed
from ..packs import pack_name
from ..postgres import PostgresBackend
from ..rows import Pack
from ..store import Store
from .report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

# After so many in a row the place is taken to be out of reach, and the rest is left for the next run.
MOST_FAILURES = 3


def plan(store: Store) -> Plan:
    """Which packs are waiting; nothing where a store has no such place."""
    packs = _waiting(store)
    size = sum(pack.bytes for pack in packs)
    return Plan("seal", size, {"packs": len(packs), "bytes": size})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Problems left are packs that stay in the database for now. Raises: Stopped."""
    report = Report("seal", {"packs": 0, "bytes": 0, "loose_objects": 0})
    meter = Meter(plan.total, progress, stop)
    backend = store.backend
    if not isinstance(backend, PostgresBackend) or backend.objects is None:
        report.notes.append("this store has no place outside of its database")
        return report
    with contextlib.suppress(Busy), backend.lock("sealer.lock", wait=False):
        try:
            report.numbers["loose_objects"] = backend.sweep()
        except StorageFailed as error:
            report.notes.append(f"objects that nothing needs any more are left: {error}")
        failures = 0
        for pack in _waiting(store):
            meter.step(0, f"pack {pack.number}")
            failures = 0 if _move(store, backend, pack, report) else failures + 1
            if failures == MOST_FAILURES:
                report.notes.append("the place can't be reached; the rest is left for the next run")
                break
            meter.step(pack.bytes, f"pack {pack.number}")
    return report


def _move(store: Store, backend: PostgresBackend, pack: Pack, report: Report) -> bool:
    try:
        if backend.move_out(pack_name(pack.number), pack.bytes, pack.sha256, f"{store.identity}/packs"):
            report.count("packs")
            report.count("bytes", pack.bytes)
    except (StorageFailed, Damaged) as error:
        report.problems.append(Problem.of("packs", f"pack {pack.number}", f"it stays in the database: {error}"))
        return False
    return True


def _waiting(store: Store) -> list[Pack]:
    """Sealed packs whose bytes are rows."""
    backend = store.backend
    if not isinstance(backend, PostgresBackend) or backend.objects is None:
        return []
    inside = backend.inside()
    return [
        pack for pack in store.catalogue.packs() if pack.sealed and pack.sha256 and pack_name(pack.number) in inside
    ]
