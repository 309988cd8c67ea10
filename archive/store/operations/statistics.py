"""Count what a store holds and takes: by its catalogue and by the files that lie there. Changes nothing."""

from __future__ import annotations

from ..packs import pack_name, pack_numbers
from ..rows import IN_COMPACTION
from ..store import Store
from .report import Meter, Plan, Progress, Report, Stop, never, quiet

PARTS = ("journal", "packs", "dictionaries")


def plan(store: Store) -> Plan:
    return Plan("statistics", len(PARTS) + 2, {"messages": store.catalogue.counter("messages")})


def run(store: Store, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """Figures in `numbers`; sizes in bytes. `deleted_bytes` is what compaction would give back. Raises: Stopped."""
    meter = Meter(plan.total, progress, stop)
    report = Report("statistics", {"format": store.format})
    numbers, catalogue = report.numbers, store.catalogue
    for part in PARTS:
        numbers[f"{part}_bytes"] = store.backend.total(part)
        meter.step(1, part)
    numbers["stored_bytes"] = sum(numbers[f"{part}_bytes"] for part in PARTS)
    numbers["messages"], numbers["raw_bytes"] = catalogue.counter("messages"), catalogue.counter("raw_bytes")
    numbers["attachments"], numbers["attachments_shared_bytes"] = catalogue.shared()
    folders = store.folders()
    numbers["folders"], numbers["mailboxes"] = len(folders), len({folder.mailbox for folder in folders})
    numbers["placements"] = sum(folder.messages for folder in folders)
    packs = {pack.number: pack for pack in catalogue.packs() if pack.state != IN_COMPACTION}
    live = catalogue.live_bytes()
    numbers["packs"] = len(packs)
    numbers["deleted_bytes"] = sum(
        max(pack.bytes - live.get(number, 0) - 128 - 24 * 64 * pack.sealed, 0)
        for number, pack in packs.items()
        if pack.bytes - live.get(number, 0) > 0.02 * pack.bytes
    )
    strays = [number for number in pack_numbers(store.backend) if number not in packs]
    numbers["stray_bytes"] = sum(store.backend.size(pack_name(number)) for number in strays)
    meter.step(1, "catalogue")
    numbers["catalogue_bytes"] = catalogue.size_bytes()
    numbers["index_bytes"], numbers["lag"] = store.index.size_bytes(), store.lag()
    numbers["records"] = catalogue.position().sequence
    meter.step(1, "index")
    return report
